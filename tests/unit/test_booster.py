"""Who may be due for a booster, and why."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from followup.domain.booster import assess
from followup.domain.clinic import ClinicSettings
from followup.domain.records import (
    Alert,
    Chart,
    ClinicId,
    Decision,
    Flag,
    Patient,
    PatientId,
    Plan,
    Score,
    Session,
    ThreadId,
)
from followup.domain.staff_wording import StaffWording

STAFF = Path(__file__).parents[2] / "functions" / "followup" / "content" / "staff.yaml"
CLINIC, PATIENT, THREAD = ClinicId("c1"), PatientId("p1"), ThreadId("p1")
LAST = datetime(2026, 3, 4, 18, 0, tzinfo=UTC)
"""End of the last infusion of the series: a Wednesday at noon in Chicago."""
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
    series_sessions=6,
)


def day(number: float) -> datetime:
    """This many days after the last infusion of the series, at noon in Chicago."""
    return LAST + timedelta(days=number)


def phq9(number: float, value: int) -> Score:
    return Score(patient_id=PATIENT, instrument="phq9", value=value, at=day(number), origin="import")


def session(number: float, series: Any = "induction", status: Any = "completed") -> Session:
    end = day(number)
    return Session(f"s{number}", end - timedelta(minutes=45), end, status, series, "iv")


SERIES = tuple(session(number) for number in (-14, -11, -8, -5, -2, 0))


def a_chart(
    *scores: Score,
    base: int | None = 18,
    more: Sequence[Session] = (),
    planned: date | None = None,
    flags: Sequence[Flag] = (),
    alerts: Sequence[Alert] = (),
    sessions: Sequence[Session] = SERIES,
    **patient: Any,
) -> Chart:
    who = Patient(
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
        status=patient.pop("status", "active"),
        baseline_phq9=base,
        **patient,
    )
    plan = Plan(patient_id=PATIENT, clinic_id=CLINIC, sessions=(*sessions, *more), planned_booster=planned)
    return Chart(THREAD, who, plan, scores=scores, flags=tuple(flags), alerts=tuple(alerts))


def an_alert(opened: datetime, status: str = "open") -> Alert:
    return Alert(
        alert_id="a1",
        clinic_id=CLINIC,
        thread=THREAD,
        code="4821",
        level="urgent",
        rule="self_harm",
        opened=opened,
        triggers=("SM1",),
        status=status,
    )


def after(chart: Chart, decision: Decision) -> Chart:
    """The chart once the decision is written."""
    flags = {flag.flag_id: flag for flag in chart.flags}
    flags.update({flag.flag_id: flag for flag in decision.writes if isinstance(flag, Flag)})
    patient = next((record for record in decision.writes if isinstance(record, Patient)), chart.patient)
    plan = next((record for record in decision.writes if isinstance(record, Plan)), chart.plan)
    return replace(chart, patient=patient, plan=plan, flags=tuple(flags.values()))


def assessed(chart: Chart, now: datetime, settings: ClinicSettings = SETTINGS) -> Chart:
    return after(chart, assess(chart, settings, now))


def standing(chart: Chart) -> dict[str, Flag]:
    return {flag.rule: flag for flag in chart.flags if flag.status in ("open", "acknowledged", "snoozed")}


REFERENCE = (phq9(7, 6), phq9(14, 6))
"""With an intake score of 18: gain 12, so the line is 12."""


@pytest.mark.parametrize(
    ("base", "ref", "first", "second", "flagged"),
    [
        (18, (6, 6), 13, 13, True),
        (18, (6, 6), 12, 12, True),  # exactly half the gain
        (18, (6, 6), 11, 11, False),  # below half the gain
        (18, (6, 6), 15, 9, True),  # the mean of the two decides: 12
        (18, (6, 6), 14, 9, False),  # mean 11.5
        (12, (4, 4), 9, 9, True),  # half the gain is 4, five points are needed
        (12, (4, 4), 8, 8, False),
        (18, (5, 8), 13, 12, True),  # reference 6.5, line 12.25, mean 12.5
        (18, (5, 8), 13, 11, False),
        (10, (3, 3), 8, 8, True),  # the lowest intake score that counts
        (9, (2, 2), 9, 9, False),  # intake score too low
        (20, (15, 15), 20, 20, True),  # gain of exactly a quarter
        (20, (16, 15), 27, 27, False),  # less than a quarter: a different question
    ],
)
def test_given_two_readings_when_their_mean_is_judged_then_the_loss_is_flagged_or_not(
    base: int, ref: tuple[int, int], first: int, second: int, flagged: bool
) -> None:
    chart = a_chart(phq9(7, ref[0]), phq9(14, ref[1]), phq9(28, first), phq9(31, second), base=base)
    assert ("rule_a" in standing(assessed(chart, day(31.5)))) is flagged


def test_given_a_confirmed_loss_when_flagged_then_the_numbers_of_the_reason_are_there() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 14)), day(31.5))
    flag = standing(chart)["rule_a"]
    assert (flag.group, flag.status) == ("booster", "open")
    assert dict(flag.numbers) == {
        "base": "18",
        "ref": "6",
        "score": "13 and 14",
        "lost": "62",
        "since": "2026-04-01",
        "confirmed": "2026-04-04",
    }


def test_given_one_reference_score_and_half_a_response_when_flagged_then_the_flag_says_both() -> None:
    chart = a_chart(phq9(9, 11), phq9(28, 16), phq9(31, 16), base=18)
    numbers = dict(standing(assessed(chart, day(32)))["rule_a"].numbers)
    assert (numbers["reference"], numbers["response"]) == ("one_score", "partial")


def test_given_one_reference_score_when_day_21_has_not_come_then_nothing_is_judged() -> None:
    chart = a_chart(phq9(7, 17), base=18)
    assert not standing(assessed(chart, day(20)))
    assert "non_responder" in standing(assessed(chart, day(21)))


@pytest.mark.parametrize(("days", "flagged"), [(1, False), (2, True), (10, True), (11, False)])
def test_given_a_second_reading_when_it_comes_2_to_10_days_later_then_it_confirms(days: int, flagged: bool) -> None:
    chart = a_chart(*REFERENCE, phq9(28, 14), phq9(28 + days, 14))
    assert ("rule_a" in standing(assessed(chart, day(28 + days)))) is flagged


def test_given_a_silent_patient_when_72_hours_have_passed_since_the_confirmation_was_due_then_it_is_unconfirmed() -> (
    None
):
    # Day 28 is a Wednesday; three days on is a Saturday, so it is due on Monday at 10:00 and silent on Thursday.
    chart = a_chart(*REFERENCE, phq9(28, 14))
    silent = datetime(2026, 4, 9, 15, 0, tzinfo=UTC)
    assert not standing(assessed(chart, silent - timedelta(minutes=1)))
    flag = standing(assessed(chart, silent))["rule_a_unconfirmed"]
    assert dict(flag.numbers)["hours"] == "72"


def test_given_an_unconfirmed_flag_when_the_answer_comes_late_then_the_same_flag_changes_its_reason() -> None:
    unconfirmed = assessed(a_chart(*REFERENCE, phq9(28, 14)), day(37))
    late = replace(unconfirmed, scores=(*unconfirmed.scores, phq9(37.5, 13)))
    (flag,) = assessed(late, day(38)).flags
    assert (flag.rule, flag.born, flag.changed) == ("rule_a", day(37), day(38))


def test_given_a_gap_when_nobody_answers_for_weeks_then_an_unconfirmed_flag_is_not_taken_for_recovery() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 14)), day(37))
    assert standing(assessed(chart, day(90))) == standing(chart)
    later = replace(chart, scores=(*chart.scores, phq9(90, 15)))
    (flag,) = standing(assessed(later, day(90))).values()
    assert (flag.rule, flag.flag_id) == ("rule_a_unconfirmed", chart.flags[0].flag_id)


def test_given_an_open_flag_when_scores_wobble_above_the_line_then_nothing_changes_until_one_is_below() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), day(31.5))
    first = standing(chart)
    for number, value in ((38, 12), (45, 15), (52, 13)):
        chart = assessed(replace(chart, scores=(*chart.scores, phq9(number, value))), day(number))
        assert standing(chart) == first
    chart = assessed(replace(chart, scores=(*chart.scores, phq9(59, 11))), day(59))
    (flag,) = chart.flags
    assert (flag.status, flag.trail[-1].reason) == ("withdrawn", "a later score is below the line")


def test_given_an_open_flag_when_a_score_is_clearly_worse_then_the_flag_is_news_again() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), day(31.5))
    chart = assessed(replace(chart, scores=(*chart.scores, phq9(38, 18))), day(38))
    (flag,) = chart.flags
    assert (dict(flag.numbers)["score"], flag.changed) == ("18", day(38))


def test_given_a_snoozed_flag_when_its_reason_changes_then_it_stays_snoozed() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 14)), day(37))
    snoozed = replace(chart, flags=(chart.flags[0].into("snoozed", "snoozed", day(37)),))
    (flag,) = assessed(replace(snoozed, scores=(*snoozed.scores, phq9(37.5, 13))), day(38)).flags
    assert (flag.status, flag.rule) == ("snoozed", "rule_a")


def test_given_an_alert_is_open_when_rule_a_is_met_then_the_flag_is_held_under_review_and_says_so() -> None:
    chart = a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13), alerts=[an_alert(day(31))])
    held = assessed(chart, day(31.5))
    (flag,) = held.flags
    assert (flag.rule, flag.group, dict(flag.numbers)["held"]) == ("rule_a", "review", "open_alert")
    free = assessed(replace(held, alerts=(an_alert(day(31), "closed"),)), day(32))
    (flag,) = free.flags
    assert (flag.group, flag.changed) == ("booster", day(32))


def test_given_an_open_flag_when_a_visit_is_booked_then_it_is_done_and_opens_again_if_the_visit_falls_away() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), day(31.5))
    plan = chart.plan
    assert plan is not None
    booked = replace(chart, plan=replace(plan, sessions=(*plan.sessions, session(50, "maintenance", "scheduled"))))
    done = assessed(booked, day(32))
    assert (done.flags[0].status, done.flags[0].trail[-1].reason) == ("done", "session booked")
    assert assessed(done, day(33)).flags == done.flags
    again = assessed(replace(done, plan=plan), day(33))
    assert (again.flags[0].status, again.flags[0].born) == ("open", day(31.5))


def test_given_a_visit_booked_far_ahead_when_the_gain_is_lost_before_it_then_the_flag_names_it() -> None:
    chart = a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13), more=[session(60, "maintenance", "scheduled")])
    flagged = assessed(chart, day(31.5))
    assert dict(standing(flagged)["rule_a"].numbers)["booked"] == "2026-05-03"
    assert not standing(assessed(chart, day(54)))


def test_given_a_booster_when_it_is_recorded_then_the_flag_is_done_and_early_scores_do_not_raise_another() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), day(31.5))
    plan = chart.plan
    assert plan is not None
    boosted = replace(
        chart,
        plan=replace(plan, sessions=(*plan.sessions, session(33, "maintenance"))),
        scores=(*chart.scores, phq9(35, 15), phq9(38, 15)),
    )
    done = assessed(boosted, day(39))
    assert [(flag.status, flag.trail[-1].reason) for flag in done.flags] == [("done", "session recorded")]
    new = assessed(replace(done, scores=(*done.scores, phq9(47, 15), phq9(50, 15))), day(50))
    assert [flag.status for flag in new.flags] == ["done", "open"]


def test_given_two_much_better_scores_when_the_reference_moves_down_then_the_line_moves_with_it() -> None:
    scores = (phq9(7, 10), phq9(14, 10), phq9(21, 5), phq9(28, 5), phq9(40, 12), phq9(43, 12))
    numbers = dict(standing(assessed(a_chart(*scores), day(43)))["rule_a"].numbers)
    assert numbers["ref"] == "5"
    one_better = (phq9(7, 10), phq9(14, 10), phq9(21, 5), phq9(28, 6), phq9(40, 12), phq9(43, 12))
    assert not standing(assessed(a_chart(*one_better), day(43)))


def test_given_little_response_when_the_series_is_over_then_it_is_reviewed_once_and_no_booster_is_flagged() -> None:
    chart = assessed(a_chart(phq9(7, 17), phq9(14, 16), phq9(28, 24), phq9(31, 24)), day(31.5))
    (flag,) = chart.flags
    assert (flag.rule, flag.group, dict(flag.numbers)) == ("non_responder", "review", {"base": "18", "ref": "16.5"})
    answered = replace(chart, flags=(flag.into("done", "plan reviewed", day(32)),))
    assert assessed(answered, day(33)).flags == answered.flags


def test_given_no_intake_score_when_scores_exist_then_the_desk_is_asked_once_until_it_is_entered() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 14), phq9(31, 14), base=None), day(31))
    (flag,) = chart.flags
    assert (flag.rule, flag.group) == ("enter_baseline", "desk")
    assert chart.patient is not None
    entered = assessed(replace(chart, patient=replace(chart.patient, baseline_phq9=18)), day(32))
    assert {flag.rule: flag.status for flag in entered.flags} == {"enter_baseline": "done", "rule_a": "open"}


def test_given_no_intake_score_when_a_score_precedes_the_first_infusion_then_it_is_the_base() -> None:
    chart = a_chart(phq9(-20, 24), phq9(-15, 18), *REFERENCE, phq9(28, 13), phq9(31, 13), base=None)
    assert dict(standing(assessed(chart, day(31)))["rule_a"].numbers)["base"] == "18"


def test_given_a_low_intake_score_when_the_series_is_over_then_a_note_says_that_the_rule_is_off() -> None:
    (flag,) = assessed(a_chart(*REFERENCE, base=9), day(22)).flags
    assert (flag.rule, flag.group, dict(flag.numbers)) == ("baseline_too_low", "note", {"base": "9", "floor": "10"})


def test_given_the_series_goes_on_when_scores_are_bad_then_nothing_is_flagged() -> None:
    chart = a_chart(*REFERENCE, phq9(28, 14), phq9(31, 14), sessions=SERIES[:5], more=[session(33, status="scheduled")])
    assert not standing(assessed(chart, day(10)))


def test_given_any_flag_of_these_rules_when_its_reason_is_worded_then_every_number_is_there() -> None:
    wording = msgspec.convert(YAML(typ="safe").load(STAFF), StaffWording)
    charts = (
        (a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), "rule_a"),
        (a_chart(*REFERENCE, phq9(28, 13)), "rule_a_unconfirmed"),
        (a_chart(phq9(7, 17), phq9(14, 17)), "non_responder"),
        (a_chart(*REFERENCE, base=None), "enter_baseline"),
        (a_chart(base=4), "baseline_too_low"),
        (a_chart(planned=day(40).date()), "rule_e"),
    )
    for chart, rule in charts:
        flag = standing(assessed(chart, day(37)))[rule]
        assert "{" not in wording.reason(rule, flag.numbers)
        assert rule in wording.classes


# --- rule E -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "flagged"), [(22, False), (23, True), (45, True)])
def test_given_a_planned_date_when_it_is_within_seven_days_and_nothing_is_booked_then_it_is_flagged(
    number: int, flagged: bool
) -> None:
    chart = a_chart(planned=day(30).date())
    assert ("rule_e" in standing(assessed(chart, day(number)))) is flagged


def test_given_a_planned_date_is_flagged_when_days_pass_then_the_flag_stays_as_it_was_born() -> None:
    chart = assessed(a_chart(planned=day(30).date()), day(24))
    (flag,) = chart.flags
    assert (flag.group, dict(flag.numbers)) == ("planned", {"date": "2026-04-03"})
    for number in range(25, 40):
        assert assessed(chart, day(number)).flags == chart.flags


def test_given_a_planned_date_when_a_visit_is_booked_then_it_is_not_flagged_or_done() -> None:
    booked = a_chart(planned=day(30).date(), more=[session(31, "maintenance", "scheduled")])
    assert not standing(assessed(booked, day(24)))
    flagged = assessed(replace(booked, plan=a_chart(planned=day(30).date()).plan), day(24))
    done = assessed(replace(flagged, plan=booked.plan), day(25))
    assert [(flag.status, flag.trail[-1].reason) for flag in done.flags] == [("done", "session booked")]


def test_given_a_planned_date_when_the_visit_took_place_near_it_then_it_is_not_flagged_again() -> None:
    chart = a_chart(planned=day(30).date(), more=[session(29, "maintenance")])
    assert not standing(assessed(chart, day(31)))


def test_given_the_plan_has_no_date_when_the_interval_after_maintenance_is_over_then_it_is_flagged() -> None:
    monthly = replace(SETTINGS, maintenance_every_days=28)
    chart = a_chart(more=[session(30, "maintenance")])
    assert not standing(assessed(chart, day(50), monthly))
    (flag,) = assessed(chart, day(51), monthly).flags
    assert dict(flag.numbers) == {"date": "2026-05-01"}
    assert not standing(assessed(chart, day(51)))
    assert not standing(assessed(a_chart(), day(51), monthly))


def test_given_a_weekly_interval_when_the_last_infusion_is_under_seven_days_ago_then_it_is_too_early() -> None:
    weekly = replace(SETTINGS, maintenance_every_days=7)
    chart = a_chart(more=[session(30, "maintenance")])
    assert not standing(assessed(chart, day(36), weekly))
    assert "rule_e" in standing(assessed(chart, day(37), weekly))
    assert "rule_e" in standing(assessed(a_chart(more=[session(30, "maintenance")], planned=day(38).date()), day(32)))


# --- the next look, and what always holds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chart", "now", "at"),
    [
        (a_chart(), day(3), datetime(2026, 3, 8, 10, tzinfo=UTC)),  # tomorrow, 05:00 after the change of clocks
        (a_chart(), datetime(2026, 3, 9, 9, tzinfo=UTC), datetime(2026, 3, 9, 10, tzinfo=UTC)),  # later this morning
        (a_chart(sessions=()), day(-20), datetime(2026, 2, 16, 11, tzinfo=UTC)),  # Monday
        (
            a_chart(sessions=SERIES[:2], more=[session(-9, status="scheduled")]),
            day(-10),
            datetime(2026, 2, 23, 11, tzinfo=UTC),  # Monday comes before the morning after the visit
        ),
        (
            a_chart(sessions=SERIES[:2], more=[session(-8, status="scheduled")]),
            day(-9),
            datetime(2026, 2, 25, 11, tzinfo=UTC),  # the morning after the visit
        ),
        (
            a_chart(sessions=SERIES[:1], more=[session(-12, status="scheduled")]),
            day(-13.5),
            datetime(2026, 2, 21, 11, tzinfo=UTC),  # the morning after the visit comes before Monday
        ),
    ],
)
def test_given_a_phase_when_assessed_then_the_next_look_is_the_next_morning_that_matters(
    chart: Chart, now: datetime, at: datetime
) -> None:
    (patient,) = assess(chart, SETTINGS, now).writes
    assert isinstance(patient, Patient)
    assert patient.next is not None
    assert (patient.next.step, patient.next.at, patient.next.lane) == ("assess", at, "daily")


def test_given_a_discharged_patient_when_assessed_then_flags_are_withdrawn_and_nobody_looks_again() -> None:
    chart = assessed(a_chart(*REFERENCE, phq9(28, 13), phq9(31, 13)), day(31.5))
    assert chart.patient is not None
    gone = assessed(replace(chart, patient=replace(chart.patient, status="discharged")), day(32))
    assert [(flag.status, flag.trail[-1].reason) for flag in gone.flags] == [("withdrawn", "patient was discharged")]
    assert gone.patient is not None
    assert gone.patient.next is None


def test_given_an_unknown_number_when_assessed_then_nothing_is_written() -> None:
    assert assess(Chart(THREAD), SETTINGS, day(0)).writes == ()


POINTS = st.lists(st.tuples(st.integers(1, 120), st.integers(0, 27)), max_size=14, unique_by=lambda point: point[0])
BOOSTERS = st.lists(st.integers(20, 120), max_size=3, unique=True)


def a_history(points: list[tuple[int, int]], boosters: Sequence[int] = (), base: int | None = 18) -> Chart:
    # Readings come two hours before noon, so that none falls into a session.
    scores = [phq9(number - 0.1, value) for number, value in points]
    return a_chart(*scores, base=base, more=[session(number, "maintenance") for number in boosters])


@given(POINTS, BOOSTERS, st.integers(1, 130), st.sampled_from([None, 9, 12, 18, 27]))
def test_assessing_twice_changes_nothing(
    points: list[tuple[int, int]], boosters: list[int], now: int, base: int | None
) -> None:
    once = assessed(a_history(points, boosters, base), day(now))
    assert assess(once, SETTINGS, day(now)).writes == ()


@given(POINTS, BOOSTERS, st.integers(1, 130))
def test_history_after_now_is_never_used(points: list[tuple[int, int]], boosters: list[int], now: int) -> None:
    known = a_history([point for point in points if point[0] <= now], [at for at in boosters if at <= now])
    ours, theirs = assessed(a_history(points, boosters), day(now)), assessed(known, day(now))
    assert (ours.flags, ours.patient) == (theirs.flags, theirs.patient)


@given(POINTS, BOOSTERS, st.integers(1, 130), st.randoms(use_true_random=False))
def test_the_order_of_the_history_is_irrelevant(
    points: list[tuple[int, int]], boosters: list[int], now: int, random: Any
) -> None:
    chart = a_history(points, boosters)
    shuffled = a_history(random.sample(points, len(points)), random.sample(boosters, len(boosters)))
    ours, theirs = assessed(chart, day(now)), assessed(shuffled, day(now))
    assert (ours.flags, ours.patient) == (theirs.flags, theirs.patient)


@given(st.lists(st.tuples(st.integers(15, 120), st.integers(0, 27)), min_size=1, max_size=10, unique_by=lambda p: p[0]))
def test_a_strictly_better_newest_score_never_raises_a_flag(points: list[tuple[int, int]]) -> None:
    points = sorted(points)
    (number, value) = points[-1]
    worse = a_history([(7, 6), (14, 6), *points])
    better = a_history([(7, 6), (14, 6), *points[:-1], (number, max(0, value - 1))])
    assert set(standing(assessed(better, day(130)))) <= set(standing(assessed(worse, day(130))))


@given(POINTS)
def test_a_flag_never_flips_without_a_new_score(points: list[tuple[int, int]]) -> None:
    chart = a_history(points)
    last = max((number for number, _ in points), default=0)
    seen: list[str] = []
    for number in range(last + 20, last + 50):
        chart = assessed(chart, day(number))
        seen.append("".join(sorted(standing(chart))))
    assert seen == sorted(seen, key=seen.index)
