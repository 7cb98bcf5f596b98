"""A clinician asks for a PHQ-9 of one patient, beside what the protocol asks."""

from datetime import datetime

from followup.domain import calendar
from followup.domain.errors import Missing
from followup.domain.plan import next_survey
from followup.domain.records import ClinicId, Plan, ThreadId
from followup.domain.requests import requested
from followup.steps import enrolment, plans
from followup.steps.auditing import audit
from followup.steps.service import Service


def request(service: Service, clinic_id: ClinicId, record_number: str, *, who: str, now: datetime) -> datetime | None:
    """Have PHQ-9 asked at the next time at which surveys start; when that is, or none if the patient gets no texts.

    Raises:
        Missing: no such patient is enrolled.
    """
    patient = enrolment.patient(service, clinic_id, record_number)
    if patient is None:
        raise Missing("no enrolled patient has this record number; correct it, or import the patient first")
    today = calendar.local(now, patient.zone).date()

    def with_request(plan: Plan) -> Plan:
        return requested(plan, "clinician", today)

    log = audit(service, clinic_id, who=who, did="asked for a survey", about=f"patient {patient.patient_id}", now=now)
    plans.change(service, patient.patient_id, with_request, now, beside=(log,))
    return next_survey(service.chart(ThreadId(patient.patient_id), now, consistent=True))
