from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.enrolment import PHRASES, Enrolment, Reason, Refusal, enrol, stop, stopped_by
from followup.domain.records import ClinicId, Consent, Patient, PatientId

NOW = datetime(2026, 3, 30, 13, tzinfo=UTC)


def listed(**changes: Any) -> Patient:
    """A patient as a list has them."""
    made = Patient(
        status="invited",
        patient_id=PatientId("p1"),
        clinic_id=ClinicId("c"),
        record_number="R1",
        name="Quinn Example",
        phone="+13125550121",
        language="en",
        zone="America/Chicago",
        born=date(1980, 1, 1),
        condition="depression",
        consent=consent(1),
        baseline_phq9=18,
    )
    return replace(made, **changes)


def consent(day: int) -> Consent:
    return Consent("texts", "2", date(2026, 3, day))


def enrolled(row: Patient | None = None) -> Patient:
    result = enrol(row or listed(), None, (), NOW)
    assert isinstance(result, Enrolment)
    return result.patient


def stopped(patient: Patient, because: Reason) -> Patient:
    result = stop(patient, because, NOW)
    assert result is not None
    return result


def outcome(row: Patient, held: Patient, *sharing: Patient) -> str:
    result = enrol(row, held, sharing, NOW)
    return result.outcome if isinstance(result, Enrolment) else result.field


def status(row: Patient, held: Patient) -> str:
    result = enrol(row, held, (), NOW)
    assert isinstance(result, Enrolment)
    return result.patient.status


def test_given_nobody_when_listed_then_they_are_active_and_looked_at() -> None:
    patient = enrolled()
    assert patient.status == "active"
    assert patient.next is not None
    assert patient.next.step == "assess"


def test_given_a_patient_when_listed_the_same_then_nothing_changes() -> None:
    assert outcome(listed(), enrolled()) == "unchanged"


def test_given_a_list_without_the_intake_score_then_the_known_one_stays() -> None:
    assert outcome(listed(baseline_phq9=None), enrolled()) == "unchanged"


@pytest.mark.parametrize(
    "changes", [{"language": "es"}, {"zone": "America/Denver"}, {"name": "Q. Example"}, {"baseline_phq9": 20}]
)
def test_given_other_particulars_then_they_are_taken_over(changes: dict[str, Any]) -> None:
    assert outcome(listed(**changes), enrolled()) == "updated"


@pytest.mark.parametrize(("day", "expected"), [(1, "phone"), (2, "updated")])
def test_given_another_number_then_it_needs_a_later_consent(day: int, expected: str) -> None:
    row = listed(phone="+13125550199", consent=consent(day))
    assert outcome(row, enrolled()) == expected


def test_given_an_older_consent_then_the_later_one_stays() -> None:
    held = enrolled(listed(consent=consent(5)))
    assert outcome(listed(consent=consent(1)), held) == "unchanged"


def test_given_a_number_somebody_has_then_it_is_refused_with_both_record_numbers() -> None:
    other = replace(enrolled(), patient_id=PatientId("p2"), record_number="R2")
    result = enrol(listed(), None, (other,), NOW)
    assert isinstance(result, Refusal)
    assert result.shared
    assert "R1" in result.problem
    assert "R2" in result.problem


def test_given_a_number_of_somebody_who_left_then_it_is_free() -> None:
    left = replace(stopped(enrolled(), "deceased"), patient_id=PatientId("p2"), record_number="R2")
    assert isinstance(enrol(listed(), None, (left,), NOW), Enrolment)


@pytest.mark.parametrize("because", ["no_consent", "shared_number", "under_age", "deceased"])
def test_given_a_list_stopped_the_texts_when_the_row_is_sound_again_then_they_go_on(because: Reason) -> None:
    assert status(listed(), stopped(enrolled(), because)) == "active"


def test_given_consent_was_refused_then_only_a_later_consent_counts() -> None:
    held = stopped(enrolled(), "consent_refused")
    assert outcome(listed(), held) == "consent_date"
    assert status(listed(consent=consent(20)), held) == "active"


def test_given_staff_paused_the_patient_then_no_list_undoes_it() -> None:
    paused = enrolled().into("paused", "asked for a break", NOW)
    back = stopped(paused, "deceased")
    assert outcome(listed(), paused) == "unchanged"
    assert stop(paused, "no_consent", NOW) is None
    assert status(listed(), back) == "paused"


def test_given_staff_discharged_the_patient_then_no_list_brings_them_back() -> None:
    gone = enrolled().into("discharged", "moved away", NOW)
    assert stop(gone, "deceased", NOW) is None
    assert outcome(listed(), gone) == "unchanged"


def test_given_an_unreachable_number_then_another_one_makes_the_patient_reachable() -> None:
    lost = enrolled().into("unreachable", "number cannot receive texts", NOW)
    assert status(listed(), lost) == "unreachable"
    assert status(listed(phone="+13125550199", consent=consent(9)), lost) == "active"


def test_given_a_weaker_reason_after_a_stronger_one_then_the_stronger_stays() -> None:
    refused = stopped(enrolled(), "consent_refused")
    assert stop(refused, "deceased", NOW) is None
    assert stopped_by(stopped(stopped(enrolled(), "deceased"), "consent_refused")) == "consent_refused"


REASONS = st.sampled_from(list(PHRASES))
ROWS = st.builds(
    listed,
    phone=st.sampled_from(["+13125550121", "+13125550122"]),
    consent=st.integers(1, 28).map(consent),
    language=st.sampled_from(["en", "es"]),
)


@given(steps=st.lists(st.one_of(REASONS, ROWS), max_size=8))
def test_whatever_lists_say_an_opted_out_patient_stays_opted_out(steps: list[Any]) -> None:
    patient = enrolled().into("opted_out", "texted stop", NOW)
    for step in steps:
        if isinstance(step, str):
            patient = stop(patient, cast("Reason", step), NOW) or patient
        else:
            result = enrol(step, patient, (), NOW)
            patient = result.patient if isinstance(result, Enrolment) else patient
        assert patient.status == "opted_out"


@given(row=ROWS, because=st.one_of(st.none(), REASONS), again=ROWS)
def test_whatever_is_listed_the_same_again_changes_nothing(
    row: Patient, because: Reason | None, again: Patient
) -> None:
    held = enrolled(row)
    held = stopped(held, because) if because else held
    first = enrol(again, held, (), NOW)
    stands = first.patient if isinstance(first, Enrolment) else held
    second = enrol(again, stands, (), NOW)
    assert isinstance(second, Refusal) == isinstance(first, Refusal)
    if isinstance(second, Enrolment):
        assert second.patient == stands
