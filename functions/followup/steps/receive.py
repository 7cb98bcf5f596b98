"""Take in one text: claim it, store it, act on danger and on STOP, all in one transaction."""

from dataclasses import replace
from datetime import datetime

from followup import keys
from followup.domain import triage
from followup.domain.consent import keyword
from followup.domain.records import Chart, Clinic, Decision, PhoneLink, Sender, ThreadId
from followup.domain.triage import Findings, Message
from followup.domain.wording import Texts
from followup.steps.service import Service, hand_over, settle


def receive(service: Service, sender_number: str, message: Message, now: datetime) -> str:
    """Store a text once, however often it is delivered, and hand over what follows. Returns the reason phrase."""
    sender = service.records.get(keys.sender(service.phones.key(sender_number)))
    if not isinstance(sender, Sender):
        return "unknown sender"
    clinic = service.clinic(sender.clinic_id)
    phone_key = service.phones.key(message.phone)
    link = service.records.get(keys.phone(phone_key, clinic.clinic_id))
    patients = link.patient_ids if isinstance(link, PhoneLink) else ()
    stranger = ThreadId(f"x{phone_key}")
    thread = ThreadId(patients[0]) if len(patients) == 1 else stranger
    threads = tuple(ThreadId(patient) for patient in patients) or (stranger,)
    findings = _look(service, message)

    def decide(consistent: bool) -> Decision:
        if consistent and service.records.get(keys.receipt(message.sid), consistent=True) is not None:
            return Decision("received already")
        full = triage.needs_charts(findings) or len(threads) > 1
        charts = tuple(service.chart(each, now, consistent=consistent) if full else Chart(each) for each in threads)
        return _triage(service, message, findings, thread, charts, clinic, now)

    decision = settle(service, decide)
    hand_over(service, decision.writes, now)
    return decision.reason


def _look(service: Service, message: Message) -> Findings:
    content = service.content
    try:
        return triage.look(message, content.danger, content.keywords)
    except Exception:  # noqa: BLE001 - whatever breaks in the screen, the text is stored and staff are alerted
        return _keyword_alone(service, message)


def _keyword_alone(service: Service, message: Message) -> Findings:
    """What can still be told of a text that broke the screen: STOP is honoured even then."""
    try:
        return Findings(keyword=keyword(message.body, message.opt_out_type, service.content.keywords), failed=True)
    except Exception:  # noqa: BLE001 - the text is stored and staff are alerted in any case
        return Findings(failed=True)


def _triage(
    service: Service,
    message: Message,
    findings: Findings,
    thread: ThreadId,
    charts: tuple[Chart, ...],
    clinic: Clinic,
    now: datetime,
) -> Decision:
    def decide(findings: Findings, texts: Texts | None) -> Decision:
        return triage.triage(
            message,
            findings,
            thread=thread,
            charts=charts,
            clinic_id=clinic.clinic_id,
            settings=clinic.settings,
            texts=texts,
            now=now,
        )

    try:
        return decide(findings, service.content.texts)
    except Exception:  # noqa: BLE001 - when the answer cannot be written, the alert still is, and staff hear of it
        return decide(replace(findings, failed=True), None)
