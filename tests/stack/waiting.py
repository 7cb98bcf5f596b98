"""Waiting for what another process does: looked for again and again, for a bounded time."""

import time
from collections.abc import Callable
from threading import Event
from typing import Final, TypeVar

WITHIN_S: Final = 60.0
EVERY_S: Final = 0.1

T = TypeVar("T")


def until(happened: Callable[[], T | None], *, within_s: float = WITHIN_S) -> T:
    """What `happened` says as soon as it says something.

    Raises:
        AssertionError: it said nothing for so long.
    """
    deadline = time.monotonic() + within_s
    pause = Event()
    while not (found := happened()):
        assert time.monotonic() < deadline, "it did not happen"
        pause.wait(EVERY_S)
    return found
