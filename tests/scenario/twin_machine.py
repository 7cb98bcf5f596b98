"""The service's own handlers and its adapter for Twilio, with the carrier's twin at the other end of the wire."""

from base64 import b64encode
from collections import Counter, deque
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args
from urllib.parse import parse_qs, urlsplit

import httpx

from followup import keys, wiring
from followup.adapters.memory import MemoryRecords
from followup.adapters.twilio import TwilioCarrier
from followup.domain.records import PatientId, Text
from followup.handlers import receive_text, record_delivery
from followup.ports import Queue
from infra.demo.events import Context
from infra.demo.machine import ACCOUNT, PUBLIC_URL, TOKEN, Machine
from infra.local.twin import Message, Number, Settings, Twin, TwinServer
from tests.contract.described import Judge
from tests.scenario.lakeside import SENDER, phone_of

KEY: Final = "SK" + "0" * 32
INBOUND: Final = f"{PUBLIC_URL}{receive_text.ROUTE}"
RETRIED: Final = "#rc=2&rp=ct,rt,5xx"

Trouble = Literal["none", "down", "fails", "no answer"]
"""What becomes of one call of a webhook of ours: it never gets through, it fails, or its work is done unheard of."""


class TwinMachine(Machine):
    """A machine whose carrier is the real adapter, calling a twin on loopback. `troubles` befall our webhooks."""

    def __init__(self, start: datetime, *, records: MemoryRecords | None = None) -> None:
        super().__init__(start, records=records)
        number = Number(number=SENDER, keywords="service", inbound_url=f"{INBOUND}{RETRIED}", fallback_url=INBOUND)
        settings = Settings(
            account_sid=ACCOUNT,
            auth_token=TOKEN,
            api_key_sid=KEY,
            api_key_secret=TOKEN,
            numbers=(number,),
            public_base_url=PUBLIC_URL,
            deliver_base_url="http://127.0.0.1:9",
        )
        self.twin = Twin(settings, clock=self.clock.now, transport=httpx.MockTransport(self._door))
        self.judge = Judge()
        self.server = TwinServer(self.twin, workers=0, between=self.judge.between)
        self.troubles: deque[Trouble] = deque()
        self.on_moment = lambda _: self.twin.next_at()

    def __enter__(self) -> "TwinMachine":
        super().__enter__()
        self.server.start()
        carrier = TwilioCarrier(ACCOUNT, KEY, TOKEN, self.server.base_url, PUBLIC_URL, timeouts=(3.0, 0.3))
        self._give(carrier)
        return self

    def __exit__(self, *exception: object) -> None:
        self.server.stop()
        super().__exit__(*exception)

    def settle(self) -> None:
        """Let the functions work and the carrier deliver until neither has anything to do."""
        busy = True
        while busy:
            for queue in get_args(Queue):
                self.work(queue)
            told = self.twin.deliver_pending()
            busy = bool(told) or any(self.queues.waiting(queue) for queue in get_args(Queue))

    def writes(self, patient_id: PatientId, body: str) -> Message:
        """The patient texts, and everything that follows at once is done."""
        message = self.twin.receive(phone_of(self, patient_id), SENDER, body)
        self.settle()
        return message

    def arrived(self, patient_id: PatientId) -> list[str]:
        """What the service's texts on the patient's phone say, oldest first."""
        return [text.body for text in self.twin.texts(phone_of(self, patient_id)) if not text.from_patient]

    def arrivals(self) -> Counter[str]:
        """How often each text of ours reached a phone, by the id of the text."""
        on_phones = {text.sid for text in self.twin.texts()}
        taken = (message for message in self.twin.newest_first() if message.sid in on_phones)
        urls = (urlsplit(message.status_callback) for message in taken if message.status_callback)
        return Counter(parse_qs(url.query)["text"][0] for url in urls)

    def twice(self) -> list[str]:
        """The ids of routine texts that reached a phone more than once; a crisis reply may rather than never."""
        arrivals = self.arrivals()
        texts = [record for record in self.records if isinstance(record, Text)]
        return [text.text_id for text in texts if text.kind != "crisis" and arrivals[text.text_id] > 1]

    def lost(self) -> list[str]:
        """The SIDs of patients' texts that the service knows nothing of, and the ids of own texts left in the air."""
        incoming = (message.sid for message in self.twin.newest_first() if message.direction == "inbound")
        unknown = [sid for sid in incoming if self.records.get(keys.receipt(sid)) is None]
        before = self.clock.now() - timedelta(minutes=15)
        texts = (record for record in self.records if isinstance(record, Text))
        hanging = [
            text.text_id
            for text in texts
            if text.status in ("planned", "claimed") and (text.next is None or text.next.at < before)
        ]
        return [*unknown, *hanging]

    def _give(self, carrier: TwilioCarrier) -> None:
        self.service = replace(self.service, carrier=carrier)
        wiring.give(wiring.Wired(self.service, self.clock, (TOKEN,)))

    def _door(self, request: httpx.Request) -> httpx.Response:
        """The HTTP API in front of the two functions that the carrier calls."""
        trouble = self.troubles.popleft() if self.troubles else "none"
        if trouble == "down":
            raise httpx.ConnectError("refused")
        if trouble == "fails":
            return httpx.Response(500)
        answer = self._answer(request)
        if trouble == "no answer":
            raise httpx.ReadTimeout("too slow")
        return httpx.Response(answer["statusCode"], text=answer["body"], headers=answer["headers"])

    def _answer(self, request: httpx.Request) -> dict[str, Any]:
        parts = urlsplit(str(request.url))
        handlers = {receive_text.ROUTE: receive_text, record_delivery.ROUTE: record_delivery}
        event = {
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": dict(request.headers),
            "requestContext": {"http": {"method": request.method, "path": parts.path}},
            "body": b64encode(request.content).decode(),
            "isBase64Encoded": True,
        }
        answer: dict[str, Any] = handlers[parts.path].lambda_handler(event, Context())
        return answer
