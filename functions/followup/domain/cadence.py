"""Which check-ins a course calls for, and what remains of them under the caps."""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta

from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.course import Course
from followup.domain.protocol import CheckInRule, Protocol, Spread
from followup.domain.records import (
    CheckIn,
    CheckInId,
    CheckInKind,
    Patient,
    PatientId,
    Plan,
    Question,
    Session,
    SurveyReason,
)
from followup.domain.riding import PHQ9, Occasion, carries_phq9, planned_questions, questions_for, stage_of

ENDED_TOO_LATE = "visit ended too late for a same-day check"
NO_DAY_LEFT = "no day left in its window"
OWN_SKIPS = (*calendar.CAPPED, ENDED_TOO_LATE, NO_DAY_LEFT)
"""Skips that planning decides, and takes back when visits change."""
CHAIN: tuple[CheckInKind, ...] = ("day_7", "day_14", "survey", "weekly", "day_3", "extra_mood")
"""Check-ins that belong to no visit. Those of one day are asked in the first of them."""

_ON_A_REMINDER: tuple[CheckInKind, ...] = ("baseline", "day_7", "day_14", "survey")
"""Surveys that are asked in a reminder of the same day: a visit leaves no room for them in its week."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What planning goes by, beside the visits."""

    patient: Patient
    course: Course
    settings: ClinicSettings
    protocol: Protocol

    @property
    def zone(self) -> str:
        return self.patient.zone

    def day_of(self, at: datetime) -> date:
        return calendar.local(at, self.zone).date()

    def survey_day_from(self, day: date) -> date | None:
        return calendar.survey_day_from(day, self.settings, self.protocol.survey_hours)

    def survey_day_before(self, day: date, within: int) -> date | None:
        return calendar.survey_day_before(day, within, self.settings, self.protocol.survey_hours)

    def survey_day(self, day: date) -> bool:
        return calendar.survey_day(day, self.settings, self.protocol.survey_hours)


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
    days: tuple[date, ...]
    """The local days on which it may be asked, in the order in which they are tried."""
    visit: datetime | None = None
    joined: tuple[CheckInKind, ...] = ()
    reasons: tuple[SurveyReason, ...] = ()
    provisional: bool = False
    cannot: str | None = None
    """Why it cannot be asked at all."""

    @property
    def checkin_id(self) -> CheckInId:
        return CheckInId(f"{self.due:%Y-%m-%dT%H:%MZ}.{self.kind}")

    @property
    def kinds(self) -> tuple[CheckInKind, ...]:
        return (self.kind, *self.joined)


@dataclass(frozen=True, slots=True)
class Placed:
    """What becomes of a wanted check-in: asked at `at`, or skipped (`at` is none). `reason` says why not when due."""

    wanted: Wanted
    at: datetime | None
    reason: str | None = None


def uncounted(kind: CheckInKind, reasons: Sequence[SurveyReason]) -> bool:
    """Whether it stays outside the weekly caps, as a confirming PHQ-9 on its own does."""
    return kind == "survey" and "confirmation" in reasons


def composed(checkin: CheckIn, setting: Setting, now: datetime) -> tuple[Question, ...]:
    """The questions of a check-in that is asked now; none if all of it was answered lately."""
    if checkin.kind == "continued":
        return checkin.questions
    today = setting.day_of(now)
    occasion = Occasion(
        kind=checkin.kind,
        joined=checkin.joined,
        reasons=checkin.reasons,
        day=today,
        next_weekly=next_weekly(setting, today),
        survey_hours=calendar.in_survey_hours(now, setting.zone, setting.settings, setting.protocol.survey_hours),
    )
    return questions_for(occasion, setting.patient, stage_of(setting.course), setting.protocol)


