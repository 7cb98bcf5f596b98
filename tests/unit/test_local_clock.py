"""The local stack's clock."""

from datetime import UTC, datetime, timedelta, timezone

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.adapters.moved_clock import MovedClock
from infra.local.clock import PATH, LocalClock, create_app
from infra.local.serving import LoopbackServer

START = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)


def test_given_a_clock_when_nobody_moves_it_then_it_stands_still() -> None:
    clock = LocalClock(START)
    assert clock.now() == clock.now() == START


def test_given_another_zone_when_the_clock_is_set_then_it_shows_utc_to_the_millisecond() -> None:
    clock = LocalClock(datetime(2026, 3, 30, 6, 30, 0, 123_999, tzinfo=timezone(timedelta(hours=-5))))
    assert clock.now() == START + timedelta(milliseconds=123)
    assert clock.now().tzinfo is UTC


def test_given_negative_time_when_it_is_to_pass_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="backwards"):
        LocalClock(START).pass_(timedelta(seconds=-1))


@given(st.lists(st.integers(-10_000, 10_000)))
def test_given_any_moves_when_they_are_made_then_the_clock_never_runs_backwards(moves: list[int]) -> None:
    clock, shown = LocalClock(START), START
    for move in moves:
        now = clock.move_to(START + timedelta(seconds=move))
        assert now == clock.now() >= shown
        shown = now


def test_given_the_service_when_a_function_asks_then_it_reads_the_moved_time() -> None:
    clock = LocalClock(START)
    with LoopbackServer(create_app(clock), name="clock") as server:
        functions = MovedClock(f"{server.url}{PATH}")
        clock.pass_(timedelta(minutes=5))
        assert functions.now() == START + timedelta(minutes=5)


def test_given_the_clock_page_when_it_answers_then_nobody_keeps_the_answer() -> None:
    with LoopbackServer(create_app(LocalClock(START)), name="clock") as server:
        answer = httpx.get(f"{server.url}{PATH}", trust_env=False)
    assert answer.text == "2026-03-30T11:30:00+00:00"
    assert answer.headers["cache-control"] == "no-store"


def test_given_a_taken_port_when_the_next_one_will_do_then_it_is_taken() -> None:
    clock = LocalClock(START)
    with (
        LoopbackServer(create_app(clock), name="one") as first,
        LoopbackServer(create_app(clock), port=first.port, or_next=True, name="two") as second,
    ):
        assert first.port < second.port <= first.port + 20


def test_given_a_taken_port_when_no_other_will_do_then_it_says_so() -> None:
    clock = LocalClock(START)
    with (
        LoopbackServer(create_app(clock), name="one") as first,
        pytest.raises(OSError, match="in use"),
    ):
        LoopbackServer(create_app(clock), port=first.port, name="two").start()


def test_given_a_clock_that_was_moved_when_asked_what_it_showed_then_it_knows_for_every_real_time() -> None:
    real, began = datetime(2026, 11, 22, 6, tzinfo=UTC), datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
    times = iter((real, real + timedelta(seconds=5), real + timedelta(seconds=9)))
    clock = LocalClock(began, real=lambda: next(times))
    clock.move_to(began + timedelta(hours=1))
    clock.move_to(began)  # is earlier, and so moves nothing
    clock.pass_(timedelta(seconds=1))
    shown = [clock.shown_at(real + timedelta(seconds=at)) - began for at in (-1, 0, 4, 5, 8, 9, 60)]
    hour = timedelta(hours=1)
    later = hour + timedelta(seconds=1)
    assert shown == [timedelta(), timedelta(), timedelta(), hour, hour, later, later]
