"""One sweep of the routine lane on the real adapters: calls, bytes read, messages, and the memory it takes at most.

The table and the queue are stand-ins for AWS's client objects. The table answers queries of the due index, in pages,
and nothing else: a sweep that scanned, or read records, would fail here.
"""

import tracemalloc
from bisect import bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from followup import content
from followup.adapters.closed_carrier import ClosedCarrier
from followup.adapters.closed_mailer import ClosedMailer
from followup.adapters.dynamo import DUE_INDEX, DynamoRecords
from followup.adapters.items import DUE_LANE, NEXT_AT, PK, SK, Item, to_item
from followup.adapters.memory import MemoryPhones
from followup.adapters.sqs import SqsQueues
from followup.domain.records import AnyRecord, CheckIn, CheckInId, Next
from followup.steps.service import Service
from followup.steps.sweep import sweep
from infra.bench.clinic import START, patient_id
from infra.bench.sizes import entry_size

PAGE_BYTES: Final = 1024 * 1024
"""What one page of a query reads at most."""
MOST: Final = 10_000
"""Steps that one sweep hands over."""

_Entry = tuple[int, str, str]


class DueIndex:
    """The due index as DynamoDB's client answers it: entries in order, at most 1 MB a page."""

    def __init__(self, records: Iterable[AnyRecord]) -> None:
        self.calls = 0
        self.bytes = 0
        self._entries: dict[str, list[_Entry]] = {}
        for record in records:
            item = to_item(record)
            entry = (int(item[NEXT_AT]["N"]), item[PK]["S"], item[SK]["S"])
            insort(self._entries.setdefault(item[DUE_LANE]["S"], []), entry)

    def query(self, **asked: Any) -> dict[str, Any]:
        """One page of what is due, oldest first."""
        if asked["IndexName"] != DUE_INDEX:
            raise ValueError("a sweep asks the due index only")
        lane, up_to = (asked["ExpressionAttributeValues"][name] for name in (":lane", ":up_to"))
        entries = self._entries.get(lane["S"], [])
        after = asked.get("ExclusiveStartKey")
        first = 0 if after is None else bisect_right(entries, _entry(after))
        last = bisect_right(entries, (int(up_to["N"]) + 1, "", ""))
        page: list[Item] = []
        size = 0
        for entry in entries[first : min(last, first + asked["Limit"])]:
            page.append(_item(lane["S"], entry))
            size += entry_size(page[-1])
            if size >= PAGE_BYTES:
                break
        self.calls += 1
        self.bytes += size
        more = first + len(page) < last
        return {"Items": page} | ({"LastEvaluatedKey": page[-1]} if more else {})


def _entry(item: Item) -> _Entry:
    return int(item[NEXT_AT]["N"]), item[PK]["S"], item[SK]["S"]


def _item(lane: str, entry: _Entry) -> Item:
    return {PK: {"S": entry[1]}, SK: {"S": entry[2]}, DUE_LANE: {"S": lane}, NEXT_AT: {"N": str(entry[0])}}


@dataclass(slots=True)
class CountedQueue:
    """A queue that takes everything and only counts."""

    calls: int = 0
    messages: int = 0
    bytes: int = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - AWS's names
        del QueueUrl
        self.calls += 1
        self.messages += len(Entries)
        self.bytes += sum(len(entry["MessageBody"]) for entry in Entries)
        return {}


@dataclass(frozen=True, slots=True)
class Sweeping:
    """What one sweep took. `peak` is memory in bytes, above what stood before it."""

    queued: int
    queries: int
    read: int
    sends: int
    sent: int
    peak: int


def measure(due: int, *, not_due: int = 0, most: int = MOST) -> Sweeping:
    """Sweep the routine lane while so many patients have a check-in that is due, and so many one that is not.

    `most`: how many steps this sweep may hand over.
    """
    index: Any = DueIndex(_checkins(due, not_due))
    queue: Any = CountedQueue()
    service = Service(
        records=DynamoRecords(index, "table"),
        carrier=ClosedCarrier(),
        mailer=ClosedMailer(),
        queues=SqsQueues(queue, {"routine": "https://queue.example/routine"}),
        phones=MemoryPhones(),
        content=content.load(),
        token=lambda: "",
        routine_per_minute=most,
    )
    tracemalloc.start()
    try:
        swept = sweep(service, "routine", START)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Sweeping(swept.handed_over, index.calls, index.bytes, queue.calls, queue.bytes, peak)


def _checkins(due: int, not_due: int) -> Iterable[CheckIn]:
    for number in range(due + not_due):
        at = START - timedelta(minutes=1) if number < due else START + timedelta(days=1)
        yield CheckIn(
            status="planned",
            patient_id=patient_id(number),
            checkin_id=CheckInId(f"{at:%Y-%m-%dT%H:%MZ}.weekly"),
            kind="weekly",
            due=at,
            until=at,
            questions=("mood",),
            next=Next("ask", at, "routine"),
        )