def wanted_checkins(plan: Plan, setting: Setting, now: datetime) -> list[Wanted]:
    """All check-ins that may still start now or fall due within the horizon, each once, in order of time."""
    found: dict[CheckInId, Wanted] = {}
    sessions = sorted(plan.sessions, key=_start)
    candidates = [
        *(w for s in sessions for w in _around(s, setting, now)),
        *_baseline(sessions, setting, now),
        *_after_series(sessions, setting, now),
        *_surveys(plan, sessions, setting, now),
    ]
    for wanted in candidates:
        if not (now < wanted.until and wanted.due <= now + setting.protocol.horizon):
            continue
        held = found.get(wanted.checkin_id)
        if held is not None and wanted.reasons:
            found[wanted.checkin_id] = _for_both(held, wanted)
        elif held is None or (held.provisional and not wanted.provisional):
            found[wanted.checkin_id] = wanted
    return sorted(found.values(), key=lambda wanted: (wanted.due, wanted.kind))


def _for_both(one: Wanted, other: Wanted) -> Wanted:
    """Two surveys of the same day are one, for both reasons."""
    days = tuple(dict.fromkeys((*one.days, *other.days)))
    reasons = tuple(sorted({*one.reasons, *other.reasons}))
    return replace(one, reasons=reasons, days=days, until=max(one.until, other.until))


def join(wanted: Iterable[Wanted], setting: Setting) -> list[Wanted]:
    """Check-ins that fall on one day become one text, where they may.

    A reminder and a next-day check do, and a survey of that day; so do check-ins that belong to no visit. A next-day
    check that still waits for its visit to be marked stays apart, so that the reminder goes in any case.
    """
    by_day: dict[date, list[Wanted]] = {}
    for item in wanted:
        by_day.setdefault(item.day, []).append(item)
    joined = [each for items in by_day.values() for each in _joined_on_a_day(items, setting)]
    return sorted(joined, key=lambda item: (item.due, item.kind))


def _joined_on_a_day(items: Sequence[Wanted], setting: Setting) -> list[Wanted]:
    left = list(items)
    reminder = next((item for item in left if item.kind == "reminder"), None)
    if reminder is not None:
        before = [item for item in left if item.kind in _ON_A_REMINDER]
        check = next((item for item in left if item.kind == "next_day" and not item.provisional), None)
        leader = reminder if check is None else replace(check, visit=reminder.visit)
        others = ([] if check is None else [reminder]) + before
        # Two reminders of one day are one visit entered twice, or two visits: the first is reminded of.
        left = [item for item in left if item not in before and item.kind != "reminder" and item is not check]
        left.append(_with_others(leader, others, setting) if others else leader)
    chain = sorted((item for item in left if item.kind in CHAIN), key=lambda item: CHAIN.index(item.kind))
    if len(chain) > 1:
        left = [item for item in left if item.kind not in CHAIN]
        left.append(_with_others(chain[0], chain[1:], setting))
    return left


def _with_others(leader: Wanted, others: Sequence[Wanted], setting: Setting) -> Wanted:
    kinds = tuple(dict.fromkeys(kind for item in others for kind in item.kinds if kind != leader.kind))
    reasons = tuple(sorted({reason for item in (leader, *others) for reason in item.reasons}))
    together = sorted((leader.kind, *kinds), key=lambda kind: kind != "reminder")
    questions = planned_questions(together, setting.patient.condition, setting.protocol)
    return replace(leader, joined=kinds, reasons=reasons, questions=questions)


def place(
    wanted: Iterable[tuple[Wanted, datetime | None]],
    texted_on: Sequence[date],
    beside: Sequence[date],
    setting: Setting,
    now: datetime,
) -> list[Placed]:
    """Give each wanted check-in its day under the caps; the protocol's order says which are kept.

    With each comes the time at which it waits already, if it was due before and is held. `texted_on` has the days of
    texts that have gone, `beside` those of texts that the weekly caps do not count.
    """
    slots = _Slots(list(texted_on), setting, beside=set(beside))
    placed = []
    for item, waits in sorted(wanted, key=lambda pair: (_rank(pair[0], setting), pair[0].due)):
        placed.append(_place(item, waits, slots, setting, now))
    return placed


