"""Enrol a patient from a clinic's list, take over what changed, and stop the texts of those who may get none."""

from dataclasses import dataclass, replace
from datetime import datetime, time
from typing import Final

from followup import keys
from followup.domain import calendar, enrolment
from followup.domain.enrolment import Enrolment, Outcome, Reason, Refusal
from followup.domain.flags import STANDING, raise_flag
from followup.domain.plan import replan
from followup.domain.records import (
    AnyRecord,
    Chart,
    ClinicId,
    Decision,
    Flag,
    Next,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Score,
    ThreadId,
)
from followup.intake.roster import RosterRow
from followup.steps.auditing import audit
from followup.steps.service import Service, settle
from followup.steps.texts import protocol_of

SHARED_NUMBER: Final = "shared_number"
"""The desk's flag on a patient whose number the clinic's list gives to somebody else too."""

_ID_LETTERS = 20
_NOON = time(12)


def patient_id(service: Service, clinic_id: ClinicId, record_number: str) -> PatientId:
    """The patient's id: the same record number of a clinic always has the same one, which does not tell it."""
    return PatientId("p" + service.phones.key(f"{clinic_id}|{record_number}")[:_ID_LETTERS])


def patient(service: Service, clinic_id: ClinicId, record_number: str) -> Patient | None:
    """The patient with this record number, if enrolled."""
    key = keys.patient(patient_id(service, clinic_id, record_number))
    found = service.records.get(key, consistent=True)
    return found if isinstance(found, Patient) else None


def enrol(service: Service, clinic_id: ClinicId, row: RosterRow, *, who: str, now: datetime) -> Outcome | Refusal:
    """Enrol the patient of a row, or take over what the row changes; the same row again changes nothing.

    Where the row's number is another patient's, neither is texted: the row is refused, the other one is paused with a
    flag for the desk, and comes back with the next list in which the number is theirs alone.

    Raises:
        Missing: there is no such clinic.
    """
    listed = _listed(service, clinic_id, row)
    result: Enrolment | Refusal | None = None

    def decide(consistent: bool) -> Decision:
        nonlocal result
        chart = service.chart(listed.thread, now, consistent=consistent)
        numbers = _Numbers.of(service, listed, chart.patient)
        result = enrolment.enrol(listed, chart.patient, numbers.sharing, now)
        if isinstance(result, Refusal):
            return Decision("refused")
        if result.outcome == "unchanged":
            return Decision("unchanged")
        log = audit(
            service,
            clinic_id,
            who=who,
            did="enrolled" if result.outcome == "enrolled" else "changed particulars",
            about=f"patient {listed.patient_id}",
            now=now,
        )
        writes = (
            result.patient,
            *numbers.links(result.patient),
            *_baseline(service, chart.patient, result.patient, now),
            *_planned(service, chart, result.patient, now),
            *_freed(chart, result.patient, now),
            log,
        )
        return Decision(result.outcome, writes)

    settle(service, decide)
    if isinstance(result, Refusal):
        if result.shared:
            _hold_sharing(service, listed, who, now)
        return result
    return result.outcome if result is not None else "unchanged"


def stop(
    service: Service,
    clinic_id: ClinicId,
    record_number: str,
    because: Reason,
    *,
    who: str,
    now: datetime,
    others: tuple[str, ...] = (),
) -> bool:
    """Stop the texts of the patient with this record number, if enrolled. Says whether that changed anything.

    `others` are the record numbers that share the patient's number, for the desk's flag.
    """
    thread = ThreadId(patient_id(service, clinic_id, record_number))

    def decide(consistent: bool) -> Decision:
        chart = service.chart(thread, now, consistent=consistent)
        stopped = enrolment.stop(chart.patient, because, now) if chart.patient else None
        if stopped is None:
            return Decision("nothing to stop")
        flags = (_flag(chart, stopped, others, now),) if because == SHARED_NUMBER else ()
        did = f"stopped texts: {enrolment.PHRASES[because]}"
        log = audit(service, clinic_id, who=who, did=did, about=f"patient {stopped.patient_id}", now=now)
        return Decision("stopped", (stopped, *_planned(service, chart, stopped, now), *flags, log))

    return settle(service, decide).reason == "stopped"


