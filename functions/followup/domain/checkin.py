"""A check-in's life: ask -> nudge -> expire, and what a reply means to it.

It counts as asked only once the carrier has accepted its text; nudge and expiry run from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from followup.domain import calendar, survey
from followup.domain.alerts import raise_alert
from followup.domain.answers import ITEM9, unfinished
from followup.domain.cadence import Setting, composed, series_end, uncounted
from followup.domain.clinic import ClinicSettings
from followup.domain.course import course
from followup.domain.eligibility import ineligible
from followup.domain.outgoing import compose
from followup.domain.protocol import Protocol
from followup.domain.records import (
    Chart,
    CheckIn,
    Decision,
    Next,
    Patient,
    Plan,
    Question,
)
from followup.domain.riding import FILLED_LATELY
from followup.domain.script import Script
from followup.domain.settling import Standing
from followup.domain.wording import Texts

OPEN = ("asked", "answering")
"""Statuses in which a check-in waits for a reply."""
NOT_PROVEN = "sending outcome unknown"
"""Why a check-in is skipped whose text may or may not have left."""

_NOTICE_EVERY = timedelta(days=28)
_NO_NUDGE_WITHIN = timedelta(hours=12)
_WEEK_DAYS = 7


def refusal(patient: Patient | None, chart: Chart, now: datetime) -> str | None:
    """Why no text that needs consent may go to this patient now, or none."""
    if patient is None:
        return "no such patient"
    reason = ineligible(patient, now)
    if reason is None and chart.open_alert is not None:
        return "an alert is open"
    return reason


def ask(
    checkin: CheckIn, chart: Chart, settings: ClinicSettings, protocol: Protocol, script: Script, now: datetime
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
    questions = composed(checkin, _setting(patient, chart, settings, protocol, now), now)
    if not questions:
        return _end(checkin, "skipped", FILLED_LATELY, now)
    asking = replace(checkin, questions=questions)
    body = _opening(asking, questions[0], patient, settings, script, now)
    text = compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind="check_in",
        to=patient.phone,
        body=body,
        purpose=f"{checkin.kind}.{len(checkin.trail)}",
        stale=checkin.until,
        checkin_id=checkin.checkin_id,
        now=now,
    )
    return Decision("asked", (text, replace(asking, text_id=text.text_id, next=None)))


def _setting(patient: Patient, chart: Chart, settings: ClinicSettings, protocol: Protocol, now: datetime) -> Setting:
    plan = chart.plan or Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id)
    return Setting(patient, course(plan, settings, now), settings, protocol)


def hold(
    checkin: CheckIn,
    patient: Patient,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
    *,
    counted: bool = False,
) -> Decision | None:
    """Quiet hours, survey hours and caps at send time: the check-in moved if its window allows, else skipped.

    None if it may go. A text that is `counted` against the caps already and is tried again is not held by them a
    second time.
    """
    if not calendar.may_start(now, patient.zone, protocol.quiet):
        at = calendar.next_start(now, patient.zone, protocol.quiet)
        return _move(checkin, at, "quiet hours", now)
    today = calendar.local(now, patient.zone).date()
    keeps = protocol.keeps_survey_hours(checkin.kind) or _goes_on_with_item9(checkin, protocol)
    if keeps and not calendar.in_survey_hours(now, patient.zone, settings, protocol.survey_hours):
        return _move(checkin, _survey_start(checkin, patient, settings, protocol, now), "outside survey hours", now)
    weekly = not uncounted(checkin.kind, checkin.reasons)
    reached = None if counted else capped(patient, chart, settings, protocol, now, weekly=weekly)
    if reached:
        moment = calendar.local(now, patient.zone).timetz().replace(tzinfo=None)
        at = calendar.at_local(today + timedelta(days=1), moment, patient.zone)
        return _move(checkin, at, reached, now)
    return None


def _goes_on_with_item9(checkin: CheckIn, protocol: Protocol) -> bool:
    return checkin.kind == "continued" and protocol.holds_item9(checkin.questions)


def _survey_start(
    checkin: CheckIn, patient: Patient, settings: ClinicSettings, protocol: Protocol, now: datetime
) -> datetime:
    """The next time at which this survey may start: its own time of day, on a day of the survey hours."""
    own = calendar.local(checkin.due, patient.zone).time()
    today = calendar.local(now, patient.zone).date()
    ahead = (calendar.survey_day_from(today + timedelta(days=days), settings, protocol.survey_hours) for days in (0, 1))
    starts = [calendar.at_local(day, own, patient.zone) for day in ahead if day is not None]
    return next((at for at in starts if at > now), checkin.until + timedelta(minutes=1))


def _move(checkin: CheckIn, at: datetime, why: str, now: datetime) -> Decision:
    if at > checkin.until:
        return _end(checkin, "skipped", why, now)
    moved = checkin.into("planned", f"moved: {why}", now, then=Next("ask", at, "routine"))
    return Decision(f"moved: {why}", (replace(moved, text_id=None),))


def _end(checkin: CheckIn, status: str, reason: str, now: datetime) -> Decision:
    return Decision(reason, (checkin.into(status, reason, now),))


def _opening(
    checkin: CheckIn, question: Question, patient: Patient, settings: ClinicSettings, script: Script, now: datetime
) -> str:
    language, texts = patient.language, script.texts
    if checkin.kind == "same_day":
        home = texts.render("home", language, sms_name=settings.sms_name)
        body = f"{home} {script.asks(question, survey.in_all(checkin), language, 'next')}"
    else:
        slots = {"sms_name": settings.sms_name} | visit_slots(checkin, patient, texts)
        body = script.asks(question, survey.in_all(checkin), language, "open", **slots)
    if checkin.visit is not None:
        coming = (body, texts.render("ride", language), dict(settings.preparation).get(language, ""))
        body = " ".join(part for part in coming if part)
    if notice_due(patient, calendar.local(now, patient.zone).date()):
        body = f"{body} {script.texts.render('notice', patient.language)}"
    return body


def visit_slots(checkin: CheckIn, patient: Patient, texts: Texts) -> dict[str, str]:
    """Day and time of the visit that a check-in reminds of, in the patient's language and time zone; none without."""
    if checkin.visit is None:
        return {}
    visit = calendar.local(checkin.visit, patient.zone)
    return {"day": texts.day(visit.date(), patient.language), "time": texts.time(visit.time(), patient.language)}


