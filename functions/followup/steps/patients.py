"""Assess a patient: booster rules and silence, on the whole history."""

from datetime import datetime

from followup import keys
from followup.domain import booster, silence
from followup.domain.records import Decision, Patient
from followup.steps.service import Service, settle


def assess(service: Service, patient: Patient, now: datetime) -> Decision:
    """Judge the history and write the flags that follow, with the patient's next assessment."""
    settings = service.settings(patient.clinic_id)

    def decide(consistent: bool) -> Decision:
        chart = service.records.chart(patient.thread, None, consistent=consistent)
        found = booster.assess(chart, settings, now)
        quiet = silence.judge(chart, settings, now)
        writes = {keys.of(record): record for record in (*quiet.writes, *found.writes)}
        return Decision(found.reason, tuple(writes.values()))

    return settle(service, decide)
