"""A check-in's life: ask -> nudge -> expire, and what a reply means to it.

It counts as asked only once the carrier has accepted its text; nudge and expiry run from there.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.outgoing import compose
from followup.domain.course import course
from followup.domain.protocol import Protocol
from followup.domain.records import (
    Chart,
    CheckIn,
    Decision,
    Next,
    Patient,
    TextKind,
)
from followup.domain.wording import Texts

OPEN = ("asked", "answering")
"""Statuses in which a check-in waits for a reply."""

_NOTICE_EVERY = timedelta(days=28)
_NO_NUDGE_WITHIN = timedelta(hours=12)
_ADULT_YEARS = 18


def refusal(patient: Patient | None, chart: Chart, now: datetime) -> str | None:
    """Why no text that needs consent may go to this patient now, or none. Adults only, checked at each send."""
    if patient is None:
        return "no such patient"
    if patient.status != "active":
        return f"patient is {patient.status.replace('_', ' ')}"
    if patient.consent is None:
        return "no consent recorded"
    if not is_adult(patient.born, calendar.local(now, patient.zone).date()):
        return "not an adult"
    if chart.open_alert is not None:
        return "an alert is open"
    return None


def is_adult(born: date, today: date) -> bool:
    """Eighteen or older on this day."""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years >= _ADULT_YEARS


def ask(
    checkin: CheckIn, chart: Chart, settings: ClinicSettings, protocol: Protocol, texts: Texts, now: datetime
) -> Decision:
    """Write the check-in's opening text, or move or skip the check-in and say why."""
    if checkin.status != "planned":
        return Decision("not planned any more")
    patient = chart.patient
    refused = refusal(patient, chart, now)
    if patient is None or refused:
        return _end(checkin, "cancelled" if patient is None else "skipped", refused or "no such patient", now)
    if checkin.provisional:
        return _end(checkin, "skipped", "visit was not marked completed in time", now)
    if now > checkin.until:
        return _end(checkin, "skipped", "too late", now)
    held = hold(checkin, patient, chart, settings, protocol, now)
    if held:
        return held
    kind: TextKind = "check_in" if checkin.questions else "reminder"
    body = _opening(checkin, patient, settings, texts, now)
    text = compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind=kind,
        to=patient.phone,
        body=body,
        purpose=f"{checkin.kind}.{len(checkin.trail)}",
        stale=checkin.until,
        checkin_id=checkin.checkin_id,
        now=now,
    )
    return Decision("asked", (text, replace(checkin, text_id=text.text_id, next=None)))


def hold(
    checkin: CheckIn,
    patient: Patient,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
) -> Decision | None:
    """Quiet hours and caps at send time: the check-in moved if its window allows, else skipped; none if it may go."""
    if not calendar.may_start(now, patient.zone, protocol.quiet):
        at = calendar.next_start(now, patient.zone, protocol.quiet)
        return _move(checkin, at, "quiet hours", now)
    today = calendar.local(now, patient.zone).date()
    in_series = chart.plan is not None and course(chart.plan, settings, now).phase == "series"
    capped = calendar.cap_reached(patient.texted_on, today, in_series, protocol.caps)
    if capped:
        moment = calendar.local(now, patient.zone).timetz().replace(tzinfo=None)
        at = calendar.at_local(today + timedelta(days=1), moment, patient.zone)
        return _move(checkin, at, capped, now)
    return None


def _move(checkin: CheckIn, at: datetime, why: str, now: datetime) -> Decision:
    if at > checkin.until:
        return _end(checkin, "skipped", why, now)
    moved = checkin.into("planned", f"moved: {why}", now, then=Next("ask", at, "routine"))
    return Decision(f"moved: {why}", (replace(moved, text_id=None),))


def _end(checkin: CheckIn, status: str, reason: str, now: datetime) -> Decision:
    return Decision(reason, (checkin.into(status, reason, now),))


def _opening(checkin: CheckIn, patient: Patient, settings: ClinicSettings, texts: Texts, now: datetime) -> str:
    slots = {"sms_name": settings.sms_name}
    if checkin.visit is not None:
        visit = calendar.local(checkin.visit, patient.zone)
        slots |= {
            "day": texts.day(visit.date(), patient.language),
            "time": texts.time(visit.time(), patient.language),
        }
    question = checkin.open_question
    if question is None:
        body = texts.render("reminder", patient.language, **slots, phone=settings.phone)
    elif question == "mood" and checkin.visit is not None:
        body = texts.render("open.mood_with_reminder", patient.language, **slots)
    else:
        body = texts.render(f"open.{question}", patient.language, sms_name=settings.sms_name)
    if notice_due(patient, calendar.local(now, patient.zone).date()):
        body = f"{body} {texts.render('notice', patient.language)}"
    return body


def notice_due(patient: Patient, today: date) -> bool:
    """The notice (automated, not read in real time, 911/988, STOP) rides on the first text and then every 28 days."""
    return patient.noticed_on is None or today - patient.noticed_on >= _NOTICE_EVERY


