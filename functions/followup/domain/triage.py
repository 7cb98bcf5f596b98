"""What the webhook decides about a text before anything else is read: danger, and exact opt-out words.

Bounded and pure, so that alert and crisis reply are written in the transaction that claims the text. Opt-out, quiet
hours, caps, an unreadable remainder or a closed account hold back neither.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from followup.domain import alerts
from followup.domain.checkin import OPEN, close_unfinished
from followup.domain.clinic import ClinicSettings
from followup.domain.consent import Keyword, KeywordWords
from followup.domain.flags import raise_flag
from followup.domain.outgoing import compose
from followup.domain.records import (
    Alert,
    AnyRecord,
    Chart,
    ClinicId,
    Decision,
    Incoming,
    Language,
    Next,
    Patient,
    Receipt,
    Text,
    ThreadId,
)
from followup.domain.safety import Danger, DangerRules
from followup.domain.understanding import first_look
from followup.domain.wording import Texts

RECEIPTS_KEPT = timedelta(days=400)
"""How long a handled MessageSid is remembered: longer than the carrier lists messages."""

_AFTER_INFUSION = timedelta(hours=24)
_ENDS_TEXTS = frozenset({"in_hospital", "in_custody", "patient_died", "patient_died_told"})
"""Rules of the screen after which no routine text goes out until a person has set the patient active again."""
_HELP_TELLS_OWNER = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Message:
    """An incoming text as the carrier delivered or listed it."""

    sid: str
    phone: str
    body: str
    received: datetime
    media: int = 0
    opt_out_type: str | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """What the screen saw. `failed`: the screen itself broke, which a person must hear of."""

    danger: Danger | None = None
    after_infusion: Danger | None = None
    """What it would be within a day of an infusion, where driving, alcohol and sedatives count too."""
    keyword: Keyword | None = None
    wants_out: bool = False
    failed: bool = False


def look(message: Message, rules: DangerRules, words: KeywordWords) -> Findings:
    """Screen a text. Danger is looked for first, and in every text."""
    seen = first_look(message.body, rules, words, opt_out_type=message.opt_out_type)
    return Findings(
        danger=seen.danger,
        after_infusion=seen.after_infusion,
        keyword=seen.keyword,
        wants_out=seen.wants_out,
    )


def needs_charts(findings: Findings) -> bool:
    """Whether triage has to know more than the text: most texts only have to be stored."""
    return bool(findings.after_infusion or findings.danger or findings.keyword or findings.wants_out or findings.failed)


def triage(
    message: Message,
    findings: Findings,
    *,
    thread: ThreadId,
    charts: Sequence[Chart],
    clinic_id: ClinicId,
    settings: ClinicSettings,
    texts: Texts | None,
    now: datetime,
) -> Decision:
    """Claim the text, store it, and act on what was found.

    `thread` holds the text; `charts` are those of every patient with this number, or the empty one of a number that
    we do not know. Without `texts` nothing is answered: what is left when writing the answer broke.
    """
    if any(infused_lately(chart, now) for chart in charts):
        findings = replace(findings, danger=findings.after_infusion)
    danger, found_word = findings.danger, findings.keyword
    handled = found_word is not None or danger is not None or findings.wants_out
    status, reason = ("read", "read by triage") if handled else ("unread", "stored")
    then = None if handled else Next("read", now, "replies")
    incoming = Incoming(
        status=status,
        sid=message.sid,
        thread=thread,
        clinic_id=clinic_id,
        phone=message.phone,
        body=message.body,
        received=message.received,
        media=message.media,
        danger_rule=danger.rule if danger else None,
    ).into(status, reason, now, then=then)
    receipt = Receipt(sid=message.sid, thread=thread, expires=now + RECEIPTS_KEPT)
    writes: list[AnyRecord] = [receipt, incoming]
    for number, chart in enumerate(charts):
        changed = _on_patient(message, findings, chart, clinic_id, settings, now, shared=len(charts) > 1)
        writes.extend(changed)
        if number == 0:
            alert = next((record for record in changed if isinstance(record, Alert)), None)
            patient = chart.patient
            if texts is not None:
                replies = _replies(message, findings, alert, chart.thread, patient, clinic_id, settings, texts, now)
                writes.extend(replies)
    return Decision(_reason(findings), tuple(writes))


def infused_lately(chart: Chart, now: datetime) -> bool:
    """Whether an infusion ended within the last day, or is going on."""
    sessions = chart.plan.sessions if chart.plan else ()
    return any(
        session.status in ("scheduled", "completed") and session.start <= now <= session.end + _AFTER_INFUSION
        for session in sessions
    )


def _reason(findings: Findings) -> str:
    if findings.danger:
        return f"danger: {findings.danger.level.replace('_', ' ')}"
    if findings.failed:
        return "triage failed, staff alerted"
    if findings.keyword:
        return f"keyword: {findings.keyword}"
    return "opted out in words" if findings.wants_out else "stored"


def _on_patient(
    message: Message,
    findings: Findings,
    chart: Chart,
    clinic_id: ClinicId,
    settings: ClinicSettings,
    now: datetime,
    *,
    shared: bool,
) -> list[AnyRecord]:
    writes: list[AnyRecord] = []
    danger, patient = findings.danger, chart.patient
    stops = findings.keyword == "stop" or findings.wants_out
    level, rule = (danger.level, danger.rule) if danger else ("same_day", "triage_failed")
    # Where the carrier blocks us from here on, the crisis reply cannot arrive, so a person has to phone.
    blocked = danger is not None and stops and settings.keyword_mode == "carrier"
    if danger or findings.failed or (findings.keyword == "help" and _after_danger(chart, now)):
        alert = alerts.raise_alert(
            chart.open_alert,
            clinic_id=clinic_id,
            thread=chart.thread,
            level="emergency" if blocked else level,
            rule=rule if danger or findings.failed else "asked_for_help",
            trigger=message.sid,
            settings=settings,
            now=now,
        )
        writes.append(alerts.phone_now(alert, now) if blocked else alert)
    elif shared and chart.open_alert is not None:
        # What nobody can place is told to whoever has the alert of one of those that it may come from.
        writes.append(alerts.wrote_again(chart.open_alert, message.sid, settings, now))
    if danger or stops:
        why = "stopped: danger" if danger else "stopped: opted out"
        writes.extend(close_unfinished(c, why, now) for c in chart.checkins if c.status in OPEN)
    if patient is None:
        return writes
    if stops and patient.status != "opted_out":
        writes.append(patient.into("opted_out", "texted stop", now, then=patient.next))
        writes.append(raise_flag(chart, patient, "unreachable", "opted_out", now))
    elif danger and danger.rule in _ENDS_TEXTS and patient.status == "active":
        writes.append(patient.into("paused", f"said: {danger.rule.replace('_', ' ')}", now, then=patient.next))
    elif findings.keyword == "start" and patient.status == "opted_out":
        writes.append(patient.into(_before_stop(patient), "texted start", now, then=patient.next))
        if chart.plan is not None:
            # Planning ends with the opt-out, so it has to be started again.
            writes.append(replace(chart.plan, next=Next("extend", now, "daily")))
        writes.extend(
            flag.into("withdrawn", "texted start", now)
            for flag in chart.flags
            if flag.rule == "opted_out" and flag.status in ("open", "acknowledged", "snoozed")
        )
    elif any(isinstance(record, Alert) for record in writes):
        # Unchanged, but written: a routine text that is being claimed on an older reading of it fails.
        writes.append(patient)
    return writes


def _before_stop(patient: Patient) -> str:
    """What the patient was before the opt-out: who was not being texted then is not texted after START either."""
    earlier = [change.status for change in patient.trail if change.status != "opted_out"]
    return earlier[-1] if earlier and earlier[-1] in ("invited", "paused", "discharged") else "active"


def _resumes(patient: Patient) -> bool:
    return patient.status == "opted_out" and _before_stop(patient) == "active"


def _after_danger(chart: Chart, now: datetime) -> bool:
    return chart.open_alert is not None or any(
        text.kind == "crisis" and now - text.created <= _HELP_TELLS_OWNER for text in chart.texts
    )


def _replies(
    message: Message,
    findings: Findings,
    alert: Alert | None,
    thread: ThreadId,
    patient: Patient | None,
    clinic_id: ClinicId,
    settings: ClinicSettings,
    texts: Texts,
    now: datetime,
) -> list[Text]:
    def write(text_id: str, language: Language, **slots: str) -> Text:
        return compose(
            thread=thread,
            clinic_id=clinic_id,
            kind="crisis" if text_id.startswith("crisis") else "keyword",
            to=message.phone,
            body=texts.render(text_id, language, **slots),
            purpose=f"{text_id}-{language}-{message.sid[-8:]}",
            alert_id=alert.alert_id if alert and text_id.startswith("crisis") else None,
            now=now,
        )

    # Somebody we do not know is answered in every language, and so is a patient whose language is no longer kept.
    known = patient is not None and patient.language in texts.languages
    languages: tuple[Language, ...] = (patient.language,) if patient is not None and known else texts.languages
    replies: list[Text] = []
    if findings.danger:
        crisis = "crisis.medical" if findings.danger.kind == "medical" else "crisis.self_harm"
        replies.extend(write(crisis, language, sms_name=settings.sms_name) for language in languages)
    if settings.keyword_mode == "service" and patient is not None:
        stops = findings.keyword == "stop" or findings.wants_out
        if stops and patient.status != "opted_out":
            replies.append(write("keyword.stop", languages[0], sms_name=settings.sms_name))
        elif findings.keyword == "start" and (patient.status == "active" or _resumes(patient)):
            replies.append(write("keyword.start", languages[0], sms_name=settings.sms_name))
        elif findings.keyword == "help":
            replies.append(write("keyword.help", languages[0], sms_name=settings.sms_name, phone=settings.phone))
    return replies
