"""Find what is due in a lane and hand it over; the cost depends on what is due, not on how many patients there are."""

import heapq
from dataclasses import dataclass
from datetime import datetime

from followup.domain.records import Lane
from followup.keys import SHARDS
from followup.ports import Due, Work
from followup.steps.service import Service, queue_of

_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Swept:
    """How many steps were handed over, and how long the oldest one has been due (seconds)."""

    handed_over: int
    oldest_age: float


def sweep(service: Service, lane: Lane, now: datetime) -> Swept:
    """Queue the due steps of a lane, oldest first; of the routine lane what may be sent in the next minute."""
    limit = service.routine_per_minute if lane == "routine" else _MOST
    shards = (service.records.due(lane, shard, now, limit) for shard in range(SHARDS))
    due = list(heapq.merge(*shards, key=_age))[:limit]
    service.queues.put([Work(queue_of(each.key, lane), each.key, each.at) for each in due])
    return Swept(len(due), max(0.0, (now - due[0].at).total_seconds()) if due else 0.0)


def _age(due: Due) -> datetime:
    return due.at
