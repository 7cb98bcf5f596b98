"""PHQ-9 that the course asks for: to confirm a loss of gain, and because mood drifts; and the reference of PHQ-2."""

from dataclasses import replace
from datetime import date

import pytest

from followup.domain.booster import assess
from followup.domain.records import Chart, Next, Patient, Plan, Score, ScoreInstrument, SurveyRequest
from tests.unit.test_booster import PATIENT, SETTINGS, a_chart, an_alert, day, phq9, session

SETTLED = (phq9(7, 6), phq9(14, 6))
"""Base 18, reference 6."""


def score(instrument: ScoreInstrument, number: float, value: int) -> Score:
    return Score(patient_id=PATIENT, instrument=instrument, value=value, at=day(number), origin="reply")


def after(chart: Chart, now: float) -> Chart:
    for write in assess(chart, SETTINGS, day(now)).writes:
        if isinstance(write, Plan):
            chart = replace(chart, plan=write)
        if isinstance(write, Patient):
            chart = replace(chart, patient=write)
    return chart


def requests(chart: Chart) -> list[tuple[str, date]]:
    assert chart.plan is not None
    return [(request.reason, request.due) for request in chart.plan.requests]


def moods(*readings: tuple[float, int]) -> tuple[Score, ...]:
    return tuple(score("mood", number, value) for number, value in readings)


# --- confirmation -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss_on", "due"),
    [
        (26, date(2026, 4, 2)),  # Monday, 30 March: Thursday
        (27, date(2026, 4, 6)),  # Tuesday: Friday, so Monday
        (28, date(2026, 4, 6)),
        (29, date(2026, 4, 6)),
        (30, date(2026, 4, 6)),
    ],
)
def test_given_a_loss_of_gain_when_assessed_then_the_confirmation_is_requested_once_for_day_3_or_monday(
    loss_on: int, due: date
) -> None:
    chart = after(a_chart(*SETTLED, phq9(loss_on, 14)), loss_on + 0.1)
    assert requests(chart) == [("confirmation", due)]
    assert chart.plan is not None
    assert chart.plan.next == Next("extend", day(loss_on + 0.1), "daily")
    assert requests(after(after(chart, loss_on + 0.2), loss_on + 1)) == [("confirmation", due)]
    assert not [write for write in assess(chart, SETTINGS, day(loss_on + 0.2)).writes if isinstance(write, Plan)]


def test_given_the_confirmation_came_when_assessed_then_it_is_not_wanted_any_more() -> None:
    chart = after(a_chart(*SETTLED, phq9(26, 14)), 26.1)
    chart = replace(chart, scores=(*chart.scores, phq9(29, 15)))
    assert requests(after(chart, 29.1)) == []


def test_given_silence_on_the_confirmation_when_72_hours_have_passed_then_it_is_not_wanted_any_more() -> None:
    chart = after(a_chart(*SETTLED, phq9(26, 14)), 26.1)
    assert requests(after(chart, 31.5)) == [("confirmation", date(2026, 4, 2))]
    assert requests(after(chart, 32.5)) == []


def test_given_a_visit_within_a_week_when_a_gain_is_lost_then_no_confirmation_is_requested() -> None:
    soon = session(32, "maintenance", "scheduled")
    assert requests(after(a_chart(*SETTLED, phq9(26, 14), more=[soon]), 26.1)) == []


def test_given_other_requests_when_assessed_then_they_stay() -> None:
    chart = a_chart(*SETTLED, phq9(26, 14))
    assert chart.plan is not None
    wanted = replace(chart.plan, requests=(SurveyRequest("clinician", date(2026, 3, 30)),))
    assert requests(after(replace(chart, plan=wanted), 26.1)) == [
        ("clinician", date(2026, 3, 30)),
        ("confirmation", date(2026, 4, 2)),
    ]


# --- early drift ------------------------------------------------------------------------------------------------

OWN = moods((1, 7), (3, 8), (7, 7), (14, 8))


@pytest.mark.parametrize(
    ("readings", "drifts"),
    [
        (moods((35, 5), (38, 6)), True),  # 5.5 against 7.5
        (moods((35, 6), (38, 6)), False),
        (
            moods(
                (38, 2),
            ),
            False,
        ),  # one reading is none
        (moods((30, 2), (31, 2)), False),  # eight days ago
    ],
)
def test_given_moods_of_a_week_when_they_are_2_below_the_patients_own_then_phq9_is_asked_now(
    readings: tuple[Score, ...], drifts: bool
) -> None:
    chart = after(a_chart(*SETTLED, *OWN, *readings), 38.1)
    assert requests(chart) == ([("early_drift", date(2026, 4, 11))] if drifts else [])
    assert not [flag for flag in chart.flags if "drift" in flag.rule]


def test_given_a_drift_was_asked_about_when_it_goes_on_then_it_is_asked_again_after_two_weeks() -> None:
    falls = moods(*((number, 4) for number in range(35, 60)))
    chart = after(a_chart(*SETTLED, *OWN, *falls), 38.1)
    assert requests(after(chart, 45)) == [("early_drift", date(2026, 4, 11))]
    assert requests(after(after(chart, 45), 53))[-1] == ("early_drift", date(2026, 4, 26))


FALL = (*OWN, *moods((36, 4), (38, 4)))


@pytest.mark.parametrize(
    "chart",
    [
        a_chart(*SETTLED, *FALL, alerts=[an_alert(day(38))]),
        a_chart(*SETTLED, *FALL, phq9(30, 6)),
        a_chart(*SETTLED, *FALL, more=[session(36), session(40, status="scheduled")]),
    ],
    ids=["alert", "recent", "series"],
)
def test_given_an_open_alert_or_a_recent_phq9_or_a_new_series_when_mood_drifts_then_nothing_is_asked(
    chart: Chart,
) -> None:
    assert requests(after(chart, 38.1)) == []


# --- the patient's own PHQ-2 ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ((), None),
        ((score("phq2", 7, 1),), 1.0),
        ((score("phq2", 7, 1), score("phq2", 14, 2)), 1.5),
        ((score("phq2", 14, 2), score("phq2", 28, 5)), 2.0),
        ((score("phq2", 2, 4),), None),
    ],
)
def test_given_phq2_after_the_series_when_assessed_then_days_7_and_14_are_the_patients_reference(
    readings: tuple[Score, ...], expected: float | None
) -> None:
    patient = after(a_chart(*readings), 30).patient
    assert patient is not None
    assert patient.phq2_reference == expected
