"""Eight weeks of one patient who answers every check-in, on the functions' own handlers with a meter on the records."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from followup.adapters.memory import MemoryText
from followup.domain.protocol import Protocol
from followup.domain.records import CheckIn, Lane
from followup.domain.segments import count
from followup.handlers import receive_text
from infra.bench.clinic import SENDER, START, clinic_records, patient_records, series
from infra.bench.metering import MeteredRecords, Usage
from infra.demo.machine import CarrierStatus, Handler, Machine

WEEKS: Final = 8
ANSWER: Final = "7"
REPORTED: Final = (CarrierStatus("sent"), CarrierStatus("delivered"))
"""The carrier reports every text twice."""
ONE_QUESTION: Final = ("day_3", "day_7", "day_14", "weekly")

PLANNED: Final = "planned, a week at a time"
ASKED: Final = "asked and sent"
DELIVERED: Final = "sent, delivered: four reports"
STORED: Final = "reply stored"
READ: Final = "reply read"
THANKED: Final = "thanks sent"
ASSESSED: Final = "assessed"
SWEPT: Final = "swept"

_TO_ANSWER = timedelta(minutes=7)
_SETTLED = timedelta(days=2, hours=12)
"""After the last infusion: the check-ins of that day and the next have two questions, and are not counted."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function ran on an event: which one, why, and what it asked of the table."""

    function: str
    step: str
    usage: Usage


class MeteredMachine(Machine):
    """The service in one process, every function's use of the table taken down."""

    def __init__(self, start: datetime) -> None:
        self.meter = MeteredRecords()
        super().__init__(start, records=self.meter)
        shipped = self.service.content
        plain = {name: _plain(protocol) for name, protocol in shipped.protocols.items()}
        self.service = replace(self.service, content=replace(shipped, protocols=plain))
        self.calls: list[Call] = []
        self.receipts = lambda _: REPORTED

    def call(self, handler: Handler, event: dict[str, Any]) -> dict[str, Any]:
        self.meter.usage()
        answer = super().call(handler, event)
        self.calls.append(Call(*_named(event), self.meter.usage()))
        return answer

    def _due(self, lane: Lane, up_to: datetime) -> datetime | None:
        with self.meter.paused():
            return super()._due(lane, up_to)


def _plain(protocol: Protocol) -> Protocol:
    """The same days, with mood as the one question after the series: what a check-in costs by itself."""
    checkins = (
        replace(rule, questions=("mood",), also={}) if rule.kind in ONE_QUESTION else rule for rule in protocol.checkins
    )
    return replace(protocol, checkins=tuple(checkins), riders=())


def _named(event: dict[str, Any]) -> tuple[str, str]:
    """The function that takes an event, and the step that the event is about."""
    if "lane" in event:
        return "sweep", SWEPT
    if "Records" not in event:
        received = event["rawPath"] == receive_text.ROUTE
        return ("receive_text", STORED) if received else ("record_delivery", DELIVERED)
    queue = event["Records"][0]["eventSourceARN"].rpartition(":")[2]
    body = event["Records"][0]["body"]
    match queue:
        case "daily":
            return "assess_patients", PLANNED if "NOW#plan" in body else ASSESSED
        case "replies":
            return "read_replies", READ
        case "answers":
            return "send_texts", THANKED
        case _:
            return "send_texts", ASKED


class Answering:
    """A patient who answers every text that asks something, some minutes later."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self.answered = 0
        self._waiting: list[tuple[datetime, str]] = []

    def texted(self, text: MemoryText) -> None:
        if "?" in text.order.body:
            self._waiting.append((text.created + _TO_ANSWER, text.order.to))

    def moment(self, now: datetime) -> datetime | None:
        for at, phone in [entry for entry in self._waiting if entry[0] <= now]:
            self._waiting.remove((at, phone))
            self.answered += 1
            self._machine.patient_writes(phone, SENDER, ANSWER)
            self._machine.settle()
        return min((at for at, _ in self._waiting), default=None)


@dataclass(frozen=True, slots=True)
class Course:
    """What the weeks took: the calls of the functions, and how many check-ins were completed in them."""

    calls: Sequence[Call]
    completed: int
    days: int
    segments: int
    """Of SMS: sent to the patient, and received from them."""

    def of(self, *steps: str) -> Iterator[Call]:
        return (call for call in self.calls if call.step in steps)


PATH: Final = (PLANNED, ASKED, DELIVERED, STORED, READ, THANKED)
"""The steps of a check-in from its plan to the thanks."""


def play(weeks: int = WEEKS) -> Course:
    """A patient's weeks after a series: every check-in asks one question, is answered and thanked."""
    machine = MeteredMachine(START)
    with machine:
        phones = machine.service.phones
        patient, link = patient_records(1, phones, START)
        machine.records.commit(*clinic_records(phones), patient, link, series(patient, START - timedelta(hours=1)))
        answering = Answering(machine)
        machine.on_text, machine.on_moment = answering.texted, answering.moment
        machine.run_until(START + _SETTLED)
        machine.calls.clear()
        sent_before, answered_before = len(machine.carrier.sent), answering.answered
        machine.run_until(START + _SETTLED + timedelta(weeks=weeks))
        done = [
            record
            for record in machine.records
            if isinstance(record, CheckIn)
            and record.kind in ONE_QUESTION
            and record.status == "answered"
            and record.trail[-1].at > START + _SETTLED
        ]
        sent = sum(count(text.order.body).segments for text in machine.carrier.sent[sent_before:])
        segments = sent + (answering.answered - answered_before) * count(ANSWER).segments
        return Course(tuple(machine.calls), len(done), weeks * 7, segments)
