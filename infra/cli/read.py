"""`followup read`: how replies would be read, without a deployment."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

import click

from followup import content
from followup.content import Content
from followup.domain.errors import BadInput
from followup.domain.questions import expectation
from followup.domain.reading import Expectation
from followup.domain.records import Question
from followup.domain.understanding import understand
from infra.cli.session import REJECTED

YES_NO: Final = "yes_no"
_ANY_YES_NO: Final = Question("health_change")
"""Questions answered with yes or no are all read alike; `yes_no` stands for any of them."""


@click.command()
@click.argument("replies", type=click.File("rb"), default="-")
def read(replies: BinaryIO) -> None:
    """Read replies as the service would: JSON lines from a file or stdin, JSON lines on stdout.

    \b
    In:  {"text": "6 but dizzy", "question": "mood", "language": "en"}
         question: mood, pain, phq9:1 to phq9:9, gad7:1 to gad7:7, yes_no, side_effects, the id of any
         other question, or null when nothing was asked
    Out: {"value": 6, "confidence": "sure", "reason": "a number", "side_effects": ["dizziness"],
         "danger": null, "red_flags": [], "opt_out": false, "wants": []}

    A line that cannot be used is told on stderr, the others are answered, and the exit code is 1.
    """
    loaded = content.load()
    rejected = False
    for number, line in enumerate(replies, 1):
        if not line.strip():
            continue
        try:
            answer = answered(parsed(line, loaded.texts.languages), loaded)
        except BadInput as error:
            click.echo(f"line {number}, {error}", err=True)
            rejected = True
        else:
            click.echo(json.dumps(answer, ensure_ascii=False))
    if rejected:
        raise SystemExit(REJECTED)


def parsed(line: bytes, languages: Sequence[str]) -> Mapping[str, Any]:
    """One line as an object.

    Raises:
        BadInput: it is none, or a field is not as it should be; the message names the field.
    """
    try:
        fields = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadInput("the line: is not JSON in UTF-8; write one object a line") from None
    if not isinstance(fields, dict):
        raise BadInput("the line: is no JSON object; write one with text, question and language")
    if not isinstance(fields.get("text"), str):
        raise BadInput("text: is missing or no string; write the reply")
    if "question" not in fields or not (fields["question"] is None or isinstance(fields["question"], str)):
        raise BadInput("question: is missing or no string; write the id of a question, or null")
    if fields.get("language", languages[0]) not in languages:
        raise BadInput(f"language: is not known; write one of {', '.join(languages)}")
    return fields


def expected(question: str | None, loaded: Content) -> Expectation | None:
    """What counts as an answer to this question.

    Raises:
        BadInput: there is no such question.
    """
    if question is None:
        return None
    wanted = _ANY_YES_NO if question == YES_NO else Question(question)
    if wanted not in loaded.questions.questions:
        known = ", ".join((YES_NO, *loaded.questions.questions))
        raise BadInput(f"question: there is no such question; write null or one of {known}")
    return expectation(wanted, loaded.questions)


def answered(fields: Mapping[str, Any], loaded: Content) -> dict[str, Any]:
    """How the reply is understood, in the order of the output."""
    wanted = expected(fields["question"], loaded)
    understood = understand(fields["text"], wanted, rules=loaded.danger, keywords=loaded.keywords, words=loaded.reading)
    first, reading = understood.first, understood.reading
    value: int | str | None = reading.value
    if wanted is not None and wanted.form == "yes_no" and reading.value is not None:
        value = "yes" if reading.value else "no"
    return {
        "value": value,
        "confidence": reading.confidence,
        "reason": reading.reason,
        "side_effects": list(reading.side_effects),
        "danger": first.tier,
        "red_flags": list(first.red_flags),
        "opt_out": first.opts_out,
        "wants": list(reading.wants),
    }
