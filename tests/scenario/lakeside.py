"""A clinic and its patients, as scenarios need them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from followup import keys
from followup.domain.clinic import ClinicSettings, DigestRecipient, OnCall, OpenHours
from followup.domain.records import (
    Alert,
    Chart,
    CheckIn,
    Clinic,
    ClinicId,
    Consent,
    Next,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Sender,
    Session,
    Text,
    ThreadId,
)
from followup.steps import plans
from infra.demo.machine import Machine

CLINIC = ClinicId("lakeside")
SENDER = "+13125550100"
NEW_YORK = "America/New_York"

SETTINGS = ClinicSettings(
    name="Lakeside Infusion",
    sms_name="Lakeside Wellness",
    zone=NEW_YORK,
    phone="312-555-0101",
    sender=SENDER,
    messaging_service=None,
    keyword_mode="service",
    hours=tuple(OpenHours(day, time(9), time(17)) for day in range(5)),
    closed_on=(),
    on_call=(OnCall("Ana Ruiz", "ana@lakeside.example"), OnCall("Ben Cole", "ben@lakeside.example")),
    digest_at=time(7),
    digest_to=(DigestRecipient("Dr. Day", "day@lakeside.example"),),
    mail_from="followup@lakeside.example",
    series_sessions=2,
)

MONDAY = datetime(2026, 3, 2, 15, tzinfo=UTC)
"""Ten in the morning in New York."""


def open_clinic(machine: Machine, *, looks: bool = True, **changes: Any) -> None:
    """Put the clinic and its sender into the table; the sender looks for missed texts unless told not to."""
    settings = replace(SETTINGS, **changes)
    now = machine.clock.now()
    machine.records.commit(
        Clinic(
            clinic_id=CLINIC,
            settings=settings,
            next=Next("make_digest", datetime(2026, 3, 3, 12, tzinfo=UTC), "daily"),
        ),
        Sender(
            sender_key=machine.service.phones.key(SENDER),
            clinic_id=CLINIC,
            next=Next("look", now, "replies") if looks else None,
        ),
    )


def enrol(machine: Machine, number: int = 1, **changes: Any) -> PatientId:
    """An active patient with consent and an empty plan."""
    patient_id = PatientId(f"p{number}")
    phone = f"+1212555{100 + number:04d}"
    patient = Patient(
        status="active",
        patient_id=patient_id,
        clinic_id=CLINIC,
        record_number=f"R{number}",
        name="Quinn Example",
        phone=phone,
        language="en",
        zone=NEW_YORK,
        born=date(1980, 1, 1),
        condition="depression",
        consent=Consent("texts", "2", date(2026, 1, 5)),
        next=Next("assess", machine.clock.now() + timedelta(days=1), "daily"),
    )
    machine.records.commit(
        replace(patient, **changes),
        PhoneLink(phone_key=machine.service.phones.key(phone), clinic_id=CLINIC, patient_ids=(patient_id,)),
        Plan(patient_id=patient_id, clinic_id=CLINIC),
    )
    return patient_id


def visit(machine: Machine, patient_id: PatientId, session: Session) -> None:
    """Record a session in the patient's plan, or change the one with its id."""

    def put(plan: Plan) -> Plan:
        others = tuple(other for other in plan.sessions if other.session_id != session.session_id)
        return replace(plan, sessions=tuple(sorted((*others, session), key=lambda each: each.start)))

    plans.change(machine.service, patient_id, put, machine.clock.now())


def session(number: int, start: datetime, **changes: Any) -> Session:
    made = Session(
        session_id=f"v{number}",
        start=start,
        end=start + timedelta(hours=1),
        status="completed",
        series="induction",
        route="iv",
    )
    return replace(made, **changes)


def chart(machine: Machine, patient_id: PatientId) -> Chart:
    return machine.records.chart(ThreadId(patient_id), None)


def texts(machine: Machine, patient_id: PatientId) -> list[str]:
    """What reached the patient's phone, oldest first."""
    patient = machine.records.get(keys.patient(patient_id))
    assert isinstance(patient, Patient)
    return [text.order.body for text in machine.carrier.sent if text.order.to == patient.phone]


def checkins(machine: Machine, patient_id: PatientId) -> list[CheckIn]:
    return sorted(chart(machine, patient_id).checkins, key=lambda each: each.due)


def outgoing(machine: Machine, patient_id: PatientId) -> list[Text]:
    return list(chart(machine, patient_id).texts)


def phone_of(machine: Machine, patient_id: PatientId) -> str:
    patient = machine.records.get(keys.patient(patient_id))
    assert isinstance(patient, Patient)
    return patient.phone


def write(machine: Machine, patient_id: PatientId, body: str, *, opt_out_type: str | None = None) -> None:
    """The patient texts, and everything that follows at once is done."""
    answer = machine.patient_writes(phone_of(machine, patient_id), SENDER, body, opt_out_type=opt_out_type)
    assert answer["statusCode"] == 200
    machine.settle()


def status_of(machine: Machine, patient_id: PatientId) -> str:
    patient = machine.records.get(keys.patient(patient_id))
    assert isinstance(patient, Patient)
    return patient.status


def alerts_of(machine: Machine, thread: str) -> list[Alert]:
    return list(machine.records.chart(ThreadId(thread), None).alerts)


def pages(machine: Machine) -> list[str]:
    """Whom the service has paged by mail, oldest first."""
    return [sent.mail.to for sent in machine.mailer.sent if sent.mail.kind == "page"]
