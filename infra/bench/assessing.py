"""Assessing one patient with two years of history: how often the table is asked, and the processor time it takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Final

from followup import content
from followup.adapters.closed_carrier import ClosedCarrier
from followup.adapters.closed_mailer import ClosedMailer
from followup.adapters.items import from_item, to_item
from followup.adapters.memory import MemoryPhones, MemoryQueues
from followup.domain import booster, silence
from followup.domain.outgoing import compose
from followup.domain.records import Answer, AnyRecord, CheckIn, CheckInId, Incoming, Patient, Score
from followup.steps import patients
from followup.steps.service import Service
from infra.bench.clinic import SETTINGS, START, clinic_records, patient_records, series
from infra.bench.metering import MeteredRecords, Usage

WEEKS: Final = 104
ROUNDS: Final = 25
NOW: Final = START + timedelta(weeks=WEEKS)

_OLDEST_AT_ONCE = 90
"""Records committed together; a transaction takes a hundred."""


@dataclass(frozen=True, slots=True)
class Assessing:
    """One assessment. Times are seconds of processor time: to decode the records, and to decide on them."""

    records: int
    usage: Usage
    decoding: float
    deciding: float

    @property
    def queries(self) -> int:
        return sum(read.asked == "chart" for read in self.usage.reads)

    @property
    def size(self) -> int:
        return max(read.size for read in self.usage.reads)


def measure(rounds: int = ROUNDS) -> Assessing:
    """Assess a patient who was texted every week for two years and answered each time."""
    meter = MeteredRecords()
    service = Service(
        records=meter,
        carrier=ClosedCarrier(),
        mailer=ClosedMailer(),
        queues=MemoryQueues(),
        phones=MemoryPhones(),
        content=content.load(),
        token=lambda: "",
    )
    patient, link = patient_records(1, service.phones, START)
    meter.commit(*clinic_records(service.phones), patient, link, series(patient, START))
    history = [record for week in range(1, WEEKS) for record in _week(patient, week)]
    for first in range(0, len(history), _OLDEST_AT_ONCE):
        meter.commit(*history[first : first + _OLDEST_AT_ONCE])
    chart = meter.chart(patient.thread, None)
    items = [to_item(record) for record in (patient, *history)]
    meter.usage()
    decoding = _processor_time(rounds, lambda: [from_item(item) for item in items])
    deciding = _processor_time(
        rounds, lambda: (booster.assess(chart, SETTINGS, NOW), silence.judge(chart, SETTINGS, NOW))
    )
    stored = chart.patient or patient
    patients.assess(service, stored, NOW)
    return Assessing(len(history) + 2, meter.usage(), decoding, deciding)


def _processor_time(rounds: int, work: Callable[[], object]) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        taken.append(time.process_time() - begun)
    return median(taken)


def _week(patient: Patient, week: int) -> tuple[AnyRecord, ...]:
    """What a weekly check-in that was answered leaves behind; every fourth week the clinic adds a PHQ-9."""
    at = START + timedelta(weeks=week)
    answered, mood = at + timedelta(minutes=7), 4 + week % 4
    checkin_id = CheckInId(f"{at:%Y-%m-%dT%H:%MZ}.weekly")
    asked = compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind="check_in",
        to=patient.phone,
        body="Lakeside Wellness: How is your mood today, 0 to 10? 0 = worst, 10 = best. Reply with a number.",
        purpose="weekly.0",
        checkin_id=checkin_id,
        now=at,
    )
    thanks = compose(
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        kind="answer",
        to=patient.phone,
        body="Thank you. Your answer was saved.",
        purpose=f"thanks-{week:08x}",
        now=answered,
    )
    planned = CheckIn(
        status="planned",
        patient_id=patient.patient_id,
        checkin_id=checkin_id,
        kind="weekly",
        due=at,
        until=at + timedelta(hours=9),
        questions=("mood",),
        answers=(Answer("mood", mood, answered),),
        asked_at=at,
        text_id=asked.text_id,
        expires=at + timedelta(days=2),
    )
    incoming = Incoming(
        status="unread",
        sid=f"SM{week:032x}",
        thread=patient.thread,
        clinic_id=patient.clinic_id,
        phone=patient.phone,
        body=str(mood),
        received=answered,
    )
    scored = Score(patient_id=patient.patient_id, instrument="mood", value=mood, at=answered, origin="reply")
    told = Score(patient_id=patient.patient_id, instrument="phq9", value=8 + week % 6, at=answered, origin="import")
    return (
        planned.into("planned", "planned", at).into("asked", "asked", at).into("answered", "answered", answered),
        *(
            text.into("claimed", "claimed", at).into("accepted", "accepted", at).into("delivered", "delivered", at)
            for text in (asked, thanks)
        ),
        incoming.into("unread", "stored", answered).into("read", "answered mood", answered),
        scored,
        *((told,) if week % 4 == 0 else ()),
    )
