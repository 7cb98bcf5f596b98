"""What the front desk must look at in a plan: unmarked visits, visits to rebook, a series that may be over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.course import Course
from followup.domain.flags import STANDING, raise_flag
from followup.domain.protocol import Protocol
from followup.domain.records import CalledOff, Chart, Flag, Patient, Plan, Session

RULES = ("unmarked", "rebook", "series_over")

_OLD_NEWS = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class _Finding:
    rule: str
    session: Session

    @property
    def stem(self) -> str:
        return f"{self.rule}.{self.session.session_id}"


def called_off(plan: Plan, now: datetime) -> tuple[CalledOff, ...]:
    """When it became known, for each visit that is cancelled or missed; now for those that are new."""
    known = {entry.session_id: entry for entry in plan.called_off}
    return tuple(
        known.get(session.session_id, CalledOff(session.session_id, now))
        for session in plan.sessions
        if session.status in ("cancelled", "no_show")
    )


def desk_flags(
    chart: Chart,
    patient: Patient,
    plan: Plan,
    course: Course,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
) -> tuple[Flag, ...]:
    """The desk flags to write: those newly true are raised, those no longer true withdrawn.

    What staff have marked done is not raised again for the same visit.
    """
    findings = [*_unmarked(plan, protocol, now), *_rebook(plan, protocol), *_series_over(course)]
    done = {_stem(flag) for flag in chart.flags if flag.status == "done"}
    raised = []
    for finding in findings:
        if finding.stem in done:
            continue
        day = calendar.local(finding.session.start, settings.zone).date().isoformat()
        flag = raise_flag(
            chart, patient, "desk", finding.rule, now, about=finding.session.session_id, numbers=(("visit", day),)
        )
        raised.append(_again(flag, chart, now))
    stored = set(chart.flags)
    true = {finding.stem for finding in findings}
    gone = withdraw((flag for flag in chart.flags if _stem(flag) not in true), now)
    return (*(flag for flag in raised if flag not in stored), *gone)


def withdraw(flags: Iterable[Flag], now: datetime) -> tuple[Flag, ...]:
    """Withdraw those of the flags that stand and that this module raises."""
    return tuple(
        replace(flag, changed=now).into("withdrawn", "no longer true", now)
        for flag in flags
        if flag.rule in RULES and flag.status in STANDING
    )


def _again(flag: Flag, chart: Chart, now: datetime) -> Flag:
    """A flag withdrawn within the same second is the same record: it opens again."""
    same = next((held for held in chart.flags if held.flag_id == flag.flag_id and held.status == "withdrawn"), None)
    return flag if same is None else replace(same, changed=now).into("open", "true again", now)


def _stem(flag: Flag) -> str:
    return flag.flag_id.partition("@")[0]


def _unmarked(plan: Plan, protocol: Protocol, now: datetime) -> Iterable[_Finding]:
    """Visits that nobody has marked an hour after their planned end: their check-ins wait."""
    late = timedelta(minutes=protocol.unmarked_minutes)
    return (_Finding("unmarked", s) for s in plan.sessions if s.status == "scheduled" and s.end + late <= now)


def _rebook(plan: Plan, protocol: Protocol) -> Iterable[_Finding]:
    """The latest visit that was missed, or cancelled less than a day before it, if nothing is booked or held since.

    A visit called off long before it was known here (an import of past visits) is no news.
    """
    known = {entry.session_id: entry.at for entry in plan.called_off}
    late = timedelta(hours=protocol.late_cancel_hours)
    missed = [
        session
        for session in plan.sessions
        if session.session_id in known
        and known[session.session_id] < session.start + _OLD_NEWS
        and (session.status == "no_show" or known[session.session_id] > session.start - late)
    ]
    if not missed:
        return
    last = max(missed, key=lambda session: (session.start, session.session_id))
    if not _booked_since(plan.sessions, min(last.start, known[last.session_id])):
        yield _Finding("rebook", last)


def _booked_since(sessions: Sequence[Session], at: datetime) -> bool:
    return any(session.status in ("scheduled", "completed") and session.start > at for session in sessions)


def _series_over(course: Course) -> Iterable[_Finding]:
    """Nothing was booked for 14 days after an infusion of the series: is it over?"""
    if course.series_question and course.last_infusion:
        yield _Finding("series_over", course.last_infusion)
