"""The pages and the carrier's twin around a service in this process: what `make run` starts, without an emulator."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, get_args
from unittest.mock import patch
from urllib.parse import urlsplit

import httpx

from followup import content, wiring
from followup.adapters.memory import MemoryMailer, MemoryPhones, MemoryQueues, MemoryRecords
from followup.adapters.twilio import TwilioCarrier
from followup.domain.records import Clinic, Consent, Lane, Next, Patient, PatientId, PhoneLink, Plan, Sender, Session
from followup.handlers import receive_text, record_delivery
from followup.ports import Queue
from followup.steps import plans, work
from followup.steps.service import Service
from followup.steps.sweep import sweep
from infra.demo.events import Context
from infra.local.assembly import Assembly, assemble
from infra.local.clock import LocalClock
from infra.local.due import QueriedSteps
from infra.local.mailbox import of_memory
from infra.local.serving import LoopbackServer
from infra.local.twin import Number, Settings, Twin, TwinServer
from tests.scenario.lakeside import CLINIC, MONDAY, NEW_YORK, SENDER, SETTINGS

PUBLIC_URL = "https://texts.example"
ACCOUNT, KEY, TOKEN = "AC" + "0" * 32, "SK" + "0" * 32, "local"


class InProcess:
    """The service on in-memory adapters: asking what waits does the work that waits."""

    def __init__(self, service: Service, queues: MemoryQueues, clock: LocalClock) -> None:
        self._service, self._queues, self._clock = service, queues, clock

    def sweep(self, lane: Lane) -> None:
        sweep(self._service, lane, self._clock.now())

    def waiting(self) -> dict[str, int]:
        queues: tuple[Queue, ...] = get_args(Queue)
        for queue in queues:
            for each in self._queues.take(queue):
                work.do(self._service, each, self._clock.now())
        return {queue: self._queues.waiting(queue) for queue in queues}


@dataclass(frozen=True, slots=True)
class Town:
    """Everything that runs."""

    assembly: Assembly
    service: Service
    clock: LocalClock
    twin: Twin
    url: str

    def enrol(self, name: str, number: int, **changes: Any) -> PatientId:
        """A patient whose first infusion ends now."""
        patient_id, phone, now = PatientId(f"p{number}"), f"+1312555{100 + number:04d}", self.clock.now()
        patient = Patient(
            status="active",
            patient_id=patient_id,
            clinic_id=CLINIC,
            record_number=f"R{number}",
            name=name,
            phone=phone,
            language="en",
            zone=NEW_YORK,
            born=datetime(1980, 1, 1, tzinfo=UTC).date(),
            condition="depression",
            consent=Consent("texts", "2", datetime(2026, 1, 5, tzinfo=UTC).date()),
            baseline_phq9=18,
            next=Next("assess", now + timedelta(days=1), "daily"),
        )
        link = PhoneLink(phone_key=self.service.phones.key(phone), clinic_id=CLINIC, patient_ids=(patient_id,))
        self.service.records.commit(replace(patient, **changes), link, Plan(patient_id=patient_id, clinic_id=CLINIC))
        visits = tuple(
            Session(
                session_id=f"v{number}.{nth}",
                start=now + timedelta(days=3 * nth, hours=-1),
                end=now + timedelta(days=3 * nth),
                status="scheduled",
                series="induction",
                route="iv",
            )
            for nth in range(4)
        )
        plans.change(self.service, patient_id, lambda plan: replace(plan, sessions=visits), now)
        return patient_id

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, trust_env=False)
        answer.raise_for_status()
        return answer.json()

    def send(self, method: str, path: str, body: object, **headers: str) -> httpx.Response:
        return httpx.request(method, self.url + path, json=body, headers=headers, trust_env=False)

    def step(self, goal: str) -> dict[str, Any]:
        """Run the clock through the pages' own calls, and say where it stands then."""
        assert self.send("POST", "/api/clock/run", {"to": goal}).status_code == 202
        assert self.assembly.runs.join(60)
        state: dict[str, Any] = self.get("/api/clock")
        return state

    def phone(self, patient_id: str) -> dict[str, Any]:
        phone: dict[str, Any] = next(each for each in self.get("/api/phones")["phones"] if each["id"] == patient_id)
        return phone


@contextmanager
def town(start: datetime = MONDAY, *, port: int = 0) -> Iterator[Town]:
    """A clinic without patients, its pages served on loopback."""
    clock, records, queues, mailer = LocalClock(start), MemoryRecords(), MemoryQueues(), MemoryMailer()
    settings = Settings(
        account_sid=ACCOUNT,
        auth_token=TOKEN,
        api_key_sid=KEY,
        api_key_secret=TOKEN,
        numbers=(Number(number=SENDER, keywords="service", inbound_url=f"{PUBLIC_URL}{receive_text.ROUTE}"),),
        public_base_url=PUBLIC_URL,
        deliver_base_url="http://127.0.0.1:9",
    )
    twin = Twin(settings, clock=clock.now, transport=httpx.MockTransport(_webhook))
    surroundings = patch.dict("os.environ", {"PUBLIC_URL": PUBLIC_URL, "TWILIO_ACCOUNT": ACCOUNT})
    with surroundings, TwinServer(twin) as server:
        tokens = count(1)
        service = Service(
            records=records,
            carrier=TwilioCarrier(ACCOUNT, KEY, TOKEN, server.base_url, PUBLIC_URL),
            mailer=mailer,
            queues=queues,
            phones=MemoryPhones(),
            content=content.load(),
            token=lambda: f"{next(tokens):032x}",
        )
        first_digest = (start + timedelta(days=1)).replace(hour=12, minute=0)
        records.commit(
            Clinic(clinic_id=CLINIC, settings=SETTINGS, next=Next("make_digest", first_digest, "daily")),
            Sender(sender_key=service.phones.key(SENDER), clinic_id=CLINIC),
        )
        wiring.give(wiring.Wired(service, clock, (TOKEN,)))
        assembly = assemble(
            clock=clock,
            steps=QueriedSteps(records),
            twin=twin,
            service=service,
            running=InProcess(service, queues, clock),
            mails=of_memory(mailer),
            flow=tuple,
            clinics=(CLINIC,),
            began=start,
        )
        try:
            with LoopbackServer(assembly.app, port=port, name="pages") as pages:
                yield Town(assembly, service, clock, twin, pages.url)
        finally:
            assembly.close()
            wiring.give(None)


def _webhook(request: httpx.Request) -> httpx.Response:
    """The HTTP API in front of the two functions that the carrier calls."""
    parts = urlsplit(str(request.url))
    handler = {receive_text.ROUTE: receive_text, record_delivery.ROUTE: record_delivery}[parts.path].lambda_handler
    event = {
        "rawPath": parts.path,
        "rawQueryString": parts.query,
        "headers": dict(request.headers),
        "requestContext": {"http": {"method": request.method, "path": parts.path}},
        "body": b64encode(request.content).decode(),
        "isBase64Encoded": True,
    }
    answer = handler(event, Context())
    return httpx.Response(answer["statusCode"], text=answer["body"], headers=answer["headers"])
