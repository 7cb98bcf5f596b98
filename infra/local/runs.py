"""Runs of the clock in the background, one at a time, with a state that pages can show."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Event, Lock, Thread

from infra.local.clock import LocalClock
from infra.local.driver import DriveError, Driver, Goal, Progress


@dataclass(frozen=True, slots=True)
class RunState:
    """What the clock is doing. `done` is the share of the run that is behind it (0-1), none when that is not known."""

    now: datetime
    running: Goal | None = None
    until: datetime | None = None
    done: float | None = None
    moments: int = 0
    stopping: bool = False
    problem: str | None = None
    given_up: int = 0


class Runs:
    """Starts and stops the driver. `tell` hears of every change, from the run's own thread, and must not block."""

    def __init__(self, driver: Driver, clock: LocalClock, tell: Callable[[RunState], None]) -> None:
        self._driver, self._clock, self._tell = driver, clock, tell
        self._lock = Lock()
        self._stop = Event()
        self._thread: Thread | None = None
        self._state = RunState(clock.now())

    def state(self) -> RunState:
        with self._lock:
            return replace(self._state, now=self._clock.now(), given_up=self._driver.given_up)

    def start(self, goal: Goal) -> bool:
        """Begin a run; False while another one is under way."""
        with self._lock:
            if self._state.running is not None:
                return False
            self._stop.clear()
            self._state = RunState(self._clock.now(), running=goal)
            self._thread = Thread(target=self._run, args=(goal,), name="clock-run", daemon=True)
            self._thread.start()
        self._tell(self.state())
        return True

    def stop(self) -> None:
        """End the run at the next moment at which the service is at rest; nothing happens when there is none."""
        self._stop.set()
        with self._lock:
            if self._state.running is None:
                return
            self._state = replace(self._state, stopping=True)
        self._tell(self.state())

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait for the run to end; whether there is none any more."""
        thread = self._thread
        if thread is not None:
            thread.join(timeout_s)
        return thread is None or not thread.is_alive()

    def _run(self, goal: Goal) -> None:
        problem: str | None = None
        moments = 0
        try:
            moments = self._driver.run(goal, watch=self._watch, stopped=self._stop.is_set).moments
        except DriveError as error:
            problem = str(error)
        except Exception as error:  # noqa: BLE001 - the page must hear of it; the message may name a patient's number
            problem = f"the clock was stopped by an error ({type(error).__name__})"
        with self._lock:
            self._state = RunState(self._clock.now(), moments=moments, problem=problem)
        self._tell(self.state())

    def _watch(self, progress: Progress) -> None:
        with self._lock:
            self._state = replace(
                self._state, until=progress.until, done=share(progress), moments=progress.moments, now=progress.now
            )
        self._tell(self.state())


def share(progress: Progress) -> float | None:
    """How much of a run's time has passed, 0-1; none for a run to the next event."""
    if progress.until is None or progress.until <= progress.began:
        return None
    return min(1.0, (progress.now - progress.began) / (progress.until - progress.began))
