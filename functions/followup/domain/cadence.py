"""Which check-ins a course calls for, and what remains of them under the caps."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from followup.domain import calendar
from followup.domain.course import Course
from followup.domain.protocol import Caps, CheckInRule, Protocol, Spread
from followup.domain.records import CheckInId, CheckInKind, Patient, PatientId, Question, Session

ENDED_TOO_LATE = "visit ended too late for a same-day check"
NO_DAY_LEFT = "no day left in its window"
OWN_SKIPS = (*calendar.CAPPED, ENDED_TOO_LATE, NO_DAY_LEFT)
"""Skips that planning decides, and takes back when visits change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A check-in that the course calls for."""

    kind: CheckInKind
    day: date
    """The patient's local day that it belongs to."""
    due: datetime
    until: datetime
    questions: tuple[Question, ...]
    session_id: str | None
    visit: datetime | None = None
    provisional: bool = False
    cannot: str | None = None
    """Why it cannot be asked at all."""

    @property
    def checkin_id(self) -> CheckInId:
        return CheckInId(f"{self.due:%Y-%m-%dT%H:%MZ}.{self.kind}")


@dataclass(frozen=True, slots=True)
class Placed:
    """What becomes of a wanted check-in: asked at `at`, or skipped (`at` is none). `reason` says why not when due."""

    wanted: Wanted
    at: datetime | None
    reason: str | None = None


def wanted_checkins(
    sessions: Iterable[Session], course: Course, patient: Patient, protocol: Protocol, now: datetime
) -> list[Wanted]:
    """All check-ins that may still start now or fall due within the horizon, each once, in order of time."""
    found: dict[CheckInId, Wanted] = {}
    candidates = [
        *(w for s in sorted(sessions, key=_start) for w in _around(s, patient, protocol, now)),
        *_after_series(course, patient, protocol, now),
    ]
    for wanted in candidates:
        if not (now < wanted.until and wanted.due <= now + protocol.horizon):
            continue
        held = found.get(wanted.checkin_id)
        if held is None or (held.provisional and not wanted.provisional):
            found[wanted.checkin_id] = wanted
    return sorted(found.values(), key=lambda wanted: (wanted.due, wanted.kind))


def join_reminders(wanted: Iterable[Wanted]) -> list[Wanted]:
    """A next-day check and a reminder that fall on one day become one text.

    A next-day check that still waits for its visit to be marked stays apart, so that the reminder goes in any case.
    """
    listed = list(wanted)
    reminders = {item.day: item for item in listed if item.kind == "reminder"}
    joined: set[date] = set()
    result: list[Wanted] = []
    for item in listed:
        if item.kind == "next_day" and not item.provisional and item.day in reminders:
            joined.add(item.day)
            result.append(replace(item, visit=reminders[item.day].visit))
        else:
            result.append(item)
    return [item for item in result if item.kind != "reminder" or item.day not in joined]


def place(
    wanted: Iterable[tuple[Wanted, datetime | None]],
    texted_on: Sequence[date],
    course: Course,
    patient: Patient,
    protocol: Protocol,
    now: datetime,
) -> list[Placed]:
    """Give each wanted check-in its day under the caps; the protocol's order says which are kept.

    With each comes the time at which it waits already, if it was due before and is held. `texted_on` has the days of
    texts that have gone.
    """
    order = [rule.kind for rule in protocol.checkins]
    slots = _Slots(list(texted_on), course, patient.zone, protocol.caps)
    placed = []
    for item, waits in sorted(wanted, key=lambda pair: (order.index(pair[0].kind), pair[0].due)):
        placed.append(_place(item, waits, slots, protocol, now))
    return placed


def _place(item: Wanted, waits: datetime | None, slots: "_Slots", protocol: Protocol, now: datetime) -> Placed:
    if item.cannot:
        return Placed(item, None, item.cannot)
    rule = protocol.rule(item.kind)
    clock = calendar.local(item.due, slots.zone).time()
    first = calendar.local(waits, slots.zone).date() if waits else item.day
    reason: str | None = None
    for day in (item.day + timedelta(days=ahead) for ahead in range(rule.moves_days + 1)):
        if day < first or calendar.at_local(day, rule.until, slots.zone) <= now:
            continue
        held = slots.take(day, item)
        if held is None:
            at = item.due if day == item.day else calendar.at_local(day, clock, slots.zone)
            return Placed(item, waits if waits and day == first else at, reason)
        reason = reason or held
    return Placed(item, None, reason or NO_DAY_LEFT)


@dataclass(slots=True)
class _Slots:
    """Days on which a text goes, as they are taken."""

    taken: list[date]
    course: Course
    zone: str
    caps: Caps
    reminded: set[date] | None = None

    def take(self, day: date, item: Wanted) -> str | None:
        """Take a slot on this day, or say which cap forbids it."""
        reminded = self.reminded = self.reminded or set()
        if item.kind == "next_day" and item.provisional and day in reminded:
            return None  # once its visit is marked it takes the reminder's place
        held = self._capped(day)
        if held is None:
            self.taken.append(day)
            if item.kind == "reminder":
                reminded.add(day)
        return held

    def _capped(self, day: date) -> str | None:
        held = self._cap(self.taken, day)
        if held:
            return held
        # Nor may it use up the week of a text that is placed later and comes first in the order.
        for later in {taken for taken in self.taken if 0 < (taken - day).days < 7}:
            others = [*self.taken, day]
            others.remove(later)
            held = self._cap(others, later)
            if held:
                return held
        return None

    def _cap(self, texted_on: Sequence[date], day: date) -> str | None:
        return calendar.cap_reached(
            texted_on, day, self.course.phase != "after", self.caps, series_end=series_end(self.course, self.zone)
        )


