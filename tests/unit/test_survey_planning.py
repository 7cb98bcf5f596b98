"""When surveys are asked: baseline, days 7 and 14, before a visit, on request; survey hours; what is asked together."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from followup.domain import calendar, checkin
from followup.domain.cadence import Setting, composed
from followup.domain.course import course
from followup.domain.plan import replan
from followup.domain.records import CheckIn, CheckInId, Next, Patient, SurveyReason, SurveyRequest
from tests.unit.test_plan import (
    OWN,
    PATIENT_ID,
    PROTOCOL,
    a_chart,
    a_patient,
    asked,
    asks,
    at,
    clinic,
    ended,
    going,
    planned,
    six,
    the,
    visit,
    waiting,
    with_sessions,
)

PHQ9 = tuple(f"phq9:{n}" for n in range(1, 10))
DONE = six(done=6)
"""The series ends on Monday, 16 March."""


def filled(**days: str) -> tuple[tuple[str, date], ...]:
    return tuple((code, date.fromisoformat(f"2026-{day}")) for code, day in days.items())


def after_series(**changes: Any) -> Patient:
    return a_patient(filled_on=filled(phq9="03-30", functioning="03-30", health_change="03-30"), **changes)


def request(reason: SurveyReason, day: str) -> tuple[SurveyRequest, ...]:
    return (SurveyRequest(reason, date.fromisoformat(f"2026-{day}")),)


# --- baseline ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("03-05 13:00", ("03-04 10:00", "reminder")),  # a Thursday: on the reminder's day, in one text
        ("03-06 13:00", ("03-05 10:00", "reminder")),
        ("03-09 13:00", (f"03-05 {OWN}", "baseline")),  # a Monday: the Thursday before
        ("03-07 13:00", (f"03-05 {OWN}", "baseline")),
    ],
)
def test_given_no_score_from_intake_when_a_first_visit_is_booked_then_it_is_asked_on_the_last_survey_day_before(
    first: str, expected: tuple[str, str]
) -> None:
    chart = planned(a_chart(visit("s1", first), patient=a_patient(baseline_phq9=None)), "03-02 09:00")
    assert expected in asks(chart)
    [held] = [c for c in chart.checkins if set(PHQ9) <= set(c.questions)]
    assert held.kind == expected[1]
    assert held.joined == (("baseline",) if held.kind == "reminder" else ())
    known = planned(a_chart(visit("s1", first), patient=a_patient()), "03-02 09:00")
    assert not any(set(PHQ9) & set(c.questions) for c in known.checkins)


def test_given_the_clinic_closes_that_day_when_planned_then_the_baseline_comes_earlier() -> None:
    chart = a_chart(visit("s1", "03-05 13:00"), patient=a_patient(baseline_phq9=None))
    chart = planned(chart, "03-02 09:00", clinic(closed_on=["2026-03-04"]))
    assert (f"03-03 {OWN}", "baseline") in asks(chart)
    assert ("03-04 10:00", "reminder") in asks(chart)


def test_given_the_baseline_was_asked_when_another_first_visit_is_booked_then_it_is_not_asked_again_with_it() -> None:
    chart = planned(a_chart(visit("s1", "03-09 13:00"), patient=a_patient(baseline_phq9=None)), "03-02 09:00")
    chart = asked(chart, the("baseline", chart), at(f"03-05 {OWN}"))
    assert "baseline" not in [kind for _, kind in asks(planned(chart, "03-06 09:00"))]


# --- survey hours -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "closed_on", "day_7", "day_14"),
    [
        ("03-02", [], "03-09", "03-16"),  # Monday
        ("03-05", [], "03-12", "03-19"),  # Thursday
        ("03-06", [], "03-16", "03-23"),  # Friday: the Mondays after
        ("03-07", [], "03-16", "03-23"),
        ("03-08", [], "03-16", "03-23"),  # the night on which clocks change
        ("03-06", ["2026-03-16"], "03-12", "03-23"),  # closed on Monday: day 10 is the last, so the Thursday before
        ("03-02", ["2026-03-09", "2026-03-10"], "03-11", "03-16"),
    ],
)
def test_given_the_last_infusion_when_planned_then_days_7_and_14_are_survey_days_within_their_windows(
    last: str, closed_on: list[str], day_7: str, day_14: str
) -> None:
    settings = clinic(series_sessions=1, closed_on=closed_on)
    chart = planned(a_chart(visit("s1", f"{last} 13:00", status="completed")), at(f"{last} 14:05"), settings)
    assert (f"{day_7} {OWN}", "day_7") in asks(chart)
    later = planned(chart, at(f"{day_7} 09:00"), settings)
    assert (f"{day_14} {OWN}", "day_14") in asks(later)


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/New_York", "2026-03-09T15:42Z"),
        ("America/Phoenix", "2026-03-09T18:42Z"),
        ("Pacific/Honolulu", "2026-03-09T21:42Z"),
    ],
)
def test_given_clocks_changed_when_a_survey_waits_for_monday_then_it_keeps_the_patients_own_minute(
    zone: str, expected: str
) -> None:
    chart = a_chart(visit("s1", "02-27 13:00", status="completed", zone=zone), patient=a_patient(zone=zone))
    chart = planned(chart, at("03-05 09:00", zone), clinic(series_sessions=1))
    held = the("day_7", chart)
    local = calendar.local(held.due, zone)
    assert (held.checkin_id, f"{local:%H:%M}") == (f"{expected}.day_7", OWN)
    assert calendar.local(held.until, zone).time() == PROTOCOL.survey_hours.latest


def test_given_mood_and_side_effects_when_they_fall_on_a_weekend_then_they_are_asked_there() -> None:
    chart = planned(a_chart(visit("s1", "03-06 13:00", status="completed")), "03-06 14:05", clinic(series_sessions=1))
    assert asks(chart)[:3] == [("03-06 18:00", "same_day"), ("03-07 10:00", "next_day"), (f"03-09 {OWN}", "day_3")]
    weekend = planned(a_chart(visit("s1", "03-05 13:00", status="completed")), "03-05 14:05", clinic(series_sessions=1))
    assert (f"03-08 {OWN}", "day_3") in asks(weekend)


@pytest.mark.parametrize(
    ("now", "moved_to"),
    [
        ("03-23 13:00", f"03-24 {OWN}"),  # Monday afternoon
        ("03-23 09:59", f"03-23 {OWN}"),
        ("03-26 13:00", None),  # Thursday afternoon: no survey day is left in its window
    ],
)
def test_given_a_survey_comes_to_its_time_late_when_asked_then_it_waits_for_survey_hours(
    now: str, moved_to: str | None
) -> None:
    chart = planned(a_chart(*DONE), "03-20 09:00")
    held = the("day_7", chart)
    assert chart.patient is not None
    decision = checkin.hold(held, chart.patient, chart, clinic(), PROTOCOL, at(now))
    assert decision is not None
    [after] = decision.writes
    assert isinstance(after, CheckIn)
    assert after.next == (Next("ask", at(moved_to), "routine") if moved_to else None)
    assert after.status == ("planned" if moved_to else "skipped")
    assert decision.reason.endswith("outside survey hours")


@pytest.mark.parametrize(
    ("ends", "booked", "when", "kind"),
    [
        ("03-17", "03-31 13:00", "03-30 10:00", "reminder"),  # on day 14 itself: with the reminder the day before
        ("03-16", "03-30 13:00", None, None),
        ("03-16", "03-31 13:00", "03-30 10:00", "reminder"),
        ("03-18", "03-31 13:00", "03-30 10:00", "reminder"),
    ],
)
def test_given_a_visit_up_to_day_14_when_planned_then_day_14_is_asked_before_it(
    ends: str, booked: str, when: str | None, kind: str | None
) -> None:
    patient = a_patient(filled_on=filled(phq9="03-24"))
    series = visit("s1", f"{ends} 13:00", status="completed")
    soon = visit("m1", booked, series="maintenance")
    chart = planned(a_chart(series, soon, patient=patient), "03-25 09:00", clinic(series_sessions=1))
    found = [c for c in chart.checkins if "day_14" in (c.kind, *c.joined) and c.status == "planned"]
    assert [c.kind for c in found] == ([kind] if kind else [])
    if kind:
        assert when is not None
        assert (when, kind) in asks(chart)


# --- what is asked when -----------------------------------------------------------------------------------------


def questions(held: CheckIn, chart: Any, now: datetime) -> tuple[str, ...]:
    setting = Setting(chart.patient, course(chart.plan, clinic(), now), clinic(), PROTOCOL)
    return composed(held, setting, now)


@pytest.mark.parametrize(
    ("last_phq9", "carries"),
    [("03-30", False), ("04-06", False), ("04-12", False), ("03-29", True), ("04-13", False), (None, True)],
)
def test_given_a_weekly_check_when_the_next_would_be_too_late_then_phq9_takes_the_place_of_phq2(
    last_phq9: str | None, carries: bool
) -> None:
    known = {"functioning": "04-13", "health_change": "04-13"} | ({"phq9": last_phq9} if last_phq9 else {})
    chart = planned(a_chart(*DONE, patient=a_patient(filled_on=filled(**known))), "04-14 09:00")
    held = next(c for c in chart.checkins if c.kind == "weekly" and c.due > at("04-20 00:00"))
    assert held.questions == ("mood", "phq9:1", "phq9:2")
    # Asked on Monday, 20 April; the next one comes on the 27th.
    assert questions(held, chart, at(f"04-20 {OWN}")) == (("mood", *PHQ9) if carries else held.questions)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("depression", ("mood", "phq9:1", "phq9:2")),
        ("bipolar", ("mood", "phq9:1", "phq9:2")),
        ("pain", ("mood", "phq9:1", "phq9:2", "pain")),
        ("ptsd", ("mood", "phq9:1", "phq9:2", "target")),
        ("ocd", ("mood", "phq9:1", "phq9:2", "target")),
        ("anxiety", ("mood", "phq9:1", "phq9:2", "gad7:1", "gad7:2")),
    ],
)
def test_given_a_condition_when_the_weekly_check_is_asked_then_it_asks_the_conditions_own_measure(
    condition: Any, expected: tuple[str, ...]
) -> None:
    lately = filled(phq9="04-10", gad7="04-10", pcptsd5="04-10", functioning="04-10", health_change="04-10")
    chart = planned(a_chart(*DONE, patient=a_patient(condition=condition, filled_on=lately)), "04-12 09:00")
    held = next(c for c in chart.checkins if c.kind == "weekly")
    assert questions(held, chart, at(f"04-13 {OWN}")) == expected


def test_given_a_month_has_passed_when_the_weekly_check_is_asked_then_the_monthly_questions_ride_on_it() -> None:
    chart = planned(
        a_chart(*DONE, patient=a_patient(condition="anxiety", filled_on=filled(phq9="03-30"))), "04-19 09:00"
    )
    held = next(c for c in chart.checkins if c.kind == "weekly" and c.due > at("04-26 00:00"))
    told = questions(held, chart, at(f"04-27 {OWN}"))
    assert told == ("mood", *PHQ9, *(f"gad7:{n}" for n in range(1, 8)), "functioning", "health_change")
    assert len(told) == len(set(told))


def test_given_maintenance_when_three_months_have_passed_then_bladder_and_memory_are_asked() -> None:
    booster = visit("m1", "04-08 13:00", series="maintenance", status="completed")
    lately = filled(phq9="04-08", functioning="04-08", health_change="04-08")
    chart = planned(a_chart(*DONE, booster, patient=a_patient(filled_on=lately)), "04-14 09:00")
    held = next(c for c in chart.checkins if c.kind == "weekly")
    assert questions(held, chart, at(f"04-15 {OWN}"))[3:] == ("bladder:1", "bladder:2", "bladder:3", "memory:1")
    assert chart.patient is not None
    asked_lately = replace(chart.patient, filled_on=(*lately, *filled(**{"bladder:1": "02-20", "memory:1": "02-20"})))
    assert questions(held, replace(chart, patient=asked_lately), at(f"04-15 {OWN}"))[3:] == ()


def test_given_infusions_take_every_week_when_phq9_is_overdue_then_it_rides_on_the_next_day_check_in_survey_hours() -> (
    None
):
    booster = visit("m1", "04-08 13:00", series="maintenance", status="completed")
    chart = planned(a_chart(*DONE, booster, patient=a_patient(filled_on=filled(phq9="03-10"))), "04-08 14:05")
    held = next(c for c in chart.checkins if c.kind == "next_day" and c.status == "planned")
    assert questions(held, chart, at("04-09 10:00")) == ("mood", "side_effects", *PHQ9)
    assert questions(held, chart, at("04-09 15:00")) == ("mood", "side_effects")  # survey hours are over
    assert chart.patient is not None
    lately = replace(chart.patient, filled_on=filled(phq9="03-13"))
    assert questions(held, replace(chart, patient=lately), at("04-09 10:00")) == ("mood", "side_effects")


# --- surveys on their own ---------------------------------------------------------------------------------------


def test_given_a_visit_soon_when_phq9_is_old_then_it_is_asked_once_before_it_with_the_reminder() -> None:
    soon = visit("m1", "04-16 13:00", series="maintenance")  # a Thursday
    chart = planned(a_chart(*DONE, soon, patient=after_series()), "04-09 09:00")
    [held] = [c for c in chart.checkins if c.reasons == ("before_visit",)]
    assert (held.kind, held.joined, held.questions) == ("reminder", ("survey",), ("visit", "health_change", *PHQ9))
    assert questions(held, chart, at("04-15 10:00")) == held.questions
    # Late on the day it leaves without the questions that keep survey hours.
    assert questions(held, chart, at("04-15 15:00")) == ("visit", "health_change")
    lately = planned(a_chart(*DONE, soon, patient=a_patient(filled_on=filled(phq9="04-08"))), "04-09 09:00")
    assert not [c for c in lately.checkins if c.reasons]


def test_given_a_visit_on_a_monday_when_phq9_is_old_then_it_is_asked_on_the_last_survey_day_that_the_caps_leave() -> (
    None
):
    soon = visit("m1", "04-20 13:00", series="maintenance")
    chart = planned(a_chart(*DONE, soon, patient=after_series()), "04-09 09:00")
    [held] = [c for c in chart.checkins if c.reasons == ("before_visit",)]
    assert (held.kind, held.questions) == ("survey", PHQ9)
    assert (f"04-14 {OWN}", "survey") in asks(chart)  # reminder, same-day and next-day check fill the days after


def test_given_phq9_was_answered_meanwhile_when_the_survey_comes_to_its_time_then_it_has_nothing_to_ask() -> None:
    soon = visit("m1", "04-20 13:00", series="maintenance")
    chart = planned(a_chart(*DONE, soon, patient=after_series()), "04-09 09:00")
    held = the("survey", chart)
    assert chart.patient is not None
    chart = replace(chart, patient=replace(chart.patient, filled_on=filled(phq9="04-13")))
    assert questions(held, chart, at(f"04-16 {OWN}")) == ()


@pytest.mark.parametrize(
    ("due", "expected"),
    [("04-16", f"04-16 {OWN}"), ("04-17", f"04-20 {OWN}"), ("04-18", f"04-20 {OWN}"), ("04-22", f"04-22 {OWN}")],
)
def test_given_a_loss_to_confirm_when_planned_then_phq9_is_asked_on_its_day_outside_the_weekly_cap(
    due: str, expected: str
) -> None:
    patient = a_patient(filled_on=filled(phq9="04-13"), texted_on=tuple(date(2026, 4, 14) for _ in range(3)))
    chart = planned(a_chart(*DONE, patient=patient, requests=request("confirmation", due)), "04-14 15:00")
    [held] = [c for c in chart.checkins if "confirmation" in c.reasons]
    assert (expected, held.kind) in asks(chart)
    assert set(PHQ9) <= set(questions(held, chart, at(expected)))


def test_given_a_confirmation_and_a_weekly_check_on_one_day_when_planned_then_they_are_one_text() -> None:
    chart = a_chart(*DONE, patient=after_series(), requests=request("confirmation", "04-20"))
    chart = planned(chart, "04-14 09:00")
    held = the("survey", chart)
    assert (held.joined, held.reasons, held.questions) == (("weekly",), ("confirmation",), (*PHQ9, "mood"))
    assert [kind for when, kind in asks(chart) if when.startswith("04-20")] == ["survey"]
    assert chart.plan is not None
    nothing = replace(chart.plan, requests=())
    without = planned(replace(chart, plan=nothing), "04-14 10:00")
    assert (f"04-20 {OWN}", "weekly") in asks(without)
    wanted = replace(nothing, requests=request("clinician", "04-20"))
    again = planned(replace(without, plan=wanted), "04-14 11:00")
    assert ("weekly", "joined with the survey") in ended(again, "cancelled")


def test_given_a_visit_within_a_week_when_a_loss_waits_to_be_confirmed_then_phq9_is_asked_once_before_the_visit() -> (
    None
):
    patient = a_patient(filled_on=filled(phq9="04-13"))
    soon = visit("m1", "04-21 13:00", series="maintenance")
    chart = planned(a_chart(*DONE, soon, patient=patient, requests=request("confirmation", "04-16")), "04-14 09:00")
    asked_for = [c for c in chart.checkins if c.reasons]
    assert [(c.kind, c.joined, c.reasons) for c in asked_for] == [
        ("reminder", ("survey",), ("before_visit", "confirmation"))
    ]


def test_given_a_clinicians_request_when_planned_then_phq9_is_asked_at_the_next_survey_hours_however_recent() -> None:
    patient = a_patient(filled_on=filled(phq9="04-13"))
    chart = planned(a_chart(*DONE, patient=patient, requests=request("clinician", "04-14")), "04-14 09:00")
    held = the("survey", chart)
    assert (f"04-14 {OWN}", "survey") in asks(chart)
    assert questions(held, chart, at(f"04-14 {OWN}")) == PHQ9
    late = planned(a_chart(*DONE, patient=patient, requests=request("clinician", "04-14")), "04-14 15:00")
    assert (f"04-15 {OWN}", "survey") in asks(late)


def test_given_a_request_was_asked_when_planned_again_then_it_is_not_asked_twice_and_is_forgotten_after_two_weeks() -> (
    None
):
    chart = planned(a_chart(*DONE, patient=after_series(), requests=request("clinician", "04-14")), "04-14 09:00")
    chart = asked(chart, the("survey", chart), at(f"04-14 {OWN}"))
    for day in ("04-14 12:30", "04-15 09:00", "04-16 09:00"):
        chart = planned(chart, day)
        assert "survey" not in [kind for _, kind in asks(chart)]
    assert chart.plan is not None
    assert chart.plan.requests
    later = planned(chart, "04-29 09:00").plan
    assert later is not None
    assert later.requests == ()


def test_given_the_second_day_of_a_split_survey_when_planned_then_it_stays_and_keeps_its_day() -> None:
    chart = planned(a_chart(*DONE, patient=after_series()), "04-14 09:00")
    due = at("04-20 10:00")
    continued = CheckIn(
        status="planned",
        next=Next("ask", due, "routine"),
        patient_id=PATIENT_ID,
        checkin_id=CheckInId(f"{due:%Y-%m-%dT%H:%MZ}.continued"),
        kind="continued",
        due=due,
        until=at("04-21 19:45"),
        questions=("phq9:8", "phq9:9"),
    )
    chart = planned(replace(chart, checkins=(*chart.checkins, continued)), "04-14 10:00")
    assert continued in chart.checkins
    assert (f"04-21 {OWN}", "weekly") in asks(chart)
    assert questions(continued, chart, due) == ("phq9:8", "phq9:9")
    assert len({calendar.local(moment, "America/New_York").date() for moment, _ in going(chart)}) == len(asks(chart))


# --- reminders --------------------------------------------------------------------------------------------------


def test_given_a_reminder_when_it_is_asked_then_it_closes_at_the_visit_and_is_never_nudged() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    held, sent = the("reminder", chart), at("03-04 10:00")
    assert calendar.expiry(held, "America/New_York", PROTOCOL, sent) == at("03-05 13:00")
    assert calendar.nudge_time(held, "America/New_York", PROTOCOL, sent) is None


def test_given_a_reminder_in_the_next_day_check_when_it_is_asked_then_it_closes_at_the_visit() -> None:
    sessions = (visit("s1", "03-04 13:00", status="completed"), visit("s2", "03-06 13:00"))
    chart = planned(a_chart(*sessions), "03-04 19:50")
    held = the("next_day", replace(chart, checkins=chart.checkins[:1]))
    assert calendar.expiry(held, "America/New_York", PROTOCOL, at("03-05 10:00")) == at("03-06 13:00")


def test_given_the_next_day_check_was_asked_alone_when_a_visit_is_booked_then_its_reminder_is_not_taken_for_sent() -> (
    None
):
    done = visit("s1", "03-04 13:00", status="completed")
    chart = planned(a_chart(done), "03-04 19:50", clinic(series_sessions=None))
    chart = asked(chart, the("next_day", chart), at("03-05 10:00"))
    chart = planned(with_sessions(chart, done, visit("s2", "03-06 13:00")), "03-05 12:00", clinic(series_sessions=None))
    assert ("reminder", "one text a day") in ended(chart, "skipped")
    assert waiting(chart)


def test_given_a_series_ended_when_a_visit_follows_on_day_15_then_day_14_is_asked_with_its_reminder() -> None:
    soon = visit("m1", "03-31 13:00", series="maintenance")
    chart = planned(a_chart(*DONE, soon, patient=a_patient(filled_on=filled(phq9="03-23"))), "03-24 09:00")
    held = the("reminder", chart)
    assert (held.joined, held.questions) == (("day_14",), ("visit", "health_change", "mood", *PHQ9))
    assert replan(chart, clinic(), PROTOCOL, at("03-24 09:00") + timedelta(minutes=1)).reason == "planned"
