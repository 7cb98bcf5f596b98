"""Whatever Twilio does to calls, callbacks and texts: nothing is lost, and nothing routine arrives twice."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Barrier, BrokenBarrierError, Thread
from typing import get_args

import pytest

from followup.adapters.memory import MemoryRecords
from followup.adapters.memory.records import Moment
from followup.domain.records import CheckIn, PatientId, Text
from infra.local.twin import Handset
from infra.local.twin.faults import AnswerKind, CallbackKind, InboundKind
from tests.scenario.lakeside import (
    MONDAY,
    alerts_of,
    chart,
    checkins,
    enrol,
    open_clinic,
    outgoing,
    pages,
    phone_of,
    session,
    visit,
)
from tests.scenario.twin_machine import Trouble, TwinMachine

DUE = MONDAY + timedelta(hours=4)
"""When the check of the day of the infusion is sent."""
DANGER = "I want to kill myself"


@pytest.fixture
def machine() -> Iterator[TwinMachine]:
    with TwinMachine(MONDAY) as running:
        open_clinic(running)
        yield running
        assert running.twice() == []
        assert running.lost() == []
        assert running.failures == []
        assert running.judge.wrong_calls == []


def infused(machine: TwinMachine, number: int = 1) -> PatientId:
    """A patient whose infusion ends now."""
    patient_id = enrol(machine, number)
    visit(machine, patient_id, session(1, MONDAY - timedelta(hours=1)))
    return patient_id


def first_check(machine: TwinMachine, patient_id: PatientId) -> tuple[CheckIn, Text]:
    check = checkins(machine, patient_id)[0]
    return check, next(text for text in outgoing(machine, patient_id) if text.checkin_id == check.checkin_id)


def asked_once(machine: TwinMachine, patient_id: PatientId) -> bool:
    """Whether the phone shows one question, and the service knows that it does."""
    check, text = first_check(machine, patient_id)
    opened = [body for body in machine.arrived(patient_id) if body == text.body]
    return (len(opened), check.status, machine.arrivals()[text.text_id]) == (1, "asked", 1)


# --- calls ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(AnswerKind))
@pytest.mark.parametrize("stored", [True, False])
def test_given_a_broken_answer_when_a_check_in_is_sent_then_it_arrives_once(
    machine: TwinMachine, kind: AnswerKind, stored: bool
) -> None:
    quinn = infused(machine)
    machine.twin.faults.answer(kind, stored=stored)
    machine.run_until(DUE + timedelta(minutes=30))
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == "delivered"


@pytest.mark.parametrize("kind", ["500", "timeout", "empty"])
@pytest.mark.parametrize("callbacks", get_args(CallbackKind))
def test_given_a_lost_answer_and_disturbed_callbacks_when_a_check_in_is_sent_then_it_arrives_once(
    machine: TwinMachine, kind: AnswerKind, callbacks: CallbackKind
) -> None:
    quinn = infused(machine)
    machine.twin.faults.answer(kind, stored=True)
    machine.twin.faults.callbacks(callbacks, by=timedelta(hours=3))
    machine.run_until(DUE + timedelta(hours=4))
    assert asked_once(machine, quinn)


@pytest.mark.parametrize("stored", [True, False])
def test_given_a_list_that_fails_too_when_a_lost_check_in_is_looked_for_then_it_arrives_once(
    machine: TwinMachine, stored: bool
) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - timedelta(minutes=1))
    machine.twin.faults.answer("503", stored=stored)
    machine.twin.faults.callbacks("dropped")
    machine.twin.faults.answer("500", operation="list", times=3)
    machine.run_until(DUE + timedelta(hours=1))
    assert asked_once(machine, quinn)


def test_given_a_carrier_that_is_down_when_it_is_back_then_the_check_in_arrives_once(machine: TwinMachine) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - timedelta(minutes=1))
    with machine.server.refusing():
        machine.run_until(DUE + timedelta(minutes=2))
    assert machine.arrived(quinn) == []
    machine.run_until(DUE + timedelta(minutes=30))
    assert asked_once(machine, quinn)


def test_given_a_slow_answer_when_callbacks_and_reply_overtake_it_then_the_check_in_arrives_once_and_is_answered(
    machine: TwinMachine,
) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - timedelta(minutes=1))
    machine.twin.faults.answer("slow")

    def overtake() -> None:
        assert machine.twin.faults.wait_until_held()
        machine.twin.deliver_pending()
        machine.twin.receive(phone_of(machine, quinn), machine.twin.settings.numbers[0].number, "0")
        machine.twin.deliver_pending()
        machine.twin.faults.release()

    other = Thread(target=overtake)
    other.start()
    machine.run_until(DUE + timedelta(minutes=10))
    other.join()
    check, text = first_check(machine, quinn)
    assert (check.status, text.status) == ("answered", "delivered")


# --- callbacks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(CallbackKind))
def test_given_disturbed_callbacks_when_a_check_in_is_sent_then_it_arrives_once_and_its_end_is_known(
    machine: TwinMachine, kind: CallbackKind
) -> None:
    quinn = infused(machine)
    machine.twin.faults.callbacks(kind, by=timedelta(hours=3))
    machine.run_until(DUE + timedelta(hours=4))
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == ("accepted" if kind == "dropped" else "delivered")


@pytest.mark.parametrize("troubles", [["fails"], ["down"], ["no answer"], ["fails", "no answer"], ["fails"] * 6])
def test_given_a_webhook_of_ours_that_fails_when_a_status_is_told_then_the_check_in_arrives_once(
    machine: TwinMachine, troubles: list[Trouble]
) -> None:
    quinn = infused(machine)
    machine.troubles.extend(troubles)
    machine.run_until(DUE + timedelta(hours=1))
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == ("accepted" if len(troubles) == 6 else "delivered")


# --- texts that come in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(InboundKind))
def test_given_a_disturbed_answer_when_it_comes_by_webhook_or_list_then_it_counts_once(
    machine: TwinMachine, kind: InboundKind
) -> None:
    quinn = infused(machine)
    machine.run_until(MONDAY + timedelta(hours=24, minutes=1))
    machine.twin.faults.inbound(kind, by=timedelta(hours=2))
    machine.writes(quinn, "7")
    machine.run_until(machine.clock.now() + timedelta(hours=3))
    assert [score.value for score in chart(machine, quinn).scores] == [7]
    assert len(chart(machine, quinn).incoming) == 1


@pytest.mark.parametrize("kind", get_args(InboundKind))
@pytest.mark.parametrize("answer", ["500", "timeout", "429"])
def test_given_a_disturbed_cry_for_help_and_a_broken_answer_then_it_is_answered_and_paged_within_minutes(
    machine: TwinMachine, kind: InboundKind, answer: AnswerKind
) -> None:
    quinn = infused(machine)
    machine.run_until(MONDAY + timedelta(minutes=1))
    machine.twin.faults.inbound(kind, by=timedelta(hours=2))
    machine.twin.faults.answer(answer, stored=False)
    machine.writes(quinn, DANGER)
    machine.run_until(machine.clock.now() + timedelta(minutes=8))
    assert len(machine.arrived(quinn)) == 1
    assert pages(machine)[0] == "ana@lakeside.example"
    machine.run_until(machine.clock.now() + timedelta(hours=3))
    (alert,) = alerts_of(machine, quinn)
    assert len(alert.triggers) == 1


@pytest.mark.parametrize(
    "troubles",
    [["fails"], ["no answer"], ["down", "no answer"], ["no answer"] * 3, ["fails", "no answer", "down"], ["fails"] * 4],
)
def test_given_a_webhook_of_ours_that_fails_when_a_patient_answers_then_retry_fallback_or_list_bring_it_once(
    machine: TwinMachine, troubles: list[Trouble]
) -> None:
    quinn = infused(machine)
    machine.run_until(MONDAY + timedelta(hours=24, minutes=1))
    sent = len(machine.arrived(quinn))
    machine.troubles.extend(troubles)
    machine.writes(quinn, "7")
    machine.run_until(machine.clock.now() + timedelta(minutes=10))
    assert [score.value for score in chart(machine, quinn).scores] == [7]
    assert len(chart(machine, quinn).incoming) == 1
    assert len(machine.arrived(quinn)) == sent + 1


def test_given_two_deliveries_of_one_text_at_once_when_both_have_read_before_either_writes_then_it_counts_once() -> (
    None
):
    together = Barrier(2, timeout=5)
    armed = False

    def meet(_number: int, moment: Moment) -> None:
        if armed and moment == "before":
            try:
                together.wait()
            except BrokenBarrierError:
                return

    records = MemoryRecords(meet)
    with TwinMachine(MONDAY, records=records) as machine:
        open_clinic(machine, looks=False)
        quinn = infused(machine)
        machine.run_until(MONDAY + timedelta(hours=24, minutes=1))
        machine.twin.faults.inbound("overlapping")
        armed = True
        machine.writes(quinn, "7")
        machine.run_until(machine.clock.now() + timedelta(minutes=10))
        assert [score.value for score in chart(machine, quinn).scores] == [7]
        assert (machine.twice(), machine.lost(), machine.failures) == ([], [], [])


# --- queues -----------------------------------------------------------------------------------------------------


def test_given_one_segment_a_second_when_forty_check_ins_fall_due_at_once_then_each_arrives_once(
    machine: TwinMachine,
) -> None:
    machine.twin.configure(replace(machine.twin.settings, segments_per_second=1))
    patients = [infused(machine, number) for number in range(40)]
    machine.run_until(DUE + timedelta(minutes=30))
    assert all(asked_once(machine, patient) for patient in patients)
    assert len({text.at for text in machine.twin.texts()}) == 40
