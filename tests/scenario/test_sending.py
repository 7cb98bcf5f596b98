"""Routine texts leave at most once, at a sensible hour, under the caps, whatever carrier, queues and clock do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from followup import keys
from followup.adapters.memory import MemoryText
from followup.adapters.memory.carrier import SendFault
from followup.domain.calendar import at_local, local
from followup.domain.records import CheckIn, Clinic, Decision, PatientId, Text
from followup.keys import Key
from followup.ports import Work
from followup.steps import work
from followup.steps.retry import retry, stuck
from followup.steps.service import Service
from followup.steps.sweep import sweep
from infra.demo.machine import CarrierStatus, Machine
from tests.scenario.lakeside import (
    CLINIC,
    MONDAY,
    NEW_YORK,
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

FOUR_HOURS = timedelta(hours=4)


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False)
        yield running


def due_at_four_hours(machine: Machine) -> PatientId:
    """A patient whose same-day check is due four hours from the start, and whose next-day check is the day after."""
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    return quinn


def asked(machine: Machine, quinn: PatientId) -> list[str]:
    """Opening questions that reached the phone, nudges left aside."""
    return [body for body in texts(machine, quinn) if body.startswith("Lakeside Wellness") and "moment" not in body]


def check_in_text(machine: Machine, quinn: PatientId) -> Text:
    return next(text for text in outgoing(machine, quinn) if text.kind == "check_in")


def local_time(machine: Machine, text: MemoryText) -> datetime:
    return local(text.created, NEW_YORK)


# --- carrier faults -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["lost_after_storing", "lost", "no_connection", "busy", 21606, 21611, 20003, 20429])
def test_given_one_carrier_fault_when_a_check_in_is_sent_then_it_arrives_exactly_once_and_is_asked(
    machine: Machine, fault: SendFault
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.append(fault)

    machine.run_until(MONDAY + timedelta(hours=5))

    assert len(asked(machine, quinn)) == 1
    assert checkins(machine, quinn)[0].status == "asked"
    assert len({text.order.text_id for text in machine.carrier.sent}) == 1


@pytest.mark.parametrize("fault", ["lost", "no_connection", "busy", 21606, 21611])
def test_given_a_carrier_that_fails_on_and_on_when_it_is_back_then_no_check_in_arrives_twice_or_late(
    machine: Machine, fault: SendFault
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.extend([fault] * 12)

    machine.run_until(MONDAY + timedelta(hours=60))

    sent = [text.order.text_id for text in machine.carrier.sent]
    assert len(sent) == len(set(sent))
    assert all(each.status != "planned" for each in checkins(machine, quinn) if each.until < machine.clock.now())
    assert machine.failures == []


@pytest.mark.parametrize(
    ("code", "status"), [(21211, "unreachable"), (21614, "unreachable"), (21610, "opted_out"), (21602, "active")]
)
def test_given_a_refusal_when_a_check_in_is_sent_then_it_is_not_tried_again_and_says_why(
    machine: Machine, code: int, status: str
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.append(code)

    machine.run_until(MONDAY + timedelta(hours=20))

    assert asked(machine, quinn) == []
    assert status_of(machine, quinn) == status
    first = checkins(machine, quinn)[0]
    assert (first.status, first.trail[-1].reason) == ("skipped", "refused by the carrier")


def test_given_an_unknown_outcome_when_the_patient_answers_within_the_minute_then_the_answer_counts(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=23, minutes=59))
    machine.receipts = lambda _: ()
    machine.carrier.faults.append("lost_after_storing")
    machine.run_until(MONDAY + timedelta(hours=24, seconds=20))

    write(machine, quinn, "7")
    machine.run_until(MONDAY + timedelta(hours=24, minutes=2))

    assert [(score.value, score.at) for score in chart(machine, quinn).scores] == [
        (7, MONDAY + timedelta(hours=24, seconds=20))
    ]
    assert next(each for each in checkins(machine, quinn) if each.kind == "next_day").status == "answering"


def test_given_the_list_cannot_be_read_when_a_check_in_was_lost_then_it_waits_and_is_stuck_after_five_tries(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.append("lost_after_storing")
    machine.receipts = lambda _: ()
    machine.carrier.unreadable = True
    machine.run_until(MONDAY + timedelta(hours=7))

    text = check_in_text(machine, quinn)
    (listed,) = stuck(machine.service, CLINIC)
    machine.carrier.unreadable = False
    retry(machine.service, listed.retry_id, who="Dee", now=machine.clock.now())
    machine.run_until(MONDAY + timedelta(hours=8))

    assert text.status == "stuck"
    assert listed.retry_id == text.text_id
    assert len(asked(machine, quinn)) == 1
    assert checkins(machine, quinn)[0].status == "asked"


def test_given_the_carrier_refuses_for_its_settings_when_five_tries_are_over_then_the_text_is_stuck_and_then_closed(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.extend([21606] * 5)

    machine.run_until(MONDAY + timedelta(hours=5))
    listed = [each.kind for each in stuck(machine.service, CLINIC)]
    machine.run_until(MONDAY + timedelta(hours=12))

    assert check_in_text(machine, quinn).status == "stuck"
    assert listed == ["text (check_in)"]
    assert (checkins(machine, quinn)[0].status, checkins(machine, quinn)[0].trail[-1].reason) == (
        "skipped",
        "its text did not leave in time",
    )


def test_given_a_callback_before_the_create_answer_when_both_are_merged_then_the_check_in_is_asked_once(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    original = machine.carrier.send

    def report_first(order: object) -> object:
        carried = original(order)  # type: ignore[arg-type]  # passed on as it came
        machine.report(machine.carrier.sent[-1], "delivered")
        return carried

    machine.carrier.send = report_first  # type: ignore[method-assign,assignment]  # an order made by hand
    machine.run_until(MONDAY + timedelta(hours=5))

    assert check_in_text(machine, quinn).status == "delivered"
    assert checkins(machine, quinn)[0].status == "asked"
    assert machine.failures == []


ORDERS = (
    ("queued", "sent", "delivered"),
    ("delivered", "sent", "queued"),
    ("delivered", "delivered", "delivered"),
    ("sent", "delivered", "sent", "queued", "delivered"),
    ("delivered", "undelivered"),
)


@pytest.mark.parametrize("order", ORDERS)
def test_given_callbacks_doubled_and_out_of_order_when_they_are_merged_then_the_status_only_moves_upwards(
    machine: Machine, order: Sequence[str]
) -> None:
    quinn = due_at_four_hours(machine)
    machine.receipts = lambda _: [CarrierStatus(status) for status in order]

    machine.run_until(MONDAY + timedelta(hours=5))

    text = check_in_text(machine, quinn)
    assert (text.status, text.carrier_status) == ("delivered", "delivered")
    assert [change.status for change in text.trail].count("delivered") == 1


def test_given_a_callback_alone_proves_a_text_when_the_list_did_not_know_it_then_the_answer_still_counts(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=23))
    machine.receipts = lambda _: ()
    machine.carrier.faults.extend(["lost", "lost"])
    machine.run_until(MONDAY + timedelta(hours=25))
    text = next(t for t in outgoing(machine, quinn) if t.checkin_id and t.checkin_id.endswith("next_day"))
    assert text.status == "unknown"
    order = replace(machine.carrier.sent[-1].order, text_id=text.text_id, body=text.body)
    late = MemoryText("SM" + "e" * 32, "sent", machine.clock.now(), order)

    machine.report(late, "delivered")
    write(machine, quinn, "4")

    assert [score.value for score in chart(machine, quinn).scores] == [4]


@pytest.mark.parametrize(("code", "status"), [(30005, "unreachable"), (30003, "active"), (30034, "active")])
def test_given_an_undelivered_check_in_when_the_carrier_says_why_then_only_a_bad_number_stops_the_patient(
    machine: Machine, code: int, status: str
) -> None:
    quinn = due_at_four_hours(machine)
    machine.receipts = lambda _: (CarrierStatus("undelivered", code),)

    machine.run_until(MONDAY + timedelta(hours=5))

    assert status_of(machine, quinn) == status
    assert check_in_text(machine, quinn).status == "undelivered"


# --- queues, sweeps, workers --------------------------------------------------------------------------------------


def doubled(works: Sequence[Work]) -> list[Work]:
    return [each for each in works for _ in range(3)]


def backwards(works: Sequence[Work]) -> list[Work]:
    return list(reversed([*works, *works]))


def lost(_works: Sequence[Work]) -> list[Work]:
    return []


class LosingMost:
    """Every fourth message arrives."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, works: Sequence[Work]) -> list[Work]:
        self.seen += len(works)
        return list(works) if self.seen % 4 == 0 else []


