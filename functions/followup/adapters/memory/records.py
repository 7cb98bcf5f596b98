"""The one table, in memory: the same conditions, orders and sparse indexes, on sorted lists."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from threading import RLock
from typing import Literal, TypeVar

from followup import keys
from followup.adapters.change import Change, changes, conflict
from followup.adapters.charting import chart_of
from followup.adapters.epoch import from_ms, to_ms
from followup.domain.records import AnyRecord, Chart, Lane, ThreadId
from followup.keys import Key
from followup.ports import Due

Moment = Literal["before", "after"]
OnCommit = Callable[[int, Moment], None]
"""Told of every commit that will succeed: its number (from 1), before and after it is applied. What it raises leaves
`commit`: the process died there, with the write missing or made."""


Entry = TypeVar("Entry", str, tuple[int, str, str], tuple[str, str, str])


def _unobserved(_number: int, _moment: Moment) -> None:
    pass


class MemoryRecords:
    """The records of one process; safe to use from several threads."""

    def __init__(self, on_commit: OnCommit = _unobserved) -> None:
        self.on_commit = on_commit
        self.commits = 0
        """Commits so far, those that died included."""
        self._lock = RLock()
        self._records: dict[Key, AnyRecord] = {}
        self._partitions: dict[str, list[str]] = {}
        self._due: dict[str, list[tuple[int, str, str]]] = {}
        self._listed: dict[str, list[tuple[str, str, str]]] = {}

    def __iter__(self) -> Iterator[AnyRecord]:
        """Every record, in no order that means anything. Only tests and the demo may look at the whole table."""
        with self._lock:
            return iter(list(self._records.values()))

    def get(self, key: Key, *, consistent: bool = False) -> AnyRecord | None:
        del consistent  # it always is
        with self._lock:
            return self._records.get(key)

    def get_many(self, keys: Sequence[Key]) -> list[AnyRecord]:
        with self._lock:
            return [self._records[key] for key in keys if key in self._records]

    def chart(self, thread: ThreadId, since: datetime | None, *, consistent: bool = False) -> Chart:
        del consistent  # it always is
        pk, first = keys.thread_pk(thread), "AT#" if since is None else keys.since(since)
        with self._lock:
            sort_keys = self._partitions.get(pk, [])
            found = [self._records[Key(pk, sk)] for sk in sort_keys[bisect_left(sort_keys, first) :]]
        return chart_of(thread, found)

    def due(self, lane: Lane, shard: int, up_to: datetime, limit: int) -> Sequence[Due]:
        with self._lock:
            entries = self._due.get(f"{lane}#{shard}", [])
            last = bisect_left(entries, (to_ms(up_to) + 1, "", ""))
            return [Due(Key(pk, sk), from_ms(ms)) for ms, pk, sk in entries[: min(last, max(limit, 0))]]

    def listed(self, listing: str, *, starting: str = "") -> Iterator[Key]:
        with self._lock:
            entries = self._listed.get(listing, [])
            first = bisect_left(entries, (starting, "", ""))
            last = bisect_right(entries, starting, lo=first, key=lambda entry: entry[0][: len(starting)])
            return iter([Key(pk, sk) for _, pk, sk in entries[first:last]])

    def commit(self, *records: AnyRecord, removed: Sequence[AnyRecord] = ()) -> None:
        writes = changes(records, removed)
        with self._lock:
            for change in writes:
                stored = self._records.get(change.key)
                if (0 if stored is None else stored.version) != change.was:
                    raise conflict(change.key)
            if not writes:
                return
            self.commits += 1
            self.on_commit(self.commits, "before")
            for change in writes:
                self._apply(change)
            self.on_commit(self.commits, "after")

    def _apply(self, change: Change) -> None:
        pk, sk = change.key.pk, change.key.sk
        before = self._records.pop(change.key, None)
        if before is not None:
            self._unlist(before, pk, sk)
        if change.stored is None:
            if before is not None:
                _take(self._partitions, pk, sk)
            return
        if before is None:
            insort(self._partitions.setdefault(pk, []), sk)
        self._records[change.key] = change.stored
        self._list(change.stored, pk, sk)

    def _list(self, record: AnyRecord, pk: str, sk: str) -> None:
        lane, listing = keys.lane_shard(record), keys.listing(record)
        if lane is not None and record.next is not None:
            insort(self._due.setdefault(lane, []), (to_ms(record.next.at), pk, sk))
        if listing is not None:
            insort(self._listed.setdefault(listing[0], []), (listing[1], pk, sk))

    def _unlist(self, record: AnyRecord, pk: str, sk: str) -> None:
        lane, listing = keys.lane_shard(record), keys.listing(record)
        if lane is not None and record.next is not None:
            _take(self._due, lane, (to_ms(record.next.at), pk, sk))
        if listing is not None:
            _take(self._listed, listing[0], (listing[1], pk, sk))


def _take(index: dict[str, list[Entry]], partition: str, entry: Entry) -> None:
    entries = index[partition]
    del entries[bisect_left(entries, entry)]
