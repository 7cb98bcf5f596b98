"""The patients' side of the demo: people from the population model who get texts, and answer, or do not."""

import heapq
import itertools
from dataclasses import dataclass
from datetime import datetime

from followup import keys
from followup.adapters.memory import MemoryText
from followup.domain.records import CheckIn, Language, Patient, PatientId, Plan, Question, Text, TextId
from infra.demo import population
from infra.demo.machine import Machine
from infra.demo.population import Person

_PRESETS = {"ptsd": "ptsd"}
_SERIES_SPACING_DAYS = 4


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
            preset = _PRESETS.get(patient.condition, "community")
            seed = f"{self._seed}|{patient.record_number}"
            baseline = patient.baseline_phq9
            usable = baseline if baseline is not None and baseline >= 10 else None
            self._people[patient.patient_id] = population.draw(seed, preset, usable)
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
        if not isinstance(record, Text) or (record.checkin_id is None and record.kind != "answer"):
            return
        patient = self._machine.records.get(keys.patient(PatientId(record.thread)))
        question = self._question(record)
        if not isinstance(patient, Patient) or question is None:
            return
        now = self._machine.clock.now()
        reply = population.answers(
            self.person(patient),
            question=question,
            language=_language(patient),
            asked_at=now,
            infusions=self._infusions(patient.patient_id),
            is_nudge=record.kind == "nudge",
            daily=self._in_series(patient.patient_id, now),
            conversing=record.kind == "answer",
        )
        if reply is not None:
            pending = Pending(patient.phone, text.order.sender, reply.text)
            heapq.heappush(self._pending, (reply.at, next(self._numbered), pending))

    def _question(self, record: Text) -> Question | None:
        """What the text asks: the open question of the conversation's check-in that waits."""
        if record.kind == "reminder":
            return None
        chart = self._machine.records.chart(record.thread, None)
        waiting = [c for c in chart.checkins if c.status in ("asked", "answering") and c.open_question]
        latest: CheckIn | None = max(waiting, key=lambda c: c.asked_at or c.due, default=None)
        return latest.open_question if latest else None

    def _infusions(self, patient_id: PatientId) -> list[datetime]:
        plan = self._machine.records.get(keys.plan(patient_id))
        sessions = plan.sessions if isinstance(plan, Plan) else ()
        return [session.end for session in sessions if session.status == "completed"]

    def _in_series(self, patient_id: PatientId, now: datetime) -> bool:
        ends = [end for end in self._infusions(patient_id) if end <= now]
        return len(ends) > 1 and (ends[-1] - ends[-2]).days <= _SERIES_SPACING_DAYS


def _language(patient: Patient) -> Language:
    return patient.language
