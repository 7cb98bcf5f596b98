"""A clinic's protocol: when check-ins are asked, how often at most, what gives way. The schema of protocols.yaml."""

from dataclasses import dataclass
from datetime import time, timedelta
from typing import get_args

from followup.domain.records import CheckInKind, Question


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
    """When one kind of check-in is asked, how long its text may still start, and when it closes.

    Days are the patient's local days, counted from the day on which the infusion ends, or for a reminder from the day
    of the visit. A kind has `day`, or `hours`, or neither (the chain says its days).
    """

    kind: CheckInKind
    questions: tuple[Question, ...]
    until: time
    """Latest local time at which its text may start, on its day or on the last day it may move to."""
    day: int | None = None
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
    nudge: Nudge | None = None

    def __post_init__(self) -> None:
        if self.day is not None and self.hours is not None:
            raise ValueError("a check-in has a day or hours, not both")
        if (self.hours is None) != (self.least_hours is None) or (self.hours is not None and self.at is None):
            raise ValueError("hours, least_hours and at belong together")
        if self.questions and (self.closes_at is None) == (self.closes_after_hours is None):
            raise ValueError("a check-in with questions has closes_at or closes_after_hours")
        if self.moves_days < 0:
            raise ValueError("moves_days must not be negative")


@dataclass(frozen=True, slots=True)
class Chain:
    """Check-ins after the series, in days since the latest infusion, and when they may thin out."""

    every_days: int
    for_weeks: int
    """So many weeks; thinner after that."""
    then_every_days: int
    item9_days: int
    """Never thinner for so many days after PHQ-9 item 9 was 1 or more."""
    extra_day: int
    """Those patients get mood a second time in the first weeks: on this day of the week since the infusion."""
    extra_weeks: int

    def __post_init__(self) -> None:
        if self.every_days < 1 or self.then_every_days % self.every_days:
            raise ValueError("then_every_days must be a multiple of every_days")
        if not 0 < self.extra_day < self.every_days:
            raise ValueError("extra_day must lie between two check-ins of the chain")


@dataclass(frozen=True, slots=True)
class Protocol:
    """Everything that decides when a patient is texted.

    `checkins` stand in the order in which they are kept when a cap binds; nudges come last.
    """

    quiet: QuietHours
    caps: Caps
    spread: Spread
    chain: Chain
    checkins: tuple[CheckInRule, ...]
    horizon_days: int
    """Check-ins exist at most so many days ahead."""
    roll_days: int
    """They are extended at least this often."""
    unmarked_minutes: int
    """A visit that nobody marked so long after its planned end is a desk item."""
    late_cancel_hours: int

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

    def rule(self, kind: CheckInKind) -> CheckInRule:
        return next(rule for rule in self.checkins if rule.kind == kind)

    @property
    def horizon(self) -> timedelta:
        return timedelta(days=self.horizon_days)
