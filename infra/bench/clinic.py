"""A clinic and its patients, as the measurements need them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from followup.domain.clinic import ClinicSettings, DigestRecipient, OnCall, OpenHours
from followup.domain.records import (
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
)
from followup.ports import Phones

CLINIC: Final = ClinicId("lakeside")
SENDER: Final = "+13125550100"
SERIES: Final = 6
"""Infusions."""
ZONE: Final = "America/Chicago"
START: Final = datetime(2026, 3, 2, 15, tzinfo=UTC)
"""A Monday, nine in the morning at the clinic."""

SETTINGS: Final = ClinicSettings(
    name="Lakeside Infusion",
    sms_name="Lakeside Wellness",
    zone=ZONE,
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
    series_sessions=SERIES,
)


def clinic_records(phones: Phones) -> tuple[Clinic, Sender]:
    """The clinic and the number that its patients write to."""
    return Clinic(clinic_id=CLINIC, settings=SETTINGS), Sender(sender_key=phones.key(SENDER), clinic_id=CLINIC)


def patient_id(number: int) -> PatientId:
    """An id as long as enrolment makes them."""
    return PatientId(f"p{number:020d}")


def patient_records(number: int, phones: Phones, now: datetime) -> tuple[Patient, PhoneLink]:
    """An active patient with consent, assessed daily."""
    phone = f"+1312{5550200 + number:07d}"
    patient = Patient(
        status="invited",
        patient_id=patient_id(number),
        clinic_id=CLINIC,
        record_number=f"MRN-{number:06d}",
        name="Quinn Margaret Example",
        phone=phone,
        language="en",
        zone=ZONE,
        born=date(1980, 1, 1),
        condition="depression",
        consent=Consent("texts", "2", date(2026, 1, 5)),
        baseline_phq9=18,
    ).into("active", "enrolled with consent", now, then=Next("assess", now + timedelta(days=1), "daily"))
    return patient, PhoneLink(phone_key=phones.key(phone), clinic_id=CLINIC, patient_ids=(patient.patient_id,))


def series(patient: Patient, last_end: datetime) -> Plan:
    """The plan of a patient whose series of six infusions ended then."""
    ends = [last_end - timedelta(days=3.5) * left for left in reversed(range(SERIES))]
    sessions = tuple(
        Session(
            session_id=f"visit-{nth}",
            start=end - timedelta(hours=1),
            end=end,
            status="completed",
            series="induction",
            route="iv",
        )
        for nth, end in enumerate(ends)
    )
    plan = Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id, sessions=sessions)
    return replace(plan, next=Next("extend", last_end, "daily"))
