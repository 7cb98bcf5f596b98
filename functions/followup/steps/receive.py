"""Take in one text: claim it, store it, act on danger and on STOP, all in one transaction."""

from datetime import datetime

from followup import keys
from followup.domain import triage
from followup.domain.records import Chart, Clinic, Decision, PhoneLink, Sender, ThreadId
from followup.domain.triage import Findings, Message
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
        full = triage.needs_charts(findings)
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
    return triage.triage(
        message,
        findings,
        thread=thread,
        charts=charts,
        clinic_id=clinic.clinic_id,
        settings=clinic.settings,
        texts=service.content.texts,
        now=now,
    )
