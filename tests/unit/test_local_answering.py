"""Patients who answer by themselves, as whoever moves the clock sees them."""

from datetime import UTC, datetime, timedelta

from followup.adapters.memory import MemoryRecords
from infra.local.answering import AnsweringPatients
from infra.local.directory import Directory
from infra.local.twin import PhoneText

NOW = datetime(2026, 3, 30, 15, 0, tzinfo=UTC)


def patients() -> AnsweringPatients:
    records = MemoryRecords()
    return AnsweringPatients(records, Directory(records, ()), lambda *_: None)


def a_text(*, from_patient: bool = False) -> PhoneText:
    return PhoneText(
        sid="SM1", ours="+13125550100", theirs="+13125550121", from_patient=from_patient, body="How are you?", at=NOW
    )


def test_given_a_text_that_has_arrived_when_asked_for_the_next_moment_then_it_is_that_one_until_thought_about() -> None:
    answering = patients()
    answering.switch(True)
    answering.arrived(a_text())
    assert answering.next_at() == NOW
    answering.act(NOW + timedelta(seconds=1))
    assert answering.next_at() is None


def test_given_patients_who_do_not_answer_when_a_text_arrives_then_nothing_is_due_before_they_do() -> None:
    answering = patients()
    answering.arrived(a_text())
    assert answering.next_at() is None
    answering.switch(True)
    assert answering.next_at() == NOW


def test_given_a_patient_whom_somebody_plays_when_texts_come_and_go_then_nothing_is_due() -> None:
    answering = patients()
    answering.switch(True)
    answering.arrived(a_text(from_patient=True))
    answering.typed_by_hand("+13125550121")
    answering.arrived(a_text())
    assert answering.next_at() is None
