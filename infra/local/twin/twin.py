"""The twin itself: the carrier's state behind a lock, its webhook queue, the patients' phones, and a resting file."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Condition, RLock
from typing import Final

import httpx
import msgspec

from infra.local.twin import sending
from infra.local.twin.courier import Courier, Delivery
from infra.local.twin.faults import CallbackFault, Faults, InboundFault
from infra.local.twin.feed import Feed
from infra.local.twin.records import UNFINISHED, Handset, Message, PhoneText, Snapshot, Webhook
from infra.local.twin.settings import Settings
from infra.local.twin.state import State
from infra.local.twin.webhooks import inbound_form, status_form

KEPT_DELIVERIES: Final = 1000


class Twin:
    """The local stand-in for Twilio Programmable Messaging, without its HTTP server.

    `clock` says what time it is (aware). `transport` takes the place of the network for webhooks. Nothing moves by
    itself: `deliver_pending()` makes what is due happen and calls the webhooks, or TwinServer's worker does.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Callable[[], datetime],
        seed: str = "twin",
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.faults = Faults()
        self._clock = clock
        self._state = State(settings, seed)
        self._courier = Courier(transport=transport)
        self._lock = RLock()
        self._changed = Condition(self._lock)
        self._queue: deque[Webhook] = deque()
        self._in_flight = 0
        self._callback_faults: dict[str, CallbackFault] = {}
        self._back: dict[str, list[Webhook]] = {}  # callbacks that wait for the last status of their message
        self._swapped: list[Webhook] = []  # incoming texts that wait for the next one
        self._deliveries: deque[Delivery] = deque(maxlen=KEPT_DELIVERIES)
        self._feed = Feed()
        self._told = 0

    @property
    def settings(self) -> Settings:
        return self._state.settings

    def configure(self, settings: Settings) -> None:
        """Change numbers, URLs or credentials, as one does in the carrier's console."""
        with self._changed:
            self._state.settings = settings
            self._changed.notify_all()

    # The API's calls. Each raises CarrierError as the carrier would answer.

    def create(self, form: Mapping[str, tuple[str, ...]]) -> Message:
        """Take a message to be sent, and return it as it is at that moment: `accepted`, `queued` or `scheduled`."""
        with self._changed:
            now = self._clock()
            message = self._state.create(sending.read(form, self.settings, now), now)
            fault = self.faults.next_callbacks()
            if fault is not None:
                self._callback_faults[message.sid] = fault
            early = self._take_early(message.sid) if fault is not None and fault.kind == "early" else ()
            self._changed.notify_all()
        for webhook in early:
            self.deliver(webhook)
        return message

    def fetch(self, sid: str) -> Message | None:
        with self._changed:
            self._advance()
            return self._state.fetch(sid)

    def redact(self, sid: str) -> Message:
        with self._changed:
            self._advance()
            return self._state.redact(sid, self._clock())

    def cancel(self, sid: str) -> Message:
        with self._changed:
            self._advance()
            message = self._state.cancel(sid, self._clock())
            self._queue_callback(message)
            self._changed.notify_all()
            return message

    def delete(self, sid: str) -> None:
        with self._changed:
            self._advance()
            self._state.delete(sid)

    def newest_first(self) -> tuple[Message, ...]:
        """All messages, newest first, after everything that is due has happened to them."""
        with self._changed:
            self._advance()
            return self._state.newest_first()

    def place(self, sid: str) -> int | None:
        """A message's place in the order of creation; deleted ones keep theirs."""
        with self._lock:
            return self._state.place(sid)

    # The patients' phones

    def receive(
        self,
        from_: str,
        to: str,
        body: str,
        *,
        media: tuple[tuple[str, str], ...] = (),
        geography: Mapping[str, str] | None = None,
    ) -> Message:
        """A patient texts one of our numbers. `media` holds (URL, content type) pairs.

        Raises ValueError for a number that is not E.164 or not ours, or a body over 1600 characters.
        """
        with self._changed:
            received = self._state.receive(from_, to, body, self._clock(), len(media))
            fault, number, handled = self.faults.next_inbound(), received.number, received.handled
            if number.inbound_url is not None:
                webhook = Webhook(
                    token=self._state.issue(""),
                    kind="inbound",
                    sid=received.message.sid,
                    url=number.inbound_url,
                    fallback_url=number.fallback_url,
                    form=inbound_form(
                        received.message,
                        self.settings.account_sid,
                        media=media,
                        opt_out=handled.kind if handled is not None and number.advanced_opt_out else None,
                        geography=geography,
                    ),
                )
                self._queue_inbound(webhook, fault)
            self._changed.notify_all()
        self._tell_phones()
        return received.message

    def set_handset(self, number: str, handset: Handset) -> None:
        """Decide how texts to this phone end from now on."""
        with self._lock:
            self._state.set_handset(number, handset)

    def is_blocked(self, ours: str, theirs: str) -> bool:
        """Whether the carrier holds an opt-out of this phone from our number, or from the service it is in."""
        with self._lock:
            return self._state.is_blocked(ours, theirs)

    def texts(self, theirs: str | None = None, ours: str | None = None) -> tuple[PhoneText, ...]:
        """The texts that stand on the patients' phones, in the order of arrival; of one phone or number if named."""
        with self._lock:
            texts = self._state.texts()
        return tuple(text for text in texts if theirs in (None, text.theirs) and ours in (None, text.ours))

    def subscribe(self, on_text: Callable[[PhoneText], None]) -> Callable[[], None]:
        """Call `on_text` for every text that arrives on a phone from now on; the result ends the subscription.

        The call comes from whichever thread made the text arrive, and must not block.
        """
        return self._feed.subscribe(on_text)

    def live(self) -> AsyncIterator[PhoneText]:
        """The same as an asynchronous iterator, from the moment of the call; it ends with `close()`."""
        return self._feed.live()

    # Time and webhooks

    def deliver_pending(self) -> tuple[Delivery, ...]:
        """Do everything that is due, webhooks included, and return what became of each webhook, in order."""
        done: list[Delivery] = []
        while (webhook := self.take()) is not None:
            done.extend(self.deliver(webhook))
        return tuple(done)

    def take(self, *, wait_s: float = 0.0) -> Webhook | None:
        """Take the next webhook that is due off the queue, waiting for one up to `wait_s` seconds.

        Whoever takes a webhook passes it to `deliver`.
        """
        with self._changed:
            webhook = self._pop()
            if webhook is None and wait_s > 0:
                self._changed.wait(wait_s)
                webhook = self._pop()
        self._tell_phones()
        return webhook

    def deliver(self, webhook: Webhook) -> tuple[Delivery, ...]:
        """Call a webhook that was taken off the queue; its copies as their fault says."""
        try:
            if webhook.at_once:
                with ThreadPoolExecutor(webhook.copies) as together:
                    settings = [self.settings] * webhook.copies
                    done = tuple(together.map(self._courier.deliver, [webhook] * webhook.copies, settings))
            else:
                done = tuple(self._courier.deliver(webhook, self.settings) for _ in range(webhook.copies))
            with self._changed:
                self._deliveries.extend(done)
                self._send_replies(webhook, done)
        finally:
            with self._changed:
                self._in_flight -= 1
                self._changed.notify_all()
        self._tell_phones()
        return done

    def wake(self) -> None:
        """Tell a waiting worker that the clock moved."""
        with self._changed:
            self._changed.notify_all()

    def next_at(self) -> datetime | None:
        """When something happens next, or None: a change of status, or a webhook that is late."""
        with self._lock:
            times = [webhook.not_before for webhook in self._queue if webhook.not_before is not None]
            if any(webhook.not_before is None for webhook in self._queue):
                times.append(self._clock())
            planned = self._state.next_at()
            return min((*times, planned) if planned is not None else times, default=None)

    def wait_until_idle(self, timeout_s: float = 30.0) -> bool:
        """Wait until nothing is due and no webhook is on its way; False when that takes longer than the timeout."""
        with self._changed:
            return self._changed.wait_for(self._idle, timeout_s)

    def deliveries(self) -> tuple[Delivery, ...]:
        """What became of the last thousand webhooks, oldest first: the carrier's debugger."""
        with self._lock:
            return tuple(self._deliveries)

    # Rest

    def dump(self, path: Path) -> None:
        """Write messages, opt-outs, phones and undelivered webhooks to a file that only its owner can read."""
        with self._lock:
            waiting = [*self._queue, *(webhook for held in self._back.values() for webhook in held), *self._swapped]
            content = msgspec.json.format(msgspec.json.encode(self._state.snapshot(tuple(waiting))), indent=1)
        beside = path.with_name(f"{path.name}.new")
        beside.touch(mode=0o600)
        beside.write_bytes(content)
        beside.replace(path)

    def load(self, path: Path) -> None:
        """Take up what `dump` wrote; settings and faults are not in it. Raises ValueError for any other file."""
        try:
            snapshot = msgspec.json.decode(path.read_bytes(), type=Snapshot)
        except msgspec.MsgspecError as error:
            raise ValueError(f"{path}: not a file that the twin wrote; remove it to start afresh") from error
        with self._changed:
            self._state.restore(snapshot)
            self._queue = deque(snapshot.webhooks)
            self._told = len(snapshot.texts)
            self._changed.notify_all()

    def close(self) -> None:
        """Let go of held calls and end live feeds; the memory stays, and so does everything else."""
        self.faults.release()
        self._feed.close()

    # Inside; callers hold the lock where state is touched

    def _advance(self) -> None:
        changed = self._state.advance(self._clock())
        for message in changed:
            self._queue_callback(message)
        if changed:
            self._changed.notify_all()

    def _pop(self) -> Webhook | None:
        self._advance()
        now = self._clock()
        for webhook in self._queue:
            if webhook.not_before is None or webhook.not_before <= now:
                self._queue.remove(webhook)
                self._in_flight += 1
                return webhook
        return None

    def _take_early(self, sid: str) -> tuple[Webhook, ...]:
        self._advance()
        early = tuple(webhook for webhook in self._queue if webhook.sid == sid)
        self._queue = deque(webhook for webhook in self._queue if webhook.sid != sid)
        self._in_flight += len(early)
        return early

    def _idle(self) -> bool:
        now, due = self._clock(), self._state.next_at()
        waiting = any(webhook.not_before is None or webhook.not_before <= now for webhook in self._queue)
        return not (self._in_flight or waiting or (due is not None and due <= now))

    def _send_replies(self, webhook: Webhook, done: tuple[Delivery, ...]) -> None:
        number = self.settings.number(webhook.form["To"])
        for delivery in done:
            for body in delivery.replies:
                if number is not None:
                    self._state.answer_with_twiml(number, webhook.form["From"], body, self._clock())

    def _queue_callback(self, message: Message) -> None:
        if message.status_callback is None or message.status == "accepted":  # the statuses before `sent` go untold
            return
        webhook = Webhook(
            token=self._state.issue(""),
            kind="status",
            sid=message.sid,
            url=message.status_callback,
            form=status_form(message, self.settings.account_sid),
        )
        fault = self._callback_faults.get(message.sid)
        if fault is None or fault.kind == "early":
            self._queue.append(webhook)
        elif fault.kind == "reordered":
            self._queue_last_first(webhook, final=message.status not in (*UNFINISHED, "sent"))
        elif fault.kind != "dropped":
            self._queue.append(self._disturbed(webhook, fault.kind, fault.by))

    def _queue_last_first(self, webhook: Webhook, *, final: bool) -> None:
        if final:
            self._queue.extend((webhook, *reversed(self._back.pop(webhook.sid, []))))
        else:
            self._back.setdefault(webhook.sid, []).append(webhook)

    def _queue_inbound(self, webhook: Webhook, fault: InboundFault | None) -> None:
        if fault is not None and fault.kind == "swapped":
            self._swapped.append(webhook)
            return
        if fault is None:
            self._queue.append(webhook)
        elif fault.kind != "dropped":
            self._queue.append(self._disturbed(webhook, fault.kind, fault.by))
        self._queue.extend(self._swapped)
        self._swapped.clear()

    def _disturbed(self, webhook: Webhook, kind: str, by: timedelta) -> Webhook:
        if kind == "late":
            return replace(webhook, not_before=self._clock() + by)
        return replace(webhook, copies=2, at_once=kind == "overlapping")

    def _tell_phones(self) -> None:
        with self._lock:
            news = self._state.texts(since=self._told)
            self._told += len(news)
        for text in news:
            self._feed.tell(text)