def notice_due(patient: Patient, today: date) -> bool:
    """The notice (automated, not read in real time, 911/988, STOP) rides on the first text and then every 28 days."""
    return patient.noticed_on is None or today - patient.noticed_on >= _NOTICE_EVERY


def accepted(
    checkin: CheckIn, chart: Chart, patient: Patient, protocol: Protocol, sent_at: datetime, now: datetime
) -> tuple[CheckIn, ...]:
    """The check-in's text was accepted: it is asked now. An older one that still waits is closed with what it has.

    `sent_at`: when the carrier was called. A reply may come from then on, long before an answer that was lost is
    made up for. One that was given up because nothing proved its text was asked after all.
    """
    given_up = checkin.status == "skipped" and checkin.trail[-1].reason == NOT_PROVEN
    if checkin.status != "planned" and not given_up:
        return ()
    expires = calendar.expiry(checkin, patient.zone, protocol, now)
    put = replace(checkin, asked_at=sent_at, expires=expires, asking=checkin.open_question, asking_since=sent_at)
    asked = put.into("asked", "asked", now, then=_after_asking(checkin, patient, protocol, now, expires))
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
    checkin: CheckIn, chart: Chart, settings: ClinicSettings, protocol: Protocol, script: Script, now: datetime
) -> Decision:
    """Ask once more, unless a rule forbids it; then the check-in only waits to expire."""
    if checkin.status not in OPEN:
        return Decision("not waiting for a reply", (replace(checkin, next=None),))
    patient, question = chart.patient, checkin.open_question
    expires = checkin.expires or now
    if patient is None or question is None or now >= expires:
        return expire(checkin, chart, settings, script, now)
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
    slots = {"sms_name": settings.sms_name} | visit_slots(checkin, patient, script.texts)
    body = script.asks(question, survey.in_all(checkin), patient.language, "nudge", **slots)
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
        now - text.created < _NO_NUDGE_WITHIN and text.kind in ("check_in", "nudge", "answer") for text in chart.texts
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
    return capped(patient, chart, settings, protocol, now) or _gives_way(patient, chart, settings, protocol, now)


def capped(
    patient: Patient,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
    *,
    weekly: bool = True,
) -> str | None:
    """Which cap forbids a text that opens a conversation today, or none. Without `weekly`: the daily one alone."""
    today = calendar.local(now, patient.zone).date()
    if today in Standing(chart, patient).texted_beside(now) or (not weekly and today in patient.texted_on):
        return calendar.DAILY_CAP
    if not weekly:
        return None
    return _cap_on(today, patient.texted_on, patient, chart, settings, protocol, now)


