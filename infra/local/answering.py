"""Patients who answer by themselves, as the population model says, until somebody types on their phone."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from followup.domain.records import PatientId, ThreadId
from followup.ports import Records
from infra.demo import replies
from infra.demo.population import Reply
from infra.local.directory import Directory
from infra.local.twin import PhoneText

_RECENT: Final = timedelta(days=14)

Texting = Callable[[str, str, str], object]
"""A patient (their number) texts us (our number) these words."""


@dataclass(frozen=True, slots=True, order=True)
class _Planned:
    at: datetime
    number: str
    ours: str = field(compare=False)
    words: str = field(compare=False)


class AnsweringPatients:
    """Off until switched on. A question that stands open then is answered too, some time after that moment."""

    def __init__(self, records: Records, directory: Directory, text: Texting) -> None:
        self._records, self._directory, self._text = records, directory, text
        self._lock = Lock()
        self._on = False
        self._typed: set[str] = set()
        self._arrived: dict[str, PhoneText] = {}
        self._planned: list[_Planned] = []

    @property
    def on(self) -> bool:
        return self._on

    def switch(self, on: bool) -> None:
        """Let patients answer, or stay silent; replies that were on their way are dropped."""
        with self._lock:
            self._on = on
            if not on:
                self._planned.clear()

    def typed_by_hand(self, number: str) -> None:
        """Somebody plays this patient from here on."""
        with self._lock:
            self._typed.add(number)
            self._arrived.pop(number, None)
            self._planned = [planned for planned in self._planned if planned.number != number]
            heapq.heapify(self._planned)

    def is_played(self, number: str) -> bool:
        """Whether somebody types for this patient."""
        with self._lock:
            return number in self._typed

    def arrived(self, text: PhoneText) -> None:
        """A text stands on a phone; only one of ours can ask something."""
        with self._lock:
            if not text.from_patient and text.theirs not in self._typed:
                self._arrived[text.theirs] = text

    def next_at(self) -> datetime | None:
        """When a reply is due, or since when a text waits to be thought about."""
        with self._lock:
            arrived = [text.at for text in self._arrived.values()] if self._on else []
            return min((*arrived, *(planned.at for planned in self._planned[:1])), default=None)

    def act(self, now: datetime) -> None:
        """Think about what has arrived, and text what is due. Call it while nothing else is under way."""
        if not self._on:
            return
        with self._lock:
            arrived, self._arrived = self._arrived, {}
        for text in arrived.values():
            self._think(text, now)
        while (planned := self._due(now)) is not None:
            self._text(planned.number, planned.ours, planned.words)

    def idle(self) -> bool:
        return True

    def _due(self, now: datetime) -> _Planned | None:
        with self._lock:
            return heapq.heappop(self._planned) if self._planned and self._planned[0].at <= now else None

    def _think(self, text: PhoneText, now: datetime) -> None:
        for patient_id in self._directory.whose(text.theirs):
            reply = self._reply(patient_id, text, now)
            if reply is not None:
                with self._lock:
                    if self._on and text.theirs not in self._typed:
                        at = max(reply.at, now)
                        heapq.heappush(self._planned, _Planned(at, text.theirs, text.ours, reply.text))
                return

    def _reply(self, patient_id: PatientId, arrived: PhoneText, now: datetime) -> Reply | None:
        chart = self._records.chart(ThreadId(patient_id), now - _RECENT, consistent=True)
        text = next((text for text in chart.texts if text.sid == arrived.sid), None)
        if text is None or chart.patient is None:
            return None
        person = replies.person_of(chart.patient, chart.patient.patient_id)
        return replies.reply_to(text, chart, person, arrived=max(arrived.at, now - _RECENT))
