"""What steps need from outside. Each port has a real adapter and an in-memory twin under one contract suite."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from followup.domain.delivery import Carried, Found, MailResult, SendOrder
from followup.domain.records import AnyRecord, Chart, Lane, Mail, ThreadId
from followup.keys import Key


@dataclass(frozen=True, slots=True)
class Due:
    """An entry of the due index: a record whose next step is due at `at`."""

    key: Key
    at: datetime


class Records(Protocol):
    """The one table. Reads may be a moment old unless `consistent`; writes never rest on that."""

    def get(self, key: Key, *, consistent: bool = False) -> AnyRecord | None: ...

    def get_many(self, keys: Sequence[Key]) -> list[AnyRecord]:
        """The records that exist, in the order asked."""
        ...

    def chart(self, thread: ThreadId, since: datetime | None, *, consistent: bool = False) -> Chart:
        """One query: what stands now, and the course since then (`None`: from the beginning), each in time order."""
        ...

    def due(self, lane: Lane, shard: int, up_to: datetime, limit: int) -> Sequence[Due]:
        """The oldest due entries of one shard, `at <= up_to`, oldest first, at most `limit`."""
        ...

    def listed(self, listing: str, *, starting: str = "") -> Iterator[Key]:
        """Keys of a list (`keys.patients_of`, `keys.open_of`) in rank order, ranks that start so, paged inside."""
        ...

    def commit(self, *records: AnyRecord, removed: Sequence[AnyRecord] = ()) -> None:
        """Write all or nothing; each under the condition that its stored version is the one it was read with.

        A record with version 0 must not exist yet. At most 100 records. `removed` records are deleted under the same
        condition.

        Raises:
            Conflict: a condition failed, and nothing was written.
        """
        ...


Queue = Literal["urgent", "pages", "replies", "answers", "routine", "daily", "digests", "missed"]


@dataclass(frozen=True, slots=True)
class Work:
    """A message on a queue: do the due step of this record, if it is still the one due at `at`."""

    queue: Queue
    key: Key
    at: datetime
    delay: int = 0
    """Seconds after which the queue hands it out (0-900); a queue that cannot wait hands it out at once."""


class Queues(Protocol):
    def put(self, works: Sequence[Work]) -> int:
        """Hand over work, and say how many were not taken. Never raises for what the queue does.

        Losing work costs at most a minute, because the sweep finds the same record again.
        """
        ...


@dataclass(frozen=True, slots=True)
class CarrierText:
    """An incoming message as the carrier lists it."""

    sid: str
    sender: str
    phone: str
    body: str
    received: datetime
    media: int


class Carrier(Protocol):
    """The text carrier. Never raises for what the carrier does: the result says what is known."""

    def send(self, order: SendOrder) -> Carried: ...

    def find(self, order: SendOrder, *, since: datetime) -> Found:
        """Whether a text like this left since then; `unsure` when the carrier cannot be asked."""
        ...

    def received(self, sender: str, *, since: datetime) -> Iterator[CarrierText]:
        """Incoming messages to this sender since then, in any order.

        Raises:
            CarrierUnavailable: the list could not be read to its end.
        """
        ...


class Mailer(Protocol):
    def send(self, mail: Mail, *, sender: str) -> MailResult: ...


class Clock(Protocol):
    def now(self) -> datetime: ...


class Phones(Protocol):
    """Keyed hashes of phone numbers, so that keys hold none."""

    def key(self, number: str) -> str: ...
