"""Whatever Twilio does to calls, callbacks and texts: nothing is lost, and nothing routine arrives twice."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Barrier, Thread
from typing import get_args

import pytest

from followup.adapters.memory import MemoryRecords
from followup.domain.records import AnyRecord, CheckIn, PatientId, Text
from followup.steps.retry import stuck
from infra.local.twin.faults import AnswerKind, CallbackKind, InboundKind
from tests.scenario.lakeside import (
    CLINIC,
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

MINUTE = timedelta(minutes=1)
DUE = MONDAY + 10 * MINUTE
"""When the check-in of every test is sent."""
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


def infused(machine: TwinMachine, number: int = 1, *, ago: timedelta = timedelta(hours=4)) -> PatientId:
    """A patient whose infusion ended four hours before DUE: the check of the same day, or another, is due then."""
    patient_id = enrol(machine, number)
    visit(machine, patient_id, session(1, DUE - ago - timedelta(hours=1)))
    return patient_id


def asked_for_mood(machine: TwinMachine) -> PatientId:
    """A patient who was infused the day before, and has just been asked for a number."""
    quinn = infused(machine, ago=timedelta(hours=24))
    machine.run_until(DUE + MINUTE)
    assert [check.status for check in checkins(machine, quinn) if check.kind == "next_day"] == ["asked"]
    return quinn


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
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == "delivered"


@pytest.mark.parametrize("callbacks", get_args(CallbackKind))
def test_given_a_lost_answer_and_disturbed_callbacks_when_a_check_in_is_sent_then_it_arrives_once(
    machine: TwinMachine, callbacks: CallbackKind
) -> None:
    quinn = infused(machine)
    machine.twin.faults.answer("500", stored=True)
    machine.twin.faults.callbacks(callbacks, by=20 * MINUTE)
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)


@pytest.mark.parametrize("stored", [True, False])
def test_given_a_list_that_fails_too_when_a_lost_check_in_is_looked_for_then_it_arrives_once(
    machine: TwinMachine, stored: bool
) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - MINUTE)
    machine.twin.faults.answer("503", stored=stored)
    machine.twin.faults.callbacks("dropped")
    machine.twin.faults.answer("500", operation="list", times=3)
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)


def test_given_a_carrier_that_is_down_when_it_is_back_then_the_check_in_arrives_once(machine: TwinMachine) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - MINUTE)
    with machine.server.refusing():
        machine.run_until(DUE + 2 * MINUTE)
    assert machine.arrived(quinn) == []
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)


def test_given_a_slow_answer_when_callbacks_and_reply_overtake_it_then_the_check_in_arrives_once_and_is_answered(
    machine: TwinMachine,
) -> None:
    quinn = infused(machine)
    machine.run_until(DUE - MINUTE)
    machine.twin.faults.answer("slow")

    def overtake() -> None:
        assert machine.twin.faults.wait_until_held()
        machine.twin.deliver_pending()
        machine.twin.receive(phone_of(machine, quinn), machine.twin.settings.numbers[0].number, "0")
        machine.twin.deliver_pending()
        machine.twin.faults.release()

    other = Thread(target=overtake)
    other.start()
    machine.run_until(DUE + 10 * MINUTE)
    other.join()
    check, text = first_check(machine, quinn)
    assert (check.status, text.status) == ("answered", "delivered")


# --- callbacks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(CallbackKind))
def test_given_disturbed_callbacks_when_a_check_in_is_sent_then_it_arrives_once_and_its_end_is_known(
    machine: TwinMachine, kind: CallbackKind
) -> None:
    quinn = infused(machine)
    machine.twin.faults.callbacks(kind, by=20 * MINUTE)
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == ("accepted" if kind == "dropped" else "delivered")


@pytest.mark.parametrize("troubles", [["fails"], ["down"], ["no answer"], ["fails", "no answer"], ["fails"] * 6])
def test_given_a_webhook_of_ours_that_fails_when_a_status_is_told_then_the_check_in_arrives_once(
    machine: TwinMachine, troubles: list[Trouble]
) -> None:
    quinn = infused(machine)
    machine.troubles.extend(troubles)
    machine.run_until(DUE + 30 * MINUTE)
    assert asked_once(machine, quinn)
    assert first_check(machine, quinn)[1].status == ("accepted" if len(troubles) == 6 else "delivered")


# --- texts that come in -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", get_args(InboundKind))
def test_given_a_disturbed_answer_when_it_comes_by_webhook_or_list_then_it_counts_once(
    machine: TwinMachine, kind: InboundKind
) -> None:
    quinn = asked_for_mood(machine)
    machine.twin.faults.inbound(kind, by=20 * MINUTE)
    machine.writes(quinn, "7")
    machine.run_until(machine.clock.now() + 25 * MINUTE)
    assert [score.value for score in chart(machine, quinn).scores] == [7]
    assert len(chart(machine, quinn).incoming) == 1


@pytest.mark.parametrize(
    ("kind", "answer"),
    [("dropped", "429"), ("duplicated", "500"), ("overlapping", "reset"), ("swapped", "timeout"), ("late", "503")],
)
def test_given_a_disturbed_cry_for_help_and_a_broken_answer_then_it_is_answered_and_paged_within_minutes(
    machine: TwinMachine, kind: InboundKind, answer: AnswerKind
) -> None:
    quinn = infused(machine)
    machine.run_until(MONDAY + MINUTE)
    machine.twin.faults.inbound(kind, by=20 * MINUTE)
    machine.twin.faults.answer(answer, stored=False)
    machine.writes(quinn, DANGER)
    machine.run_until(machine.clock.now() + 8 * MINUTE)
    assert len(machine.arrived(quinn)) == 1
    assert pages(machine)[0] == "ana@lakeside.example"
    machine.run_until(machine.clock.now() + 25 * MINUTE)
    (alert,) = alerts_of(machine, quinn)
    assert len(alert.triggers) == 1


@pytest.mark.parametrize(
    "troubles",
    [["fails"], ["no answer"], ["down", "no answer"], ["no answer"] * 3, ["fails", "no answer", "down"], ["fails"] * 4],
)
def test_given_a_webhook_of_ours_that_fails_when_a_patient_answers_then_retry_fallback_or_list_bring_it_once(
    machine: TwinMachine, troubles: list[Trouble]
) -> None:
    quinn = asked_for_mood(machine)
    sent = len(machine.arrived(quinn))
    machine.troubles.extend(troubles)
    machine.writes(quinn, "7")
    machine.run_until(machine.clock.now() + 10 * MINUTE)
    assert [score.value for score in chart(machine, quinn).scores] == [7]
    assert len(chart(machine, quinn).incoming) == 1
    assert len(machine.arrived(quinn)) == sent + 1


class Racing(MemoryRecords):
    """Records whose next two writers both wait until the other is about to write, too."""

    def __init__(self) -> None:
        super().__init__()
        self.gate: Barrier | None = None
        self.raced = 0

    def commit(self, *records: AnyRecord, removed: Sequence[AnyRecord] = ()) -> None:
        if self.gate is not None:
            self.gate.wait()
        super().commit(*records, removed=removed)

    def race(self) -> None:
        def start() -> None:
            self.gate, self.raced = None, self.raced + 1

        self.gate = Barrier(2, action=start, timeout=10)


def test_given_two_deliveries_of_one_text_at_once_when_both_have_read_before_either_writes_then_it_counts_once() -> (
    None
):
    records = Racing()
    with TwinMachine(MONDAY, records=records) as machine:
        open_clinic(machine, looks=False)
        quinn = asked_for_mood(machine)
        machine.twin.faults.inbound("overlapping")
        records.race()
        machine.writes(quinn, "7")
        machine.run_until(machine.clock.now() + 10 * MINUTE)
        assert records.raced == 1
        assert [delivery.ok for delivery in machine.twin.deliveries()][-3:] == [True] * 3
        assert [score.value for score in chart(machine, quinn).scores] == [7]
        assert (machine.twice(), machine.lost(), machine.failures) == ([], [], [])


# --- queues -----------------------------------------------------------------------------------------------------


def test_given_one_segment_a_second_when_forty_check_ins_fall_due_at_once_then_each_arrives_once(
    machine: TwinMachine,
) -> None:
    machine.twin.configure(replace(machine.twin.settings, segments_per_second=1))
    patients = [infused(machine, number) for number in range(40)]
    machine.run_until(DUE + 30 * MINUTE)
    assert all(asked_once(machine, patient) for patient in patients)
    assert len({text.at for text in machine.twin.texts()}) == 40


def test_given_a_full_queue_when_a_check_in_is_refused_again_and_again_then_staff_see_it_and_it_never_comes_late(
    machine: TwinMachine,
) -> None:
    machine.twin.configure(replace(machine.twin.settings, segments_per_second=1 / 36_000))
    patients = [infused(machine, number) for number in range(2)]
    machine.run_until(DUE + 30 * MINUTE)
    machine.twin.configure(replace(machine.twin.settings, segments_per_second=None))
    first, second = sorted((first_check(machine, patient)[1] for patient in patients), key=lambda text: text.status)
    assert (first.status, second.status, second.error_code) == ("delivered", "stuck", 21611)
    assert [each.retry_id for each in stuck(machine.service, CLINIC)] == [second.text_id]
    assert machine.arrivals() == {first.text_id: 1}


def test_given_a_queue_longer_than_a_check_in_is_valid_then_the_carrier_drops_it_and_it_is_not_sent_again(
    machine: TwinMachine,
) -> None:
    machine.twin.configure(replace(machine.twin.settings, segments_per_second=1 / 4000))
    patients = [infused(machine, number) for number in range(2)]
    machine.run_until(DUE + 150 * MINUTE)
    first, second = sorted((first_check(machine, patient)[1] for patient in patients), key=lambda text: text.status)
    assert (first.status, second.status, second.error_code) == ("delivered", "undelivered", 30036)
    assert machine.arrivals() == {first.text_id: 1}


# --- everything at once -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_given_a_storm_of_faults_when_it_is_over_then_each_question_arrived_once_and_each_answer_counts_once(
    machine: TwinMachine, seed: int
) -> None:
    storm = Random(seed)
    patients = [infused(machine, number, ago=timedelta(hours=24)) for number in range(3)]
    machine.run_until(DUE - MINUTE)
    faults = machine.twin.faults
    for _ in range(4):
        faults.answer(storm.choice(get_args(AnswerKind)), stored=storm.random() < 0.5)
        faults.answer(storm.choice(get_args(AnswerKind)), operation="list")
        faults.callbacks(storm.choice(get_args(CallbackKind)), by=storm.randrange(15) * MINUTE)
        faults.inbound(storm.choice(get_args(InboundKind)), by=storm.randrange(15) * MINUTE)
    machine.troubles.extend(storm.choices(get_args(Trouble), k=12))
    machine.run_until(DUE + 30 * MINUTE)
    assert all(machine.arrivals()[text.text_id] == 1 for text in openings(machine, patients))
    for patient in patients:
        machine.writes(patient, "7")
    machine.run_until(DUE + 60 * MINUTE)
    assert [[score.value for score in chart(machine, patient).scores] for patient in patients] == [[7]] * 3
    assert [len(chart(machine, patient).incoming) for patient in patients] == [1] * 3


def openings(machine: TwinMachine, patients: Sequence[PatientId]) -> list[Text]:
    """The texts that ask these patients first; each of them has one."""
    texts = [text for patient in patients for text in outgoing(machine, patient) if text.kind == "check_in"]
    assert len(texts) == len(patients)
    return texts
