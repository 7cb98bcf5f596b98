"""Which questions a text answers: the open one, others that it names, or earlier ones whose answers it corrects.

A wrong answer on a chart is worse than one more question: what was written before a question was put is no answer to
it, and what takes back an earlier answer is none to the open question.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from followup.domain import survey
from followup.domain.answers import SIDE_EFFECTS
from followup.domain.checkin import Place, last_asked
from followup.domain.clinic import ClinicSettings
from followup.domain.protocol import Protocol
from followup.domain.reading import Expectation, Reading, ReadingWords, read
from followup.domain.records import Answer, Chart, CheckIn, Incoming, Patient, Question
from followup.domain.script import Script

_CORRECTED_WITHIN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Reader:
    """What reading needs beside the records."""

    settings: ClinicSettings
    protocol: Protocol
    script: Script
    words: ReadingWords


@dataclass(frozen=True, slots=True)
class Said:
    """One text with what it was read as, and where it belongs."""

    incoming: Incoming
    chart: Chart
    patient: Patient
    reading: Reading


@dataclass(frozen=True, slots=True)
class Given:
    """Answers of a text, the check-in that they belong to, and whether they take the place of earlier ones."""

    spot: Place
    answers: tuple[Answer, ...]
    corrects: bool = False


def expected(question: Question | None, reader: Reader) -> Expectation | None:
    return reader.script.expects(question) if question is not None else None


def correction(said: Said, question: Question | None, reader: Reader) -> Given | None:
    """Answers in the place of earlier ones of the last two hours, if the text says that these were wrong.

    "Sorry, meant 3" speaks of the last answer, not of a question that has been asked since; where the last text gave
    several, it is not sure of which. "Mood is 6" speaks of mood, whatever was asked since.
    """
    incoming, reading = said.incoming, said.reading
    held = last_asked(said.chart, incoming.received)
    lately = _lately(held, incoming)
    if held is None or not lately or reading.automatic:
        return None
    found: list[Answer] = []
    for topic, value in reading.others:
        about = reader.script.about(topic, among=tuple(answer.question for answer in lately))
        earlier = survey.answer_to(held, about) if about is not None else None
        if (
            earlier is not None
            and about != question
            and earlier.value != value
            and _fits(earlier.question, value, reader)
        ):
            found.append(replace(earlier, value=value))
    if found and (question is not None or not reading.more_said):
        return Given(Place(held, late=False), tuple(found), corrects=True)
    last = [answer for answer in lately if answer.at == lately[-1].at]
    if not reading.correction or len(last) > 1:
        return None
    again = read(incoming.body, expected(last[0].question, reader), reader.words)
    same = (again.value, again.side_effects) == (last[0].value, last[0].effects)
    if again.confidence != "sure" or again.value is None or same:
        return None
    return Given(Place(held, late=False), (_one(last[0].question, again, incoming, late=last[0].late),), corrects=True)


def _lately(held: CheckIn | None, incoming: Incoming) -> tuple[Answer, ...]:
    """The answers of a check-in that may still be corrected, in the order in which they were given."""
    if held is None:
        return ()
    recent = (answer for answer in held.answers if incoming.received - answer.at <= _CORRECTED_WITHIN)
    return tuple(sorted(recent, key=lambda answer: answer.at))


def said_twice(said: Said, spot: Place) -> bool:
    """Whether the text was written before the open question was put, and repeats the answer to the one before."""
    last = survey.last_answer(spot.checkin)
    if last is None or not _early(said, spot):
        return False
    earlier = (
        text.body
        for text in said.chart.incoming
        if text.received == last.at and text.sid != said.incoming.sid and text.status == "read"
    )
    return said.incoming.body.strip() in {body.strip() for body in earlier}


def _early(said: Said, spot: Place) -> bool:
    """Whether the text was written before the open question was put, so that it cannot be the answer to it."""
    since = spot.checkin.asking_since
    # The carrier tells times to the second.
    return since is not None and said.incoming.received < since.replace(microsecond=0)


def given(said: Said, spot: Place, question: Question, reader: Reader) -> tuple[Answer, ...]:
    """The answers in a text, that to the open question first.

    An answer to another question of the check-in counts when the text names what it is about ("mood 7, pain 3").
    Side effects named in passing answer the question about them, if it is to come. What takes back an earlier answer
    is none to the open question.
    """
    reading, incoming, early = said.reading, said.incoming, _early(said, spot)
    found: list[Answer] = []
    taken_back = reading.correction and bool(spot.checkin.answers)
    if early:
        # Only what says by itself what it is about.
        reading = read(incoming.body, None, reader.words)
    elif not taken_back:
        found.extend(_to_open_question(said, question, reader, late=spot.late))
    for topic, value in reading.others:
        other = reader.script.about(topic, among=spot.checkin.questions)
        wanted = other is not None and (early or other != question) and _to_come(other, spot.checkin)
        if other is not None and wanted and _fits(other, value, reader):
            found.append(Answer(other, value, incoming.received, late=spot.late))
    named = reading.side_effects and _to_come("side_effects", spot.checkin)
    if named and (early or (found and question not in SIDE_EFFECTS)):
        found.append(_one("side_effects", replace(reading, value=1), incoming, late=spot.late))
    return tuple(found)


def _to_open_question(said: Said, question: Question, reader: Reader, *, late: bool) -> tuple[Answer, ...]:
    reading = said.reading
    answer = _one(question, reading, said.incoming, late=late)
    if reading.automatic:
        return ()
    if reading.confidence == "sure":
        if question == "which_effects" and reading.value == 0:
            # "Some", and then none after all.
            return (answer, Answer("side_effects", 0, said.incoming.received, late=late))
        return (answer,)
    if question == "still_there" and reading.still_there is not None and reading.confidence == "none":
        return (replace(answer, value=int(reading.still_there == "yes")),)
    if question == "how_bad" and reading.severity is not None and reading.confidence == "none":
        return (replace(answer, value=0 if reading.severity == "mild" else None),)
    # Words that nobody knows are an answer where words were asked for.
    words_wanted = _takes_words(question, reader) and reading.more_said
    return (answer,) if words_wanted else ()


def _fits(question: Question, value: int, reader: Reader) -> bool:
    asked = reader.script.questions.asked(question)
    return asked.low <= value <= asked.high


def _to_come(question: Question, checkin: CheckIn) -> bool:
    return question in checkin.questions and survey.answer_to(checkin, question) is None


def _takes_words(question: Question, reader: Reader) -> bool:
    """Whether any words are an answer to this question."""
    return reader.script.questions.asked(question).form == "words"


def _one(question: Question, reading: Reading, incoming: Incoming, *, late: bool) -> Answer:
    still = None if reading.still_there is None else reading.still_there == "yes"
    return Answer(
        question, reading.value, incoming.received, reading.side_effects, late, reading.severity, still_there=still
    )
