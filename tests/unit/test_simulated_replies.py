"""Whether a simulated patient answers a text of ours at all: what the records say decides before the model does."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from followup.domain.records import (
    Chart,
    CheckIn,
    CheckInId,
    ClinicId,
    Consent,
    Patient,
    PatientId,
    Plan,
    Session,
    Text,
    TextId,
    TextKind,
    ThreadId,
)
from infra.demo import replies

NOON = datetime(2026, 4, 7, 17, tzinfo=UTC)
WHO, CLINIC, CHECK_IN = PatientId("p1"), ClinicId("lakeside"), CheckInId("2026-04-07T15:00Z.weekly")

PATIENT = Patient(
    status="active",
    patient_id=WHO,
    clinic_id=CLINIC,
    record_number="R1",
    name="Grace Okafor",
    phone="+13125550121",
    language="en",
    zone="America/Chicago",
    born=date(1980, 1, 1),
    condition="depression",
    consent=Consent("texts", "2", date(2026, 1, 5)),
    baseline_phq9=18,
)
SESSION = Session(
    session_id="v1",
    start=NOON - timedelta(days=3, hours=1),
    end=NOON - timedelta(days=3),
    status="completed",
    series="induction",
    route="iv",
)
ASKED = CheckIn(
    status="asked",
    patient_id=WHO,
    checkin_id=CHECK_IN,
    kind="weekly",
    due=NOON,
    until=NOON + timedelta(hours=4),
    questions=("mood",),
    asked_at=NOON,
)
CHART = Chart(
    ThreadId(WHO),
    patient=PATIENT,
    plan=Plan(patient_id=WHO, clinic_id=CLINIC, sessions=(SESSION,)),
    checkins=(ASKED,),
)


def a_text(kind: TextKind = "check_in", **changes: Any) -> Text:
    text = Text(
        status="delivered",
        text_id=TextId("p1.2026-04-07T15:00Z.ask"),
        thread=ThreadId(WHO),
        clinic_id=CLINIC,
        kind=kind,
        to=PATIENT.phone,
        body="How is your mood today?",
        created=NOON,
        stale=None,
        checkin_id=CHECK_IN,
    )
    return replace(text, **changes)


def answers(text: Text, chart: Chart, people: int = 40) -> int:
    """How many of so many people answer."""
    drawn = (replies.person_of(PATIENT, f"seed {number}") for number in range(people))
    return sum(replies.reply_to(text, chart, person, arrived=NOON) is not None for person in drawn)


def test_given_an_open_question_when_it_arrives_then_some_answer_it_and_the_same_people_every_time() -> None:
    assert 0 < answers(a_text(), CHART) == answers(a_text(), CHART)


@pytest.mark.parametrize(
    ("text", "chart"),
    [
        (a_text("crisis", checkin_id=None), CHART),
        (a_text("keyword", checkin_id=None), CHART),
        (a_text(), replace(CHART, checkins=())),
        (a_text(), replace(CHART, checkins=(replace(ASKED, status="expired"),))),
        (a_text(), replace(CHART, checkins=(replace(ASKED, asked_at=None),))),
        (a_text(checkin_id=CheckInId("2026-04-06T15:00Z.weekly")), CHART),
        (a_text(), replace(CHART, patient=None)),
    ],
    ids=["crisis", "keyword", "nothing open", "expired", "not asked yet", "another one's", "nobody known"],
)
def test_given_a_text_that_asks_nothing_when_it_arrives_then_nobody_answers(text: Text, chart: Chart) -> None:
    assert answers(text, chart) == 0


def test_given_a_reminder_that_asks_whether_they_come_when_it_arrives_then_some_confirm() -> None:
    asked = replace(ASKED, kind="reminder", questions=("visit", "health_change"), visit=NOON + timedelta(days=1))
    chart = replace(CHART, checkins=(asked,))
    drawn = (replies.person_of(PATIENT, f"seed {number}") for number in range(40))
    said = [replies.reply_to(a_text(), chart, person, arrived=NOON) for person in drawn]
    confirmed = [reply.text for reply in said if reply is not None and "1" in reply.text]
    assert 0 < len(confirmed) < len(said)


def test_given_an_answer_of_ours_with_the_next_question_when_it_arrives_then_people_go_on() -> None:
    assert answers(a_text("answer", checkin_id=None), CHART) > answers(a_text("nudge"), CHART)


@pytest.mark.parametrize(("intake", "same"), [(9, True), (None, True), (24, False)])
def test_given_an_intake_score_when_a_person_is_drawn_then_only_one_of_ten_or_more_is_theirs(
    intake: int | None, same: bool
) -> None:
    drawn = replies.person_of(replace(PATIENT, baseline_phq9=None), "seed")
    assert (replies.person_of(replace(PATIENT, baseline_phq9=intake), "seed") == drawn) is same
