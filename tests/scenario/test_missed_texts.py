"""Texts that the webhook never saw are found in the carrier's list within five minutes, and handled once."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from followup import keys
from followup.domain.records import PatientId, Sender
from infra.demo.machine import Machine
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    alerts_of,
    chart,
    enrol,
    open_clinic,
    pages,
    phone_of,
    session,
    status_of,
    texts,
    visit,
)

DANGER = "I want to kill myself"


class Broken(Exception):
    """Stands for a defect."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        running.run_until(MONDAY + timedelta(minutes=1))
        yield running


def unseen(machine: Machine, patient_id: PatientId, body: str) -> None:
    """A text that reaches the carrier, whose webhook call is lost."""
    machine.carrier.receive(SENDER, phone_of(machine, patient_id), body)


def asked(machine: Machine) -> PatientId:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=24, minutes=1))
    return quinn


def looked_until(machine: Machine) -> Sender:
    record = machine.records.get(keys.sender(machine.service.phones.key(SENDER)))
    assert isinstance(record, Sender)
    return record


def test_given_a_danger_text_that_no_webhook_brought_when_five_minutes_pass_then_it_is_answered_and_paged_once(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    unseen(machine, quinn, DANGER)

    machine.run_until(MONDAY + timedelta(minutes=5))
    after_five = len(texts(machine, quinn))
    machine.run_until(MONDAY + timedelta(minutes=59))

    assert after_five == 1
    assert len(texts(machine, quinn)) == 1
    assert len(alerts_of(machine, quinn)[0].triggers) == 1
    assert pages(machine)[0] == "ana@lakeside.example"


def test_given_an_answer_that_no_webhook_brought_when_it_is_found_then_it_counts_from_when_it_was_written(
    machine: Machine,
) -> None:
    quinn = asked(machine)
    written = machine.clock.now()
    unseen(machine, quinn, "7")

    machine.run_until(written + timedelta(minutes=5))

    (score,) = chart(machine, quinn).scores
    assert (score.value, score.at) == (7, written)


def test_given_webhook_and_list_bring_the_same_text_when_both_are_taken_in_then_it_is_handled_once(
    machine: Machine,
) -> None:
    quinn = asked(machine)
    sent = len(texts(machine, quinn))
    text = machine.carrier.receive(SENDER, phone_of(machine, quinn), "7")
    for _ in range(2):
        machine.webhook(text)
    machine.run_until(machine.clock.now() + timedelta(minutes=11))
    machine.webhook(text)
    machine.settle()

    assert len(chart(machine, quinn).incoming) == 1
    assert len(chart(machine, quinn).scores) == 1
    assert len(texts(machine, quinn)) == sent + 1


def test_given_the_list_cannot_be_read_when_it_can_again_after_a_day_then_nothing_of_that_time_is_missed(
    machine: Machine,
) -> None:
    quinn, robin = enrol(machine, 1), enrol(machine, 2)
    machine.carrier.unreadable = True
    unseen(machine, quinn, "STOP")
    machine.run_until(MONDAY + timedelta(hours=30))
    unseen(machine, robin, DANGER)
    held = (status_of(machine, quinn), looked_until(machine).looked_until)
    machine.carrier.unreadable = False
    machine.run_until(MONDAY + timedelta(hours=30, minutes=6))

    assert held[0] == "active"
    assert held[1] is not None
    assert held[1] < MONDAY + timedelta(minutes=6)
    assert status_of(machine, quinn) == "opted_out"
    assert [alert.level for alert in alerts_of(machine, robin)] == ["emergency"]


def test_given_the_service_stood_still_for_two_days_when_it_goes_on_then_what_was_written_meanwhile_is_found(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    machine.clock.forward(timedelta(hours=1))
    unseen(machine, quinn, DANGER)
    machine.clock.forward(timedelta(days=2))

    machine.run_until(machine.clock.now() + timedelta(minutes=1))

    assert [alert.level for alert in alerts_of(machine, quinn)] == ["emergency"]
    assert len(texts(machine, quinn)) == 1


@pytest.mark.parametrize(("second", "counts"), [("dizzy", True), ("0", False), ("thanks", False)])
def test_given_texts_found_late_when_they_are_read_in_order_then_none_answers_a_question_it_was_written_before(
    machine: Machine, second: str, counts: bool
) -> None:
    quinn = asked(machine)
    unseen(machine, quinn, "7")
    machine.clock.forward(timedelta(seconds=20))
    unseen(machine, quinn, second)
    machine.run_until(machine.clock.now() + timedelta(minutes=6))

    (check,) = [each for each in chart(machine, quinn).checkins if each.kind == "next_day"]
    assert check.answers[0].value == 7
    assert [answer.question for answer in check.answers[1:]] == ["side_effects"] * counts


def test_given_the_webhook_fails_twice_when_five_minutes_pass_then_the_text_is_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn = enrol(machine)

    def failing(*_: object, **__: object) -> None:
        raise Broken

    with monkeypatch.context() as outage:
        outage.setattr(machine.records, "commit", failing)
        answer = machine.patient_writes(phone_of(machine, quinn), SENDER, DANGER)
    machine.run_until(machine.clock.now() + timedelta(minutes=5))

    assert answer["statusCode"] == 500
    assert [alert.level for alert in alerts_of(machine, quinn)] == ["emergency"]


def test_given_a_text_that_cannot_be_claimed_when_missed_texts_are_looked_for_then_the_others_are_found(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn, robin = enrol(machine, 1), enrol(machine, 2)
    machine.settle()
    machine.carrier.receive(SENDER, phone_of(machine, quinn), "this one breaks")
    machine.carrier.receive(SENDER, phone_of(machine, robin), DANGER)
    original = machine.records.commit

    def commit(*records: object, **options: object) -> None:
        if any(getattr(record, "body", "") == "this one breaks" for record in records):
            raise Broken("this one breaks")
        original(*records, **options)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(machine.records, "commit", commit)
    machine.run_until(MONDAY + timedelta(minutes=5))

    assert [alert.level for alert in alerts_of(machine, robin)] == ["emergency"]
    assert len(texts(machine, robin)) == 1