def _rank(item: Wanted, setting: Setting) -> int:
    """Its place in the order in which check-ins are kept: a weekly one that carries PHQ-9 stands with the surveys."""
    order = [rule.kind for rule in setting.protocol.checkins]
    rank = min(order.index(kind) for kind in item.kinds)
    if item.kind != "weekly":
        return rank
    occasion = Occasion(item.kind, item.joined, item.reasons, item.day, next_weekly(setting, item.day), True)
    carries = carries_phq9(occasion, setting.patient, stage_of(setting.course), setting.protocol)
    return order.index("survey") if carries else rank


def _place(item: Wanted, waits: datetime | None, slots: "_Slots", setting: Setting, now: datetime) -> Placed:
    if item.cannot:
        return Placed(item, None, item.cannot)
    rule, zone = setting.protocol.rule(item.kind), setting.zone
    clock = calendar.local(item.due, zone).time()
    first = setting.day_of(waits) if waits else None
    reason: str | None = None
    for day in item.days:
        if (first is not None and day < first) or calendar.at_local(day, rule.until, zone) <= now:
            continue
        held = slots.take(day, item)
        if held is None:
            at = item.due if day == item.day else calendar.at_local(day, clock, zone)
            return Placed(item, waits if waits and day == first else at, reason)
        reason = reason or held
    return Placed(item, None, reason or NO_DAY_LEFT)