def accepted(
    checkin: CheckIn, chart: Chart, patient: Patient, protocol: Protocol, now: datetime
) -> tuple[CheckIn, ...]:
    """The check-in's text was accepted: it is asked now. An older one that still waits is closed with what it has."""
    if checkin.status != "planned":
        return ()
    if not checkin.questions:
        return (replace(checkin, asked_at=now).into("answered", "reminded", now),)
    expires = calendar.expiry(checkin, patient.zone, protocol, now)
    asked = replace(checkin, asked_at=now, expires=expires).into(
        "asked", "asked", now, then=_after_asking(checkin, patient, protocol, now, expires)
    )
    older = tuple(
        close_unfinished(other, "replaced by a newer check-in", now)
        for other in chart.checkins
        if other.status in OPEN and other.checkin_id != checkin.checkin_id
    )
    return (asked, *older)


def _after_asking(checkin: CheckIn, patient: Patient, protocol: Protocol, now: datetime, expires: datetime) -> Next:
    nudge_at = calendar.nudge_time(checkin, patient.zone, protocol, now)
    if nudge_at is not None and nudge_at < expires:
        return Next("nudge", nudge_at, "routine")
    return Next("expire", expires, "routine")


def close_unfinished(checkin: CheckIn, reason: str, now: datetime) -> CheckIn:
    """End an open check-in: expired if nothing was answered, else partly answered with what there is."""
    return checkin.into("partly_answered" if checkin.answers else "expired", reason, now)


def nudge(
    checkin: CheckIn, chart: Chart, settings: ClinicSettings, protocol: Protocol, texts: Texts, now: datetime
) -> Decision:
    """Ask once more, unless a rule forbids it; then the check-in only waits to expire."""
    if checkin.status not in OPEN:
        return Decision("not waiting for a reply", (replace(checkin, next=None),))
    patient, question = chart.patient, checkin.open_question
    expires = checkin.expires or now
    if patient is None or question is None or now >= expires:
        return expire(checkin, now)
    refused = refusal(patient, chart, now)
    if refused and patient.status != "active":
        return Decision(refused, (close_unfinished(checkin, refused, now),))
    reason = refused or _no_nudge(checkin, patient, chart, settings, protocol, now)
    waiting = replace(checkin, nudged=True).into(
        checkin.status, f"not nudged: {reason}" if reason else "nudged", now, then=Next("expire", expires, "routine")
    )
    if reason:
        if reason == "quiet hours" and (at := calendar.next_start(now, patient.zone, protocol.quiet)) < expires:
            held = checkin.into(checkin.status, "moved: quiet hours", now, then=Next("nudge", at, "routine"))
            return Decision("moved: quiet hours", (held,))
        return Decision(f"not nudged: {reason}", (waiting,))
    body = texts.render(_nudge_id(question), patient.language, sms_name=settings.sms_name)
    text = compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind="nudge",
        to=patient.phone,
        body=body,
        purpose=f"{checkin.kind}.nudge",
        stale=min(expires, now + timedelta(hours=4)),
        checkin_id=checkin.checkin_id,
        now=now,
    )
    return Decision("nudged", (text, waiting))


def _nudge_id(question: str) -> str:
    return "nudge.mood" if question == "mood" else "nudge.side_effects"


def _no_nudge(
    checkin: CheckIn, patient: Patient, chart: Chart, settings: ClinicSettings, protocol: Protocol, now: datetime
) -> str | None:
    if checkin.nudged:
        return "nudged already"
    if not calendar.may_start(now, patient.zone, protocol.quiet):
        return "quiet hours"
    today = calendar.local(now, patient.zone).date()
    sessions = chart.plan.sessions if chart.plan else ()
    if any(
        calendar.local(session.start, patient.zone).date() == today
        for session in sessions
        if session.status in ("scheduled", "completed")
    ):
        return "session day"
    if any(
        now - text.created < _NO_NUDGE_WITHIN and text.kind in ("check_in", "reminder", "nudge", "answer")
        for text in chart.texts
    ):
        return "another text within 12 hours"
    if any(
        other.status == "planned"
        and not other.provisional
        and other.next is not None
        and abs(other.next.at - now) < _NO_NUDGE_WITHIN
        for other in chart.checkins
    ):
        return "another text within 12 hours"
    in_series = chart.plan is not None and course(chart.plan, settings, now).phase == "series"
    return calendar.cap_reached(patient.texted_on, today, in_series, protocol.caps)


def expire(checkin: CheckIn, now: datetime) -> Decision:
    """No answer in time: what was answered is kept."""
    if checkin.status == "planned":
        return _end(checkin, "skipped", "visit was not marked completed in time", now)
    if checkin.status not in OPEN:
        return Decision("not waiting for a reply", (replace(checkin, next=None),))
    return Decision("expired", (close_unfinished(checkin, "no answer in time", now),))


@dataclass(frozen=True, slots=True)
class Place:
    """Which check-in a reply belongs to, and whether it comes late."""

    checkin: CheckIn
    late: bool


def place(chart: Chart, received: datetime) -> Place | None:
    """The check-in that had been asked last when the patient wrote; a recently closed one counts, as late."""
    asked = sorted((c for c in chart.checkins if c.asked_at and c.asked_at <= received and c.questions), key=_asked)
    if not asked:
        return None
    last = asked[-1]
    if last.status in OPEN:
        return Place(last, late=False)
    if last.open_question is not None and last.status in ("expired", "partly_answered"):
        return Place(last, late=True)
    return None


def _asked(checkin: CheckIn) -> datetime:
    return checkin.asked_at or checkin.due
