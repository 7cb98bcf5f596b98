"""What happens to messages inside the carrier, given the time: no clock, no network, no randomness of its own."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from heapq import heapify, heappop, heappush
from typing import Final

from followup.domain.segments import count
from infra.local.twin import keywords
from infra.local.twin.errors import CarrierError
from infra.local.twin.records import (
    UNFINISHED,
    Direction,
    Handset,
    Message,
    PhoneText,
    Snapshot,
    Status,
    Transition,
    Webhook,
)
from infra.local.twin.sending import MAX_BODY, Outgoing
from infra.local.twin.settings import E164, Number, Settings

MAX_QUEUE: Final = timedelta(hours=10)  # a sender whose queue is longer takes no more: Twilio errors 21611, 30001


@dataclass(frozen=True, slots=True)
class Received:
    """A text that came in: its message, and the keyword that the carrier handled, if it was one."""

    message: Message
    number: Number
    handled: keywords.Handled | None


class State:
    """Messages, opt-outs, handsets and phones of one account. SIDs follow from `seed` and the order of calls."""

    def __init__(self, settings: Settings, seed: str = "twin") -> None:
        self.settings = settings
        self._seed, self._issued = seed, 0
        self._order: list[str] = []  # every SID ever given out, oldest first, so that page tokens outlive deletions
        self._place: dict[str, int] = {}
        self._messages: dict[str, Message] = {}
        self._transitions: list[tuple[datetime, int, Transition]] = []
        self._blocked: set[tuple[str, str]] = set()
        self._handsets: dict[str, Handset] = {}
        self._free_at: dict[str, datetime] = {}
        self._texts: list[PhoneText] = []
        self._last_used: dict[tuple[str, str], str] = {}  # (scope, phone) -> the sender that the phone last saw

    # What the API does

    def create(self, call: Outgoing, now: datetime) -> Message:
        """Take a message. A sender of its own is refused at once with 21610 or 21611; a service fails it later."""
        if call.service_sid is None and call.from_ is not None:
            self._refuse_at_create(call.from_, call.to, now)
        status: Status = "scheduled" if call.send_at else "accepted" if call.service_sid else "queued"
        message = self._new(
            "outbound-api", call.to, call.body, now, status, from_=call.from_, service_sid=call.service_sid
        )
        message = replace(
            message,
            sid=message.sid if not call.media else f"MM{message.sid[2:]}",
            media=len(call.media),
            status_callback=call.status_callback,
            validity=call.validity,
        )
        self._store(message)
        if call.send_at:
            self._plan(call.send_at, message.sid, "accepted")
        else:
            self._enqueue(message, now)
        return message

    def fetch(self, sid: str) -> Message | None:
        return self._messages.get(sid)

    def redact(self, sid: str, now: datetime) -> Message:
        """Empty the body of a finished message; raises CarrierError 20009 before it is finished."""
        message = self._finished(sid)
        return self._put(replace(message, body="", updated_at=now))

    def cancel(self, sid: str, now: datetime) -> Message:
        """Cancel a scheduled message; raises CarrierError 30409 for any other."""
        message = self._messages[sid]
        if message.status != "scheduled":
            raise CarrierError(30409)
        self._transitions = [entry for entry in self._transitions if entry[2].sid != sid]
        heapify(self._transitions)
        return self._put(replace(message, status="canceled", updated_at=now))

    def delete(self, sid: str) -> None:
        """Forget a finished message; raises CarrierError 20009 before it is finished."""
        self._finished(sid)
        del self._messages[sid]

    def newest_first(self) -> tuple[Message, ...]:
        return tuple(self._messages[sid] for sid in reversed(self._order) if sid in self._messages)

    def place(self, sid: str) -> int | None:
        """How many messages were made before this one, deleted ones included; None for a SID never given out."""
        return self._place.get(sid)

    # What patients do

    def receive(self, from_: str, to: str, body: str, now: datetime, media: int = 0) -> Received:
        """A patient texts one of our numbers; the carrier handles its keywords before the service hears of it.

        Raises ValueError for a number that is not E.164 or not ours, or a body over 1600 characters.
        """
        number = self.settings.number(to)
        if number is None:
            raise ValueError("to: not one of the account's numbers")
        if not E164.fullmatch(from_) or self.settings.number(from_) is not None:
            raise ValueError("from_: expected a patient's number in E.164")
        if len(body) > MAX_BODY:
            raise ValueError("body: over 1600 characters")
        message = self._new("inbound", to, body, now, "received", from_=from_, service_sid=number.service_sid)
        message = replace(
            message,
            sid=message.sid if not media else f"MM{message.sid[2:]}",
            media=media,
            segments=count(body).segments,
        )
        self._store(replace(message, sent_at=now))
        self._on_phone(message, ours=to, theirs=from_, now=now)
        handled = keywords.handle(number, body, blocked=self.is_blocked(to, from_))
        if handled is not None:
            if handled.reply is not None:  # its own replies pass its own block
                self._reply(number, from_, handled.reply, now, blockable=False)
            entry = (number.scope, from_)
            (self._blocked.add if handled.blocked else self._blocked.discard)(entry)
        return Received(self._messages[message.sid], number, handled)

    def answer_with_twiml(self, number: Number, to: str, body: str, now: datetime) -> Message:
        """Send what a webhook's answer asks for; it has no callback, so the service never learns of it."""
        return self._reply(number, to, body, now, blockable=True)

    def set_handset(self, number: str, handset: Handset) -> None:
        """Decide how texts to this phone end from now on."""
        self._handsets[number] = handset

    def is_blocked(self, ours: str, theirs: str) -> bool:
        """Whether the carrier holds an opt-out of this phone from our number, or from the service it is in."""
        number = self.settings.number(ours)
        return number is not None and (number.scope, theirs) in self._blocked

    def texts(self, since: int = 0) -> tuple[PhoneText, ...]:
        """The texts that stand on phones, in the order of arrival, without the first `since`."""
        return tuple(self._texts[since:])

    # What time does

    def advance(self, now: datetime) -> tuple[Message, ...]:
        """Make every change of status that is due, and return the messages as they were after each."""
        changed = []
        while self._transitions and self._transitions[0][0] <= now:
            _, _, change = heappop(self._transitions)
            message = self._messages.get(change.sid)
            if message is not None:
                changed.append(self._apply(message, change, now))
        return tuple(changed)

    def next_at(self) -> datetime | None:
        """When the next change of status is due, or None."""
        return self._transitions[0][0] if self._transitions else None

    # Memory

    def snapshot(self, webhooks: tuple[Webhook, ...]) -> Snapshot:
        return Snapshot(
            seed=self._seed,
            issued=self._issued,
            order=tuple(self._order),
            messages=dict(self._messages),
            transitions=tuple(change for _, _, change in sorted(self._transitions, key=lambda entry: entry[:2])),
            blocked=tuple(sorted(self._blocked)),
            handsets=dict(self._handsets),
            free_at=dict(self._free_at),
            texts=tuple(self._texts),
            webhooks=webhooks,
        )

    def restore(self, snapshot: Snapshot) -> None:
        self._seed, self._issued = snapshot.seed, snapshot.issued
        self._order = list(snapshot.order)
        self._place = {sid: place for place, sid in enumerate(self._order)}
        self._messages = dict(snapshot.messages)
        self._transitions = [(change.at, change.order, change) for change in snapshot.transitions]  # sorted: a heap
        self._blocked = set(snapshot.blocked)
        self._handsets = dict(snapshot.handsets)
        self._free_at = dict(snapshot.free_at)
        self._texts, self._last_used = [], {}
        for text in snapshot.texts:
            self._remember(text)

    def issue(self, prefix: str) -> str:
        """The next identifier: two letters and 32 hex digits that follow from the seed."""
        self._issued += 1
        return prefix + sha256(f"{self._seed}:{self._issued}".encode()).hexdigest()[:32]

    def _new(
        self,
        direction: Direction,
        to: str,
        body: str,
        now: datetime,
        status: Status,
        *,
        from_: str | None,
        service_sid: str | None,
    ) -> Message:
        return Message(
            sid=self.issue("SM"),
            direction=direction,
            to=to,
            body=body,
            status=status,
            created_at=now,
            updated_at=now,
            from_=from_,
            service_sid=service_sid,
            segments=count(body).segments if from_ else 0,
            validity=MAX_QUEUE,
        )

    def _store(self, message: Message) -> None:
        self._place[message.sid] = len(self._order)
        self._order.append(message.sid)
        self._messages[message.sid] = message

    def _put(self, message: Message) -> Message:
        self._messages[message.sid] = message
        return message

    def _finished(self, sid: str) -> Message:
        message = self._messages[sid]
        if message.status in UNFINISHED:
            raise CarrierError(20009)
        return message

    def _refuse_at_create(self, from_: str, to: str, now: datetime) -> None:
        if self.is_blocked(from_, to):
            raise CarrierError(21610)
        if self._free_at.get(from_, now) > now + MAX_QUEUE:
            raise CarrierError(21611)

    def _reply(self, number: Number, to: str, body: str, now: datetime, *, blockable: bool) -> Message:
        message = self._new(
            "outbound-reply", to, body, now, "queued", from_=number.number, service_sid=number.service_sid
        )
        self._store(message)
        self._enqueue(message, now, blockable=blockable)
        return message

    def _enqueue(self, message: Message, now: datetime, *, blockable: bool = True) -> None:
        """Plan the rest of a message's life: the wait for its sender, then what the handset makes of it."""
        sender = message.from_ or self._sender(message.service_sid, message.to)
        handset = self._handsets.get(message.to, Handset())
        if blockable and self.is_blocked(sender, message.to):
            self._plan(now, message.sid, "failed", 21610)
            return
        start = max(now, self._free_at.get(sender, now))
        if start > now + MAX_QUEUE:
            self._plan(now, message.sid, "failed", 30001)
            return
        if start > now + message.validity:
            self._plan(now + message.validity, message.sid, "failed", 30036)
            return
        if self.settings.segments_per_second is not None:
            length = count(message.body).segments / self.settings.segments_per_second
            self._free_at[sender] = start + timedelta(seconds=length)
        if handset.outcome != "failed":
            self._plan(start, message.sid, "sent", arrives=handset.outcome == "sent")
        if handset.outcome != "sent":
            arrives = handset.outcome == "delivered"
            self._plan(start, message.sid, handset.outcome, handset.error_code, arrives=arrives)

    def _plan(
        self, at: datetime, sid: str, status: Status, error_code: int | None = None, *, arrives: bool = False
    ) -> None:
        self._issued += 1  # one counter orders everything
        change = Transition(at, self._issued, sid, status, error_code, arrives)
        heappush(self._transitions, (at, self._issued, change))

    def _apply(self, message: Message, change: Transition, now: datetime) -> Message:
        message = self._put(replace(message, status=change.status, error_code=change.error_code, updated_at=now))
        if change.status == "accepted":  # a scheduled message whose time has come
            self._enqueue(message, now)
        if change.status == "sent":
            sender = message.from_ or self._sender(message.service_sid, message.to)
            message = self._put(replace(message, from_=sender, segments=count(message.body).segments, sent_at=now))
        if change.arrives and message.from_ is not None:
            self._on_phone(message, ours=message.from_, theirs=message.to, now=now)
        return message

    def _sender(self, service_sid: str | None, to: str) -> str:
        """The sender that a service picks: the one that this phone last saw, else its first."""
        own = self.settings.in_service(service_sid or "")
        return self._last_used.get((own[0].scope, to), own[0].number)

    def _on_phone(self, message: Message, *, ours: str, theirs: str, now: datetime) -> None:
        from_patient = message.direction == "inbound"
        self._remember(
            PhoneText(sid=message.sid, ours=ours, theirs=theirs, from_patient=from_patient, body=message.body, at=now)
        )

    def _remember(self, text: PhoneText) -> None:
        self._texts.append(text)
        number = self.settings.number(text.ours)
        if number is not None:
            self._last_used[number.scope, text.theirs] = text.ours