@pytest.mark.parametrize("delivery", [doubled, backwards, LosingMost()])
def test_given_queues_that_double_turn_round_or_lose_when_a_day_passes_then_each_text_goes_exactly_once(
    machine: Machine, delivery: object
) -> None:
    machine.queues.delivery = delivery  # type: ignore[assignment]  # each is one
    people = [enrol(machine, number) for number in range(1, 6)]
    for quinn in people:
        visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=25))
    for quinn in people:
        machine.patient_writes(phone_of(machine, quinn), SENDER, "7")
    machine.run_until(MONDAY + timedelta(hours=26))

    assert [len(asked(machine, quinn)) for quinn in people] == [2] * 5
    assert [len(chart(machine, quinn).scores) for quinn in people] == [1] * 5
    assert [len(texts(machine, quinn)) for quinn in people] == [3] * 5
    assert machine.failures == []


def test_given_queues_that_lose_everything_when_they_are_back_then_what_is_still_in_time_goes_once(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.queues.delivery = lost
    machine.run_until(MONDAY + timedelta(hours=6))
    machine.queues.delivery = doubled

    machine.run_until(MONDAY + timedelta(hours=8))

    assert len(asked(machine, quinn)) == 1


def test_given_two_sweeps_at_once_when_their_work_is_done_then_each_text_goes_once(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)
    machine.clock.set(MONDAY + FOUR_HOURS)
    for _ in range(2):
        sweep(machine.service, "routine", machine.clock.now())

    machine.settle()

    assert len(asked(machine, quinn)) == 1


def test_given_two_workers_with_the_same_text_when_both_claim_it_then_one_sends(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)
    machine.clock.set(MONDAY + FOUR_HOURS)
    (ask,) = [c for c in checkins(machine, quinn) if c.kind == "same_day"]
    work.step(machine.service, keys.of(ask), machine.clock.now())
    key = keys.of(check_in_text(machine, quinn))
    original, inner = machine.records.chart, False

    def other_worker_in_between(*args: object, **options: object) -> object:
        nonlocal inner
        found = original(*args, **options)  # type: ignore[arg-type]  # passed on as they came
        if not inner:
            inner = True
            work.step(machine.service, key, machine.clock.now())
        return found

    machine.records.chart = other_worker_in_between  # type: ignore[method-assign,assignment]  # an interleaving by hand
    work.step(machine.service, key, machine.clock.now())
    machine.settle()

    assert inner
    assert len(asked(machine, quinn)) == 1
    assert check_in_text(machine, quinn).tries == 1


def test_given_more_texts_due_than_a_minute_takes_when_they_are_sent_then_the_rest_follows_minute_by_minute() -> None:
    with Machine(MONDAY, routine_per_minute=5) as machine:
        open_clinic(machine, looks=False)
        for number in range(1, 13):
            visit(machine, enrol(machine, number), session(1, MONDAY - timedelta(hours=1)))

        machine.run_until(MONDAY + timedelta(hours=5))

        sent = [text.created for text in machine.carrier.sent]
        assert len(sent) == 12
        assert max(sent) - min(sent) <= timedelta(minutes=4)
        assert all(sent.count(moment) <= 5 for moment in sent)


# --- time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hours", [6, 30, 72, 24 * 8])
def test_given_an_outage_when_the_service_goes_on_then_nothing_stale_goes_out_and_what_was_left_out_says_so(
    machine: Machine, hours: int
) -> None:
    quinn = due_at_four_hours(machine)
    machine.run_until(MONDAY + timedelta(hours=3))
    machine.clock.forward(timedelta(hours=hours + 12))

    machine.run_until(machine.clock.now() + timedelta(minutes=30))

    for text in machine.carrier.sent:
        held = next(t for t in outgoing(machine, quinn) if t.text_id == text.order.text_id)
        check = next(c for c in checkins(machine, quinn) if c.checkin_id == held.checkin_id)
        assert text.created <= check.until
    left_out = [c for c in checkins(machine, quinn) if c.until < machine.clock.now()]
    assert left_out
    assert all(c.status == "skipped" and c.trail[-1].reason in ("too late", "quiet hours") for c in left_out)


def test_given_texts_already_written_when_an_outage_outlasts_their_window_then_they_are_dropped(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.append("no_connection")
    machine.run_until(MONDAY + FOUR_HOURS)
    machine.clock.forward(timedelta(hours=10))

    machine.run_until(machine.clock.now() + timedelta(minutes=30))

    assert asked(machine, quinn) == []
    assert check_in_text(machine, quinn).trail[-1].reason == "too old"
    assert checkins(machine, quinn)[0].trail[-1].reason == "too old"


@pytest.mark.parametrize("zone", ["America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "America/Phoenix"])
def test_given_visits_that_end_at_every_hour_when_their_checks_go_out_then_none_starts_in_quiet_hours(
    machine: Machine, zone: str
) -> None:
    for hour in range(24):
        quinn = enrol(machine, hour + 1, zone=zone)
        visit(machine, quinn, session(1, MONDAY - timedelta(hours=hour)))

    machine.run_until(MONDAY + timedelta(days=4))

    assert machine.carrier.sent
    for text in machine.carrier.sent:
        assert time(9) <= local(text.created, zone).time() < time(19, 50)


def test_given_a_text_held_up_until_the_last_ten_minutes_when_it_is_claimed_then_it_does_not_start(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.carrier.faults.append("no_connection")
    machine.run_until(MONDAY + FOUR_HOURS)
    text = check_in_text(machine, quinn)
    stretched = at_local(date(2026, 3, 2), time(20, 30), NEW_YORK)
    machine.records.commit(replace(text, stale=stretched))
    machine.clock.set(at_local(date(2026, 3, 2), time(19, 51), NEW_YORK))

    machine.run_until(machine.clock.now() + timedelta(minutes=5))

    assert asked(machine, quinn) == []


def test_given_a_text_sent_before_quiet_hours_when_the_carrier_holds_it_then_its_validity_ends_with_the_day(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    end = at_local(date(2026, 3, 2), time(17, 10), NEW_YORK)
    visit(machine, quinn, session(1, end - timedelta(hours=1), end=end))

    machine.run_until(MONDAY + timedelta(hours=10))

    (text,) = machine.carrier.sent
    assert local_time(machine, text).time() == time(19, 15)
    assert text.created + timedelta(seconds=text.order.valid_for) <= at_local(date(2026, 3, 2), time(20), NEW_YORK)


@pytest.mark.parametrize("day", [date(2026, 3, 7), date(2026, 10, 31)])
def test_given_the_night_on_which_clocks_change_when_the_next_day_check_goes_then_it_is_ten_by_the_new_clock(
    day: date,
) -> None:
    noon = at_local(day, time(12), NEW_YORK)
    with Machine(noon) as machine:
        open_clinic(machine, looks=False)
        quinn = enrol(machine)
        visit(machine, quinn, session(1, noon - timedelta(hours=1), end=noon))

        machine.run_until(noon + timedelta(hours=30))

        first, second = [local_time(machine, text) for text in machine.carrier.sent]
        assert (first.date(), first.time()) == (day, time(16))
        assert (second.date(), second.time()) == (day + timedelta(days=1), time(10))


# --- caps and nudges ----------------------------------------------------------------------------------------------


def opened_on(machine: Machine) -> list[date]:
    kinds = {t.text_id: t.kind for t in machine.records if isinstance(t, Text)}
    return [
        local_time(machine, text).date()
        for text in machine.carrier.sent
        if kinds[text.order.text_id] in ("check_in", "nudge", "reminder")  # type: ignore[index]  # ids are texts
    ]


def test_given_a_dense_series_when_weeks_pass_then_one_text_a_day_and_seven_a_week_are_never_exceeded(
    machine: Machine,
) -> None:
    record = machine.records.get(keys.clinic(CLINIC))
    assert isinstance(record, Clinic)
    machine.records.commit(replace(record, settings=replace(record.settings, series_sessions=10)))
    quinn = enrol(machine)
    for number in range(10):
        start = MONDAY + timedelta(days=number, hours=1)
        visit(machine, quinn, session(number, start, status="scheduled"))
    for number in range(10):
        start = MONDAY + timedelta(days=number, hours=1)
        machine.run_until(start + timedelta(hours=1))
        visit(machine, quinn, session(number, start))
    machine.run_until(MONDAY + timedelta(days=35))

    days = opened_on(machine)
    assert len(days) == len(set(days))
    last = (MONDAY + timedelta(days=9)).date()
    for first in days:
        week = [each for each in days if 0 <= (each - first).days < 7]
        assert len(week) <= 7
        if first >= last:
            assert len(week) <= 3
    assert machine.failures == []


def test_given_the_cap_of_the_day_is_used_when_a_check_in_is_due_then_it_gives_way_and_says_so(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    patient = chart(machine, quinn).patient
    assert patient is not None
    machine.records.commit(replace(patient, texted_on=(MONDAY.date(),)))

    machine.run_until(MONDAY + timedelta(hours=20))

    assert asked(machine, quinn) == []
    assert checkins(machine, quinn)[0].trail[-1].reason == "one text a day"


def test_given_the_cap_is_used_up_between_writing_and_claiming_when_the_text_is_claimed_then_it_does_not_leave(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.clock.set(MONDAY + FOUR_HOURS)
    (ask,) = [c for c in checkins(machine, quinn) if c.kind == "same_day"]
    work.step(machine.service, keys.of(ask), machine.clock.now())
    patient = chart(machine, quinn).patient
    assert patient is not None
    machine.records.commit(replace(patient, texted_on=(MONDAY.date(),)))

    machine.run_until(machine.clock.now() + timedelta(minutes=10))

    assert asked(machine, quinn) == []
    assert check_in_text(machine, quinn).status == "dropped"


def nudged(machine: Machine, quinn: PatientId) -> list[Text]:
    return [text for text in outgoing(machine, quinn) if text.kind == "nudge"]


def test_given_no_answer_when_twenty_hours_pass_then_one_nudge_goes_not_before_half_past_ten(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)

    machine.run_until(MONDAY + timedelta(days=4))

    (nudge,) = nudged(machine, quinn)
    assert local(nudge.created, NEW_YORK).time() >= time(10, 30)
    assert local(nudge.created, NEW_YORK).date() == date(2026, 3, 4)


def test_given_an_answer_after_the_nudge_was_written_when_it_is_claimed_then_the_nudge_does_not_leave(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    machine.run_until(MONDAY + timedelta(hours=47))
    machine.carrier.faults.append("no_connection")
    machine.run_until(MONDAY + timedelta(hours=48, minutes=30))
    assert [text.status for text in nudged(machine, quinn)] == ["planned"]

    for words in ("7", "0"):
        machine.patient_writes(phone_of(machine, quinn), SENDER, words)
        machine.settle()
    machine.run_until(MONDAY + timedelta(hours=50))

    assert [(text.status, text.trail[-1].reason) for text in nudged(machine, quinn)] == [
        ("dropped", "not waiting for a reply")
    ]


def test_given_a_visit_on_the_day_of_the_nudge_when_it_is_due_then_it_is_left_out(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)
    visit(machine, quinn, session(2, MONDAY + timedelta(days=2, hours=3), status="scheduled"))

    machine.run_until(MONDAY + timedelta(days=2, hours=2))

    assert nudged(machine, quinn) == []
    next_day = next(c for c in checkins(machine, quinn) if c.kind == "next_day")
    assert next_day.trail[-1].reason == "not nudged: session day"


def test_given_a_reminder_on_the_day_of_the_nudge_when_it_is_due_then_only_the_reminder_goes(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)
    visit(machine, quinn, session(2, MONDAY + timedelta(days=3, hours=3), status="scheduled"))

    machine.run_until(MONDAY + timedelta(days=3))

    assert nudged(machine, quinn) == []
    assert len([body for body in texts(machine, quinn) if "Your visit is" in body]) == 1


def test_given_a_same_day_check_without_answer_when_time_passes_then_it_is_never_nudged_and_closes_at_nine(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)

    machine.run_until(MONDAY + timedelta(hours=20))

    (same_day,) = [c for c in checkins(machine, quinn) if c.kind == "same_day"]
    assert nudged(machine, quinn) == []
    assert (same_day.status, same_day.trail[-1].at) == ("expired", at_local(date(2026, 3, 2), time(21), NEW_YORK))


def test_given_a_visit_that_ended_at_five_past_five_when_the_evening_comes_then_the_check_is_pulled_forward(
    machine: Machine,
) -> None:
    quinn, robin = enrol(machine, 1), enrol(machine, 2)
    for patient, clock in ((quinn, time(17, 5)), (robin, time(17, 30))):
        end = at_local(date(2026, 3, 2), clock, NEW_YORK)
        visit(machine, patient, session(1, end - timedelta(hours=1), end=end))

    machine.run_until(MONDAY + timedelta(hours=12))

    assert len(asked(machine, quinn)) == 1
    assert asked(machine, robin) == []
    assert [c.trail[-1].reason for c in checkins(machine, robin) if c.kind == "same_day"] == [
        "visit ended too late for a same-day check"
    ]


def test_given_a_visit_the_day_after_a_visit_when_both_checks_fall_on_one_day_then_the_next_day_check_is_kept(
    machine: Machine,
) -> None:
    quinn = due_at_four_hours(machine)
    visit(machine, quinn, session(2, MONDAY + timedelta(days=1, hours=-1)))

    machine.run_until(MONDAY + timedelta(days=1, hours=12))

    on_tuesday = [text for text in machine.carrier.sent if local_time(machine, text).date() == date(2026, 3, 3)]
    assert len(on_tuesday) == 1
    assert "mood" in on_tuesday[0].order.body


def test_given_a_new_question_when_an_older_one_is_still_open_then_only_one_is_open_at_a_time(machine: Machine) -> None:
    quinn = due_at_four_hours(machine)
    visit(machine, quinn, session(2, MONDAY + timedelta(days=1, hours=-2)))
    for hours in range(0, 24 * 6, 3):
        machine.run_until(MONDAY + timedelta(hours=hours))
        open_now = [c for c in checkins(machine, quinn) if c.status in ("asked", "answering")]
        assert len(open_now) <= 1


def test_given_a_patient_who_turns_eighteen_tomorrow_when_texts_are_due_then_none_goes_today(machine: Machine) -> None:
    quinn = enrol(machine, born=date(2008, 3, 3))
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))

    machine.run_until(datetime(2026, 3, 3, 4, tzinfo=UTC))

    assert texts(machine, quinn) == []


def test_given_a_minor_or_no_consent_when_visits_are_recorded_then_nothing_is_ever_sent(machine: Machine) -> None:
    young, unsigned = enrol(machine, 1, born=date(2012, 1, 1)), enrol(machine, 2, consent=None)
    for patient in (young, unsigned):
        visit(machine, patient, session(1, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(days=10))

    assert machine.carrier.sent == []


def test_given_a_step_that_always_breaks_when_others_are_due_behind_it_then_it_gives_way_and_is_tried_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn, other = enrol(machine, 1), enrol(machine, 2)
    for patient in (quinn, other):
        visit(machine, patient, session(1, MONDAY - timedelta(hours=1)))
    broken = keys.checkin(quinn, checkins(machine, quinn)[0].checkin_id)
    honest = work.step

    def step(service: Service, key: Key, now: datetime) -> tuple[Decision, ...]:
        if key == broken:
            raise KeyError("a record that the code cannot read")
        return honest(service, key, now)

    monkeypatch.setattr(work, "step", step)
    machine.run_until(MONDAY + timedelta(hours=4, minutes=30))
    postponed = machine.records.get(broken)

    assert len(texts(machine, other)) == 1
    assert texts(machine, quinn) == []
    assert isinstance(postponed, CheckIn)
    assert postponed.next is not None
    assert machine.clock.now() < postponed.next.at <= machine.clock.now() + timedelta(minutes=5)
    assert 3 <= len(machine.failures) <= 8

    monkeypatch.setattr(work, "step", honest)
    machine.run_until(MONDAY + timedelta(hours=5))
    assert len(texts(machine, quinn)) == 1


def test_given_a_question_that_never_arrived_when_its_time_is_over_then_it_was_skipped_and_is_no_silence(
    machine: Machine,
) -> None:
    quinn = enrol(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.receipts = lambda _: (CarrierStatus("undelivered", 30003),)

    machine.run_until(MONDAY + timedelta(days=4))

    asked = [checkin for checkin in checkins(machine, quinn) if checkin.asked_at and checkin.questions]
    assert asked
    assert {(checkin.status, checkin.trail[-1].reason) for checkin in asked} == {
        ("skipped", "its text was not delivered")
    }
    assert [flag.rule for flag in chart(machine, quinn).flags] == ["undelivered_twice"]
