"""Enter questionnaire scores from a clinic's list."""

from dataclasses import replace
from datetime import datetime
from typing import Literal

from followup import keys
from followup.domain import scoring as domain
from followup.domain.errors import Missing
from followup.domain.records import ClinicId, Decision, Score, ThreadId
from followup.domain.scoring import Differs, Entered
from followup.intake.scores import ScoreRow
from followup.steps.auditing import audit
from followup.steps.enrolment import patient_id
from followup.steps.service import Service, settle

Outcome = Literal["stored", "alerted", "unchanged", "differs"]


def enter(service: Service, clinic_id: ClinicId, row: ScoreRow, *, who: str, now: datetime) -> Outcome:
    """Store a score and what follows from it in one commit; the same score again changes nothing.

    Another value for the same questionnaire and time is never written over the one that stands.

    Raises:
        Missing: no such patient is enrolled.
    """
    patient = patient_id(service, clinic_id, row.record_number)
    entered = Entered(row.instrument, row.at, row.total, row.item9)
    settings = service.settings(clinic_id)
    at = [keys.of(score) for score in domain.records_of(patient, entered)]

    def decide(consistent: bool) -> Decision:
        chart = service.chart(ThreadId(patient), now, consistent=consistent)
        if chart.patient is None:
            raise Missing(f"patient {patient} does not exist")
        found = (service.records.get(key, consistent=consistent) for key in at)
        stored = [record for record in found if isinstance(record, Score)]
        decision = domain.enter(entered, stored, chart.patient, chart, settings, now)
        if not decision.writes:
            return decision
        log = audit(service, clinic_id, who=who, did="entered a score", about=f"patient {patient}", now=now)
        return replace(decision, writes=(*decision.writes, log))

    try:
        reason = settle(service, decide).reason
    except Differs:
        return "differs"
    if reason == "unchanged":
        return "unchanged"
    return "alerted" if reason == "stored, staff alerted" else "stored"
