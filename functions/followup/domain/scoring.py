"""Scores: what one of them calls for at once, and those that a clinic enters, stored once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from followup.domain import calendar
from followup.domain.alerts import SEVERITY, raise_alert
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import FollowUpError
from followup.domain.records import (
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
from followup.domain.safety import level_of_mood

ITEM9_RULE: Final = "phq9_item9"
NEWS_FOR: Final = timedelta(days=14)
"""PHQ-9 asks about the last two weeks; an older answer is history, which staff have seen."""
_URGENT_FROM: Final = 2
"""Item 9: 1 = several days, 2 = more than half the days, 3 = nearly every day."""
_WORSE_THAN_BASELINE: Final = 5
"""PHQ-9 points that count as change in one person (Loewe et al., Med Care 2004)."""


@dataclass(frozen=True, slots=True)
class Concern:
    """A score that a person must hear of: how soon, and by which rule."""

    level: Level
    rule: str


def concern(instrument: ScoreInstrument, value: int, patient: Patient) -> Concern | None:
    """What a score calls for at once.

    Item 9 of PHQ-9 at 2 or 3 is urgent, at 1 for the same day. So is a PHQ-9 of 5 or more above the one before the
    first infusion, and a mood that is very low, or far below the patient's own last answers.
    """
    if instrument == "phq9_item9" and value >= 1:
        return Concern("urgent" if value >= _URGENT_FROM else "same_day", ITEM9_RULE)
    if instrument == "phq9" and patient.baseline_phq9 is not None:
        worse = value >= patient.baseline_phq9 + _WORSE_THAN_BASELINE
        return Concern("same_day", "worse_than_baseline") if worse else None
    if instrument == "mood":
        level = level_of_mood(value, patient.recent_moods)
        return Concern(level, "low_mood") if level else None
    return None


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
    """Store what is new, look at the patient again, and alert where a score of the last two weeks calls for it.

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
    changed = replace(patient, next=Next("assess", now, "daily")) if patient.status != "discharged" else patient
    if entered.item9 and any(isinstance(score, Score) and score.instrument == "phq9_item9" for score in new):
        day = calendar.local(entered.at, patient.zone).date()
        changed = replace(changed, item9_positive_on=max(day, patient.item9_positive_on or day))
    if now - entered.at > NEWS_FOR:
        return Decision("stored", (*new, changed))
    concerns = [
        found
        for score in new
        if isinstance(score, Score) and (found := concern(score.instrument, score.value, patient))
    ]
    if not concerns:
        return Decision("stored", (*new, changed))
    gravest = max(concerns, key=lambda found: SEVERITY[found.level])
    alert = raise_alert(
        chart.open_alert,
        clinic_id=patient.clinic_id,
        thread=patient.thread,
        level=gravest.level,
        rule=gravest.rule,
        trigger=f"{patient.patient_id}.{stamp(entered.at)}.{gravest.rule}",
        settings=settings,
        now=now,
    )
    return Decision("stored, staff alerted", (*new, changed, alert))
