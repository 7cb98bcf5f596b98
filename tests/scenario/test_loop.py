"""The loop: an infusion, its check-ins, the replies, and what comes of them."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from followup.domain.records import Score
from infra.demo.machine import Machine
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    chart,
    checkins,
    enrol,
    open_clinic,
    phone_of,
    session,
    texts,
    visit,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running)
        yield running


def test_given_a_completed_infusion_when_a_day_passes_then_both_checks_are_asked_read_and_thanked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    phone = phone_of(machine, quinn)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(hours=5))
    same_day = texts(machine, quinn)
    machine.patient_writes(phone, SENDER, "nope all good")
    machine.run_until(MONDAY + timedelta(hours=25))
    machine.patient_writes(phone, SENDER, "about 7")
    machine.settle()
    machine.patient_writes(phone, SENDER, "1")
    machine.settle()
    machine.patient_writes(phone, SENDER, "a bit of a headache")
    machine.settle()
    machine.patient_writes(phone, SENDER, "2")
    machine.settle()

    asked = [
        (
            "Lakeside Wellness: Please rest at home today, and do not drive until tomorrow. "
            "Any side effects since your visit? 0 = none, 1 = some."
        ),
        "Thanks, noted for your care team.",
        "Lakeside Wellness: How is your mood today, 0 to 10? 0 = worst, 10 = best. Reply with a number.",
        "Any side effects since your visit? 0 = none, 1 = some.",
        "Which ones? A few words are enough, for example: dizzy, sleepy, headache.",
        "Are they still there? 1 = no, 2 = yes.",
        (
            "Thanks, noted for your care team. If it gets worse, or is not gone by tomorrow 9 AM, call 312-555-0101. "
            "Emergency: 911."
        ),
    ]
    assert len(same_day) == 1
    assert same_day[0].startswith(asked[0])
    assert "STOP" in same_day[0]
    assert texts(machine, quinn)[1:] == asked[1:]
    assert [each.status for each in checkins(machine, quinn)] == ["answered", "answered"]
    scores = [score for score in chart(machine, quinn).scores if score.instrument == "mood"]
    assert [(score.value, score.origin) for score in scores] == [(7, "reply")]
    assert machine.failures == []


def test_given_an_unclear_answer_when_asked_again_then_a_second_unclear_one_goes_to_staff(machine: Machine) -> None:
    quinn = enrol(machine)
    phone = phone_of(machine, quinn)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=25))

    machine.patient_writes(phone, SENDER, "hard to say, lots going on")
    machine.settle()
    again = texts(machine, quinn)[-1]
    machine.patient_writes(phone, SENDER, "purple")
    machine.settle()

    assert "0 to 10" in again
    assert texts(machine, quinn)[-1] == "Thanks, noted for your care team."
    assert {flag.rule for flag in chart(machine, quinn).flags} == {"wrote_free_text", "unreadable_reply"}
    assert checkins(machine, quinn)[-1].status == "partly_answered"


def test_given_no_answer_when_a_day_passes_then_one_nudge_goes_and_the_check_in_expires(machine: Machine) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(days=5))

    next_day = next(each for each in checkins(machine, quinn) if each.kind == "next_day")
    sent = texts(machine, quinn)
    assert len([body for body in sent if "mood" in body.lower()]) == 2
    assert next_day.status == "expired"
    assert next_day.nudged


def test_given_an_expired_check_in_when_the_answer_comes_late_then_it_counts_for_what_was_asked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(days=4))

    machine.patient_writes(phone_of(machine, quinn), SENDER, "4")
    machine.settle()

    scores: list[Score] = [score for score in chart(machine, quinn).scores if score.instrument == "mood"]
    assert [(score.value, score.at) for score in scores] == [(4, MONDAY + timedelta(days=4))]
    next_day = next(each for each in checkins(machine, quinn) if each.kind == "next_day")
    assert next_day.answers[0].late


def test_given_a_spanish_speaker_when_the_day_passes_then_everything_is_said_and_read_in_spanish(
    machine: Machine,
) -> None:
    lucia = enrol(machine, language="es")
    visit(machine, lucia, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=25))

    machine.patient_writes(phone_of(machine, lucia), SENDER, "siete")
    machine.settle()
    machine.patient_writes(phone_of(machine, lucia), SENDER, "ninguno, gracias")
    machine.settle()

    assert [score.value for score in chart(machine, lucia).scores if score.instrument == "mood"] == [7]
    assert checkins(machine, lucia)[-1].status == "answered"
    assert texts(machine, lucia)[-1].startswith("Gracias")
