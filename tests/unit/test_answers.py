"""What answers change: scores, alerts, flags, and what is kept of a survey that stays unfinished."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from followup import content
from followup.domain import answers
from followup.domain.answers import Outcome
from followup.domain.clinic import ClinicSettings, OnCall, OpenHours
from followup.domain.records import (
    Alert,
    Answer,
    Chart,
    CheckIn,
    CheckInId,
    ClinicId,
    Flag,
    Patient,
    PatientId,
    Plan,
    Score,
    Session,
)

SCRIPT = content.load().script
NOW = datetime(2026, 3, 5, 17, tzinfo=UTC)  # noon in New York, a Thursday
ENDED = NOW - timedelta(hours=20)
PHQ9 = tuple(f"phq9:{item}" for item in range(1, 10))
PATIENT = Patient(
    status="active",
    patient_id=PatientId("p1"),
    clinic_id=ClinicId("c1"),
    record_number="R1",
    name="Ana Diaz",
    phone="+12125550101",
    language="en",
    zone="America/New_York",
    born=date(1980, 1, 1),
    condition="depression",
    consent=None,
    baseline_phq9=18,
)
SETTINGS = ClinicSettings(
    name="Lakeside",
    sms_name="Lakeside Wellness",
    zone="America/New_York",
    phone="212-555-0100",
    sender="+12125550100",
    messaging_service=None,
    keyword_mode="carrier",
    hours=tuple(OpenHours(day, time(8), time(18)) for day in range(5)),
    closed_on=(),
    on_call=(OnCall("Kim", "kim@example.org"),),
    digest_at=time(7),
    digest_to=(),
    mail_from="clinic@example.org",
)


def a_session(ended: datetime = ENDED) -> Session:
    return Session("s1", ended - timedelta(hours=1), ended, "completed", "induction", "iv")


def a_chart(patient: Patient = PATIENT, *, scores: tuple[Score, ...] = (), flags: tuple[Flag, ...] = ()) -> Chart:
    plan = Plan(patient_id=patient.patient_id, clinic_id=patient.clinic_id, sessions=(a_session(),))
    return Chart(patient.thread, patient=patient, plan=plan, scores=scores, flags=flags)


def a_checkin(*questions: str) -> CheckIn:
    return CheckIn(
        status="asked",
        patient_id=PATIENT.patient_id,
        checkin_id=CheckInId("2026-03-05T15:00Z.next_day"),
        kind="next_day",
        due=NOW,
        until=NOW + timedelta(hours=7),
        session_id="s1",
        questions=questions,
    )


def told(checkin: CheckIn, *given: Answer, chart: Chart | None = None, unclear_words: bool = False) -> Outcome:
    chart = chart or a_chart()
    assert chart.patient is not None
    return answers.record(
        given, checkin, chart, chart.patient, SETTINGS, SCRIPT, trigger="SM1", unclear_words=unclear_words, now=NOW
    )


def one_by_one(checkin: CheckIn, values: dict[str, int], chart: Chart | None = None) -> Outcome:
    chart = chart or a_chart()
    outcome = Outcome(checkin, ())
    for minute, (question, value) in enumerate(values.items()):
        answer = Answer(question, value, NOW + timedelta(minutes=minute))
        outcome = told(outcome.checkin, answer, chart=chart)
        chart = chart.after((*outcome.writes, outcome.checkin))
    return outcome


def scores(outcome: Outcome) -> dict[str, int]:
    return {write.instrument: write.value for write in outcome.writes if isinstance(write, Score)}


def flags(outcome: Outcome) -> dict[str, str]:
    return {write.rule: write.group for write in outcome.writes if isinstance(write, Flag) and write.status == "open"}


def test_given_a_mood_answer_when_recorded_then_it_is_scored_and_remembered_at_once() -> None:
    outcome = told(a_checkin("mood", "side_effects"), Answer("mood", 6, NOW))
    assert scores(outcome) == {"mood": 6}
    patient = next(write for write in outcome.writes if isinstance(write, Patient))
    assert patient.recent_moods == (6,)
    assert outcome.checkin.open_question == "side_effects"


def test_given_the_last_of_nine_items_when_recorded_then_the_total_and_item_9_are_scores() -> None:
    outcome = one_by_one(a_checkin(*PHQ9), dict.fromkeys(PHQ9, 1) | {"phq9:9": 0})
    assert scores(outcome) == {"phq9_item9": 0, "phq9": 8}
    patient = next(write for write in outcome.writes if isinstance(write, Patient))
    assert dict(patient.filled_on)["phq9"] == date(2026, 3, 5)
    assert patient.next is not None
    assert patient.next.step == "assess"


def test_given_the_first_two_items_when_recorded_then_phq2_is_a_score_already() -> None:
    assert scores(one_by_one(a_checkin(*PHQ9), {"phq9:1": 1, "phq9:2": 2})) == {"phq2": 3}


@pytest.mark.parametrize(("value", "level"), [(1, "same_day"), (2, "urgent"), (3, "urgent")])
def test_given_item_9_answered_when_recorded_then_staff_and_patient_hear_at_once(value: int, level: str) -> None:
    outcome = told(a_checkin("phq9:9", "pain"), Answer("phq9:9", value, NOW))
    assert outcome.alert is not None
    assert (outcome.alert.level, outcome.alert.rule, outcome.crisis) == (level, "phq9_item9", True)
    patient = next(write for write in outcome.writes if isinstance(write, Patient))
    assert patient.item9_positive_on == date(2026, 3, 5)


def test_given_a_phq9_far_above_the_baseline_when_complete_then_staff_are_told_the_same_day() -> None:
    low_baseline = replace(PATIENT, baseline_phq9=4)
    outcome = one_by_one(a_checkin(*PHQ9), dict.fromkeys(PHQ9, 1) | {"phq9:8": 2, "phq9:9": 0}, a_chart(low_baseline))
    assert outcome.alert is not None
    assert (outcome.alert.level, outcome.alert.rule, outcome.crisis) == ("same_day", "worse_than_baseline", False)


def test_given_a_first_phq9_before_the_first_infusion_when_complete_then_it_is_the_baseline() -> None:
    fresh = replace(PATIENT, baseline_phq9=None)
    checkin = replace(a_checkin(*PHQ9), kind="baseline")
    outcome = one_by_one(checkin, dict.fromkeys(PHQ9, 2) | {"phq9:9": 0}, a_chart(fresh))
    patient = next(write for write in outcome.writes if isinstance(write, Patient))
    assert patient.baseline_phq9 == 16


def test_given_a_corrected_mood_when_recorded_then_the_score_is_renewed_and_keeps_what_it_was() -> None:
    chart = a_chart()
    first = told(a_checkin("mood"), Answer("mood", 3, NOW), chart=chart)
    chart = chart.after((*first.writes, first.checkin))
    corrected = told(first.checkin, Answer("mood", 8, NOW + timedelta(minutes=4)), chart=chart)
    (score,) = (write for write in corrected.writes if isinstance(write, Score))
    assert (score.value, score.before, score.at, score.version) == (8, (3,), NOW, 1)
    patient = next(write for write in corrected.writes if isinstance(write, Patient))
    assert patient.recent_moods == (8,)


def test_given_a_mild_effect_inside_its_window_when_all_is_said_then_it_is_a_note() -> None:
    outcome = one_by_one(
        a_checkin("side_effects"),
        {"side_effects": 1, "which_effects": 1, "how_bad": 0, "still_there": 1},
    )
    assert not outcome.to_watch
    named = Answer("side_effects", 1, NOW, effects=("nausea",), severity="mild", still_there=True)
    outcome = told(a_checkin("side_effects"), named)
    assert outcome.to_watch
    assert flags(outcome) == {"side_effect_reported": "note"}
    assert outcome.alert is None


def test_given_a_mild_effect_that_is_over_when_recorded_then_it_is_a_note_and_nothing_to_watch() -> None:
    over = Answer("side_effects", 1, NOW, effects=("nausea",), severity="mild", still_there=False)
    outcome = told(a_checkin("side_effects"), over)
    assert flags(outcome) == {"side_effect_reported": "note"}
    assert not outcome.to_watch


def test_given_an_effect_past_its_window_when_still_there_then_staff_are_told_the_same_day() -> None:
    named = Answer("side_effects", 1, NOW, effects=("dissociation",), severity="mild", still_there=True)
    outcome = told(a_checkin("side_effects"), named)
    assert outcome.alert is not None
    assert (outcome.alert.level, outcome.alert.rule) == ("same_day", "side_effect_past_window")
    assert not outcome.to_watch


def test_given_an_effect_past_its_window_when_not_yet_asked_whether_it_lasts_then_nobody_is_alerted_yet() -> None:
    outcome = told(a_checkin("side_effects"), Answer("side_effects", 1, NOW, effects=("dissociation",)))
    assert outcome.alert is None
    assert outcome.checkin.open_question == "how_bad"


def test_given_such_an_effect_when_the_patient_falls_silent_then_it_counts_as_lasting() -> None:
    begun = told(a_checkin("side_effects"), Answer("side_effects", 1, NOW, effects=("dissociation",)))
    chart = a_chart().after((*begun.writes, begun.checkin))
    writes = answers.unfinished(begun.checkin, chart, PATIENT, SETTINGS, SCRIPT, NOW + timedelta(hours=30))
    assert [write.rule for write in writes if isinstance(write, Alert)] == ["side_effect_past_window"]


def test_given_more_said_of_an_effect_when_recorded_then_one_flag_stands_for_it() -> None:
    chart = a_chart()
    some = told(a_checkin("side_effects"), Answer("side_effects", 1, NOW), chart=chart)
    assert flags(some) == {"side_effect_in_words": "review"}
    chart = chart.after((*some.writes, some.checkin))
    named = told(some.checkin, Answer("which_effects", 1, NOW, effects=("urination",)), chart=chart)
    assert flags(named) == {"side_effect_holds": "review"}
    gone = [write for write in named.writes if isinstance(write, Flag) and write.status == "withdrawn"]
    assert [flag.rule for flag in gone] == ["side_effect_in_words"]


def test_given_words_that_were_not_understood_beside_a_mild_effect_when_recorded_then_a_person_reads_them() -> None:
    named = Answer("side_effects", 1, NOW, effects=("nausea",), severity="mild", still_there=True)
    outcome = told(a_checkin("side_effects"), named, unclear_words=True)
    assert not outcome.to_watch
    assert flags(outcome) == {"side_effect_reported": "review"}


@pytest.mark.parametrize(
    ("question", "value", "rule", "group"),
    [
        ("health_change", 1, "health_change", "desk"),
        ("visit", 2, "wants_to_move", "desk"),
        ("bladder:1", 1, "urinary_signs", "review"),
        ("bladder:3", 1, "blood_in_urine", "review"),
        ("memory:1", 1, "memory_worse", "review"),
    ],
)
def test_given_an_answer_that_a_person_acts_on_when_recorded_then_it_is_flagged(
    question: str, value: int, rule: str, group: str
) -> None:
    outcome = told(a_checkin(question), Answer(question, value, NOW))
    assert flags(outcome) == {rule: group}
    assert (outcome.alert is not None) == (rule == "blood_in_urine")


@pytest.mark.parametrize(("question", "value"), [("health_change", 0), ("visit", 1), ("bladder:1", 0), ("memory:1", 0)])
def test_given_an_answer_without_news_when_recorded_then_nobody_is_bothered(question: str, value: int) -> None:
    assert flags(told(a_checkin(question), Answer(question, value, NOW))) == {}


def test_given_a_gad7_short_of_two_items_when_it_closes_then_its_total_is_prorated() -> None:
    gad7 = tuple(f"gad7:{item}" for item in range(1, 8))
    begun = one_by_one(a_checkin(*gad7), dict.fromkeys(gad7[:5], 2))
    writes = answers.unfinished(begun.checkin, a_chart(), PATIENT, SETTINGS, SCRIPT, NOW)
    (score,) = (write for write in writes if isinstance(write, Score))
    assert (score.instrument, score.value, score.prorated) == ("gad7", 14, True)


def test_given_a_phq9_without_item_9_when_it_closes_then_there_is_no_total() -> None:
    begun = one_by_one(a_checkin(*PHQ9), dict.fromkeys(PHQ9[:8], 2))
    writes = answers.unfinished(begun.checkin, a_chart(), PATIENT, SETTINGS, SCRIPT, NOW)
    assert not [write for write in writes if isinstance(write, Score)]
