"""Visits move, are cancelled, are marked late or overtaken: check-ins follow, each exactly once."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from followup.domain.calendar import local
from followup.domain.records import PatientId, Session
from followup.steps import plans
from infra.demo.machine import Machine
from tests.scenario.lakeside import (
    MONDAY,
    NEW_YORK,
    chart,
    checkins,
    enrol,
    open_clinic,
    outgoing,
    session,
    texts,
    visit,
)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False)
        yield running


def kinds_sent(machine: Machine, quinn: PatientId) -> Counter[str]:
    """How often a check-in of each kind was really asked."""
    delivered = [text for text in outgoing(machine, quinn) if text.status == "delivered" and text.checkin_id]
    assert len({text.checkin_id for text in delivered if text.kind != "nudge"}) == len(
        [text for text in delivered if text.kind != "nudge"]
    )
    kinds = {each.checkin_id: each.kind for each in checkins(machine, quinn)}
    return Counter(kinds[text.checkin_id] for text in delivered if text.checkin_id and text.kind != "nudge")


def test_given_a_planned_visit_when_nobody_marks_it_then_only_its_reminder_goes_and_the_desk_is_asked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY + timedelta(days=2), status="scheduled"))

    machine.run_until(MONDAY + timedelta(days=5))

    assert kinds_sent(machine, quinn) == {"reminder": 1}
    reasons = {each.kind: each.trail[-1].reason for each in checkins(machine, quinn) if each.status == "skipped"}
    assert reasons == dict.fromkeys(("same_day", "next_day"), "visit was not marked completed in time")
    assert [flag.group for flag in chart(machine, quinn).flags if flag.status == "open"] == ["desk"]


def test_given_a_planned_visit_when_it_is_marked_at_its_end_then_its_checks_go_out_once(machine: Machine) -> None:
    quinn = enrol(machine)
    planned = session(1, MONDAY + timedelta(days=2), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(planned.end)
    visit(machine, quinn, replace(planned, status="completed"))
    machine.run_until(MONDAY + timedelta(days=5))

    assert kinds_sent(machine, quinn) == {"reminder": 1, "same_day": 1, "next_day": 1}


def test_given_a_planned_visit_when_it_is_marked_the_next_morning_then_only_the_next_day_check_is_still_asked(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    planned = session(1, MONDAY + timedelta(days=2), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(planned.end + timedelta(hours=20))
    visit(machine, quinn, replace(planned, status="completed"))
    machine.run_until(MONDAY + timedelta(days=5))

    sent = kinds_sent(machine, quinn)
    assert sent["next_day"] == 1
    assert sent["same_day"] == 0


def test_given_a_planned_visit_when_it_is_marked_days_late_then_nothing_stale_is_asked(machine: Machine) -> None:
    quinn = enrol(machine)
    planned = session(1, MONDAY + timedelta(days=1), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(MONDAY + timedelta(days=5))
    visit(machine, quinn, replace(planned, status="completed"))
    machine.run_until(MONDAY + timedelta(days=7))

    assert kinds_sent(machine, quinn) == {"reminder": 1}


@pytest.mark.parametrize("days", [1, 3, 8])
def test_given_a_planned_visit_when_it_moves_before_its_reminder_then_everything_moves_with_it_once(
    machine: Machine, days: int
) -> None:
    quinn = enrol(machine, baseline_phq9=18)
    planned = session(1, MONDAY + timedelta(days=3), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(MONDAY + timedelta(days=1))
    moved = replace(planned, start=planned.start + timedelta(days=days), end=planned.end + timedelta(days=days))
    visit(machine, quinn, moved)
    machine.run_until(moved.end)
    visit(machine, quinn, replace(moved, status="completed"))
    machine.run_until(moved.end + timedelta(days=1, hours=20))

    assert kinds_sent(machine, quinn) == {"reminder": 1, "same_day": 1, "next_day": 1}
    asked = {each.kind: each.asked_at for each in checkins(machine, quinn) if each.asked_at}
    reminded = asked["reminder"]
    assert reminded is not None
    assert local(reminded, NEW_YORK).date() == local(moved.start, NEW_YORK).date() - timedelta(days=1)
    assert local(reminded, NEW_YORK).hour == 10


def test_given_a_reminded_visit_when_it_moves_to_another_day_then_the_new_day_is_reminded_of_once(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    planned = session(1, MONDAY + timedelta(days=1, hours=4), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(MONDAY + timedelta(hours=5))
    later = replace(planned, start=planned.start + timedelta(days=3), end=planned.end + timedelta(days=3))
    visit(machine, quinn, later)
    machine.run_until(later.start)

    assert len([body for body in texts(machine, quinn) if "Your visit is" in body]) == 2
    assert "Friday" in texts(machine, quinn)[-1]


@pytest.mark.parametrize("status", ["cancelled", "no_show", "entered_in_error"])
def test_given_a_planned_visit_when_it_does_not_take_place_then_nothing_of_it_is_sent(
    machine: Machine, status: str
) -> None:
    quinn = enrol(machine)
    planned = session(1, MONDAY + timedelta(days=3), status="scheduled")
    visit(machine, quinn, planned)
    machine.run_until(MONDAY + timedelta(days=1))
    visit(machine, quinn, replace(planned, status=status))  # type: ignore[arg-type]  # one of the statuses
    machine.run_until(MONDAY + timedelta(days=6))

    assert texts(machine, quinn) == []
    assert {each.status for each in checkins(machine, quinn)} == {"cancelled"}


def test_given_a_completed_visit_when_it_is_taken_back_before_its_check_then_the_check_is_not_sent(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    done = session(1, MONDAY - timedelta(hours=1))
    visit(machine, quinn, done)
    machine.run_until(MONDAY + timedelta(hours=2))
    visit(machine, quinn, replace(done, status="entered_in_error"))
    machine.run_until(MONDAY + timedelta(days=3))

    assert texts(machine, quinn) == []


def test_given_checks_after_the_series_when_a_later_visit_is_recorded_then_they_count_from_that_one(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(days=3)))
    visit(machine, quinn, session(2, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(days=5))
    visit(machine, quinn, session(3, MONDAY + timedelta(days=5, hours=-1), series="maintenance"))
    machine.run_until(MONDAY + timedelta(days=15))  # day 7 is a Saturday: its survey waits for Monday

    weekly = [each for each in checkins(machine, quinn) if each.kind in ("day_7", "weekly") and each.asked_at]
    assert [(each.kind, each.session_id) for each in weekly] == [("weekly", "v3")]
    assert [each.trail[-1].reason for each in checkins(machine, quinn) if each.kind == "day_7"] == [
        "a later visit was recorded"
    ]


def test_given_a_series_of_two_when_it_ends_then_days_three_seven_and_fourteen_follow_and_weekly_after_that(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(days=3)))
    visit(machine, quinn, session(2, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(days=23))

    sent = kinds_sent(machine, quinn)
    assert sent == {"same_day": 1, "next_day": 1, "day_3": 1, "day_7": 1, "day_14": 1, "weekly": 1}


def test_given_a_busy_series_when_it_ends_then_its_texts_do_not_use_up_the_first_week_after_it(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    for number, days in enumerate((6, 4, 2)):
        visit(machine, quinn, session(number, MONDAY - timedelta(days=days, hours=1)))
    patient = chart(machine, quinn).patient
    assert patient is not None
    machine.records.commit(replace(patient, texted_on=tuple((MONDAY - timedelta(days=d)).date() for d in (6, 5, 4, 3))))
    visit(machine, quinn, session(9, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(days=8))

    assert kinds_sent(machine, quinn)["day_3"] == 1


def test_given_the_same_plan_when_it_is_extended_again_and_again_then_nothing_changes(machine: Machine) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY + timedelta(days=2), status="scheduled"))
    before = checkins(machine, quinn)

    for _ in range(3):
        plan = chart(machine, quinn).plan
        assert plan is not None
        plans.extend(machine.service, plan, machine.clock.now())

    assert checkins(machine, quinn) == before


def test_given_a_text_that_has_just_been_written_when_its_visit_is_cancelled_then_it_does_not_leave(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    done: Session = session(1, MONDAY - timedelta(hours=1))
    visit(machine, quinn, done)
    machine.carrier.faults.append("no_connection")
    machine.run_until(MONDAY + timedelta(hours=4))
    visit(machine, quinn, replace(done, status="cancelled"))
    machine.run_until(MONDAY + timedelta(hours=10))

    assert texts(machine, quinn) == []
    assert [text.status for text in outgoing(machine, quinn)] == ["dropped"]
