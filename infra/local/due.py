"""What the service is going to do next, as its due index says: every lane and shard, oldest first."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, get_args

from followup.domain.records import Lane
from followup.keys import SHARDS, Key
from followup.ports import Records

LANES: Final[tuple[Lane, ...]] = get_args(Lane)
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Ahead:
    """A pending step of a record, and the lane whose sweep finds it."""

    at: datetime
    key: Key
    lane: Lane


class DueSteps:
    """Reads the due index ahead of time, which only the local stack does."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def ahead(self, most_a_shard: int) -> Sequence[Ahead]:
        """The steps to come, oldest first; of each shard of a lane at most so many.

        Looking for missed texts is left out: it comes every five minutes for ever, and whenever the clock moves for
        another reason the sweep finds it too.
        """
        shards = [
            [
                Ahead(due.at, due.key, lane)
                for due in self._records.due(lane, shard, FAR, most_a_shard)
                if due.key.sk != "NOW#sender"
            ]
            for lane in LANES
            for shard in range(SHARDS)
        ]
        return list(heapq.merge(*shards))
