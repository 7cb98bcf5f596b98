"""From what a rule finds today to the flag that stands for it: born once, changed when its reason changes, closed.

A rule is a function from a case to a verdict. Settling a verdict against the flags that stand is the same for every
rule, so another rule is another function.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from followup.domain.clinic import ClinicSettings
from followup.domain.course import Course, course
from followup.domain.flags import STANDING
from followup.domain.records import (
    Alert,
    Chart,
    CheckIn,
    Flag,
    FlagGroup,
    Incoming,
    Patient,
    Plan,
    Score,
    ScoreInstrument,
    Session,
)

SESSION_BOOKED = "session booked"
SESSION_RECORDED = "session recorded"

_UNMARKED_COUNTS_AS_BOOKED = timedelta(days=3)
"""A visit whose time has passed stands in the book until somebody has had the time to mark it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A patient's history as it was known at `now`, each kind in order of time; nothing dated later is in it."""

    patient: Patient
    settings: ClinicSettings
    now: datetime
    course: Course
    infusions: tuple[Session, ...]
    """Sessions that took place."""
    booked: Session | None
    """The next session that stands in the book."""
    planned_booster: date | None
    scores: tuple[Score, ...]
    checkins: tuple[CheckIn, ...]
    """Those that were asked."""
    incoming: tuple[Incoming, ...]
    alerts: tuple[Alert, ...]
    flags: tuple[Flag, ...]

    @classmethod
    def of(cls, chart: Chart, patient: Patient, settings: ClinicSettings, now: datetime) -> Self:
        plan = chart.plan or Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id)
        sessions = sorted(plan.sessions, key=lambda session: (session.start, session.session_id))
        asked = (checkin for checkin in chart.checkins if checkin.asked_at is not None and checkin.asked_at <= now)
        return cls(
            patient=patient,
            settings=settings,
            now=now,
            course=course(plan, settings, now),
            infusions=tuple(s for s in sessions if s.status == "completed" and s.start <= now),
            booked=next(
                (s for s in sessions if s.status == "scheduled" and s.start > now - _UNMARKED_COUNTS_AS_BOOKED), None
            ),
            planned_booster=plan.planned_booster,
            scores=tuple(sorted((s for s in chart.scores if s.at <= now), key=lambda s: (s.at, s.instrument, s.value))),
            checkins=tuple(sorted(asked, key=lambda checkin: checkin.checkin_id)),
            incoming=tuple(sorted((i for i in chart.incoming if i.received <= now), key=lambda i: (i.received, i.sid))),
            alerts=tuple(sorted((a for a in chart.alerts if a.opened <= now), key=lambda a: (a.opened, a.alert_id))),
            flags=tuple(sorted(chart.flags, key=lambda flag: (flag.born, flag.flag_id))),
        )

    def day(self, at: datetime) -> date:
        """The clinic's calendar day of a moment; intervals in days are counted on that calendar."""
        return at.astimezone(ZoneInfo(self.settings.zone)).date()

    @property
    def today(self) -> date:
        return self.day(self.now)

    @property
    def alert_open(self) -> bool:
        return any(alert.status != "closed" for alert in self.alerts)

    def readings(self, instrument: ScoreInstrument) -> tuple[Score, ...]:
        return tuple(score for score in self.scores if score.instrument == instrument)

    def last_infusion_before(self, at: datetime) -> Session | None:
        return next((session for session in reversed(self.infusions) if session.start < at), None)

    def infused_since(self, at: datetime) -> bool:
        return bool(self.infusions) and self.infusions[-1].start > at

    def standing(self, family: str) -> Flag | None:
        """The flag of this family that is open, acknowledged or snoozed; there is at most one."""
        return next((flag for flag in self.flags if flag.status in STANDING and _family(flag) == family), None)

    def flag(self, flag_id: str) -> Flag | None:
        return next((flag for flag in self.flags if flag.flag_id == flag_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule finds: `rule` names the reason's sentence, `numbers` are its slots, `about` tells episodes apart."""

    about: str
    rule: str
    group: FlagGroup
    numbers: tuple[tuple[str, str], ...] = ()
    only_keeps: bool = False
    """Not the day to show it: a flag that stands is left as it is, and none is born."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one rule says today. Without a finding, a standing flag of the family is closed, so and for this reason."""

    family: str
    finding: Finding | None
    closes: Literal["done", "withdrawn"] = "withdrawn"
    because: str = "no longer holds"


def settle(verdict: Verdict, case: Case) -> Sequence[Flag]:
    """The flag that is born, changed or closed by this verdict; none when nothing changes.

    A snoozed or acknowledged flag keeps its status when its reason changes. A flag that a person has closed stays
    closed; one that was withdrawn, or closed because a visit had been booked, opens again if its finding is back.
    """
    finding, standing = verdict.finding, case.standing(verdict.family)
    if standing is not None:
        changed = _close(standing, verdict, case.now) if finding is None else _update(standing, finding, case.now)
        return () if changed is standing else (changed,)
    if finding is None or finding.only_keeps:
        return ()
    earlier = case.flag(f"{verdict.family}.{finding.about}")
    if earlier is None:
        return (_born(verdict.family, finding, case),)
    if earlier.status == "withdrawn" or (earlier.trail and earlier.trail[-1].reason == SESSION_BOOKED):
        again = earlier.into("open", "holds again", case.now)
        return (_with(again, finding, case.now),)
    return ()


def _born(family: str, finding: Finding, case: Case) -> Flag:
    return Flag(
        status="open",
        flag_id=f"{family}.{finding.about}",
        clinic_id=case.patient.clinic_id,
        patient_id=case.patient.patient_id,
        group=finding.group,
        rule=finding.rule,
        numbers=finding.numbers,
        born=case.now,
        changed=case.now,
    ).into("open", "raised", case.now)


def _update(flag: Flag, finding: Finding, now: datetime) -> Flag:
    same = (flag.rule, flag.group, flag.numbers) == (finding.rule, finding.group, finding.numbers)
    if same or finding.only_keeps:
        return flag
    return _with(flag.into(flag.status, "reason changed", now, then=flag.next), finding, now)


def _with(flag: Flag, finding: Finding, now: datetime) -> Flag:
    return replace(flag, rule=finding.rule, group=finding.group, numbers=finding.numbers, changed=now)


def _close(flag: Flag, verdict: Verdict, now: datetime) -> Flag:
    return flag.into(verdict.closes, verdict.because, now)


def _family(flag: Flag) -> str:
    return flag.flag_id.partition(".")[0]
