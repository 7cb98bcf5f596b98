"""Two silent weeks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from followup.domain.clinic import ClinicSettings
from followup.domain.records import (
    Alert,
    Chart,
    CheckIn,
    CheckInId,
    ClinicId,
    Flag,
    Incoming,
    Patient,
    PatientId,
    Plan,
    Score,
    Session,
    ThreadId,
)
from followup.domain.silence import judge

CLINIC, PATIENT, THREAD = ClinicId("c1"), PatientId("p1"), ThreadId("p1")
MONDAY = datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
"""05:00 in Chicago, when patients are assessed."""
SETTINGS = ClinicSettings(
    name="Lakeside",
    sms_name="Lakeside",
    zone="America/Chicago",
    phone="555-0100",
    sender="+15555550100",
    messaging_service=None,
    keyword_mode="carrier",
    hours=(),
    closed_on=(),
    on_call=(),
    digest_at=time(7),
    digest_to=(),
    mail_from="followup@lakeside.example",
)


def days_ago(number: float) -> datetime:
    return MONDAY - timedelta(days=number)


def unanswered(at: datetime) -> CheckIn:
    return CheckIn(
        patient_id=PATIENT,
        checkin_id=CheckInId(f"{at:%Y-%m-%dT%H:%MZ}.weekly"),
        kind="weekly",
        due=at,
        until=at,
        asked_at=at,
        status="expired",
    )


def wrote(at: datetime) -> Incoming:
    return Incoming(
        sid=f"SM{at:%m%d%H}",
        thread=THREAD,
        clinic_id=CLINIC,
        phone="+15555550123",
        body="7",
        received=at,
        status="read",
    )


def infusion(at: datetime) -> Session:
    return Session(f"s{at:%m%d}", at, at + timedelta(minutes=45), "completed", "induction", "iv")


def a_chart(
    *asked: float, said: Sequence[float] = (), sessions: Sequence[float] = (), status: str = "active", **more: Any
) -> Chart:
    """Check-ins asked, texts from the patient, and infusions, each so many days before MONDAY."""
    patient = Patient(
        patient_id=PATIENT,
        clinic_id=CLINIC,
        record_number="A1",
        name="Ana Reyes",
        phone="+15555550123",
        language="en",
        zone="America/Chicago",
        born=date(1980, 1, 1),
        condition="depression",
        consent=None,
        status=status,
    )
    plan = Plan(
        patient_id=PATIENT, clinic_id=CLINIC, sessions=tuple(infusion(days_ago(number)) for number in sorted(sessions))
    )
    return Chart(
        THREAD,
        patient,
        plan,
        checkins=tuple(unanswered(days_ago(number)) for number in asked),
        incoming=tuple(wrote(days_ago(number)) for number in said),
        **more,
    )


def judged(chart: Chart, now: datetime = MONDAY) -> Chart:
    written = {flag.flag_id: flag for flag in chart.flags}
    written.update({flag.flag_id: flag for flag in judge(chart, SETTINGS, now).writes if isinstance(flag, Flag)})
    return replace(chart, flags=tuple(written.values()))


def test_given_two_silent_weeks_when_it_is_monday_then_the_flag_names_the_last_answer() -> None:
    (flag,) = judged(a_chart(13, 6, said=(15,))).flags
    assert (flag.group, flag.rule, dict(flag.numbers)) == (
        "silent",
        "silent_two_weeks",
        {"last": "2026-02-15", "weeks": "2"},
    )


@pytest.mark.parametrize(
    "chart",
    [
        a_chart(12, 6, said=(13,)),  # not yet two weeks
        a_chart(6, said=(30,)),  # asked only once since
        a_chart(said=(30,)),  # never asked since
        a_chart(40, 33, said=(30,)),  # unanswered, but the patient wrote since
        a_chart(),
        a_chart(13, 6, said=(15,), status="opted_out"),
        a_chart(13, 6, said=(15,), status="paused"),
    ],
)
def test_given_the_patient_wrote_or_was_not_asked_when_judged_then_there_is_no_flag(chart: Chart) -> None:
    assert judged(chart).flags == ()


def test_given_a_patient_who_never_answered_when_two_weeks_have_passed_since_the_first_question_then_flagged() -> None:
    assert judged(a_chart(13, 6)).flags == ()
    (flag,) = judged(a_chart(15, 8)).flags
    assert flag.rule == "never_answered"


def test_given_plain_silence_when_weeks_pass_then_it_is_news_on_mondays_once_in_fourteen_days() -> None:
    chart = a_chart(17, 10, said=(18,))
    news = []
    for days in range(-3, 60):
        now = MONDAY + timedelta(days=days)
        chart = judged(chart, now)
        if any(flag.changed == now for flag in chart.flags):
            news.append(days)
    assert news == [0, 14, 28, 42, 56]
    assert len(chart.flags) == 1


@pytest.mark.parametrize(
    ("more", "why"),
    [
        (
            {"scores": (Score(patient_id=PATIENT, instrument="mood", value=3, at=days_ago(15), origin="reply"),)},
            "low_mood",
        ),
        (
            {
                "alerts": (
                    Alert(
                        alert_id="a1",
                        clinic_id=CLINIC,
                        thread=THREAD,
                        code="4821",
                        level="same_day",
                        rule="hopeless",
                        opened=days_ago(20),
                        triggers=("SM1",),
                        status="closed",
                    ),
                )
            },
            "recent_alert",
        ),
        ({"sessions": (14.5, 15)}, "early_infusion"),
    ],
)
def test_given_a_reason_to_watch_when_silent_then_it_is_flagged_on_any_day_and_says_why(
    more: dict[str, Any], why: str
) -> None:
    plan_goes_on = Session(
        "next", MONDAY + timedelta(days=3), MONDAY + timedelta(days=3, hours=1), "scheduled", "induction", "iv"
    )
    chart = a_chart(13, 6, said=(16,), **more)
    assert chart.plan is not None
    chart = replace(chart, plan=replace(chart.plan, sessions=(*chart.plan.sessions, plan_goes_on)))
    (flag,) = judged(chart, MONDAY - timedelta(days=1)).flags
    assert dict(flag.numbers)["watched"] == why


def test_given_a_silent_patient_when_the_patient_writes_then_the_flag_is_withdrawn() -> None:
    chart = judged(a_chart(13, 6, said=(15,)))
    answered = judged(replace(chart, incoming=(*chart.incoming, wrote(days_ago(-1)))), MONDAY + timedelta(days=2))
    assert [(flag.status, flag.trail[-1].reason) for flag in answered.flags] == [("withdrawn", "patient wrote")]


def test_given_a_silent_patient_when_judged_twice_then_nothing_changes() -> None:
    assert judge(judged(a_chart(13, 6, said=(15,))), SETTINGS, MONDAY).writes == ()
