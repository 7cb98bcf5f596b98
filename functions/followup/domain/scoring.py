"""Questionnaire scores that a clinic enters: stored once, and thoughts of death or self-harm alert the same day."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from followup.domain import calendar
from followup.domain.alerts import raise_alert
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import FollowUpError
from followup.domain.records import (
    Alert,
    AnyRecord,
    Chart,
    Decision,
    Level,
    Next,
    Patient,
    PatientId,
    Score,
    ScoreInstrument,
    stamp,
)

ITEM9_RULE: Final = "phq9_item9"
NEWS_FOR: Final = timedelta(days=14)
"""PHQ-9 asks about the last two weeks; an older answer is history, which staff have seen."""
_URGENT_FROM: Final = 2
"""Item 9: 1 = several days, 2 = more than half the days, 3 = nearly every day."""


@dataclass(frozen=True, slots=True)
class Entered:
    """A total, and for a PHQ-9 its item 9 (0 to 3) if the clinic gave it."""

    instrument: ScoreInstrument
    at: datetime
    total: int
    item9: int | None = None


class Differs(FollowUpError):
    """Another value stands for the same instrument at the same time."""


def records_of(patient_id: PatientId, entered: Entered) -> tuple[Score, ...]:
    """The records that stand for what was entered."""
    values: list[tuple[ScoreInstrument, int]] = [(entered.instrument, entered.total)]
    if entered.item9 is not None:
        values.append(("phq9_item9", entered.item9))
    return tuple(
        Score(patient_id=patient_id, instrument=instrument, value=value, at=entered.at, origin="import")
        for instrument, value in values
    )


def enter(
    entered: Entered, stored: Iterable[Score], patient: Patient, chart: Chart, settings: ClinicSettings, now: datetime
) -> Decision:
    """Store what is new, look at the patient again, and alert for item 9 of 1 (same day) or 2 to 3 (urgent).

    `stored` are the scores that stand under the same instruments and time.

    Raises:
        Differs: one of them has another value; nothing is written then.
    """
    standing = {score.instrument: score for score in stored}
    new: list[AnyRecord] = []
    for score in records_of(patient.patient_id, entered):
        held = standing.get(score.instrument)
        if held is None:
            new.append(score)
        elif held.value != score.value:
            raise Differs
    if not new:
        return Decision("unchanged")
    says_item9 = any(isinstance(score, Score) and score.instrument == "phq9_item9" for score in new)
    looked_at = replace(patient, next=Next("assess", now, "daily")) if patient.status != "discharged" else patient
    if not says_item9 or not entered.item9:
        return Decision("stored", (*new, looked_at))
    day = calendar.local(entered.at, patient.zone).date()
    marked = replace(looked_at, item9_positive_on=max(day, patient.item9_positive_on or day))
    if now - entered.at > NEWS_FOR:
        return Decision("stored", (*new, marked))
    alert = _alert(entered, entered.item9, chart, patient, settings, now)
    return Decision("stored, staff alerted", (*new, marked, alert))


def _alert(
    entered: Entered, item9: int, chart: Chart, patient: Patient, settings: ClinicSettings, now: datetime
) -> Alert:
    level: Level = "urgent" if item9 >= _URGENT_FROM else "same_day"
    return raise_alert(
        chart.open_alert,
        clinic_id=patient.clinic_id,
        thread=patient.thread,
        level=level,
        rule=ITEM9_RULE,
        trigger=f"{patient.patient_id}.{stamp(entered.at)}.{ITEM9_RULE}",
        settings=settings,
        now=now,
    )
