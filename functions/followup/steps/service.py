"""What every step works with, and how a decision becomes a commit."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from followup import keys
from followup.content import Content
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import Conflict, Missing
from followup.domain.records import AnyRecord, Chart, Clinic, ClinicId, Decision, Lane, ThreadId
from followup.keys import Key
from followup.ports import Carrier, Mailer, Phones, Queue, Queues, Records, Work

CHART_SINCE = timedelta(days=10)
"""How far back a worker's chart reaches; a late reply is placed within seven days."""

_ROUNDS = 6
_SWEPT_EVERY = timedelta(minutes=1)
_TEXT_QUEUES: Mapping[Lane, Queue] = {
    "urgent": "urgent",
    "replies": "answers",
    "routine": "routine",
    "daily": "routine",
}


@dataclass(frozen=True, slots=True)
class Service:
    """The ports and the content. `token` gives a fresh random claim."""

    records: Records
    carrier: Carrier
    mailer: Mailer
    queues: Queues
    phones: Phones
    content: Content
    token: Callable[[], str]
    routine_per_minute: int = 60
    """Texts that the routine lane hands over in a minute: what one sender may send."""

    def chart(self, thread: ThreadId, now: datetime, *, consistent: bool = False) -> Chart:
        return self.records.chart(thread, now - CHART_SINCE, consistent=consistent)

    def clinic(self, clinic_id: ClinicId) -> Clinic:
        """The clinic's record.

        Raises:
            Missing: there is none.
        """
        record = self.records.get(keys.clinic(clinic_id))
        if not isinstance(record, Clinic):
            raise Missing(f"clinic {clinic_id} does not exist")
        return record

    def settings(self, clinic_id: ClinicId) -> ClinicSettings:
        return self.clinic(clinic_id).settings


def settle(service: Service, decide: Callable[[bool], Decision]) -> Decision:
    """Decide and commit; when something changed in between, load consistently and decide again.

    `decide` is told whether to read consistently. Raises Conflict if the records never hold still.
    """
    for round_ in range(_ROUNDS):
        decision = decide(round_ > 0)
        if not decision.writes:
            return decision
        try:
            service.records.commit(*decision.writes)
        except Conflict:
            continue
        return decision
    raise Conflict("records kept changing")


def queue_of(key: Key, lane: Lane) -> Queue:
    """The queue whose function does the steps of this kind of record."""
    if key.sk.endswith("#text"):
        return _TEXT_QUEUES[lane]
    if key.sk.endswith("#checkin"):
        return "routine"
    if key.sk.endswith("#incoming"):
        return "replies"
    if key.sk.startswith("NOW#alert") or (key.sk.startswith("MAIL#") and lane == "urgent"):
        return "pages"
    if key.sk.startswith("MAIL#") or key.sk == "NOW#clinic":
        return "digests"
    return "missed" if key.sk == "NOW#sender" else "daily"


def due_works(writes: Iterable[AnyRecord], now: datetime) -> list[Work]:
    """The work that is due among what was just committed, as each record stands after its last write.

    Urgent work that is due before the next sweep is queued with a delay: half a minute matters there.
    """
    works = []
    for key, record in {keys.of(record): record for record in writes}.items():
        if record.next is None:
            continue
        ahead = _SWEPT_EVERY if record.next.lane == "urgent" else timedelta(0)
        if record.next.at <= now + ahead:
            delay = max(0, ceil((record.next.at - now).total_seconds()))
            works.append(Work(queue_of(key, record.next.lane), key, record.next.at, delay))
    return works


def hand_over(service: Service, writes: Iterable[AnyRecord], now: datetime) -> None:
    """Queue what is due already. Losing it costs a minute: the sweep finds the same records."""
    works = due_works(writes, now)
    if works:
        service.queues.put(works)