def _listed(service: Service, clinic_id: ClinicId, row: RosterRow) -> Patient:
    return Patient(
        status="invited",
        patient_id=patient_id(service, clinic_id, row.record_number),
        clinic_id=clinic_id,
        record_number=row.record_number,
        name=row.name,
        phone=row.phone,
        language=row.language,
        zone=row.zone,
        born=row.born,
        condition=row.condition,
        consent=row.consent,
        baseline_phq9=row.phq9_intake,
    )


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Who has the listed number, and whose links to numbers change with it."""

    new: PhoneLink
    old: PhoneLink | None
    sharing: tuple[Patient, ...]

    @classmethod
    def of(cls, service: Service, listed: Patient, held: Patient | None) -> "_Numbers":
        new = _link(service, listed, listed.phone)
        moves = held is not None and held.phone != listed.phone
        others = [each for each in new.patient_ids if each != listed.patient_id]
        found = (service.records.get(keys.patient(each), consistent=True) for each in others)
        return cls(
            new=new,
            old=_link(service, listed, held.phone) if held is not None and moves else None,
            sharing=tuple(record for record in found if isinstance(record, Patient)),
        )

    def links(self, patient: Patient) -> tuple[PhoneLink, ...]:
        """The links to write: whoever was discharged gives the number up."""
        if patient.status == "discharged":
            return ()
        mine = replace(self.new, patient_ids=(patient.patient_id,))
        changed = () if mine == self.new else (mine,)
        if self.old is None:
            return changed
        left = tuple(each for each in self.old.patient_ids if each != patient.patient_id)
        return (*changed, replace(self.old, patient_ids=left))


def _link(service: Service, patient: Patient, number: str) -> PhoneLink:
    phone_key = service.phones.key(number)
    found = service.records.get(keys.phone(phone_key, patient.clinic_id), consistent=True)
    if isinstance(found, PhoneLink):
        return found
    return PhoneLink(phone_key=phone_key, clinic_id=patient.clinic_id, patient_ids=())


def _baseline(service: Service, before: Patient | None, after: Patient, now: datetime) -> tuple[Score, ...]:
    """The intake PHQ-9 as a score, dated with the consent; corrected where the list corrects it."""
    value = after.baseline_phq9
    if value is None or (before is not None and before.baseline_phq9 == value):
        return ()
    if before is not None:
        history = service.records.chart(after.thread, None, consistent=True)
        held = next((score for score in history.scores if score.origin == "intake"), None)
        if held is not None:
            return (replace(held, value=value),)
    noon = calendar.at_local(after.consent.given_on, _NOON, after.zone) if after.consent else now
    score = Score(patient_id=after.patient_id, instrument="phq9", value=value, at=min(noon, now), origin="intake")
    # A score entered for that very time stands; the record's own baseline is what rules go by.
    return () if service.records.get(keys.of(score), consistent=True) else (score,)


def _planned(service: Service, chart: Chart, patient: Patient, now: datetime) -> tuple[AnyRecord, ...]:
    """The plan in step with the patient: a first one, or what follows from a change of status, zone or birth date."""
    before = chart.patient
    if before is None or chart.plan is None:
        empty = Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id)
        return (replace(empty, next=Next("extend", now, "daily")),)
    if (before.status, before.zone, before.born) == (patient.status, patient.zone, patient.born):
        return ()
    clinic = service.clinic(patient.clinic_id)
    return replan(replace(chart, patient=patient), clinic.settings, protocol_of(service, clinic), now).writes


def _freed(chart: Chart, patient: Patient, now: datetime) -> tuple[Flag, ...]:
    """A sound row settles who has the number."""
    if patient.status != "active":
        return ()
    standing = (flag for flag in chart.flags if flag.rule == SHARED_NUMBER and flag.status in STANDING)
    return tuple(replace(flag, changed=now).into("withdrawn", "number is the patient's own", now) for flag in standing)


def _hold_sharing(service: Service, listed: Patient, who: str, now: datetime) -> None:
    held = service.records.get(keys.patient(listed.patient_id), consistent=True)
    numbers = _Numbers.of(service, listed, held if isinstance(held, Patient) else None)
    others = tuple(sorted(other.record_number for other in enrolment.holding(numbers.sharing)))
    for record_number in (listed.record_number, *others):
        rest = tuple(each for each in (listed.record_number, *others) if each != record_number)
        stop(service, listed.clinic_id, record_number, SHARED_NUMBER, who=who, now=now, others=rest)


def _flag(chart: Chart, patient: Patient, others: tuple[str, ...], now: datetime) -> Flag:
    numbers = (("record", patient.record_number), ("others", ", ".join(others)))
    return raise_flag(chart, patient, "desk", SHARED_NUMBER, now, numbers=numbers)
