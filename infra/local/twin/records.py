"""What the carrier keeps: messages, what is about to happen to them, phones, webhooks on their way."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

Status = Literal[
    "accepted", "scheduled", "queued", "sending", "sent", "delivered", "undelivered", "failed", "canceled", "received"
]
Direction = Literal["inbound", "outbound-api", "outbound-reply"]

UNFINISHED: Final = ("accepted", "scheduled", "queued", "sending")


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as the API shows it. `from_` and `segments` stay empty until a Messaging Service picks a sender."""

    sid: str
    direction: Direction
    to: str
    body: str
    status: Status
    created_at: datetime
    updated_at: datetime
    from_: str | None = None
    sent_at: datetime | None = None
    service_sid: str | None = None
    segments: int = 0
    media: int = 0
    error_code: int | None = None
    status_callback: str | None = None
    validity: timedelta


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of status that is going to happen at `at`; `order` settles ties. `arrives`: the phone has it then."""

    at: datetime
    order: int
    sid: str
    status: Status
    error_code: int | None = None
    arrives: bool = False


@dataclass(frozen=True, slots=True)
class Handset:
    """How texts to a phone end. `sent` means that its carrier gives no receipt; the text arrives nevertheless."""

    outcome: Literal["delivered", "sent", "undelivered", "failed"] = "delivered"
    error_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneText:
    """A text as it stands on a patient's phone, where redacting the carrier's record does not reach."""

    sid: str
    ours: str
    theirs: str
    from_patient: bool
    body: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A call that the carrier is going to make. `url` is the public one; every copy carries the same form and token.

    `at_once`: the copies are sent at the same time. `not_before`: the call is late on purpose.
    """

    token: str
    kind: Literal["inbound", "status"]
    sid: str
    url: str
    form: dict[str, str]
    fallback_url: str | None = None
    copies: int = 1
    at_once: bool = False
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The twin's whole memory, as it is written to a file."""

    version: Literal[1] = 1
    seed: str
    issued: int
    order: tuple[str, ...]
    messages: dict[str, Message]
    transitions: tuple[Transition, ...]
    blocked: tuple[tuple[str, str], ...]
    handsets: dict[str, Handset]
    free_at: dict[str, datetime]
    texts: tuple[PhoneText, ...]
    webhooks: tuple[Webhook, ...]
