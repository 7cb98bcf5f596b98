"""Moves the local clock from one due moment to the next, and lets the service come to rest at each.

The clock stops at whole minutes, as the deployed sweep does, so that what falls due within one minute is done together.
It never moves while work is queued, in flight or on its way from the carrier, because that is where a claimed step is.
A step that stays claimed after that has crashed; its own lease is then the next moment.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from followup.domain.records import Lane
from infra.local.clock import LocalClock
from infra.local.due import LANES, Ahead, DueSteps

Goal = Literal["event", "hour", "day", "week", "eight_weeks"]
LENGTH: Final[dict[Goal, timedelta]] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "eight_weeks": timedelta(weeks=8),
}
MINUTE: Final = timedelta(minutes=1)
FRUITLESS_ROUNDS: Final = 3
MOST_ROUNDS: Final = 200
LOOK_AGAIN_S: Final = 0.03
SEEN_A_SHARD: Final = 10


class DriveError(Exception):
    """The service did not come to rest. The message says what is waited for, by queue and count only."""


class Service(Protocol):
    """The running service, as far as moving the clock needs it."""

    def sweep(self, lane: Lane) -> None:
        """Queue what is due in this lane."""
        ...

    def waiting(self) -> dict[str, int]:
        """Messages per queue, waiting and in flight, without dead letters; queues with none may be left out."""
        ...


class Party(Protocol):
    """Somebody beside the service who acts at moments of their own: the carrier, patients, the front desk."""

    def next_at(self) -> datetime | None:
        """When they act next, or None."""
        ...

    def act(self, now: datetime) -> None:
        """Do all that is due by now."""
        ...

    def idle(self) -> bool:
        """Whether nothing of theirs is under way at this moment."""
        ...


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come: `began` and `until` (None: the next event), and how many moments it has been through."""

    began: datetime
    now: datetime
    until: datetime | None
    moments: int


def _unwatched(_progress: Progress) -> None:
    pass


def _never() -> bool:
    return False


class Driver:
    """Steps the clock; one run at a time. `wait_s` bounds every wait for the service to come to rest."""

    def __init__(
        self,
        clock: LocalClock,
        steps: DueSteps,
        service: Service,
        parties: Sequence[Party],
        *,
        wait_s: float = 120.0,
        seconds: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock, self._steps, self._service, self._parties = clock, steps, service, tuple(parties)
        self._wait_s, self._seconds, self._pause = wait_s, seconds, pause
        self._given_up: set[Ahead] = set()

    @property
    def given_up(self) -> int:
        """Steps that were swept several times and stayed due: they fail, and the dead-letter queues say why."""
        return len(self._given_up)

    def run(
        self,
        goal: Goal,
        *,
        watch: Callable[[Progress], None] = _unwatched,
        stopped: Callable[[], bool] = _never,
    ) -> Progress:
        """Step to the goal, or to the moment at which `stopped` is first true.

        Raises:
            DriveError: the service did not come to rest in time; the clock stays where it is.
        """
        began = self._clock.now()
        until = None if goal == "event" else began + LENGTH[goal]
        moments = 0
        ahead = self.settle()
        while not (halted := stopped()):
            watch(Progress(began, self._clock.now(), until, moments))
            at = self._next(ahead)
            if at is None or (until is not None and at > until):
                break
            ahead = self._settle_at(at, until, ahead)
            moments += 1
            if goal == "event":
                break
        if until is not None and not halted:
            self._clock.move_to(until)
            self.settle()
        done = Progress(began, self._clock.now(), until, moments)
        watch(done)
        return done

    def settle(self) -> Sequence[Ahead]:
        """Let everything that is due now happen; what lies ahead then."""
        self._wait()
        return self._settle(self._ahead())

    def _next(self, ahead: Iterable[Ahead]) -> datetime | None:
        own = (step.at for step in ahead if step not in self._given_up)
        others = (at for party in self._parties if (at := party.next_at()) is not None)
        return min((*own, *others), default=None)

    def _ahead(self) -> Sequence[Ahead]:
        """Far enough ahead to see past what was given up."""
        return self._steps.ahead(SEEN_A_SHARD + len(self._given_up))

    def _settle_at(self, at: datetime, until: datetime | None, ahead: Sequence[Ahead]) -> Sequence[Ahead]:
        minute = _whole_minute(at)
        self._clock.move_to(minute if until is None else min(minute, until))
        return self._settle(ahead)

    def _settle(self, ahead: Sequence[Ahead]) -> Sequence[Ahead]:
        fruitless, before = 0, None
        for _ in range(MOST_ROUNDS):
            now = self._clock.now()
            for party in self._parties:
                party.act(now)
            due = {step for step in ahead if step.at <= now} - self._given_up
            for lane in LANES:
                if any(step.lane == lane for step in due):
                    self._service.sweep(lane)
            self._wait()
            ahead = self._ahead()
            left = frozenset(step for step in ahead if step.at <= now) - self._given_up
            fruitless = fruitless + 1 if left and left == before else 0
            before = left
            if fruitless >= FRUITLESS_ROUNDS:
                self._given_up |= left
                left = frozenset()
            if not left and not self._parties_due(now):
                return ahead
        raise DriveError("the service found ever new work at one moment, and the clock was not moved on")

    def _parties_due(self, now: datetime) -> bool:
        return any((at := party.next_at()) is not None and at <= now for party in self._parties)

    def _wait(self) -> None:
        """Wait until nothing is queued, in flight or on its way; twice in a row, as work moves between the looks."""
        deadline = self._seconds() + self._wait_s
        quiet = 0
        while quiet < 2:
            waiting = {queue: count for queue, count in self._service.waiting().items() if count}
            busy = waiting or any(not party.idle() for party in self._parties)
            quiet = 0 if busy else quiet + 1
            if busy:
                if self._seconds() >= deadline:
                    raise DriveError(_overdue(waiting, self._wait_s))
                self._pause(LOOK_AGAIN_S)


def _overdue(waiting: dict[str, int], wait_s: float) -> str:
    queues = ", ".join(f"{queue}: {count}" for queue, count in sorted(waiting.items()))
    return f"still at work after {wait_s:.0f} s ({queues or 'calls from the carrier'}); the clock was not moved on"


def _whole_minute(at: datetime) -> datetime:
    whole = at.replace(second=0, microsecond=0)
    return whole if whole == at else whole + MINUTE
