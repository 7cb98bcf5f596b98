"""Whether a patient may get texts that need consent."""

from datetime import date, datetime

from followup.domain import calendar
from followup.domain.records import Patient

_ADULT_YEARS = 18


def ineligible(patient: Patient, now: datetime) -> str | None:
    """Why this patient gets no check-ins, or none: active, with recorded consent, and an adult today."""
    if patient.status != "active":
        return f"patient is {patient.status.replace('_', ' ')}"
    if patient.consent is None:
        return "no consent recorded"
    if not is_adult(patient.born, calendar.local(now, patient.zone).date()):
        return "not an adult"
    return None


def is_adult(born: date, today: date) -> bool:
    """Eighteen or older on this day."""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    return years >= _ADULT_YEARS
