"""A survey as a state machine: which question is open, what an answer opens or makes needless, what a correction does.

The questions of a check-in stand in the order in which they are asked. A branch puts its questions behind those that
opened it; when a correction takes its reason away, those of them that nobody has answered go again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Literal

from followup.domain.records import Answer, CheckIn, FlagGroup, Level, Question

Told = Literal["effects", "severity", "still_there"]
"""What an answer may tell beside its value, which makes a later question needless."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Questions that open once all of `after` are answered and their values add up to at least `least`.

    `above_reference`: and to so much more than the patient's own reference on `instrument`, where there is one.
    `at_most_every_days`: and only if `fills`, the instrument that the opened questions complete, was not filled in
    within so many days (0 = however often).
    """

    after: tuple[Question, ...]
    least: int
    opens: tuple[Question, ...]
    instrument: str | None = None
    above_reference: int = 0
    fills: str | None = None
    at_most_every_days: int = 0

    def __post_init__(self) -> None:
        if not self.after or not self.opens:
            raise ValueError("a branch has questions that open it and questions that it opens")
        if (self.above_reference > 0) != (self.instrument is not None):
            raise ValueError("above_reference and instrument belong together")
        if (self.at_most_every_days > 0) != (self.fills is not None):
            raise ValueError("at_most_every_days and fills belong together")


@dataclass(frozen=True, slots=True)
class Skip:
    """A question that is not asked when an earlier answer of the check-in told as much already."""

    question: Question
    told: Told


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an answer of at least `least` calls for by itself: a flag in `group`, an alert of `level`, or both."""

    question: Question
    least: int
    rule: str
    group: FlagGroup | None = None
    level: Level | None = None

    def __post_init__(self) -> None:
        if self.group is None and self.level is None:
            raise ValueError("a consequence raises a flag, an alert, or both")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What follows on answers, in all surveys (content/surveys.yaml).

    `now_and_then`: questions that ride on a check-in from time to time; the day of their last answer is kept.
    """

    branches: tuple[Branch, ...]
    skips: tuple[Skip, ...]
    consequences: tuple[Consequence, ...] = ()
    now_and_then: tuple[Question, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What a branch may ask about the patient: own references by instrument, and when each was last filled in."""

    today: date
    references: Mapping[str, float] = field(default_factory=dict)
    filled_on: Mapping[str, date] = field(default_factory=dict)


def record(checkin: CheckIn, answer: Answer, flow: Flow, known: Known) -> CheckIn:
    """The check-in with one more answer, in the place of an earlier one to the same question, and what follows."""
    held = answer_to(checkin, answer.question)
    if held is None:
        answers = (*checkin.answers, answer)
    else:
        renewed = replace(answer, at=held.at, before=(*held.before, held.value))
        answers = tuple(renewed if each is held else each for each in checkin.answers)
    return _following(replace(checkin, answers=answers, asked_again=False), flow, known)


def answer_to(checkin: CheckIn, question: Question) -> Answer | None:
    """The answer that stands for a question of this check-in."""
    return next((answer for answer in checkin.answers if answer.question == question), None)


def last_answer(checkin: CheckIn) -> Answer | None:
    """The answer that was given last; a correction without more words speaks of this one."""
    return checkin.answers[-1] if checkin.answers else None


def in_all(checkin: CheckIn) -> tuple[Question, ...]:
    """The questions of the whole survey, those of the day before too if it is split over days."""
    return (*(answer.question for answer in checkin.carried), *checkin.questions)


def values(checkin: CheckIn) -> dict[Question, int]:
    """The answers that have a value."""
    return {answer.question: answer.value for answer in checkin.answers if answer.value is not None}


def given_at(checkin: CheckIn, questions: Sequence[Question]) -> datetime:
    """When the last of these questions was answered; at least one of them must have been."""
    return max(answer.at for answer in (*checkin.carried, *checkin.answers) if answer.question in questions)


def _following(checkin: CheckIn, flow: Flow, known: Known) -> CheckIn:
    answered = {answer.question for answer in checkin.answers}
    listed, opened = list(checkin.questions), list(checkin.opened)
    before = {answer.question for answer in checkin.carried}
    for branch in flow.branches:
        here = [question for question in branch.after if question in listed]
        if not here or not before.issuperset(set(branch.after) - set(here)):
            continue
        if _holds(branch, (*checkin.carried, *checkin.answers), known):
            missing = [question for question in branch.opens if question not in listed]
            # Questions of the branch that stand already keep their place; the others follow the last of them.
            place = max(listed.index(question) for question in (*here, *branch.opens) if question in listed) + 1
            listed[place:place] = missing
            opened += missing
        else:
            gone = [question for question in branch.opens if question in opened and question not in answered]
            listed = [question for question in listed if question not in gone]
            opened = [question for question in opened if question not in gone]
    told = _told(checkin.answers)
    needless = {skip.question for skip in flow.skips if skip.told in told} - answered
    return replace(
        checkin,
        questions=tuple(question for question in listed if question not in needless),
        opened=tuple(question for question in opened if question not in needless),
    )


def _holds(branch: Branch, answers: tuple[Answer, ...], known: Known) -> bool:
    given = {answer.question: answer.value for answer in answers}
    counted = [given.get(question) for question in branch.after]
    if any(value is None for value in counted):
        return False
    reached = sum(value for value in counted if value is not None)
    reference = known.references.get(branch.instrument) if branch.instrument else None
    if reached < branch.least or (reference is not None and reached < reference + branch.above_reference):
        return False
    filled = known.filled_on.get(branch.fills) if branch.fills else None
    return filled is None or (known.today - filled).days >= branch.at_most_every_days


def _told(answers: tuple[Answer, ...]) -> set[Told]:
    told: set[Told] = set()
    for answer in answers:
        if answer.effects:
            told.add("effects")
        if answer.severity is not None:
            told.add("severity")
        if answer.still_there is not None:
            told.add("still_there")
    return told
