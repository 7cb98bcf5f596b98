"""Stepping the local clock: from one due moment to the next, never while something is under way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from followup.adapters.memory import MemoryRecords
from followup.domain.records import ClinicId, Lane, Next, Sender, Text, TextId, ThreadId
from infra.local.clock import LocalClock
from infra.local.driver import DriveError, Driver, Progress
from infra.local.due import QueriedSteps

START = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Service:
    """Does the due steps of a lane as soon as they are swept, unless told to be slow, stubborn or busy."""

    def __init__(self, records: MemoryRecords, clock: LocalClock) -> None:
        self.records, self.clock = records, clock
        self.done: list[tuple[datetime, str]] = []
        self.sweeps: list[tuple[datetime, Lane]] = []
        self.looks_busy = 0
        self.stubborn = False
        self.on_done: Callable[[Text], None] = lambda _: None

    def sweep(self, lane: Lane) -> None:
        now = self.clock.now()
        self.sweeps.append((now, lane))
        for shard in range(4):
            for due in self.records.due(lane, shard, now, 100):
                text = self.records.get(due.key)
                if isinstance(text, Text) and not self.stubborn:
                    self.done.append((now, text.text_id))
                    self.records.commit(replace(text, next=None))
                    self.on_done(text)

    def waiting(self) -> dict[str, int]:
        self.looks_busy = max(0, self.looks_busy - 1)
        return {"routine": self.looks_busy, "urgent": 0}


class Caller:
    """Somebody who acts at given moments."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = sorted(moments)
        self.acted: list[datetime] = []

    def next_at(self) -> datetime | None:
        return self.moments[0] if self.moments else None

    def act(self, now: datetime) -> None:
        while self.moments and self.moments[0] <= now:
            self.acted.append(now)
            self.moments.pop(0)

    def idle(self) -> bool:
        return True


class Bench:
    def __init__(self, *parties: Caller) -> None:
        self.clock, self.records = LocalClock(START), MemoryRecords()
        self.service = Service(self.records, self.clock)
        self.seconds = 0.0
        self.driver = Driver(
            self.clock,
            QueriedSteps(self.records),
            self.service,
            parties,
            wait_s=10.0,
            seconds=lambda: self.seconds,
            pause=self.wait,
        )

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def plan(self, name: str, at: datetime, lane: Lane = "routine") -> None:
        self.records.commit(
            Text(
                status="planned",
                text_id=TextId(f"{name}.{name}"),
                thread=ThreadId(name),
                clinic_id=ClinicId("lakeside"),
                kind="check_in",
                to="+13125550121",
                body="How are you?",
                created=START,
                stale=None,
                next=Next("send", at, lane),
            )
        )


def test_given_a_step_in_an_hour_when_run_to_the_next_event_then_it_is_done_at_its_moment() -> None:
    bench = Bench()
    bench.plan("p1", START + timedelta(hours=1))
    bench.plan("p2", START + timedelta(hours=2))

    progress = bench.driver.run("event")

    assert bench.service.done == [(START + timedelta(hours=1), "p1.p1")]
    assert bench.clock.now() == progress.now == START + timedelta(hours=1)


def test_given_steps_in_every_lane_when_run_for_a_day_then_each_is_swept_in_its_lane_and_the_day_is_over() -> None:
    bench = Bench()
    lanes: tuple[Lane, ...] = ("urgent", "replies", "routine", "daily")
    for hour, lane in enumerate(lanes, start=1):
        bench.plan(f"p{hour}", START + timedelta(hours=hour), lane)
    bench.plan("later", START + timedelta(days=1, minutes=1))

    progress = bench.driver.run("day")

    assert [lane for _, lane in bench.service.sweeps] == list(lanes)
    assert [at for at, _ in bench.service.done] == [START + timedelta(hours=hour) for hour in range(1, 5)]
    assert bench.clock.now() == START + timedelta(days=1)
    assert progress == Progress(START, START + timedelta(days=1), START + timedelta(days=1), moments=4)


def test_given_steps_within_one_minute_when_run_then_they_are_done_together_at_the_whole_minute() -> None:
    bench = Bench()
    for second in (1, 20, 59):
        bench.plan(f"p{second}", START + timedelta(seconds=second))

    bench.driver.run("event")

    assert {at for at, _ in bench.service.done} == {START + MINUTE}
    assert len(bench.service.done) == 3


