"""A clinic's protocol: what is asked when, how often at most, what gives way. The schema of protocols.yaml."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Final, Literal, get_args

from followup.domain.records import CheckInKind, Condition, Question

Stage = Literal["before", "series", "after", "maintenance"]
"""Where a patient stands: before the first infusion, in the series, after it, after a maintenance infusion."""

ITEM9: Final = "phq9:9"
"""The question on thoughts of death or self-harm."""
MAY_LEAD_TO_ITEM9: Final = ("phq9:1", "phq9:2", ITEM9)
"""Questions that a survey has which may come to ask that one: PHQ-2 can open the rest of PHQ-9."""
WEEK: Final = 7


@dataclass(frozen=True, slots=True)
class QuietHours:
    """No routine text starts between `starts` and `ends` of the patient's day, nor in the minutes before."""

    starts: time
    ends: time
    last_minutes: int
    """Minutes before `starts` in which nothing starts any more, so that nothing queued arrives inside (0-60)."""

    def __post_init__(self) -> None:
        if self.starts <= self.ends:
            raise ValueError("quiet hours must start in the evening and end in the morning")
        if not 0 <= self.last_minutes <= 60 or self.last_start <= self.ends:
            raise ValueError("last_minutes must be 0 to 60 and leave time to text in")

    @property
    def last_start(self) -> time:
        """From this time of day on nothing starts any more."""
        minutes = self.starts.hour * 60 + self.starts.minute - self.last_minutes
        return time(minutes // 60, minutes % 60)


@dataclass(frozen=True, slots=True)
class SurveyHours:
    """When a survey that may come to PHQ-9 item 9 starts: in the patient's time, on days on which the clinic is open.

    Whoever answers it with danger is then reached by staff the same day, with a working day to follow.
    """

    weekdays: tuple[int, ...]
    """0 = Monday."""
    earliest: time
    latest: time
    """From this time of day on none starts any more."""

    def __post_init__(self) -> None:
        if not self.weekdays or any(not 0 <= day < WEEK for day in self.weekdays):
            raise ValueError("weekdays must be one or more of 0 (Monday) to 6")
        if self.latest <= self.earliest:
            raise ValueError("survey hours must end after they begin")

    def holds(self, at: time) -> bool:
        return self.earliest <= at < self.latest


@dataclass(frozen=True, slots=True)
class Caps:
    """Most texts that open a conversation: a local day, and any 7 local days during and after the series."""

    per_day: int
    per_week_in_series: int
    per_week_after: int

    def __post_init__(self) -> None:
        if min(self.per_day, self.per_week_in_series, self.per_week_after) < 1:
            raise ValueError("caps must be at least 1")


@dataclass(frozen=True, slots=True)
class Spread:
    """Local times between which each patient has a minute of their own, so that not all are texted at once."""

    earliest: time
    latest: time

    def __post_init__(self) -> None:
        if self.latest <= self.earliest:
            raise ValueError("the spread must end after it begins")

    @property
    def minutes(self) -> int:
        return (self.latest.hour - self.earliest.hour) * 60 + self.latest.minute - self.earliest.minute


@dataclass(frozen=True, slots=True)
class Nudge:
    """One repeat of an unanswered question: this many hours after it was asked, on that day not before this time."""

    after_hours: int
    not_before: time


@dataclass(frozen=True, slots=True)
class CheckInRule:
    """When one kind of check-in is asked, what it asks, how long its text may still start, and when it closes.

    Days are the patient's local days, counted from the day on which the infusion ends, or for a reminder from the day
    of the visit. A kind has `day`, or `hours`, or neither (the chain, a request or a visit says its days). One that
    may come to item 9 waits for the next day of the survey hours.
    """

    kind: CheckInKind
    questions: tuple[str, ...]
    """Questions and modules, in the order in which they are asked."""
    until: time
    """Latest local time at which its text may start, on its day or on the last day it may move to."""
    also: Mapping[Condition, tuple[str, ...]] = field(default_factory=dict)
    """What patients with a condition are asked after these."""
    day: int | None = None
    from_day: int | None = None
    """With `day`: where a visit is booked up to then, it is asked before that visit, but not before this day."""
    by_day: int | None = None
    """With `day`: where survey hours put it off beyond this day, it is asked on their last day before instead."""
    at: time | None = None
    """Local time; none = the patient's own minute in the spread."""
    hours: int | None = None
    """Hours after the end of the infusion, the same day."""
    least_hours: int | None = None
    """With `hours`: pulled forward to `at` for late infusions, but never nearer to their end than this."""
    moves_days: int = 0
    """How many days later it may go when a cap or an outage holds it; 0 = its own day or not at all."""
    closes_at: time | None = None
    """Local time on the day it was asked at which it closes."""
    closes_after_hours: int | None = None
    closes_at_visit: bool = False
    """It closes when the visit that it reminds of begins, at the latest."""
    nudge: Nudge | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.hours is not None:
            raise ValueError("a check-in has a day or hours, not both")
        if (self.hours is None) != (self.least_hours is None) or (self.hours is not None and self.at is None):
            raise ValueError("hours, least_hours and at belong together")
        if self.hours is not None and self.least_hours is not None and not 0 <= self.least_hours <= self.hours:
            raise ValueError("least_hours must lie between 0 and hours")
        if self.by_day is not None and (self.day is None or self.by_day < self.day):
            raise ValueError("by_day must not be before day")
        if self.from_day is not None and (self.day is None or self.from_day > self.day):
            raise ValueError("from_day must not be after day")
        closings = (self.closes_at is not None) + (self.closes_after_hours is not None) + self.closes_at_visit
        if closings != 1:
            raise ValueError("a check-in has one of closes_at, closes_after_hours and closes_at_visit")
        if self.moves_days < 0:
            raise ValueError("moves_days must not be negative")

    def asked_of(self, condition: Condition) -> tuple[str, ...]:
        """Questions and modules for patients with this condition."""
        return (*self.questions, *self.also.get(condition, ()))


@dataclass(frozen=True, slots=True)
class Link:
    """A stretch of the chain: a check-in every so many days, for so many weeks (none: from then on)."""

    every_days: int
    for_weeks: int | None = None

    def __post_init__(self) -> None:
        if self.every_days < 1 or (self.for_weeks is not None and self.for_weeks < 1):
            raise ValueError("every_days and for_weeks must be at least 1")


@dataclass(frozen=True, slots=True)
class Chain:
    """Check-ins after the series, in days since the latest infusion, and when they may not thin out."""

    links: tuple[Link, ...]
    dense_weeks: int
    """Never thinner than the first link for so many weeks after the series."""
    item9_days: int
    """Nor for so many days after PHQ-9 item 9 was 1 or more."""
    extra_day: int
    """Those patients get mood a second time in the first weeks: on this day of the week since the infusion."""
    extra_weeks: int

    def __post_init__(self) -> None:
        if not self.links or any((link.for_weeks is None) != (link is self.links[-1]) for link in self.links):
            raise ValueError("every link but the last has for_weeks, and the last has none")
        first = self.links[0].every_days
        if first > WEEK:
            raise ValueError("the first link must be at least weekly")
        if any(link.every_days % first for link in self.links):
            raise ValueError("every_days of each link must be a multiple of the first link's")
        if any((link.for_weeks or 0) * WEEK % link.every_days for link in self.links):
            raise ValueError(
                "for_weeks must be a whole number of times every_days, or a gap opens before the next link"
            )
        if not 0 < self.extra_day < first:
            raise ValueError("extra_day must lie between two check-ins of the chain")

    def calls_for(self, day: int) -> bool:
        """Whether the links have a check-in on this day since the infusion."""
        begins = 0
        for link in self.links:
            ends = None if link.for_weeks is None else begins + link.for_weeks * WEEK
            if ends is None or day <= ends:
                return day > begins and (day - begins) % link.every_days == 0
            begins = ends
        return False


@dataclass(frozen=True, slots=True)
class Rider:
    """A question or module that rides on a check-in now and then, decided when that is asked.

    It rides when the next check-in of the chain would come more than `every_days` after it was last answered in full.
    """

    module: str
    every_days: int
    on: tuple[CheckInKind, ...]
    least_days: int = 0
    """Never sooner than this after it was last answered in full."""
    replaces: str | None = None
    """The module in whose place it is asked."""
    overdue_on: tuple[CheckInKind, ...] = ()
    """Check-ins that it rides on as well in maintenance once `every_days` are over: visits leave few others."""
    conditions: tuple[Condition, ...] = ()
    """Only patients with one of these; none = all."""
    stages: tuple[Stage, ...] = ()
    """Only in these; none = all."""

    def __post_init__(self) -> None:
        if not 0 <= self.least_days < self.every_days:
            raise ValueError("least_days must be less than every_days")

    def concerns(self, condition: Condition, stage: Stage) -> bool:
        return (not self.conditions or condition in self.conditions) and (not self.stages or stage in self.stages)


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides when a patient is texted, and what each check-in asks.

    `checkins` stand in the order in which they are kept when a cap binds; nudges come last.
    """

    quiet: QuietHours
    survey_hours: SurveyHours
    caps: Caps
    spread: Spread
    chain: Chain
    checkins: tuple[CheckInRule, ...]
    riders: tuple[Rider, ...]
    before_visit_days: int
    """After the series PHQ-9 is asked once before a visit that is booked, at most so many days before it; not if one
    was answered so shortly before."""
    horizon_days: int
    """Check-ins exist at most so many days ahead."""
    roll_days: int
    """They are extended at least this often."""
    unmarked_minutes: int
    """A visit that nobody marked so long after its planned end is a desk item."""
    late_cancel_hours: int
    questions_a_day: int | None = None
    """After so many answers a survey goes on another day, the next one of the survey hours; none = never."""
    modules: Mapping[str, tuple[Question, ...]] = field(default_factory=dict)
    """The questions of each instrument, which the check of the content fills in from instruments.yaml."""

    def __post_init__(self) -> None:
        if sorted(rule.kind for rule in self.checkins) != sorted(get_args(CheckInKind)):
            raise ValueError("checkins must name each kind once")
        for rule in self.checkins:
            times = [rule.until, *([rule.at] if rule.at else [])]
            if any(not self.quiet.ends <= at < self.quiet.last_start for at in times):
                raise ValueError(f"{rule.kind}: its times must lie outside quiet hours and their last minutes")
            if (rule.at or self.spread.latest) > rule.until:
                raise ValueError(f"{rule.kind}: until must not be before the time it is asked")
        if not self.quiet.ends <= self.spread.earliest:
            raise ValueError("the spread must begin after quiet hours end")
        if not 0 < self.roll_days < self.horizon_days:
            raise ValueError("roll_days must be shorter than horizon_days")
        if self.before_visit_days < 1:
            raise ValueError("before_visit_days must be at least 1")
        if self.questions_a_day is not None and self.questions_a_day < 3:
            raise ValueError("questions_a_day must be at least 3")

    def rule(self, kind: CheckInKind) -> CheckInRule:
        return next(rule for rule in self.checkins if rule.kind == kind)

    def rider(self, module: str) -> Rider | None:
        return next((rider for rider in self.riders if rider.module == module), None)

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)

    def expanded(self, names: Iterable[str]) -> tuple[Question, ...]:
        """The questions of these questions and modules, each once; a module that another one contains is left out."""
        listed = [self.modules.get(name, (name,)) for name in names]
        kept = [each for each in listed if not any(set(each) < set(other) for other in listed)]
        return tuple(dict.fromkeys(question for each in kept for question in each))

    def holds_item9(self, names: Iterable[str]) -> bool:
        """Whether these questions and modules may come to item 9."""
        return any(question in MAY_LEAD_TO_ITEM9 for question in self.expanded(names))

    def keeps_survey_hours(self, kind: CheckInKind) -> bool:
        """Whether check-ins of this kind start in survey hours only."""
        return self.holds_item9(self.rule(kind).questions)
