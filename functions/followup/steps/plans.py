"""Extend a plan: bring the check-ins of the next fourteen days in step with the sessions."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from followup.domain.errors import Missing
from followup.domain.plan import replan
from followup.domain.records import AnyRecord, Decision, Patient, PatientId, Plan, ThreadId
from followup.steps.service import Service, settle
from followup.steps.texts import protocol_of


def extend(service: Service, plan: Plan, now: datetime) -> Decision:
    """Re-plan on the sessions as they stand."""
    return change(service, plan.patient_id, lambda current: current, now)


def change(
    service: Service,
    patient_id: PatientId,
    edit: Callable[[Plan], Plan],
    now: datetime,
    *,
    beside: tuple[AnyRecord, ...] = (),
) -> Decision:
    """Change a plan's sessions and re-plan in the same commit, so that what follows is planned exactly once.

    `beside` are new records that go into that commit too, such as who changed it.

    Raises:
        Missing: the patient does not exist.
    """

    def decide(consistent: bool) -> Decision:
        chart = service.chart(ThreadId(patient_id), now, consistent=consistent)
        patient = chart.patient
        if not isinstance(patient, Patient):
            raise Missing(f"patient {patient_id} does not exist")
        clinic = service.clinic(patient.clinic_id)
        plan = chart.plan or Plan(patient_id=patient_id, clinic_id=patient.clinic_id)
        planned = replan(replace(chart, plan=edit(plan)), clinic.settings, protocol_of(service, clinic), now)
        return replace(planned, writes=(*planned.writes, *beside))

    return settle(service, decide)
