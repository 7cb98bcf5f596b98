"""What a simulated patient answers to a text: the population model, told what the records hold of the conversation."""

from datetime import datetime
from typing import Final

from followup.domain.checkin import OPEN
from followup.domain.records import Chart, CheckIn, Patient, Text
from infra.demo import population
from infra.demo.population import Person, Reply

_LEAST_BASELINE: Final = 10
"""An intake score below it is no depression to speak of, so that person's own is drawn."""
_SERIES_SPACING_DAYS: Final = 4


def person_of(patient: Patient, seed: str) -> Person:
    """The person behind a patient's record: always the same one for the same seed."""
    known = patient.baseline_phq9
    baseline = known if known is not None and known >= _LEAST_BASELINE else None
    return population.draw(seed, "ptsd" if patient.condition == "ptsd" else "community", baseline)


def reply_to(text: Text, chart: Chart, person: Person, *, arrived: datetime) -> Reply | None:
    """Whether, when and in which words the reader answers a text of ours; None for silence.

    `chart` holds the conversation as it stands. A text is answered if its check-in waits with an open question,
    whatever else the text says; an answer of ours belongs to the check-in that goes on.
    """
    asked, patient = _open(text, chart), chart.patient
    if patient is None or asked is None or asked.open_question is None:
        return None
    infusions = _infusions(chart)
    return population.answers(
        person,
        question=asked.open_question,
        language=patient.language,
        asked_at=arrived,
        infusions=infusions,
        is_nudge=text.kind == "nudge",
        daily=_in_series(infusions, arrived),
        conversing=text.kind == "answer",
    )


def _open(text: Text, chart: Chart) -> CheckIn | None:
    """The check-in of this text, if it waits for an answer; for an answer of ours the one asked last."""
    waiting = [
        each
        for each in chart.checkins
        if each.status in OPEN and each.asked_at and each.open_question
        if text.kind == "answer" or each.checkin_id == text.checkin_id
    ]
    return max(waiting, key=lambda each: (each.asked_at or each.due, each.checkin_id), default=None)


def _infusions(chart: Chart) -> list[datetime]:
    sessions = chart.plan.sessions if chart.plan else ()
    return [session.end for session in sessions if session.status == "completed"]


def _in_series(infusions: list[datetime], now: datetime) -> bool:
    """Whether check-ins come about daily: the last two infusions were few days apart."""
    ends = [end for end in infusions if end <= now]
    return len(ends) > 1 and (ends[-1] - ends[-2]).days <= _SERIES_SPACING_DAYS
