"""Who did what to which record, when: one record for each thing that staff do."""

from datetime import datetime

from followup.domain.records import Audit, ClinicId
from followup.steps.service import Service


def audit(service: Service, clinic_id: ClinicId, *, who: str, did: str, about: str, now: datetime) -> Audit:
    """The record of something that a person did; it goes into the commit that does it."""
    return Audit(
        clinic_id=clinic_id,
        audit_id=service.token(),
        at=now,
        who=who,
        did=did,
        about=about,
    )
