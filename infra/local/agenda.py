"""What happens next, in words for the clock page: which step of which record, for whom by initials, and when there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from followup import keys
from followup.domain.records import (
    Alert,
    AnyRecord,
    Audit,
    CheckIn,
    CheckInKind,
    Clinic,
    ClinicId,
    Flag,
    Incoming,
    Mail,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Receipt,
    Score,
    Sender,
    Step,
    Text,
    TextKind,
)
from followup.ports import Records
from infra.local.directory import initials
from infra.local.due import DueSteps

_A_SHARD: Final = 40
_LOOKED_AT: Final = 200

CHECK_INS: Final[dict[CheckInKind, str]] = {
    "reminder": "reminder of a visit",
    "same_day": "check-in on the day of the visit",
    "next_day": "check-in the day after the visit",
    "baseline": "check-in before the first visit",
    "day_3": "check-in on day 3",
    "day_7": "check-in on day 7",
    "day_14": "check-in on day 14",
    "weekly": "weekly check-in",
    "extra_mood": "second check-in of the week",
    "survey": "survey",
    "continued": "second day of a survey",
}
TEXTS: Final[dict[TextKind, str]] = {
    "check_in": "a check-in text",
    "nudge": "a nudge",
    "answer": "an answer",
    "keyword": "an answer to a keyword",
    "crisis": "a crisis reply",
}
STEPS: Final[dict[Step, str]] = {
    "ask": "Text: {what}",
    "nudge": "Nudge if there is no answer: {what}",
    "look_in": "Look whether the safety question stays unanswered: {what}",
    "expire": "Close: {what}",
    "send": "Send {what}",
    "find_out": "Find out what became of {what}",
    "read": "Read {what}",
    "page": "Page the person on call",
    "wake": "A snoozed flag comes back",
    "assess": "Assess: booster and silence",
    "extend": "Plan the days ahead",
    "make_digest": "Make the daily digest",
    "look": "Look for missed texts",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Pending steps of one kind at one moment. `who`: patients' initials, or the clinic's name.

    `zone` says whose clock the local time is read on.
    """

    at: datetime
    what: str
    zone: str
    who: tuple[str, ...]


class Agenda:
    """Reads the due index and the records that stand in it."""

    def __init__(self, steps: DueSteps, records: Records) -> None:
        self._steps, self._records = steps, records

    def next(self, most: int) -> Sequence[Entry]:
        """The next steps, oldest first; those of one kind at one moment together."""
        ahead = self._steps.ahead(_A_SHARD)[:_LOOKED_AT]
        found = {keys.of(record): record for record in self._records.get_many([step.key for step in ahead])}
        patients, clinics = self._patients(found.values()), self._clinics(found.values())
        grouped: dict[tuple[datetime, str, str], list[str]] = {}
        for step in ahead:
            record = found.get(step.key)
            if record is not None:
                patient, clinic = patients.get(_patient_of(record)), clinics.get(_clinic_of(record))
                zone = _zone(record, patient, clinic)
                grouped.setdefault((step.at, _said(record), zone), []).append(_who(patient, clinic))
        return [Entry(at, what, zone, tuple(who)) for (at, what, zone), who in grouped.items()][:most]

    def _patients(self, records: Any) -> dict[PatientId | None, Patient]:
        ids = {patient_id for record in records if (patient_id := _patient_of(record))}
        found = self._records.get_many([keys.patient(patient_id) for patient_id in sorted(ids)])
        return {record.patient_id: record for record in found if isinstance(record, Patient)}

    def _clinics(self, records: Any) -> dict[ClinicId | None, Clinic]:
        ids = {clinic_id for record in records if (clinic_id := _clinic_of(record))}
        found = self._records.get_many([keys.clinic(clinic_id) for clinic_id in sorted(ids)])
        return {record.clinic_id: record for record in found if isinstance(record, Clinic)}


def as_json(entry: Entry) -> dict[str, Any]:
    return {"at": entry.at.isoformat(), "what": entry.what, "zone": entry.zone, "who": list(entry.who)}


def _who(patient: Patient | None, clinic: Clinic | None) -> str:
    if patient is not None:
        return initials(patient.name)
    return clinic.settings.name if clinic is not None else "–"


def _zone(record: AnyRecord, patient: Patient | None, clinic: Clinic | None) -> str:
    """Texts keep to the patient's clock, everything else to the clinic's."""
    if patient is not None and isinstance(record, CheckIn | Text | Incoming):
        return patient.zone
    return clinic.settings.zone if clinic is not None else "UTC"


def _said(record: AnyRecord) -> str:
    return STEPS[record.next.step].format(what=_what(record)) if record.next is not None else "Nothing any more"


def _what(record: AnyRecord) -> str:
    match record:
        case CheckIn():
            return CHECK_INS[record.kind]
        case Text():
            return TEXTS[record.kind]
        case Incoming():
            return "a reply"
        case Mail():
            return "a digest mail" if record.kind == "digest" else "a page by mail"
        case _:
            return "it"


def _patient_of(record: AnyRecord) -> PatientId | None:
    match record:
        case Patient() | Plan() | CheckIn() | Score() | Flag():
            return record.patient_id
        case Text() | Incoming() | Alert() | Receipt():
            return PatientId(record.thread)
        case Clinic() | Sender() | PhoneLink() | Mail() | Audit():
            return None


def _clinic_of(record: AnyRecord) -> ClinicId | None:
    return None if isinstance(record, CheckIn | Receipt | Score) else record.clinic_id
