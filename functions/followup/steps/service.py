"""What every step works with, and how a decision becomes a commit."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from followup import keys
from followup.content import Content
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import Conflict, Missing
from followup.domain.records import AnyRecord, Chart, Clinic, ClinicId, Decision, ThreadId
from followup.keys import Key
from followup.ports import Carrier, Mailer, Phones, Queue, Queues, Records, Work

CHART_SINCE = timedelta(days=10)
"""How far back a worker's chart reaches; a late reply is placed within seven days."""

_ROUNDS = 6


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


def queue_of(key: Key, lane: str) -> Queue:
    """The queue whose function does the steps of this kind of record."""
    if key.sk.endswith("#text"):
        return {"urgent": "urgent", "replies": "answers"}.get(lane, "routine")  # type: ignore[return-value]
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
    """The work that is due already among what was just committed."""
    works = []
    for record in writes:
        if record.next is not None and record.next.at <= now:
            key = keys.of(record)
            works.append(Work(queue_of(key, record.next.lane), key, record.next.at))
    return works


def hand_over(service: Service, writes: Iterable[AnyRecord], now: datetime) -> None:
    """Queue what is due already. Losing it costs a minute: the sweep finds the same records."""
    works = due_works(writes, now)
    if works:
        service.queues.put(works)
