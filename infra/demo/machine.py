"""The whole service in one process: the functions' own handlers on in-memory adapters, under a virtual clock.

What AWS does between the functions is done here: queues bring batches, schedules wake the sweep, the carrier delivers
and reports. The clock only moves when every queue is empty.
"""

import contextlib
import io
import itertools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from aws_lambda_powertools.utilities.typing import LambdaContext

from followup import content, wiring
from followup.adapters.memory import (
    MemoryCarrier,
    MemoryClock,
    MemoryMailer,
    MemoryPhones,
    MemoryQueues,
    MemoryRecords,
    MemoryText,
)
from followup.domain.records import Lane
from followup.keys import SHARDS
from followup.ports import CarrierText, Queue
from followup.steps.service import Service
from infra.demo.events import Context, queue_event, webhook_event

PUBLIC_URL: Final = "https://texts.example"
ACCOUNT: Final = "AC" + "0" * 32
TOKEN: Final = "local"  # noqa: S105 - signs webhooks between two parts of one process

_FAR = timedelta(days=3650)
_SWEEP_EVERY = timedelta(minutes=1)


Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Failure:
    """A message whose step failed: AWS would deliver it again, and the sweep finds it in any case."""

    queue: Queue
    message: int


@dataclass(frozen=True, slots=True)
class CarrierStatus:
    """A status that the carrier reports of a text, with its error code if it has one."""

    status: str
    code: int | None = None


