"""Queues in memory."""

from collections import deque
from collections.abc import Callable, Sequence
from threading import RLock

from followup.ports import Queue, Work

Delivery = Callable[[Sequence[Work]], Sequence[Work]]
"""What becomes of works that are put: the same, doubled, turned round, or fewer, as real queues may do."""


def _as_put(works: Sequence[Work]) -> Sequence[Work]:
    return works


class MemoryQueues:
    """First in, first out, unless `delivery` says otherwise."""

    def __init__(self, delivery: Delivery = _as_put) -> None:
        self.delivery = delivery
        self._lock = RLock()
        self._waiting: dict[Queue, deque[Work]] = {}

    def put(self, works: Sequence[Work]) -> int:
        with self._lock:
            for work in self.delivery(works):
                self._waiting.setdefault(work.queue, deque()).append(work)
        return 0

    def take(self, queue: Queue, most: int = 10) -> list[Work]:
        """The next works of a queue, at most so many; they are gone from it."""
        with self._lock:
            waiting = self._waiting.get(queue, deque())
            return [waiting.popleft() for _ in range(min(most, len(waiting)))]

    def waiting(self, queue: Queue) -> int:
        """How many works wait."""
        with self._lock:
            return len(self._waiting.get(queue, ()))
