"""A text carrier in memory."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, Literal

from followup.domain.delivery import Carried, Found, SendOrder
from followup.domain.errors import CarrierUnavailable
from followup.ports import CarrierText, Clock

OPTED_OUT: Final = 21610
"""Twilio error 21610: the recipient opted out."""
TOO_MANY_REQUESTS: Final = 20429
CLOCKS_APART: Final = timedelta(seconds=30)

SendFault = Literal["no_connection", "busy", "lost", "lost_after_storing"] | int
"""What happens to a send call: no connection or too many requests, so nothing was sent; the answer is lost, and the
message with it or not; or the carrier refuses with this error code."""


@dataclass(frozen=True, slots=True)
class MemoryText:
    """A message that the carrier took."""

    sid: str
    status: str
    created: datetime
    order: SendOrder


class MemoryCarrier:
    """Takes every text, unless its number is blocked or a fault is due."""

    def __init__(self, clock: Clock) -> None:
        self.sent: list[MemoryText] = []
        """What was taken, oldest first."""
        self.blocked: set[str] = set()
        """Numbers that opted out with the carrier."""
        self.faults: deque[SendFault] = deque()
        """What happens to the next send calls, one entry each."""
        self.unreadable = False
        """Whether lists cannot be read at present."""
        self._clock = clock
        self._incoming: dict[str, list[CarrierText]] = {}
        self._numbered = 0

    def send(self, order: SendOrder) -> Carried:
        fault = self.faults.popleft() if self.faults else None
        match fault:
            case "no_connection":
                return Carried("not_sent")
            case "busy":
                return Carried("not_sent", code=TOO_MANY_REQUESTS)
            case "lost":
                return Carried("unknown")
            case int():
                return Carried("refused", code=fault)
        if order.to in self.blocked:
            return Carried("refused", code=OPTED_OUT)
        status = "queued" if order.messaging_service is None else "accepted"
        text = MemoryText(self._sid(), status, self._clock.now(), order)
        self.sent.append(text)
        if fault == "lost_after_storing":
            return Carried("unknown")
        return Carried("accepted", sid=text.sid, status=text.status)

    def find(self, order: SendOrder, *, since: datetime) -> Found:
        if self.unreadable:
            return Found("unsure")
        for text in reversed(self.sent):
            like = (text.order.to, text.order.sender, text.order.body) == (order.to, order.sender, order.body)
            if like and text.created >= since - CLOCKS_APART:
                return Found("found", sid=text.sid, status=text.status)
        return Found("absent")

    def received(self, sender: str, *, since: datetime) -> Iterator[CarrierText]:
        if self.unreadable:
            raise CarrierUnavailable("the list of incoming texts was not read")
        texts = self._incoming.get(sender, [])
        return iter(texts[bisect_left(texts, since, key=attrgetter("received")) :])

    def receive(self, sender: str, phone: str, body: str, *, media: int = 0) -> CarrierText:
        """A patient writes now; the text is listed from here on, and is what the webhook would bring."""
        text = CarrierText(self._sid(), sender, phone, body, self._clock.now(), media)
        insort(self._incoming.setdefault(sender, []), text, key=attrgetter("received"))
        return text

    def _sid(self) -> str:
        self._numbered += 1
        return f"SM{self._numbered:032x}"