def series_end(course: Course, zone: str) -> date | None:
    """The patient's local day of the series' last infusion, from which the weekly cap after it counts."""
    return calendar.local(course.series_ended_at, zone).date() if course.series_ended_at else None


def minute_of(patient_id: PatientId, spread: Spread) -> time:
    """The patient's own minute in the spread: stable, and even over many patients."""
    minutes = spread.earliest.hour * 60 + spread.earliest.minute + zlib.crc32(patient_id.encode()) % spread.minutes
    return time(minutes // 60, minutes % 60)


def _start(session: Session) -> tuple[datetime, str]:
    return session.start, session.session_id


def _around(session: Session, patient: Patient, protocol: Protocol, now: datetime) -> Iterable[Wanted]:
    if session.status not in ("scheduled", "completed"):
        return
    provisional = session.status == "scheduled"
    if provisional and session.start > now:
        before = calendar.local(session.start, patient.zone).date()
        yield replace(_on_day("reminder", before, session.session_id, patient, protocol), visit=session.start)
    ended = calendar.local(session.end, patient.zone).date()
    yield replace(_same_day(session, ended, patient, protocol), provisional=provisional)
    yield replace(_on_day("next_day", ended, session.session_id, patient, protocol), provisional=provisional)


def _on_day(
    kind: CheckInKind,
    counted_from: date,
    session_id: str | None,
    patient: Patient,
    protocol: Protocol,
    day: int | None = None,
) -> Wanted:
    rule = protocol.rule(kind)
    its_day = counted_from + timedelta(days=day if day is not None else rule.day or 0)
    clock = rule.at or minute_of(patient.patient_id, protocol.spread)
    return Wanted(
        kind=kind,
        day=its_day,
        due=calendar.at_local(its_day, clock, patient.zone),
        until=_until(rule, its_day, patient.zone),
        questions=rule.questions,
        session_id=session_id,
    )


def _until(rule: CheckInRule, day: date, zone: str) -> datetime:
    return calendar.at_local(day + timedelta(days=rule.moves_days), rule.until, zone)


def _same_day(session: Session, day: date, patient: Patient, protocol: Protocol) -> Wanted:
    rule = protocol.rule("same_day")
    end = _up_to_the_minute(session.end)
    latest = calendar.at_local(day, rule.at or rule.until, patient.zone)
    morning = calendar.at_local(day, protocol.quiet.ends, patient.zone)
    due = min(latest, max(morning, end + timedelta(hours=rule.hours or 0)))
    too_late = due < end + timedelta(hours=rule.least_hours or 0)
    return Wanted(
        kind="same_day",
        day=day,
        due=due,
        until=_until(rule, day, patient.zone),
        questions=rule.questions,
        session_id=session.session_id,
        cannot=ENDED_TOO_LATE if too_late else None,
    )


def _up_to_the_minute(at: datetime) -> datetime:
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def _after_series(course: Course, patient: Patient, protocol: Protocol, now: datetime) -> Iterable[Wanted]:
    """Days 3 and 7 after the series' last infusion, then the chain, which goes on from each later infusion."""
    anchor = course.last_infusion_end or course.series_ended_at
    if course.phase != "after" or anchor is None:
        return
    chain = protocol.chain
    session_id = course.last_infusion.session_id if course.last_infusion else None
    counted_from = calendar.local(anchor, patient.zone).date()
    ends_series = anchor == course.series_ended_at
    special = [protocol.rule("day_3"), protocol.rule("day_7")] if ends_series else []
    for rule in special:
        yield _on_day(rule.kind, counted_from, session_id, patient, protocol)
    covered = {rule.day for rule in special}
    last_day = (calendar.local(now + protocol.horizon, patient.zone).date() - counted_from).days
    for day in range(chain.every_days, last_day + 1, chain.every_days):
        dense = day <= chain.for_weeks * 7 or _item9_fresh(
            patient, counted_from + timedelta(days=day), chain.item9_days
        )
        if day not in covered and (dense or (day - chain.for_weeks * 7) % chain.then_every_days == 0):
            yield _on_day("weekly", counted_from, session_id, patient, protocol, day)
    for week in range(chain.extra_weeks):
        day = week * 7 + chain.extra_day
        if day not in covered and _item9_fresh(patient, counted_from + timedelta(days=day), chain.item9_days):
            yield _on_day("extra_mood", counted_from, session_id, patient, protocol, day)


def _item9_fresh(patient: Patient, day: date, days: int) -> bool:
    said = patient.item9_positive_on
    return said is not None and (day - said).days <= days
