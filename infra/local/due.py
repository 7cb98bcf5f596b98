"""What the service is going to do next, as its due index says, oldest first."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Protocol, get_args

from followup.adapters.dynamo import DUE_INDEX
from followup.adapters.epoch import from_ms
from followup.adapters.items import DUE_LANE, NEXT_AT, PK, SK
from followup.domain.records import Lane
from followup.keys import SHARDS, Key
from followup.ports import Records

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LANES: Final[tuple[Lane, ...]] = get_args(Lane)
FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Ahead:
    """A pending step of a record, and the lane whose sweep finds it."""

    at: datetime
    key: Key
    lane: Lane


class DueSteps(Protocol):
    """Reads the due index ahead of time, which only the local stack does.

    Looking for missed texts is left out: it comes every five minutes for ever, and whenever the clock moves for another
    reason the sweep finds it too.
    """

    def ahead(self, a_shard: int, /) -> Sequence[Ahead]:
        """The steps to come, oldest first; of each shard of a lane at least so many, if it has them."""
        ...


class QueriedSteps:
    """Asks the records for every shard of every lane, as the sweep does: a call for each."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def ahead(self, a_shard: int, /) -> Sequence[Ahead]:
        shards = [
            [Ahead(due.at, due.key, lane) for due in self._records.due(lane, shard, FAR, a_shard) if _counts(due.key)]
            for lane in LANES
            for shard in range(SHARDS)
        ]
        return list(heapq.merge(*shards))


class ScannedSteps:
    """Takes the whole index in one call, because on the emulator a call costs more than what it reads."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._pages = client.get_paginator("scan")
        self._table = table

    def ahead(self, _a_shard: int, /) -> Sequence[Ahead]:
        pages = self._pages.paginate(TableName=self._table, IndexName=DUE_INDEX)
        return sorted(step for page in pages for step in _steps(page["Items"]))


def _steps(items: Iterable[dict[str, Any]]) -> Iterable[Ahead]:
    lanes = {str(lane): lane for lane in LANES}
    for item in items:
        key = Key(item[PK]["S"], item[SK]["S"])
        if _counts(key):
            yield Ahead(from_ms(int(item[NEXT_AT]["N"])), key, lanes[item[DUE_LANE]["S"].partition("#")[0]])


def _counts(key: Key) -> bool:
    return key.sk != "NOW#sender"
