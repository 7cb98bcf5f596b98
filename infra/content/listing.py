"""Every question as a patient reads it, with what it costs to send: for whoever approves the wording."""

from collections.abc import Iterator

from followup.content import Content
from followup.domain.asking import POSITIONS, wording_of
from followup.domain.questions import progress
from followup.domain.segments import count
from infra.content.rules import days_of, longest_time

NAME = "Lakeside Wellness"
"""A clinic's name of ordinary length."""


def question_texts(content: Content) -> Iterator[str]:
    """A line for each question, language and place in a conversation: encoding, segments, text."""
    for question, asked in content.questions.questions.items():
        stem = content.questions.stem(question)
        items = [other for other in content.questions.questions if content.questions.stem(other) is stem]
        number, of = progress(items, question, content.questions)
        for language in content.texts.languages:
            own = {
                "day": days_of(content.texts, language)[0] if "day" in asked.slots else "",
                "time": longest_time(content.texts, language) if "time" in asked.slots else "",
            }
            for position in POSITIONS:
                body = wording_of(
                    question,
                    language,
                    position,
                    questions=content.questions,
                    texts=content.texts,
                    number=number,
                    of=of,
                    sms_name=NAME,
                    **own,
                )
                size = count(body)
                yield f"{question} {language} {position}: {size.encoding}, {size.segments}: {body}"