class Machine:
    """Runs the service up to a moment. Use as a context manager: it takes the place of AWS while it is open."""

    def __init__(self, start: datetime, *, records: MemoryRecords | None = None, routine_per_minute: int = 60) -> None:
        self.clock = MemoryClock(start)
        self.records = records or MemoryRecords()
        self.carrier = MemoryCarrier(self.clock)
        self.mailer = MemoryMailer()
        self.queues = MemoryQueues()
        self.failures: list[Failure] = []
        self.receipts: Callable[[MemoryText], Sequence[CarrierStatus]] = lambda _: (CarrierStatus("delivered"),)
        """What the carrier reports of a text that it took, in this order."""
        self.on_text: Callable[[MemoryText], None] = lambda _: None
        """Told of every text that reaches its phone."""
        self.on_moment: Callable[[datetime], datetime | None] = lambda _: None
        """Asked at every moment for the next one at which something outside happens, if there is one."""
        tokens = itertools.count(1)
        self.service = Service(
            records=self.records,
            carrier=self.carrier,
            mailer=self.mailer,
            queues=self.queues,
            phones=MemoryPhones(),
            content=content.load(),
            token=lambda: f"{next(tokens):032x}",
            routine_per_minute=routine_per_minute,
        )
        self.output = io.StringIO()
        """What the functions printed: their metrics. Their log lines go to the logger's own stream."""
        self._reported = 0
        self._swept: datetime | None = None

    def __enter__(self) -> "Machine":
        os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "FollowUp")
        os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "followup")
        os.environ |= {"PUBLIC_URL": PUBLIC_URL, "TWILIO_ACCOUNT": ACCOUNT}
        wiring.give(wiring.Wired(self.service, self.clock, (TOKEN,)))
        return self

    def __exit__(self, *_: object) -> None:
        wiring.give(None)

    def run_until(self, until: datetime) -> None:
        """Do everything that falls due up to then, each at its moment."""
        while True:
            self.settle()
            now = self.clock.now()
            outside, due = self.on_moment(now), self._next_due()
            if due is not None and due <= now:
                # What is still due after a sweep (more than a minute's worth, or a failed step) waits for the next one.
                due = now + _SWEEP_EVERY if self._swept == now else now
            at = min((moment for moment in (due, outside) if moment is not None), default=None)
            if at is None or at > until:
                break
            self.clock.set(max(at, now))
            if at == due:
                self._sweep()
        self.clock.set(max(until, self.clock.now()))

    def settle(self) -> None:
        """Let the functions work until every queue is empty and the carrier has reported what it delivered."""
        while any(self.queues.waiting(queue) for queue in get_args(Queue)) or self._reported < len(self.carrier.sent):
            for queue in get_args(Queue):
                self.work(queue)
            self._report()

    def patient_writes(
        self, phone: str, sender: str, body: str, *, opt_out_type: str | None = None, media: int = 0
    ) -> dict[str, Any]:
        """A patient texts; the carrier calls the webhook, and once more if that failed. Returns its last answer."""
        text = self.carrier.receive(sender, phone, body, media=media)
        answer = self.webhook(text, opt_out_type=opt_out_type)
        return answer if answer["statusCode"] < 500 else self.webhook(text, opt_out_type=opt_out_type)

    def webhook(self, text: CarrierText, *, opt_out_type: str | None = None) -> dict[str, Any]:
        """The carrier delivers this incoming text."""
        fields = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "AccountSid": ACCOUNT,
            "From": text.phone,
            "To": text.sender,
            "Body": text.body,
            "NumMedia": str(text.media),
            "NumSegments": "1",
            "FromCity": "",
            "FromState": "",
            "SmsStatus": "received",
            "ApiVersion": "2010-04-01",
        }
        if opt_out_type:
            fields["OptOutType"] = opt_out_type
        from followup.handlers import receive_text

        event = webhook_event(receive_text.ROUTE, fields, public_url=PUBLIC_URL, token=TOKEN)
        return self.call(receive_text.lambda_handler, event)

    def report(self, text: MemoryText, status: str, *, code: int | None = None) -> dict[str, Any]:
        """The carrier reports a status of a text."""
        from followup.handlers import record_delivery

        fields = {
            "MessageSid": text.sid,
            "SmsSid": text.sid,
            "MessageStatus": status,
            "AccountSid": ACCOUNT,
            "From": text.order.sender,
            "To": text.order.to,
        }
        if code is not None:
            fields["ErrorCode"] = str(code)
        query = f"text={text.order.text_id}"
        event = webhook_event(record_delivery.ROUTE, fields, public_url=PUBLIC_URL, token=TOKEN, query=query)
        return self.call(record_delivery.lambda_handler, event)

    def call(self, handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
        """Lambda runs a function on an event."""
        with contextlib.redirect_stdout(self.output):
            return handler(event, Context())

    def _report(self) -> None:
        fresh: Sequence[MemoryText] = self.carrier.sent[self._reported :]
        self._reported = len(self.carrier.sent)
        for text in fresh:
            for each in self.receipts(text):
                self.report(text, each.status, code=each.code)
            self.on_text(text)

    def work(self, queue: Queue) -> None:
        """The function on this queue takes one batch."""
        from followup.handlers import (
            assess_patients,
            find_missed_texts,
            page_on_call,
            read_replies,
            send_digests,
            send_texts,
            send_urgent,
        )

        handlers = {
            "urgent": send_urgent,
            "pages": page_on_call,
            "replies": read_replies,
            "answers": send_texts,
            "routine": send_texts,
            "daily": assess_patients,
            "digests": send_digests,
            "missed": find_missed_texts,
        }
        works = self.queues.take(queue)
        if works:
            answer = self.call(handlers[queue].lambda_handler, queue_event(works))
            for failed in answer["batchItemFailures"]:
                self.failures.append(Failure(queue, int(failed["itemIdentifier"].rpartition("-")[2])))

    def _sweep(self) -> None:
        from followup.handlers import sweep

        self._swept = self.clock.now()
        for lane in get_args(Lane):
            if self._due(lane, self.clock.now()) is not None:
                self.call(sweep.lambda_handler, {"lane": lane})

    def _next_due(self) -> datetime | None:
        moments = [at for lane in get_args(Lane) if (at := self._due(lane, self.clock.now() + _FAR))]
        return min(moments, default=None)

    def _due(self, lane: Lane, up_to: datetime) -> datetime | None:
        shards = (self.records.due(lane, shard, up_to, 1) for shard in range(SHARDS))
        return min((due[0].at for due in shards if due), default=None)
