"""The patients' side of the demo: people from the population model who get texts, and answer, or do not."""

import heapq
import itertools
from dataclasses import dataclass
from datetime import datetime

from followup import keys
from followup.adapters.memory import MemoryText
from followup.domain.records import Patient, PatientId, Text, TextId
from infra.demo import replies
from infra.demo.machine import Machine
from infra.demo.population import Person


@dataclass(frozen=True, slots=True)
class Pending:
    """A reply on its way."""

    phone: str
    sender: str
    words: str


class Phones:
    """Decides for every text that arrives whether, when and with which words its reader answers."""

    def __init__(self, machine: Machine, seed: str) -> None:
        self._machine = machine
        self._seed = seed
        self._people: dict[PatientId, Person] = {}
        self._pending: list[tuple[datetime, int, Pending]] = []
        self._numbered = itertools.count()
        self.written = 0
        machine.on_text = self._arrived

    def person(self, patient: Patient) -> Person:
        """The simulated person behind a patient: always the same one."""
        if patient.patient_id not in self._people:
            seed = f"{self._seed}|{patient.record_number}"
            self._people[patient.patient_id] = replies.person_of(patient, seed)
        return self._people[patient.patient_id]

    def next_at(self) -> datetime | None:
        """When the next reply is sent."""
        return self._pending[0][0] if self._pending else None

    def write_due(self, now: datetime) -> None:
        """Send the replies that are due."""
        while self._pending and self._pending[0][0] <= now:
            _, _, reply = heapq.heappop(self._pending)
            self.written += 1
            self._machine.patient_writes(reply.phone, reply.sender, reply.words)

    def _arrived(self, text: MemoryText) -> None:
        record = self._machine.records.get(keys.text(TextId(text.order.text_id)))
        if not isinstance(record, Text):
            return
        chart = self._machine.records.chart(record.thread, None)
        if chart.patient is None:
            return
        now = self._machine.clock.now()
        reply = replies.reply_to(record, chart, self.person(chart.patient), arrived=now)
        if reply is not None:
            pending = Pending(chart.patient.phone, text.order.sender, reply.text)
            heapq.heappush(self._pending, (reply.at, next(self._numbered), pending))