def _cap_on(
    day: date,
    texted_on: Sequence[date],
    patient: Patient,
    chart: Chart,
    settings: ClinicSettings,
    protocol: Protocol,
    now: datetime,
) -> str | None:
    plan = chart.plan or Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id)
    here = course(plan, settings, now)
    ended = series_end(here, patient.zone)
    return calendar.cap_reached(texted_on, day, here.phase != "after", protocol.caps, series_end=ended)


def _gives_way(
    patient: Patient, chart: Chart, settings: ClinicSettings, protocol: Protocol, now: datetime
) -> str | None:
    """Nudges come last when a cap binds, so one may not use up the week of a check-in that is still to come."""
    today = calendar.local(now, patient.zone).date()
    texted = [*patient.texted_on, today]
    coming = sorted(
        calendar.local(other.next.at, patient.zone).date()
        for other in chart.checkins
        if other.status == "planned" and other.next is not None and other.next.step == "ask"
    )
    for day in (each for each in coming if (each - today).days < _WEEK_DAYS):
        if _cap_on(day, texted, patient, chart, settings, protocol, now):
            return "gives way to a later check-in"
        texted.append(day)
    return None


def abandon(checkin: CheckIn, now: datetime) -> Decision:
    """Its patient is no longer recorded."""
    return _end(checkin, "cancelled", "no such patient", now)


def look_in(checkin: CheckIn, chart: Chart, settings: ClinicSettings, now: datetime) -> Decision:
    """Every item was answered but the one on self-harm, and then four hours of silence: a person looks the same day."""
    expires = checkin.expires or now
    then = Next("expire", max(expires, now), "routine")
    if checkin.status not in OPEN or checkin.open_question != ITEM9 or chart.patient is None:
        return Decision("nothing to look in on", (replace(checkin, next=then if checkin.status in OPEN else None),))
    alert = raise_alert(
        chart.open_alert,
        clinic_id=chart.patient.clinic_id,
        thread=chart.thread,
        level="same_day",
        rule="silent_at_item9",
        trigger=f"{checkin.checkin_id}.{ITEM9}",
        settings=settings,
        now=now,
    )
    waits = checkin.into(checkin.status, "silent at item 9, staff alerted", now, then=then)
    # The patient is written unchanged: a routine text that is being claimed on an older reading of it fails.
    return Decision("silent at item 9, staff alerted", (waits, alert, chart.patient))


def expire(checkin: CheckIn, chart: Chart, settings: ClinicSettings, script: Script, now: datetime) -> Decision:
    """No answer in time: what was answered is kept. A question that never arrived is no silence of the patient's."""
    if checkin.status == "planned":
        reason = "visit was not marked completed in time" if checkin.provisional else "its text did not leave in time"
        return _end(checkin, "skipped", reason, now)
    if checkin.status not in OPEN:
        return Decision("not waiting for a reply", (replace(checkin, next=None),))
    sent = [
        text for text in chart.texts if text.checkin_id == checkin.checkin_id and text.kind in ("check_in", "nudge")
    ]
    if sent and not checkin.answers and all(text.status == "undelivered" for text in sent):
        return _end(checkin, "skipped", "its text was not delivered", now)
    closed = close_unfinished(checkin, "no answer in time", now)
    if chart.patient is None or not (checkin.answers or checkin.carried):
        return Decision("expired", (closed,))
    return Decision("expired", (closed, *unfinished(checkin, chart, chart.patient, settings, script, now)))


@dataclass(frozen=True, slots=True)
class Place:
    """Which check-in a reply belongs to, and whether it comes late."""

    checkin: CheckIn
    late: bool


def last_asked(chart: Chart, received: datetime) -> CheckIn | None:
    """The check-in that had been asked last when the patient wrote, whatever became of it."""
    asked = (c for c in chart.checkins if c.asked_at and c.asked_at <= received and c.questions)
    return max(asked, key=_asked, default=None)


def place(chart: Chart, received: datetime) -> Place | None:
    """The check-in that had been asked last when the patient wrote; a recently closed one counts, as late.

    Late, only the question that was put last can be answered: those after it were never asked.
    """
    last = last_asked(chart, received)
    if last is None:
        return None
    if last.status in OPEN:
        return Place(last, late=False)
    waits = last.open_question is not None and last.asking == last.open_question
    return Place(last, late=True) if waits and last.status in ("expired", "partly_answered") else None


def _asked(checkin: CheckIn) -> datetime:
    return checkin.asked_at or checkin.due
