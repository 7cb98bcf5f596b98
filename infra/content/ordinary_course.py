"""An ordinary course under a protocol, planned ahead: six infusions, then months in which everything is answered.

What a cap takes away in a course without a surprise, the protocol asks too often.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from followup.domain import calendar
from followup.domain.cadence import Setting, composed
from followup.domain.clinic import ClinicSettings, OpenHours
from followup.domain.course import course
from followup.domain.plan import replan
from followup.domain.protocol import Protocol
from followup.domain.records import (
    Chart,
    CheckIn,
    CheckInKind,
    ClinicId,
    Consent,
    Patient,
    PatientId,
    Plan,
    Session,
    ThreadId,
)

ZONE: Final = "America/Chicago"
STARTS: Final = datetime(2026, 3, 2, 14, tzinfo=UTC)
"""A Monday."""
VISIT_DAYS: Final = (2, 5, 9, 12, 16, 19)
"""Days of the infusions since then: two a week, three or four days apart."""
LASTS: Final = timedelta(weeks=22)
_AN_HOUR: Final = timedelta(hours=1)

_SETTINGS: Final = ClinicSettings(
    name="",
    sms_name="",
    zone=ZONE,
    phone="",
    sender="",
    messaging_service=None,
    keyword_mode="carrier",
    hours=tuple(OpenHours(day, time(9), time(17)) for day in range(5)),
    closed_on=(),
    on_call=(),
    digest_at=time(7),
    digest_to=(),
    mail_from="",
    series_sessions=len(VISIT_DAYS),
)


@dataclass(frozen=True, slots=True)
class Taken:
    """A check-in that the caps took away."""

    kind: CheckInKind
    reason: str


def taken_by_caps(protocol: Protocol) -> tuple[Taken, ...]:
    """What the caps take away, with and without a recent item 9 of PHQ-9 at 1 or more; each kind and reason once."""
    found = [each for item9 in (None, date(2026, 3, 20)) for each in _lived(protocol, item9)]
    return tuple(dict.fromkeys(found))


def _lived(protocol: Protocol, item9_positive_on: date | None) -> list[Taken]:
    chart, now = _begun(item9_positive_on), STARTS
    taken: list[Taken] = []
    to_mark = list(_visits())
    while now < STARTS + LASTS:
        decision = replan(chart, _SETTINGS, protocol, now)
        for write in decision.writes:
            if isinstance(write, CheckIn) and write.status == "skipped" and write.trail[-1].reason in calendar.CAPPED:
                taken.append(Taken(write.kind, write.trail[-1].reason))
        chart = _lately(chart.after(decision.writes), now)
        until = min([now + timedelta(days=protocol.roll_days), *(visit.end for visit in to_mark)])
        while (due := _next(chart)) is not None and due[0] <= until:
            chart = _answered(chart, due[1], protocol, due[0])
        now = until
        if to_mark and to_mark[0].end <= now:
            chart = _marked(chart, to_mark.pop(0))
    return taken


def _begun(item9_positive_on: date | None) -> Chart:
    patient = Patient(
        status="active",
        patient_id=PatientId("ordinary"),
        clinic_id=ClinicId("ordinary"),
        record_number="",
        name="",
        phone="",
        language="en",
        zone=ZONE,
        born=date(1980, 1, 1),
        condition="depression",
        consent=Consent("ordinary", "", STARTS.date()),
        item9_positive_on=item9_positive_on,
    )
    plan = Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id, sessions=tuple(_visits()))
    return Chart(ThreadId(patient.patient_id), patient=patient, plan=plan)


def _visits() -> list[Session]:
    starts = (STARTS + timedelta(days=day, hours=4) for day in VISIT_DAYS)
    return [Session(f"{at:%j}", at, at + _AN_HOUR, "scheduled", "induction", "iv") for at in starts]


def _marked(chart: Chart, visit: Session) -> Chart:
    plan = chart.plan
    if plan is None:
        return chart
    sessions = (replace(s, status="completed") if s.session_id == visit.session_id else s for s in plan.sessions)
    return replace(chart, plan=replace(plan, sessions=tuple(sessions)))


def _next(chart: Chart) -> tuple[datetime, CheckIn] | None:
    planned = ((c.next.at, c) for c in chart.checkins if c.status == "planned" and c.next and c.next.step == "ask")
    return min(planned, key=lambda pair: (pair[0], pair[1].checkin_id), default=None)


def _answered(chart: Chart, checkin: CheckIn, protocol: Protocol, now: datetime) -> Chart:
    """The chart once this check-in was asked and answered in full."""
    patient, plan = chart.patient, chart.plan
    if patient is None or plan is None:
        return chart
    setting = Setting(patient, course(plan, _SETTINGS, now), _SETTINGS, protocol)
    questions = composed(checkin, setting, now)
    today = calendar.local(now, ZONE).date()
    filled = dict(patient.filled_on)
    filled |= {code: today for code, items in protocol.modules.items() if set(items) <= set(questions)}
    week = tuple(day for day in patient.texted_on if (today - day).days < 7)
    known = replace(patient, texted_on=(*week, today), filled_on=tuple(filled.items()))
    done = replace(checkin, questions=questions, asked_at=now).into("answered", "answered", now)
    return replace(chart.after((done,)), patient=known)


def _lately(chart: Chart, now: datetime) -> Chart:
    """The chart as far back as planning looks."""
    kept = tuple(each for each in chart.checkins if each.due > now - timedelta(days=10))
    return replace(chart, checkins=kept)
