"""STOP, START and HELP: honoured at once in both keyword modes, and nothing slips out afterwards."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from followup import keys
from followup.domain.clinic import KeywordMode
from followup.domain.records import PatientId
from infra.demo.machine import CarrierStatus, Machine
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    chart,
    checkins,
    enrol,
    open_clinic,
    outgoing,
    phone_of,
    session,
    status_of,
    texts,
    visit,
    write,
)

MODES: tuple[KeywordMode, ...] = ("service", "carrier")


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False)
        yield running


def in_mode(machine: Machine, mode: KeywordMode) -> PatientId:
    open_clinic(machine, looks=False, keyword_mode=mode)
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    visit(machine, quinn, session(2, MONDAY + timedelta(days=3), status="scheduled"))
    return quinn


def stop(machine: Machine, quinn: PatientId, mode: KeywordMode, words: str = "STOP") -> None:
    """The carrier in its own mode blocks the number and says what it judged."""
    if mode == "carrier":
        machine.carrier.blocked.add(phone_of(machine, quinn))
    write(machine, quinn, words)


@pytest.mark.parametrize("words", ["STOP", "stop.", "  Stop!", "ALTO", "unsubscribe", "End", "please stop texting me"])
@pytest.mark.parametrize("mode", MODES)
def test_given_either_keyword_mode_when_stop_comes_then_one_confirmation_at_most_goes_out_and_nothing_for_weeks(
    mode: KeywordMode, words: str
) -> None:
    with Machine(MONDAY) as machine:
        quinn = in_mode(machine, mode)

        stop(machine, quinn, mode, words)
        machine.run_until(MONDAY + timedelta(days=21))

        sent = texts(machine, quinn)
        assert status_of(machine, quinn) == "opted_out"
        assert len(sent) == (1 if mode == "service" else 0)
        assert all("START" in body for body in sent)
        assert [flag.rule for flag in chart(machine, quinn).flags if flag.rule == "opted_out"] == ["opted_out"]
        assert machine.failures == []


def test_given_the_carriers_own_judgement_when_the_words_are_unknown_to_us_then_its_word_counts(
    machine: Machine,
) -> None:
    quinn = enrol(machine)

    write(machine, quinn, "halt", opt_out_type="STOP")

    assert status_of(machine, quinn) == "opted_out"


def test_given_an_opted_out_patient_when_stop_comes_again_then_it_is_not_confirmed_again(machine: Machine) -> None:
    quinn = enrol(machine)

    for _ in range(3):
        write(machine, quinn, "STOP")

    assert len(texts(machine, quinn)) == 1


def test_given_an_opted_out_patient_when_they_write_on_then_nobody_answers_but_staff_see_it(machine: Machine) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "STOP")
    sent = len(texts(machine, quinn))

    for words in ("7", "why did you text me", "ok thanks"):
        machine.run_until(machine.clock.now() + timedelta(hours=5))
        write(machine, quinn, words)

    assert len(texts(machine, quinn)) == sent
    assert any(flag.rule == "wrote_free_text" for flag in chart(machine, quinn).flags)


@pytest.mark.parametrize("mode", MODES)
def test_given_an_open_check_in_when_stop_comes_then_it_is_closed_with_what_there_is_and_never_nudged(
    mode: KeywordMode,
) -> None:
    with Machine(MONDAY) as machine:
        quinn = in_mode(machine, mode)
        machine.run_until(MONDAY + timedelta(hours=25))
        write(machine, quinn, "7")
        sent = len(texts(machine, quinn))

        stop(machine, quinn, mode)
        machine.run_until(MONDAY + timedelta(days=10))

        next_day = next(each for each in checkins(machine, quinn) if each.kind == "next_day")
        assert next_day.status == "partly_answered"
        assert [score.value for score in chart(machine, quinn).scores] == [7]
        assert len(texts(machine, quinn)) == sent + (1 if mode == "service" else 0)


def test_given_a_text_claimed_before_the_stop_when_the_carrier_answers_then_it_counts_but_nothing_follows(
    machine: Machine,
) -> None:
    quinn = in_mode_of(machine)
    phone, original = phone_of(machine, quinn), machine.carrier.send

    def stop_while_sending(order: object) -> object:
        machine.carrier.send = original  # type: ignore[method-assign]  # the patient texts once
        machine.patient_writes(phone, SENDER, "STOP")
        return original(order)  # type: ignore[arg-type]  # passed on as it came

    machine.carrier.send = stop_while_sending  # type: ignore[method-assign,assignment]  # an interleaving by hand
    machine.run_until(MONDAY + timedelta(days=10))

    kinds = [text.kind for text in outgoing(machine, quinn) if text.status == "delivered"]
    assert sorted(kinds) == ["check_in", "keyword"]
    assert machine.failures == []


def in_mode_of(machine: Machine) -> PatientId:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    return quinn


def test_given_a_text_is_being_claimed_when_the_stop_commits_first_then_the_text_is_dropped(machine: Machine) -> None:
    quinn = in_mode_of(machine)
    phone, written, original = phone_of(machine, quinn), False, machine.records.chart

    def chart_then_stop(*args: object, **options: object) -> object:
        nonlocal written
        found = original(*args, **options)  # type: ignore[arg-type]  # passed on as they came
        if not written and any(text.kind == "check_in" and text.status == "planned" for text in found.texts):
            written = True
            machine.patient_writes(phone, SENDER, "STOP")
        return found

    machine.records.chart = chart_then_stop  # type: ignore[method-assign,assignment]  # an interleaving by hand
    machine.run_until(MONDAY + timedelta(hours=5))

    assert written
    assert [text.status for text in outgoing(machine, quinn) if text.kind == "check_in"] == ["dropped"]


def test_given_the_carrier_surely_did_not_send_when_stop_comes_before_the_retry_then_it_is_not_tried_again(
    machine: Machine,
) -> None:
    quinn = in_mode_of(machine)
    machine.carrier.faults.append("no_connection")
    machine.run_until(MONDAY + timedelta(hours=4))

    write(machine, quinn, "STOP")
    machine.run_until(MONDAY + timedelta(hours=8))

    assert [text.status for text in outgoing(machine, quinn) if text.kind == "check_in"] == ["dropped"]


def test_given_an_answer_waits_when_stop_comes_then_the_answer_is_dropped(machine: Machine) -> None:
    quinn = in_mode_of(machine)
    machine.run_until(MONDAY + timedelta(hours=25))
    machine.carrier.faults.append("no_connection")
    write(machine, quinn, "7")

    write(machine, quinn, "STOP")
    machine.run_until(MONDAY + timedelta(hours=27))

    assert [text.status for text in outgoing(machine, quinn) if text.kind == "answer"] == ["dropped"]


def test_given_the_carrier_holds_a_stop_when_a_text_is_created_then_the_patient_is_opted_out_here_too(
    machine: Machine,
) -> None:
    quinn = in_mode_of(machine)
    machine.carrier.blocked.add(phone_of(machine, quinn))

    machine.run_until(MONDAY + timedelta(days=5))

    assert status_of(machine, quinn) == "opted_out"
    assert len(outgoing(machine, quinn)) == 1
    assert [flag.rule for flag in chart(machine, quinn).flags if flag.group == "unreachable"] == ["opted_out"]


def test_given_the_carrier_reports_a_stop_in_a_callback_when_it_comes_then_the_patient_is_opted_out_here_too(
    machine: Machine,
) -> None:
    quinn = in_mode_of(machine)
    machine.receipts = lambda _: (CarrierStatus("failed", 21610),)

    machine.run_until(MONDAY + timedelta(days=5))

    assert status_of(machine, quinn) == "opted_out"
    assert len(outgoing(machine, quinn)) == 1


@pytest.mark.parametrize("mode", MODES)
def test_given_an_opted_out_patient_when_start_comes_then_check_ins_go_on_and_the_flag_is_withdrawn(
    mode: KeywordMode,
) -> None:
    with Machine(MONDAY) as machine:
        quinn = in_mode(machine, mode)
        stop(machine, quinn, mode)
        machine.run_until(MONDAY + timedelta(days=9))
        silent = len(texts(machine, quinn))
        machine.carrier.blocked.clear()

        write(machine, quinn, "START")
        machine.run_until(MONDAY + timedelta(days=10))
        visit(machine, quinn, session(2, MONDAY + timedelta(days=10, hours=-2), status="completed"))
        machine.run_until(MONDAY + timedelta(days=13))

        assert status_of(machine, quinn) == "active"
        assert any("mood" in body for body in texts(machine, quinn)[silent:])
        assert [flag.status for flag in chart(machine, quinn).flags if flag.rule == "opted_out"] == ["withdrawn"]
        assert machine.failures == []


def test_given_planning_ended_with_the_opt_out_when_start_comes_then_planning_goes_on(machine: Machine) -> None:
    quinn = in_mode_of(machine)
    visit(machine, quinn, session(2, MONDAY + timedelta(days=2)))
    write(machine, quinn, "STOP")
    machine.run_until(MONDAY + timedelta(days=30))
    assert not any(each.status == "planned" for each in checkins(machine, quinn))

    write(machine, quinn, "START")
    machine.run_until(MONDAY + timedelta(days=40))

    assert any(each.kind == "weekly" and each.asked_at for each in checkins(machine, quinn))


@pytest.mark.parametrize("before", ["paused", "discharged", "invited"])
def test_given_a_patient_who_is_not_texted_when_stop_and_start_come_then_they_are_still_not_texted(
    machine: Machine, before: str
) -> None:
    quinn = enrol(machine)
    patient = machine.records.get(keys.patient(quinn))
    assert patient is not None
    machine.records.commit(chart(machine, quinn).patient.into(before, "by staff", MONDAY))  # type: ignore[union-attr]

    write(machine, quinn, "STOP")
    write(machine, quinn, "START")

    assert status_of(machine, quinn) == before
    assert len(texts(machine, quinn)) == 1


def test_given_stop_start_stop_within_a_second_when_all_are_taken_in_then_the_last_word_holds(
    machine: Machine,
) -> None:
    quinn = enrol(machine)

    for words in ("STOP", "START", "STOP"):
        write(machine, quinn, words)

    assert status_of(machine, quinn) == "opted_out"
    assert [flag.status for flag in chart(machine, quinn).flags] == ["open"]


@pytest.mark.parametrize("words", ["YES", "Y", "yes please", "si"])
def test_given_an_opted_out_patient_when_yes_comes_then_the_block_stays(machine: Machine, words: str) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "STOP")

    write(machine, quinn, words)

    assert status_of(machine, quinn) == "opted_out"


@pytest.mark.parametrize(("words", "language"), [("HELP", "en"), ("info", "en"), ("AYUDA", "es")])
@pytest.mark.parametrize("mode", MODES)
def test_given_either_mode_when_help_comes_then_the_service_answers_only_where_the_carrier_does_not(
    mode: KeywordMode, words: str, language: str
) -> None:
    with Machine(MONDAY) as machine:
        open_clinic(machine, looks=False, keyword_mode=mode)
        quinn = enrol(machine, language=language)

        write(machine, quinn, words)

        sent = texts(machine, quinn)
        assert len(sent) == (1 if mode == "service" else 0)
        assert all("911" in body and "988" in body and "STOP" in body for body in sent)
        assert status_of(machine, quinn) == "active"
        assert chart(machine, quinn).alerts == ()


def test_given_a_crisis_text_yesterday_when_help_comes_then_the_owner_is_told(machine: Machine) -> None:
    quinn = enrol(machine)
    write(machine, quinn, "i feel hopeless")
    pages = len(machine.mailer.sent)
    machine.run_until(MONDAY + timedelta(minutes=5))

    write(machine, quinn, "HELP")

    assert len(machine.mailer.sent) > pages
    assert len(chart(machine, quinn).alerts) == 1


def test_given_stop_stands_in_distress_when_it_is_read_then_it_is_no_opt_out(machine: Machine) -> None:
    quinn = enrol(machine)

    write(machine, quinn, "I want to end it all")

    assert status_of(machine, quinn) == "active"
    assert len(chart(machine, quinn).alerts) == 1


def test_given_the_confirmation_cannot_leave_within_five_minutes_when_the_carrier_is_back_then_it_is_dropped(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    machine.carrier.faults.append(21606)

    write(machine, quinn, "STOP")
    machine.clock.forward(timedelta(minutes=6))
    machine.run_until(MONDAY + timedelta(hours=1))

    assert texts(machine, quinn) == []
    assert [text.status for text in outgoing(machine, quinn)] == ["dropped"]