@dataclass(slots=True)
class _Slots:
    """Days on which a text goes, as they are taken."""

    taken: list[date]
    setting: Setting
    beside: set[date]
    reminded: set[date] = field(default_factory=set)

    def take(self, day: date, item: Wanted) -> str | None:
        """Take a slot on this day, or say which cap forbids it."""
        if item.kind == "next_day" and item.provisional and day in self.reminded:
            return None  # once its visit is marked it takes the reminder's place
        if day in self.beside:
            return calendar.DAILY_CAP
        if uncounted(item.kind, item.reasons):
            if day in self.taken:
                return calendar.DAILY_CAP
            self.beside.add(day)
            return None
        held = self._capped(day)
        if held is None:
            self.taken.append(day)
            if item.kind == "reminder":
                self.reminded.add(day)
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
        course, zone = self.setting.course, self.setting.zone
        return calendar.cap_reached(
            texted_on, day, course.phase != "after", self.setting.protocol.caps, series_end=series_end(course, zone)
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


def _around(session: Session, setting: Setting, now: datetime) -> Iterable[Wanted]:
    if session.status not in ("scheduled", "completed"):
        return
    provisional = session.status == "scheduled"
    if provisional and session.start > now:
        before = setting.day_of(session.start)
        yield replace(_on_day("reminder", before, session.session_id, setting), visit=session.start)
    ended = setting.day_of(session.end)
    yield replace(_same_day(session, ended, setting), provisional=provisional)
    yield replace(_on_day("next_day", ended, session.session_id, setting), provisional=provisional)


def _on_day(
    kind: CheckInKind, counted_from: date, session_id: str | None, setting: Setting, day: int | None = None
) -> Wanted:
    """A check-in of this kind, so many days on; one that keeps survey hours has its first day of them."""
    rule = setting.protocol.rule(kind)
    offset = day if day is not None else rule.day or 0
    its_day = counted_from + timedelta(days=offset)
    if setting.protocol.keeps_survey_hours(kind):
        its_day = _survey_day(its_day, counted_from, rule, setting)
    return _at_own_time(rule, its_day, session_id, setting)


def _survey_day(day: date, counted_from: date, rule: CheckInRule, setting: Setting) -> date:
    found = setting.survey_day_from(day)
    last = None if rule.by_day is None else counted_from + timedelta(days=rule.by_day)
    if last is not None and (found is None or found > last):
        found = setting.survey_day_before(day, rule.day or 0)
    return found or day


def _at_own_time(rule: CheckInRule, day: date, session_id: str | None, setting: Setting) -> Wanted:
    patient, protocol = setting.patient, setting.protocol
    clock = rule.at or minute_of(patient.patient_id, protocol.spread)
    days = _days(rule, day, setting)
    return Wanted(
        kind=rule.kind,
        day=day,
        due=calendar.at_local(day, clock, patient.zone),
        until=calendar.at_local(days[-1], rule.until, patient.zone),
        questions=planned_questions((rule.kind,), patient.condition, protocol),
        session_id=session_id,
        days=days,
    )


def _days(rule: CheckInRule, day: date, setting: Setting) -> tuple[date, ...]:
    ahead = [day + timedelta(days=days) for days in range(rule.moves_days + 1)]
    if setting.protocol.keeps_survey_hours(rule.kind):
        return tuple(each for each in ahead if each == day or setting.survey_day(each))
    return tuple(ahead)


def _same_day(session: Session, day: date, setting: Setting) -> Wanted:
    protocol, zone = setting.protocol, setting.zone
    rule = protocol.rule("same_day")
    end = _up_to_the_minute(session.end)
    latest = calendar.at_local(day, rule.at or rule.until, zone)
    morning = calendar.at_local(day, protocol.quiet.ends, zone)
    due = min(latest, max(morning, end + timedelta(hours=rule.hours or 0)))
    too_late = due < end + timedelta(hours=rule.least_hours or 0)
    plain = _at_own_time(rule, day, session.session_id, setting)
    return replace(plain, due=due, cannot=ENDED_TOO_LATE if too_late else None)


def _up_to_the_minute(at: datetime) -> datetime:
    whole = at.astimezone(UTC).replace(second=0, microsecond=0)
    return whole if whole == at else whole + timedelta(minutes=1)


def _baseline(sessions: Sequence[Session], setting: Setting, now: datetime) -> Iterable[Wanted]:
    """The score before the first infusion, if none is known: on the last day of survey hours before that visit."""
    patient = setting.patient
    if setting.course.phase != "before" or patient.baseline_phq9 is not None or PHQ9 in dict(patient.filled_on):
        return
    first = next((session for session in sessions if session.status == "scheduled" and session.start > now), None)
    if first is not None:
        yield from _before(first, "baseline", setting.protocol.horizon_days, setting)


def _before(session: Session, kind: CheckInKind, within: int, setting: Setting) -> Iterable[Wanted]:
    """A survey on the last day of survey hours before a visit; where a cap forbids that, on an earlier one."""
    visit = setting.day_of(session.start)
    days = tuple(day for day in (visit - timedelta(days=n) for n in range(1, within + 1)) if setting.survey_day(day))
    if days:
        plain = _at_own_time(setting.protocol.rule(kind), days[0], session.session_id, setting)
        until = calendar.at_local(days[0], setting.protocol.rule(kind).until, setting.zone)
        yield replace(plain, days=days, until=until)


def _after_series(sessions: Sequence[Session], setting: Setting, now: datetime) -> Iterable[Wanted]:
    """Days 3, 7 and 14 after the series' last infusion, then the chain, which goes on from each later infusion."""
    course, protocol = setting.course, setting.protocol
    counted_from = _anchor(setting)
    if counted_from is None:
        return
    session_id = course.last_infusion.session_id if course.last_infusion else None
    for rule in _special(setting):
        wanted = _on_day(rule.kind, counted_from, session_id, setting)
        sooner = _before_next_visit(rule, wanted.day, counted_from, sessions, setting, now)
        yield wanted if sooner is None else _at_own_time(rule, sooner, session_id, setting)
    last_day = (setting.day_of(now + protocol.horizon) - counted_from).days
    for day in _chain_days(setting, counted_from, last_day):
        yield _on_day("weekly", counted_from, session_id, setting, day)
    chain = protocol.chain
    covered = {rule.day for rule in _special(setting)}
    for week in range(chain.extra_weeks):
        day = week * 7 + chain.extra_day
        if day not in covered and _item9_fresh(setting, counted_from + timedelta(days=day)):
            yield _on_day("extra_mood", counted_from, session_id, setting, day)


def _before_next_visit(
    rule: CheckInRule, day: date, counted_from: date, sessions: Sequence[Session], setting: Setting, now: datetime
) -> date | None:
    """The survey day before the next visit, if that is booked up to this day: after it, it would measure that visit."""
    booked = (setting.day_of(each.start) for each in sessions if each.status == "scheduled" and each.start > now)
    visit = next((each for each in booked if each <= day), None)
    if rule.from_day is None or visit is None:
        return None
    return setting.survey_day_before(visit, (visit - counted_from).days - rule.from_day)


def _anchor(setting: Setting) -> date | None:
    """The patient's day of the latest infusion, from which the chain counts; none unless the series is over."""
    course = setting.course
    anchor = course.last_infusion_end or course.series_ended_at
    return setting.day_of(anchor) if course.phase == "after" and anchor is not None else None


def _special(setting: Setting) -> tuple[CheckInRule, ...]:
    course = setting.course
    if (course.last_infusion_end or course.series_ended_at) != course.series_ended_at:
        return ()
    return tuple(setting.protocol.rule(kind) for kind in ("day_3", "day_7", "day_14"))


def _chain_days(setting: Setting, counted_from: date, last_day: int) -> Iterable[int]:
    """Days since the infusion on which the chain has a check-in."""
    chain, ended = setting.protocol.chain, series_end(setting.course, setting.zone)
    dense_until = None if ended is None else ended + timedelta(weeks=chain.dense_weeks)
    covered = {rule.day for rule in _special(setting)}
    every = chain.links[0].every_days
    for offset in range(every, last_day + 1, every):
        day = counted_from + timedelta(days=offset)
        dense = (dense_until is not None and day <= dense_until) or _item9_fresh(setting, day)
        if offset not in covered and (dense or chain.calls_for(offset)):
            yield offset


def next_weekly(setting: Setting, day: date) -> date | None:
    """The day of the first check-in of the chain after this day; none before the end of the series."""
    counted_from = _anchor(setting)
    if counted_from is None:
        return None
    far = (day - counted_from).days + 2 * max(link.every_days for link in setting.protocol.chain.links)
    days = (counted_from + timedelta(days=offset) for offset in _chain_days(setting, counted_from, far))
    return next((setting.survey_day_from(each) or each for each in days if each > day), None)


def _item9_fresh(setting: Setting, day: date) -> bool:
    said = setting.patient.item9_positive_on
    return said is not None and (day - said).days <= setting.protocol.chain.item9_days


def _surveys(plan: Plan, sessions: Sequence[Session], setting: Setting, now: datetime) -> Iterable[Wanted]:
    """A PHQ-9 on its own: before a visit, to confirm, because mood drifts, or because a clinician wants it."""
    booked = [session for session in sessions if session.status == "scheduled" and session.start > now]
    confirming = [request for request in plan.requests if request.reason == "confirmation"]
    if setting.course.phase == "after":
        for session in booked:
            for wanted in _before(session, "survey", setting.protocol.before_visit_days, setting):
                confirms = [each for each in confirming if _before_soon(each.due, session, setting)]
                if confirms or not _phq9_lately(wanted.day, setting):
                    reasons: tuple[SurveyReason, ...] = ("before_visit",)
                    yield replace(wanted, reasons=("before_visit", "confirmation") if confirms else reasons)
    by_day: dict[date, list[SurveyReason]] = {}
    for request in plan.requests:
        # Asked once before a visit that is near, and not to confirm as well.
        if request.reason == "confirmation" and any(_before_soon(request.due, each, setting) for each in booked):
            continue
        by_day.setdefault(setting.survey_day_from(request.due) or request.due, []).append(request.reason)
    for day, asked in by_day.items():
        wanted = _at_own_time(setting.protocol.rule("survey"), day, None, setting)
        yield replace(wanted, reasons=tuple(sorted(set(asked))))


def _before_soon(due: date, session: Session, setting: Setting) -> bool:
    return 0 <= (setting.day_of(session.start) - due).days <= setting.protocol.before_visit_days


def _phq9_lately(day: date, setting: Setting) -> bool:
    last = dict(setting.patient.filled_on).get(PHQ9)
    return last is not None and (day - last).days <= setting.protocol.before_visit_days
