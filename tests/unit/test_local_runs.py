"""Runs of the clock in the background."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest

from followup.adapters.memory import MemoryRecords
from followup.domain.records import Lane
from infra.local.clock import LocalClock
from infra.local.driver import Driver, Progress
from infra.local.due import QueriedSteps
from infra.local.runs import Runs, RunState, share

START = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
WAIT_S = 10.0


class Service:
    """Has nothing to do; asking it can be held up, or fail."""

    def __init__(self) -> None:
        self.may_answer = Event()
        self.may_answer.set()
        self.error: Exception | None = None

    def sweep(self, lane: Lane) -> None:
        raise AssertionError(f"nothing is due in {lane}")

    def waiting(self) -> dict[str, int]:
        assert self.may_answer.wait(WAIT_S)
        if self.error:
            raise self.error
        return {}


class Bench:
    def __init__(self) -> None:
        self.clock, self.service = LocalClock(START), Service()
        self.told: list[RunState] = []
        driver = Driver(self.clock, QueriedSteps(MemoryRecords()), self.service, ())
        self.runs = Runs(driver, self.clock, self.told.append)

    @property
    def goals(self) -> Sequence[str | None]:
        return [state.running for state in self.told]


def test_given_a_run_when_it_is_started_then_its_end_is_told_with_the_time_reached() -> None:
    bench = Bench()
    assert bench.runs.start("day")
    assert bench.runs.join(WAIT_S)
    assert bench.goals[-1] is None
    assert bench.told[-1].now == bench.runs.state().now == START + timedelta(days=1)


def test_given_a_run_under_way_when_another_is_started_then_it_is_refused() -> None:
    bench = Bench()
    bench.service.may_answer.clear()
    assert bench.runs.start("day")
    assert not bench.runs.start("week")
    bench.service.may_answer.set()
    assert bench.runs.join(WAIT_S)
    assert bench.clock.now() == START + timedelta(days=1)
    assert bench.runs.start("hour")
    assert bench.runs.join(WAIT_S)


def test_given_a_run_under_way_when_it_is_stopped_then_it_ends_before_its_goal() -> None:
    bench = Bench()
    bench.service.may_answer.clear()
    bench.runs.start("day")
    bench.runs.stop()
    assert bench.runs.state().stopping
    bench.service.may_answer.set()
    assert bench.runs.join(WAIT_S)
    assert bench.clock.now() == START
    assert not bench.runs.state().stopping


def test_given_no_run_when_stopped_then_nothing_is_told() -> None:
    bench = Bench()
    bench.runs.stop()
    assert bench.told == []


def test_given_a_run_that_breaks_when_its_state_is_shown_then_it_names_the_kind_of_error_only() -> None:
    bench = Bench()
    bench.service.error = OSError("+13125550121 cannot be reached")
    bench.runs.start("day")
    assert bench.runs.join(WAIT_S)
    assert bench.runs.state().problem == "the clock was stopped by an error (OSError)"
    assert bench.runs.state().running is None


@pytest.mark.parametrize(("hours", "done"), [(0, 0.0), (6, 0.25), (24, 1.0), (30, 1.0)])
def test_given_a_run_when_part_of_it_is_over_then_its_share_says_how_much(hours: int, done: float) -> None:
    now = START + timedelta(hours=hours)
    assert share(Progress(START, now, START + timedelta(days=1), 0)) == done


def test_given_a_run_to_the_next_event_when_asked_for_its_share_then_there_is_none() -> None:
    assert share(Progress(START, START, None, 0)) is None
