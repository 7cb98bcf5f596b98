"""The records in memory with a meter: what every call would cost in DynamoDB, step by step."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from followup.adapters.change import changes
from followup.adapters.items import RECORD, Item, to_item
from followup.adapters.memory import MemoryRecords
from followup.domain.records import AnyRecord, Chart, Lane, ThreadId
from followup.keys import Key
from followup.ports import Due
from infra.bench.sizes import WriteUnits, entry_size, read_units, size_of, write_units


@dataclass(frozen=True, slots=True)
class Write:
    """One item written, and in which commit."""

    commit: int
    record: str
    units: WriteUnits


@dataclass(frozen=True, slots=True)
class Read:
    """One lookup or query: what was asked, how many bytes it read, and its units."""

    asked: str
    size: int
    units: float


@dataclass(frozen=True, slots=True)
class Usage:
    """What was read and written in a stretch of time."""

    writes: tuple[Write, ...]
    reads: tuple[Read, ...]

    @property
    def write_units(self) -> int:
        return sum(write.units.total for write in self.writes)

    @property
    def read_units(self) -> float:
        return sum(read.units for read in self.reads)

    @property
    def commits(self) -> int:
        return len({write.commit for write in self.writes})


class MeteredRecords(MemoryRecords):
    """Counts what the service asks for. A meter that is paused lets the test bench look without being counted."""

    def __init__(self) -> None:
        super().__init__()
        self._writes: list[Write] = []
        self._reads: list[Read] = []
        self._paused = False

    def usage(self) -> Usage:
        """What was counted since this was asked last."""
        found = Usage(tuple(self._writes), tuple(self._reads))
        self._writes, self._reads = [], []
        return found

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._paused = True
        try:
            yield
        finally:
            self._paused = False

    def get(self, key: Key, *, consistent: bool = False) -> AnyRecord | None:
        record = super().get(key, consistent=consistent)
        self._read("lookup", _sizes(record), consistent)
        return record

    def get_many(self, keys: Sequence[Key]) -> list[AnyRecord]:
        records = super().get_many(keys)
        for record in records:
            self._read("lookup", _sizes(record), consistent=False)
        return records

    def chart(self, thread: ThreadId, since: datetime | None, *, consistent: bool = False) -> Chart:
        chart = super().chart(thread, since, consistent=consistent)
        held = (chart.patient, chart.plan, *chart.checkins, *chart.texts, *chart.incoming, *chart.scores)
        self._read("chart", _sizes(*held, *chart.alerts, *chart.flags), consistent)
        return chart

    def due(self, lane: Lane, shard: int, up_to: datetime, limit: int) -> Sequence[Due]:
        found = super().due(lane, shard, up_to, limit)
        with_items = (MemoryRecords.get(self, each.key) for each in found)
        self._read("due", sum(entry_size(to_item(record)) for record in with_items if record), consistent=False)
        return found

    def commit(self, *records: AnyRecord, removed: Sequence[AnyRecord] = ()) -> None:
        writes = changes(records, removed)
        before = [_item(MemoryRecords.get(self, change.key)) for change in writes]
        super().commit(*records, removed=removed)
        if self._paused:
            return
        for change, was in zip(writes, before, strict=True):
            units = write_units(was, _item(change.stored), transaction=len(writes) > 1)
            self._writes.append(Write(self.commits, _kind(was or _item(change.stored)), units))

    def _read(self, asked: str, size: int, consistent: bool) -> None:
        if not self._paused:
            self._reads.append(Read(asked, size, read_units(size, consistent=consistent)))


def _kind(item: Item | None) -> str:
    return str(item[RECORD]["S"]) if item else ""


def _item(record: AnyRecord | None) -> Item | None:
    return None if record is None else to_item(record)


def _sizes(*records: AnyRecord | None) -> int:
    return sum(size_of(to_item(record)) for record in records if record is not None)
