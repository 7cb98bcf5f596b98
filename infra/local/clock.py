"""The clock of the local stack: it stands still until somebody moves it, and never runs backwards.

The functions ask for the time at `GET /clock`; the answer is one ISO time with zone.
"""

from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Lock

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from followup.adapters.epoch import from_ms, to_ms

PATH = "/clock"


def _real() -> datetime:
    return datetime.now(UTC)


class LocalClock:
    """UTC to the millisecond, as the deployed clock gives it; safe to use from several threads.

    `real` is the time outside; by it the clock remembers what it showed when.
    """

    def __init__(self, at: datetime, real: Callable[[], datetime] = _real) -> None:
        self._lock = Lock()
        self._at = _whole(at)
        self._real = real
        self._moved: list[tuple[datetime, datetime]] = [(real(), self._at)]

    def now(self) -> datetime:
        with self._lock:
            return self._at

    def move_to(self, at: datetime) -> datetime:
        """Move the hands to this moment, or leave them where they are if they show a later one; what they show then."""
        with self._lock:
            return self._set(max(self._at, _whole(at)))

    def pass_(self, time: timedelta) -> datetime:
        """Let some time pass; what the hands show then. Raises ValueError for a negative time."""
        if time < timedelta():
            raise ValueError("time: the clock does not run backwards")
        with self._lock:
            return self._set(self._at + time)

    def shown_at(self, real: datetime) -> datetime:
        """What the hands showed at this real time; before the clock was made, where they began."""
        with self._lock:
            before = bisect_right(self._moved, real, key=lambda moved: moved[0])
            return self._moved[max(0, before - 1)][1]

    def _set(self, at: datetime) -> datetime:
        if at != self._at:
            self._moved.append((self._real(), at))
            self._at = at
        return at


def create_app(clock: LocalClock) -> Starlette:
    """The clock as a service, for an application on loopback."""

    async def show(_request: Request) -> Response:
        return PlainTextResponse(clock.now().isoformat(), headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route(PATH, show)])


def _whole(at: datetime) -> datetime:
    return from_ms(to_ms(at.astimezone(UTC)))