def test_given_the_goal_within_the_minute_when_run_then_the_clock_stops_at_the_goal() -> None:
    bench = Bench()
    bench.clock.pass_(timedelta(seconds=30))
    bench.plan("p1", START + timedelta(hours=1, seconds=10))

    bench.driver.run("hour")

    assert bench.service.done == [(START + timedelta(hours=1, seconds=30), "p1.p1")]


def test_given_work_in_flight_when_run_then_the_clock_waits_for_it() -> None:
    bench = Bench()
    bench.plan("p1", START + timedelta(hours=1))
    bench.service.looks_busy = 50
    seen: list[datetime] = []
    look = bench.service.waiting

    def waiting() -> dict[str, int]:
        seen.append(bench.clock.now())
        return look()

    bench.service.waiting = waiting  # type: ignore[method-assign] # the fake tells what it saw

    bench.driver.run("event")

    assert seen[:50] == [START] * 50
    assert bench.service.done == [(START + timedelta(hours=1), "p1.p1")]


def test_given_work_that_never_ends_when_run_then_it_says_where_and_the_clock_stays() -> None:
    bench = Bench()
    bench.plan("p1", START + timedelta(hours=1))
    bench.service.looks_busy = 10**9

    with pytest.raises(DriveError, match=r"still at work after 10 s \(routine: \d+\); the clock was not moved on"):
        bench.driver.run("day")

    assert bench.clock.now() == START


def test_given_a_step_that_always_fails_when_run_then_it_is_passed_over_and_counted() -> None:
    bench = Bench()
    bench.plan("p1", START + timedelta(hours=1))
    bench.service.stubborn = True

    bench.driver.run("day")

    assert bench.driver.given_up == 1
    assert bench.clock.now() == START + timedelta(days=1)


def test_given_a_step_that_makes_another_due_when_run_then_both_are_done_at_that_moment() -> None:
    bench = Bench()
    bench.plan("p1", START + timedelta(hours=1))

    def follow(text: Text) -> None:
        if text.thread == "p1":
            bench.plan("p2", bench.clock.now(), "replies")

    bench.service.on_done = follow
    bench.driver.run("event")

    moment = START + timedelta(hours=1)
    assert bench.service.done == [(moment, "p1.p1"), (moment, "p2.p2")]


def test_given_a_patient_between_two_steps_when_run_then_each_acts_in_turn() -> None:
    patient = Caller(START + timedelta(hours=2))
    bench = Bench(patient)
    bench.plan("p1", START + timedelta(hours=1))
    bench.plan("p3", START + timedelta(hours=3))

    bench.driver.run("day")

    assert patient.acted == [START + timedelta(hours=2)]
    assert [at for at, _ in bench.service.done] == [START + timedelta(hours=1), START + timedelta(hours=3)]


def test_given_the_look_for_missed_texts_when_run_then_it_is_no_event_of_its_own() -> None:
    bench = Bench()
    bench.records.commit(
        Sender(sender_key="s", clinic_id=ClinicId("lakeside"), next=Next("look", START + MINUTE, "replies"))
    )
    bench.plan("p1", START + timedelta(hours=1))

    bench.driver.run("event")

    assert bench.clock.now() == START + timedelta(hours=1)


def test_given_a_stop_when_a_run_is_under_way_then_it_ends_at_rest_before_its_goal() -> None:
    bench = Bench()
    for hour in range(1, 10):
        bench.plan(f"p{hour}", START + timedelta(hours=hour))

    bench.driver.run("day", stopped=lambda: len(bench.service.done) >= 3)

    assert bench.clock.now() == START + timedelta(hours=3)


def test_given_a_run_when_it_is_watched_then_its_progress_is_told_from_begin_to_end() -> None:
    bench = Bench()
    for hour in (6, 12):
        bench.plan(f"p{hour}", START + timedelta(hours=hour))
    told: list[Progress] = []

    bench.driver.run("day", watch=told.append)

    assert [progress.now - START for progress in told] == [
        timedelta(),
        timedelta(hours=6),
        timedelta(hours=12),
        timedelta(days=1),
    ]
    assert {progress.until for progress in told} == {START + timedelta(days=1)}


def test_given_nothing_to_come_when_run_to_the_next_event_then_the_clock_stays() -> None:
    bench = Bench()
    assert bench.driver.run("event").moments == 0
    assert bench.clock.now() == START
