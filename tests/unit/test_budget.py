"""Holds the service to its counts: what a check-in may take of the table, and what a sweep may ask."""

import pytest

from infra.bench import sweeping
from infra.bench.costs import of_checkin, of_idle_month, of_texts
from infra.bench.course import PATH, Course, play
from infra.bench.report import COST_GOAL, IDLE_GOAL, READ_GOAL, WRITE_GOAL, units_each
from infra.bench.sizes import read_units, size_of, write_units
from infra.local.stack.template import read_template

MOST_PEAK = 64 * 1024**2


@pytest.fixture(scope="module")
def weeks() -> Course:
    return play()


def test_given_weeks_of_check_ins_when_their_units_are_counted_then_each_stays_within_its_budget(weeks: Course) -> None:
    written, read = units_each(weeks)
    assert weeks.completed >= 8
    assert written <= WRITE_GOAL
    assert read <= READ_GOAL


def test_given_weeks_of_check_ins_when_steps_are_counted_then_every_step_of_the_path_is_among_them(
    weeks: Course,
) -> None:
    assert {call.step for call in weeks.calls} >= set(PATH)
    assert all(call.usage.writes for call in weeks.of(*PATH))


def test_given_a_check_in_when_priced_then_aws_is_small_beside_its_texts(weeks: Course) -> None:
    ours = sum(line.list_price for line in of_checkin(weeks, PATH))
    assert ours * COST_GOAL < of_texts(weeks.segments / weeks.completed)


def test_given_the_template_when_nothing_happens_for_a_month_then_it_costs_less_than_the_goal() -> None:
    assert sum(line.after_free for line in of_idle_month(read_template())) < IDLE_GOAL


def test_given_ten_thousand_due_steps_when_swept_then_all_are_queued_in_little_memory() -> None:
    swept = sweeping.measure(sweeping.MOST)
    assert swept.queued == sweeping.MOST
    assert swept.queries <= 8
    assert swept.sends == sweeping.MOST // 10
    assert swept.peak < MOST_PEAK


def test_given_more_due_than_one_sweep_takes_when_swept_then_it_takes_no_more_than_its_share() -> None:
    some, full, crowded = (sweeping.measure(due, most=500) for due in (500, 4_000, 8_000))
    assert crowded.queued == full.queued == some.queued == 500
    assert crowded.sends == full.sends == some.sends
    assert crowded.read == full.read
    assert crowded.peak < 1.1 * full.peak


def test_given_patients_with_nothing_due_when_swept_then_nothing_more_is_read_or_sent() -> None:
    few, many = (sweeping.measure(100, not_due=others) for others in (100, 10_000))
    assert (few.queries, few.read, few.sends, few.sent) == (many.queries, many.read, many.sends, many.sent)


def test_given_an_item_when_written_then_units_follow_its_size_the_transaction_and_the_indexes() -> None:
    due = {"pk": {"S": "a"}, "sk": {"S": "b"}, "due_lane": {"S": "routine#1"}, "next_at": {"N": "1"}}
    later = due | {"next_at": {"N": "2"}}
    done = {"pk": {"S": "a"}, "sk": {"S": "b"}, "body": {"S": "x" * 1100}}
    assert write_units(None, due, transaction=False).total == 2
    assert write_units(due, due, transaction=False).total == 1
    assert write_units(due, later, transaction=True).total == 4
    assert write_units(due, done, transaction=True).total == 5
    assert write_units(done, None, transaction=False).total == 2


def test_given_attributes_when_weighed_then_names_and_values_count_as_dynamodb_counts_them() -> None:
    assert size_of({"pk": {"S": "ñ"}}) == 4
    assert size_of({"n": {"N": "-120"}}) == 4
    assert size_of({"l": {"L": [{"BOOL": True}]}}) == 6
    assert size_of({"m": {"M": {"k": {"NULL": True}}}}) == 7


@pytest.mark.parametrize(("size", "consistent", "units"), [(0, False, 0.5), (4096, True, 1), (4097, False, 1)])
def test_given_bytes_read_when_counted_then_units_are_of_four_kilobytes(
    size: int, consistent: bool, units: float
) -> None:
    assert read_units(size, consistent=consistent) == units
