"""Who is followed: what a clinic's list makes of a patient's record, and what stops the texts again.

A list is imported again and again, so everything here compares what it says with what stands. STOP is the patient's
word and no list undoes it. A list may undo only what a list has done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from followup.domain.records import Next, Patient, PatientStatus

Field = Literal["phone", "consent_date"]
Reason = Literal["consent_refused", "deceased", "under_age", "no_consent", "shared_number"]
Outcome = Literal["enrolled", "updated", "unchanged"]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a patient is not taken as the list has it, and what to do about it. For the clinic's eyes, not for logs."""

    field: Field
    problem: str
    fix: str
    shared: bool = False
    """The number is somebody else's too, so that neither may be texted."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What stands after the import: the record, and whether it differs from before."""

    outcome: Outcome
    patient: Patient


PHRASES: Mapping[Reason, str] = {
    "consent_refused": "consent withdrawn in the clinic's list",
    "deceased": "deceased in the clinic's list",
    "under_age": "under 18 in the clinic's list",
    "no_consent": "no consent in the clinic's list",
    "shared_number": "number shared with another patient",
}
_ENDS: tuple[Reason, ...] = ("consent_refused", "deceased")
"""Reasons that discharge; the others pause."""
_WEIGHT: tuple[Reason, ...] = ("shared_number", "no_consent", "under_age", "deceased", "consent_refused")

NEW_CONSENT = "record the consent that the patient gave for the new number, with its date"
LATER_CONSENT = "record the consent that the patient gave since, with its date"
OWN_NUMBER = "give each patient a number of their own; neither is texted on a shared one"
OPTED_OUT = "correct the number, or have its owner text START to the clinic first"


def enrol(listed: Patient, held: Patient | None, sharing: Sequence[Patient], now: datetime) -> Enrolment | Refusal:
    """Take a patient as the list has them (`listed`, a new record) over what stands (`held`).

    `sharing` are the other patients of the clinic with the listed number. A number changes only with a consent given
    later than the one on record, because consent is given for a number (47 CFR 64.1200(f)(9)).
    """
    if held is None:
        refusal = _taken(listed, sharing)
        if refusal:
            return refusal
        return Enrolment("enrolled", listed.into("active", "enrolled", now, then=_assess(now)))
    moves = listed.phone != held.phone
    if moves and not _later_consent(listed, held):
        return Refusal("phone", "another number than on record, without a later consent", NEW_CONSENT)
    returns = _returns(held, moves)
    if returns and stopped_by(held) == "consent_refused" and not _later_consent(listed, held):
        return Refusal("consent_date", "consent was withdrawn, and this one is not later", LATER_CONSENT)
    if moves or returns:
        refusal = _taken(listed, sharing)
        if refusal:
            return refusal
    patient = replace(
        held,
        name=listed.name,
        phone=listed.phone,
        language=listed.language,
        zone=listed.zone,
        born=listed.born,
        condition=listed.condition,
        consent=listed.consent if not _earlier_consent(listed, held) else held.consent,
        baseline_phq9=held.baseline_phq9 if listed.baseline_phq9 is None else listed.baseline_phq9,
    )
    if returns:
        back = patient.into(_before_lists(held, moves), "sound again in the clinic's list", now, then=_assess(now))
        return Enrolment("updated", back)
    if patient == held:
        return Enrolment("unchanged", held)
    return Enrolment("updated", replace(patient, next=_assess(now)) if patient.next else patient)


def stop(patient: Patient, because: Reason, now: datetime) -> Patient | None:
    """The patient without texts from now on, or none if that changes nothing.

    Refusal of consent and death discharge, everything else pauses. Who opted out stays opted out, so that nothing
    that a list says later can undo it.
    """
    before = stopped_by(patient)
    if patient.status == "opted_out" or (patient.status == "discharged" and before is None):
        return None
    if before is None and patient.status == "paused" and because not in _ENDS:
        return None
    if before is not None and _WEIGHT.index(because) <= _WEIGHT.index(before):
        return None
    if patient.status == "unreachable" and because not in _ENDS:
        return None
    status: PatientStatus = "discharged" if because in _ENDS else "paused"
    return patient.into(status, PHRASES[because], now, then=_assess(now))


def stopped_by(patient: Patient) -> Reason | None:
    """Why the clinic's list stopped this patient's texts, if it did and nothing happened since."""
    if patient.status not in ("paused", "discharged") or not patient.trail:
        return None
    last = patient.trail[-1].reason
    return next((reason for reason, phrase in PHRASES.items() if phrase == last), None)


def holding(sharing: Sequence[Patient]) -> tuple[Patient, ...]:
    """Those of the patients with a number whose number it still is."""
    return tuple(patient for patient in sharing if patient.status != "discharged")


def _taken(listed: Patient, sharing: Sequence[Patient]) -> Refusal | None:
    held = holding(sharing)
    if not held:
        return None
    numbers = ", ".join(sorted(patient.record_number for patient in held))
    if any(patient.status == "opted_out" for patient in held):
        told = f"record {listed.record_number} has the number that opted out as record {numbers}"
        return Refusal("phone", told, OPTED_OUT)
    told = f"record {listed.record_number} has the same number as record {numbers}"
    return Refusal("phone", told, OWN_NUMBER, shared=True)


def _returns(held: Patient, moves: bool) -> bool:
    """Whether a sound row brings this patient back: a list stopped them, or only their old number was unreachable."""
    return stopped_by(held) is not None or (held.status == "unreachable" and moves)


def _before_lists(held: Patient, moves: bool) -> str:
    """The status that the patient had before lists stopped their texts: what others decided comes back."""
    stops = set(PHRASES.values())
    status = next((change.status for change in reversed(held.trail) if change.reason not in stops), "active")
    return "active" if moves and status == "unreachable" else status


def _later_consent(listed: Patient, held: Patient) -> bool:
    if listed.consent is None:
        return False
    return held.consent is None or listed.consent.given_on > held.consent.given_on


def _earlier_consent(listed: Patient, held: Patient) -> bool:
    if listed.consent is None:
        return True
    return held.consent is not None and listed.consent.given_on < held.consent.given_on


def _assess(now: datetime) -> Next:
    return Next("assess", now, "daily")
