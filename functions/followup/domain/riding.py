"""What a check-in asks, decided when it is asked, because what was answered meanwhile changes what is due.

PHQ-9 takes the place of PHQ-2 in a weekly check-in when the next one would come too late; other modules ride now and
then. Before a visit PHQ-9 is asked unless one was answered in the days before, and because mood drifts unless one was
answered within its least interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from followup.domain.course import Course
from followup.domain.protocol import CheckInRule, Protocol, Rider, Stage
from followup.domain.records import CheckInKind, Condition, Patient, Question, SurveyReason

PHQ9 = "phq9"
FILLED_LATELY = "filled in lately"
"""Why a survey has nothing to ask any more."""

_CONFIRMED_BY_DAYS = 1
"""A PHQ-9 answered so shortly before the confirming one was due has confirmed already."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """A check-in about to be asked, or planned for a day."""

    kind: CheckInKind
    joined: tuple[CheckInKind, ...]
    reasons: tuple[SurveyReason, ...]
    day: date
    """The patient's local day."""
    next_weekly: date | None
    """The day of the next check-in of the chain after this day; none if there is none to come."""
    survey_hours: bool
    """Whether a survey that may come to item 9 may start."""

    @property
    def kinds(self) -> tuple[CheckInKind, ...]:
        """Reminder first, because its visit is spoken of first."""
        return tuple(sorted((self.kind, *self.joined), key=lambda kind: kind != "reminder"))


def stage_of(course: Course) -> Stage:
    """The patient's stage; maintenance begins with the first maintenance infusion."""
    last = course.last_infusion
    if course.phase == "after" and last is not None and last.series == "maintenance":
        return "maintenance"
    return course.phase


def planned_questions(kinds: Iterable[CheckInKind], condition: Condition, protocol: Protocol) -> tuple[Question, ...]:
    """What check-ins of these kinds ask by the protocol alone, before anything rides on them."""
    return protocol.expanded(_names(kinds, condition, protocol))


def questions_for(occasion: Occasion, patient: Patient, stage: Stage, protocol: Protocol) -> tuple[Question, ...]:
    """What the check-in asks now: each question once, in order; none if all of it was answered lately."""
    filled = dict(patient.filled_on)
    names = list(_names(occasion.kinds, patient.condition, protocol))
    if "survey" in occasion.kinds and not _survey_wanted(occasion, filled, protocol):
        names = _without_survey(names, occasion, patient.condition, protocol)
    for rider in protocol.riders:
        if not rider.concerns(patient.condition, stage) or rider.module in names:
            continue
        # Modules without a total of their own are kept by their first question.
        last = filled.get(rider.module, filled.get(protocol.expanded((rider.module,))[0]))
        if _due(rider, occasion, last, stage):
            if rider.replaces in names:
                names[names.index(rider.replaces)] = rider.module
            else:
                names.append(rider.module)
    if not occasion.survey_hours and not protocol.keeps_survey_hours(occasion.kind):
        names = [name for name in names if not protocol.holds_item9((name,))]
    return protocol.expanded(names)


def carries_phq9(occasion: Occasion, patient: Patient, stage: Stage, protocol: Protocol) -> bool:
    """Whether PHQ-9 is among what this check-in would ask."""
    items = set(protocol.expanded((PHQ9,)))
    return items <= set(questions_for(occasion, patient, stage, protocol))


def _names(kinds: Iterable[CheckInKind], condition: Condition, protocol: Protocol) -> tuple[str, ...]:
    rules: Sequence[CheckInRule] = [protocol.rule(kind) for kind in kinds]
    return tuple(dict.fromkeys(name for rule in rules for name in rule.asked_of(condition)))


def _without_survey(names: list[str], occasion: Occasion, condition: Condition, protocol: Protocol) -> list[str]:
    others = [kind for kind in occasion.kinds if kind != "survey"]
    kept = set(_names(others, condition, protocol))
    return [name for name in names if name in kept]


def _survey_wanted(occasion: Occasion, filled: dict[str, date], protocol: Protocol) -> bool:
    last, rider = filled.get(PHQ9), protocol.rider(PHQ9)
    if last is None:
        return True
    ago = (occasion.day - last).days
    if "clinician" in occasion.reasons:
        return True
    if "confirmation" in occasion.reasons:
        return ago > _CONFIRMED_BY_DAYS
    if "before_visit" in occasion.reasons and ago > protocol.before_visit_days:
        return True
    return ago >= (rider.least_days if rider else 0)


def _due(rider: Rider, occasion: Occasion, last: date | None, stage: Stage) -> bool:
    late = stage == "maintenance" and any(kind in rider.overdue_on for kind in occasion.kinds)
    if not late and not any(kind in rider.on for kind in occasion.kinds):
        return False
    if last is None:
        return True
    ago = (occasion.day - last).days
    if ago < rider.least_days:
        return False
    if late or occasion.next_weekly is None:
        return ago >= rider.every_days
    return (occasion.next_weekly - last).days > rider.every_days
