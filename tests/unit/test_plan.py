"""Sessions in, check-ins out: tables for the rules, and lives of patients played against them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from followup import content
from followup.domain import calendar
from followup.domain.cadence import Setting, composed, minute_of, uncounted
from followup.domain.clinic import ClinicSettings
from followup.domain.plan import course, replan, series_end
from followup.domain.records import (
    Chart,
    CheckIn,
    ClinicId,
    Consent,
    Decision,
    Flag,
    Next,
    Patient,
    PatientId,
    Plan,
    Session,
    SurveyRequest,
    Text,
    TextId,
    ThreadId,
)
from followup.domain.riding import FILLED_LATELY

PROTOCOL = content.load().protocols["standard"]
PATIENT_ID = PatientId("p-0001")
CLINIC_ID = ClinicId("lakeside")
ZONE = "America/New_York"


def clinic(**changes: Any) -> ClinicSettings:
    fields: dict[str, Any] = {
        "name": "Lakeside Wellness Center",
        "sms_name": "Lakeside Wellness",
        "zone": "America/New_York",
        "phone": "(212) 555-0100",
        "sender": "+12125550199",
        "messaging_service": None,
        "account": "AC" + "0" * 32,
        "keyword_mode": "service",
        "hours": [{"weekday": day, "opens": "09:00:00", "closes": "17:00:00"} for day in range(5)],
        "closed_on": [],
        "on_call": [],
        "digest_at": "07:00:00",
        "digest_to": [],
        "mail_from": "followup@example.org",
        "series_sessions": 6,
    }
    return msgspec.convert(fields | changes, ClinicSettings)


def a_patient(**changes: Any) -> Patient:
    patient = Patient(
        status="active",
        patient_id=PATIENT_ID,
        clinic_id=CLINIC_ID,
        record_number="A10000",
        name="Robin Vale",
        phone="+12125550123",
        language="en",
        zone=ZONE,
        born=date(1980, 5, 17),
        condition="depression",
        consent=Consent("texting", "2", date(2026, 1, 2)),
        baseline_phq9=18,
    )
    return replace(patient, **changes)


def at(text: str, zone: str = ZONE) -> datetime:
    """Local time of the patient, e.g. "03-05 10:00" in 2026."""
    return datetime.fromisoformat(f"2026-{text.replace(' ', 'T')}").replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def visit(
    session_id: str,
    start: str,
    *,
    minutes: int = 60,
    status: str = "scheduled",
    series: str = "induction",
    zone: str = ZONE,
) -> Session:
    begins = at(start, zone)
    fields = {"session_id": session_id, "status": status, "series": series, "route": "iv"}
    return msgspec.convert(fields | {"start": begins, "end": begins + timedelta(minutes=minutes)}, Session)


def a_chart(*sessions: Session, patient: Patient | None = None, checkins: Sequence[CheckIn] = (), **plan: Any) -> Chart:
    return Chart(
        ThreadId(PATIENT_ID),
        patient=patient or a_patient(),
        plan=Plan(patient_id=PATIENT_ID, clinic_id=CLINIC_ID, sessions=sessions, **plan),
        checkins=tuple(checkins),
    )


def after(chart: Chart, decision: Decision) -> Chart:
    """The chart once the writes are committed."""
    for record in decision.writes:
        written = replace(record, version=record.version + 1)
        match written:
            case Plan():
                chart = replace(chart, plan=written)
            case CheckIn():
                held = {c.checkin_id: c for c in chart.checkins}
                stored = held.get(written.checkin_id)
                assert record.version == (stored.version if stored else 0), "written over a version that was not read"
                held[written.checkin_id] = written
                chart = replace(chart, checkins=tuple(held[key] for key in sorted(held)))
            case Flag():
                flags = {flag.flag_id: flag for flag in chart.flags}
                known = flags.get(written.flag_id)
                assert record.version == (known.version if known else 0)
                flags[written.flag_id] = written
                chart = replace(chart, flags=tuple(flags.values()))
            case Text():
                chart = replace(chart, texts=tuple(written if t.text_id == written.text_id else t for t in chart.texts))
            case _:
                raise AssertionError("planning writes plans, check-ins, flags and texts only")
    return chart


def planned(chart: Chart, now: datetime | str, settings: ClinicSettings | None = None) -> Chart:
    moment = at(now) if isinstance(now, str) else now
    return after(chart, replan(chart, settings or clinic(), PROTOCOL, moment))


def with_sessions(chart: Chart, *sessions: Session) -> Chart:
    assert chart.plan is not None
    return replace(chart, plan=replace(chart.plan, sessions=sessions))


def asks(chart: Chart, zone: str = ZONE) -> list[tuple[str, str]]:
    """What will be asked and when, in the patient's time."""
    found = [(c.next.at, c.kind) for c in chart.checkins if c.status == "planned" and c.next and c.next.step == "ask"]
    return [(f"{calendar.local(moment, zone):%m-%d %H:%M}", kind) for moment, kind in sorted(found)]


def waiting(chart: Chart, zone: str = ZONE) -> list[tuple[str, str]]:
    """What waits for its visit to be marked, and when it was due."""
    found = [c for c in chart.checkins if c.status == "planned" and c.provisional]
    assert all(c.next == Next("expire", c.until, "routine") for c in found)
    return [(f"{calendar.local(c.due, zone):%m-%d %H:%M}", c.kind) for c in found]


def ended(chart: Chart, status: str) -> list[tuple[str, str]]:
    return [(c.kind, c.trail[-1].reason) for c in chart.checkins if c.status == status]


def open_flags(chart: Chart) -> list[str]:
    return sorted(flag.flag_id.partition("@")[0] for flag in chart.flags if flag.status == "open")


OWN = f"{minute_of(PATIENT_ID, PROTOCOL.spread):%H:%M}"


# --- around a visit ---------------------------------------------------------------------------------------------


def test_given_a_booked_visit_when_planned_then_a_reminder_is_asked_and_the_rest_waits_for_the_mark() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    assert asks(chart) == [("03-04 10:00", "reminder")]
    assert waiting(chart) == [("03-05 18:00", "same_day"), ("03-06 10:00", "next_day")]
    [reminder] = [c for c in chart.checkins if c.kind == "reminder"]
    assert reminder.checkin_id == "2026-03-04T15:00Z.reminder"
    assert (reminder.visit, reminder.questions) == (at("03-05 13:00"), ("visit", "health_change"))
    assert reminder.until == at("03-04 19:45")


def test_given_a_visit_when_it_is_marked_completed_then_its_check_ins_are_asked() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-05 09:00")
    chart = planned(with_sessions(chart, visit("s1", "03-05 13:00", status="completed")), "03-05 14:05")
    assert asks(chart) == [("03-05 18:00", "same_day"), ("03-06 10:00", "next_day")]
    assert waiting(chart) == []
    confirmed = [c for c in chart.checkins if c.kind != "reminder"]
    assert [c.trail[-1].reason for c in confirmed] == ["visit marked completed"] * 2
    assert [c.questions for c in confirmed] == [("side_effects",), ("mood", "side_effects")]


@pytest.mark.parametrize(
    ("start", "minutes", "expected"),
    [
        ("03-05 09:00", 60, "03-05 14:00"),
        ("03-05 13:00", 61, "03-05 18:01"),
        ("03-05 14:15", 60, "03-05 19:15"),
        ("03-05 15:00", 60, "03-05 19:15"),  # pulled forward
        ("03-05 16:15", 60, "03-05 19:15"),  # 2 hours left
        ("03-05 16:16", 60, None),
        ("03-05 22:30", 60, None),
        ("03-05 23:30", 60, "03-06 09:00"),  # ends after midnight: the morning of that day
        ("03-08 01:30", 30, "03-08 09:00"),  # clocks go forward that night
    ],
)
def test_given_the_end_of_a_visit_when_planned_then_the_same_day_check_is_four_hours_later_or_earlier_or_not_at_all(
    start: str, minutes: int, expected: str | None
) -> None:
    chart = planned(a_chart(visit("s1", start, minutes=minutes, status="completed")), at(start) + timedelta(hours=1))
    assert [when for when, kind in asks(chart) if kind == "same_day"] == ([expected] if expected else [])
    if expected is None and start < "03-05 19":
        assert ("same_day", "visit ended too late for a same-day check") in ended(chart, "skipped")


@pytest.mark.parametrize(
    ("zone", "start", "reminder", "next_day"),
    [
        ("America/New_York", "03-07 13:00", "2026-03-06T15:00Z", "2026-03-08T14:00Z"),  # clocks go forward between
        ("America/New_York", "10-31 13:00", "2026-10-30T14:00Z", "2026-11-01T15:00Z"),  # and back
        ("America/Phoenix", "03-07 13:00", "2026-03-06T17:00Z", "2026-03-08T17:00Z"),
        ("Pacific/Honolulu", "03-07 13:00", "2026-03-06T20:00Z", "2026-03-08T20:00Z"),
    ],
)
def test_given_a_zone_when_planned_then_times_are_the_patients_own_on_either_side_of_a_change_of_clocks(
    zone: str, start: str, reminder: str, next_day: str
) -> None:
    patient = a_patient(zone=zone)
    chart = planned(a_chart(visit("s1", start, zone=zone), patient=patient), at(start, zone) - timedelta(days=3))
    assert [c.checkin_id for c in chart.checkins if c.kind == "reminder"] == [f"{reminder}.reminder"]
    assert [c.checkin_id for c in chart.checkins if c.kind == "next_day"] == [f"{next_day}.next_day"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("03-04 09:00", [("03-04 10:00", "reminder")]),
        ("03-04 15:00", [("03-04 10:00", "reminder")]),  # due, its window is open: it goes at once
        ("03-04 19:45", []),
        ("03-04 22:00", []),
        ("03-05 08:00", []),
    ],
)
def test_given_a_visit_booked_late_when_planned_then_there_is_a_reminder_only_while_it_may_still_start(
    now: str, expected: list[tuple[str, str]]
) -> None:
    assert asks(planned(a_chart(visit("s1", "03-05 13:00")), now)) == expected


def test_given_two_visits_two_days_apart_when_the_first_is_marked_then_next_day_check_and_reminder_are_one_text() -> (
    None
):
    second = visit("s2", "03-06 13:00")
    chart = planned(a_chart(visit("s1", "03-04 13:00"), second), "03-03 09:00")
    assert asks(chart) == [("03-03 10:00", "reminder"), ("03-05 10:00", "reminder")]
    assert ("03-05 10:00", "next_day") in waiting(chart)
    chart = planned(with_sessions(chart, visit("s1", "03-04 13:00", status="completed"), second), "03-04 14:10")
    [joined] = [c for c in chart.checkins if c.kind == "next_day" and c.status == "planned" and not c.provisional]
    assert (joined.visit, joined.session_id, joined.joined) == (second.start, "s1", ("reminder",))
    assert joined.questions == ("visit", "health_change", "mood", "side_effects")
    assert ("reminder", "joined with the next-day check") in ended(chart, "cancelled")
    chart = planned(with_sessions(chart, visit("s1", "03-04 13:00", status="completed")), "03-04 15:00")
    [alone] = [c for c in chart.checkins if c.kind == "next_day" and c.status == "planned"]
    assert (alone.visit, alone.trail[-1].reason) == (None, "visit not reminded of any more")
    assert (alone.joined, alone.questions) == ((), ("mood", "side_effects"))


def test_given_visits_on_two_days_running_when_planned_then_the_reminder_is_kept_and_the_same_day_check_says_why_not() -> (  # noqa: E501
    None
):
    sessions = (visit("s1", "03-04 13:00", status="completed"), visit("s2", "03-05 13:00"))
    chart = planned(a_chart(*sessions), "03-04 09:30")
    assert asks(chart) == [("03-04 10:00", "reminder"), ("03-05 10:00", "next_day")]
    assert ("same_day", "one text a day") in ended(chart, "skipped")


# --- visits that change -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "reason"),
    [("cancelled", "visit cancelled"), ("no_show", "visit missed"), ("entered_in_error", "visit entered in error")],
)
def test_given_a_planned_visit_when_it_does_not_happen_then_nothing_of_it_is_asked(status: str, reason: str) -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    chart = planned(with_sessions(chart, visit("s1", "03-05 13:00", status=status)), "03-03 09:00")
    assert asks(chart) == waiting(chart) == []
    assert ended(chart, "cancelled") == [(kind, reason) for kind in ("reminder", "same_day", "next_day")]


def test_given_a_planned_visit_when_it_moves_then_its_check_ins_move_and_the_old_ones_say_so() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    chart = planned(with_sessions(chart, visit("s1", "03-09 11:00")), "03-03 09:00")
    assert asks(chart) == [("03-08 10:00", "reminder")]
    assert waiting(chart) == [("03-09 16:00", "same_day"), ("03-10 10:00", "next_day")]
    assert {reason for _, reason in ended(chart, "cancelled")} == {"visit moved"}
    chart = planned(with_sessions(chart, visit("s1", "03-05 13:00")), "03-03 10:00")
    assert asks(chart) == [("03-04 10:00", "reminder")]
    assert waiting(chart) == [("03-05 18:00", "same_day"), ("03-06 10:00", "next_day")]


def asked(chart: Chart, checkin: CheckIn, now: datetime) -> Chart:
    """As after the check-in's text was accepted."""
    now_asked = checkin.into("asked" if checkin.questions else "answered", "asked", now)
    held = tuple(now_asked if c.checkin_id == checkin.checkin_id else c for c in chart.checkins)
    assert chart.patient is not None
    texted_on = (*chart.patient.texted_on, calendar.local(now, ZONE).date())
    return replace(chart, checkins=held, patient=replace(chart.patient, texted_on=texted_on))


def the(kind: str, chart: Chart) -> CheckIn:
    """The only check-in of this kind that is planned."""
    [found] = [c for c in chart.checkins if c.kind == kind and c.status == "planned"]
    return found


def test_given_a_reminder_was_sent_when_the_visit_moves_to_another_day_then_that_day_gets_its_own() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    chart = asked(chart, the("reminder", chart), at("03-04 10:00"))
    same_day = planned(with_sessions(chart, visit("s1", "03-05 15:00")), "03-04 12:00")
    assert asks(same_day) == []
    moved = planned(with_sessions(chart, visit("s1", "03-11 13:00")), "03-04 12:00")
    assert asks(moved) == [("03-10 10:00", "reminder")]


def test_given_a_check_was_asked_when_the_end_of_its_visit_is_corrected_then_it_is_not_asked_again() -> None:
    chart = planned(a_chart(visit("s1", "03-05 10:00", status="completed")), "03-05 11:05")
    chart = asked(chart, the("same_day", chart), at("03-05 15:00"))
    longer = visit("s1", "03-05 10:00", minutes=120, status="completed")
    chart = planned(with_sessions(chart, longer), "03-05 15:30")
    assert [c.status for c in chart.checkins if c.kind == "same_day"] == ["asked"]


@pytest.mark.parametrize(("text_status", "stays"), [("planned", False), ("claimed", True), ("unknown", True)])
def test_given_a_text_on_its_way_when_its_visit_is_cancelled_then_it_is_dropped_only_if_it_cannot_have_left(
    text_status: str, stays: bool
) -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-02 09:00")
    now = at("03-04 10:00")
    text = Text(
        status=text_status,
        text_id=TextId("p-0001.2026-03-04T15:00:00.000Z.reminder"),
        thread=ThreadId(PATIENT_ID),
        clinic_id=CLINIC_ID,
        kind="check_in",
        to="+12125550123",
        body="...",
        created=now,
        stale=None,
    )
    leaving = tuple(replace(c, text_id=text.text_id, next=None) if c.kind == "reminder" else c for c in chart.checkins)
    chart = replace(chart, checkins=leaving, texts=(text,))
    assert replan(chart, clinic(), PROTOCOL, now).writes[1:] == ()
    gone = planned(with_sessions(chart, visit("s1", "03-05 13:00", status="cancelled")), now + timedelta(seconds=5))
    [reminder] = [c for c in gone.checkins if c.kind == "reminder"]
    assert reminder.status == ("planned" if stays else "cancelled")
    assert gone.texts[0].status == (text_status if stays else "dropped")


def test_given_a_check_in_was_skipped_when_its_time_came_then_planning_leaves_it_skipped() -> None:
    chart = planned(a_chart(visit("s1", "03-05 10:00", status="completed")), "03-05 11:05")
    held = tuple(
        c.into("skipped", "an alert is open", at("03-05 15:00")) if c.kind == "same_day" else c for c in chart.checkins
    )
    chart = planned(replace(chart, checkins=held), "03-05 16:00")
    assert ("same_day", "an alert is open") in ended(chart, "skipped")


def test_given_a_check_in_is_held_when_planned_again_then_its_new_time_stands() -> None:
    chart = planned(a_chart(*six(done=6)), "03-20 09:00")
    held_until = at("03-24 09:00")
    held = tuple(
        c.into("planned", "moved: quiet hours", at("03-23 20:00"), then=Next("ask", held_until, "routine"))
        if c.kind == "day_7"
        else c
        for c in chart.checkins
    )
    chart = planned(replace(chart, checkins=held), "03-23 21:00")
    assert ("03-24 09:00", "day_7") in asks(chart)


@pytest.mark.parametrize("now", ["03-23 13:00", "03-23 21:00"])
def test_given_a_check_in_was_held_until_tomorrow_when_planned_again_then_tomorrow_stands(now: str) -> None:
    chart = planned(a_chart(*six(done=6)), "03-20 09:00")
    tomorrow = Next("ask", at(f"03-24 {OWN}"), "routine")
    held = tuple(
        c.into("planned", "moved: one text a day", c.due, then=tomorrow) if c.kind == "day_7" else c
        for c in chart.checkins
    )
    chart = planned(replace(chart, checkins=held), now)
    assert (f"03-24 {OWN}", "day_7") in asks(chart)


def test_given_day_3_was_asked_when_the_last_visit_is_corrected_by_a_day_then_it_is_not_asked_again() -> None:
    chart = planned(a_chart(*six(done=6)), "03-18 09:00")
    chart = asked(chart, the("day_3", chart), at(f"03-19 {OWN}"))
    corrected = visit("s6", "03-17 13:00", status="completed")
    chart = planned(with_sessions(chart, *six(done=5, booked=5), corrected), "03-19 15:00")
    assert [c.status for c in chart.checkins if c.kind == "day_3"] == ["asked"]
    assert (f"03-24 {OWN}", "day_7") in asks(chart)


def test_given_the_joined_text_was_sent_when_planned_again_then_its_visit_is_not_reminded_of_again() -> None:
    sessions = (visit("s1", "03-04 13:00", status="completed"), visit("s2", "03-06 13:00"))
    chart = planned(a_chart(*sessions), "03-04 19:50")
    chart = asked(chart, the("next_day", replace(chart, checkins=chart.checkins[:1])), at("03-05 10:00"))
    assert planned(chart, "03-05 10:05").checkins == chart.checkins


def test_given_a_text_is_leaving_when_another_falls_on_the_day_then_that_one_is_skipped() -> None:
    chart = planned(a_chart(visit("s2", "03-05 13:00")), "03-04 09:30")
    leaving = tuple(replace(c, text_id=TextId("t"), next=None) if c.kind == "reminder" else c for c in chart.checkins)
    chart = with_sessions(replace(chart, checkins=leaving), visit("s1", "03-04 09:00", status="completed"))
    assert ("same_day", "one text a day") in ended(planned(chart, "03-04 10:00"), "skipped")


def test_given_a_visit_entered_twice_when_one_is_marked_then_its_check_ins_are_asked_once() -> None:
    chart = planned(a_chart(visit("a", "03-05 13:00"), visit("b", "03-05 13:00", status="completed")), "03-05 14:05")
    assert asks(chart) == [("03-05 18:00", "same_day"), ("03-06 10:00", "next_day")]
    assert waiting(chart) == []


# --- the course -------------------------------------------------------------------------------------------------


def six(*, done: int, booked: int = 6, **changes: Any) -> tuple[Session, ...]:
    """A series on Mondays, Wednesdays and Fridays from 4 to 16 March, so many of them done and booked."""
    days = ("03-04", "03-06", "03-09", "03-11", "03-13", "03-16")
    return tuple(
        visit(f"s{n}", f"{day} 13:00", status="completed" if n <= done else "scheduled", **changes)
        for n, day in enumerate(days[:booked], start=1)
    )


@pytest.mark.parametrize(
    ("sessions", "now", "plan", "per_series", "phase", "question"),
    [
        ((), "03-02 09:00", {}, 6, "before", False),
        (six(done=0), "03-02 09:00", {}, 6, "before", False),
        (six(done=1), "03-04 15:00", {}, 6, "series", False),
        (six(done=5), "03-14 09:00", {}, 6, "series", False),
        (six(done=6), "03-16 15:00", {}, 6, "after", False),
        (six(done=6), "03-16 15:00", {}, None, "series", False),
        (six(done=6), "03-30 13:59", {}, None, "series", False),
        (six(done=6), "03-30 14:00", {}, None, "after", True),
        (six(done=5, booked=5), "03-27 13:59", {}, 6, "series", False),
        (six(done=5, booked=5), "03-27 14:00", {}, 6, "after", True),
        # The sixth was never marked: it counts as booked for 14 days.
        (six(done=5), "03-29 13:00", {}, 6, "series", False),
        (six(done=5), "03-30 15:00", {}, 6, "after", True),
        # Staff say so, whatever is booked; a later infusion opens another series.
        (six(done=3), "03-10 10:00", {"series_ended_on": at("03-10 09:00")}, 6, "after", False),
        (six(done=4), "03-11 15:00", {"series_ended_on": at("03-10 09:00")}, 6, "series", False),
        ((), "03-10 10:00", {"series_ended_on": at("03-10 09:00")}, 6, "after", False),
        # A maintenance session follows.
        ((*six(done=4, booked=4), visit("m1", "04-08 13:00", series="maintenance")), "03-12 09:00", {}, 6, "after", 0),
        (
            (*six(done=4), visit("m1", "03-20 13:00", series="maintenance", status="completed")),
            "03-21 09:00",
            {},
            6,
            "after",
            False,
        ),
        ((visit("m1", "03-20 13:00", series="maintenance", status="completed"),), "03-21 09:00", {}, 6, "after", False),
        # A second series: booked far ahead it changes nothing yet, its first infusion does.
        ((*six(done=6), visit("t1", "09-01 13:00")), "03-20 09:00", {}, 6, "after", False),
        (
            (*six(done=6), visit("t1", "09-01 13:00", status="completed"), visit("t2", "09-03 13:00")),
            "09-02 09:00",
            {},
            6,
            "series",
            False,
        ),
        (
            (*six(done=6), visit("t1", "09-01 13:00", status="completed")),
            "09-02 09:00",
            {},
            6,
            "series",
            False,
        ),
        # One more within 14 days belongs to the same series.
        ((*six(done=6), visit("s7", "03-20 13:00")), "03-17 09:00", {}, 6, "series", False),
    ],
)
def test_given_sessions_when_the_course_is_judged_then_the_series_ends_at_its_last_session_by_staff_or_after_14_days(
    sessions: tuple[Session, ...], now: str, plan: dict[str, Any], per_series: int | None, phase: str, question: bool
) -> None:
    chart = a_chart(*sessions, **plan)
    assert chart.plan is not None
    here = course(chart.plan, clinic(series_sessions=per_series), at(now))
    assert (here.phase, here.series_question) == (phase, bool(question))
    assert here.infusions == sum(session.status == "completed" for session in sessions)


def test_given_maintenance_when_the_course_is_judged_then_the_series_ended_with_its_own_last_infusion() -> None:
    maintenance = visit("m1", "04-08 13:00", series="maintenance", status="completed")
    chart = a_chart(*six(done=6), maintenance)
    assert chart.plan is not None
    here = course(chart.plan, clinic(), at("04-09 09:00"))
    assert here.series_ended_at == at("03-16 14:00")
    assert here.last_infusion_end == maintenance.end
    assert series_end(here, ZONE) == date(2026, 3, 16)


def test_given_a_series_under_way_when_planned_then_there_are_only_reminders_same_day_and_next_day_checks() -> None:
    chart = planned(a_chart(*six(done=3)), "03-09 15:00")
    assert asks(chart) == [
        ("03-09 18:00", "same_day"),
        ("03-10 10:00", "next_day"),
        ("03-12 10:00", "reminder"),
        ("03-15 10:00", "reminder"),
    ]
    assert waiting(chart) == [
        ("03-11 18:00", "same_day"),
        ("03-12 10:00", "next_day"),
        ("03-13 18:00", "same_day"),
        ("03-14 10:00", "next_day"),
        ("03-16 18:00", "same_day"),
        ("03-17 10:00", "next_day"),
    ]


def test_given_the_last_infusion_of_a_dense_series_when_planned_then_days_3_7_and_14_follow() -> None:
    chart = planned(a_chart(*six(done=6)), "03-16 14:05")
    assert asks(chart) == [
        ("03-16 18:00", "same_day"),
        ("03-17 10:00", "next_day"),
        (f"03-19 {OWN}", "day_3"),
        (f"03-23 {OWN}", "day_7"),
        (f"03-30 {OWN}", "day_14"),
    ]
    assert ended(chart, "skipped") == []
    assert {c.session_id for c in chart.checkins} == {"s6"}


def kept_since(start: str, last: str, patient: Patient, *, sessions: Sequence[Session]) -> list[tuple[str, str]]:
    """Everything that is asked if planning goes on daily, each check-in asked at its time."""
    chart = a_chart(*sessions, patient=patient)
    found: list[tuple[str, str]] = []
    now = at(start)
    while now < at(last):
        chart = planned(chart, now)
        due = [c for c in chart.checkins if c.status == "planned" and c.next and c.next.step == "ask"]
        for checkin in due:
            assert checkin.next is not None
            if checkin.next.at < now + timedelta(days=1):
                found.append((f"{calendar.local(checkin.next.at, ZONE):%m-%d}", checkin.kind))
                chart = asked(chart, checkin, checkin.next.at)
        now += timedelta(days=1)
    return found


def test_given_the_series_is_over_when_weeks_pass_then_mood_is_weekly_for_12_weeks_and_then_every_14_days() -> None:
    found = kept_since("03-18 08:00", "07-25 08:00", a_patient(), sessions=six(done=6))
    weekly = [day for day, kind in found if kind == "weekly"]
    assert [kind for _, kind in found if kind != "weekly"] == ["day_3", "day_7", "day_14"]
    assert weekly[:2] == ["04-06", "04-13"]
    assert weekly[-4:] == ["06-08", "06-22", "07-06", "07-20"]
    assert len(weekly) == 10 + 3  # days 21 to 84, then days 98, 112 and 126


def test_given_item_9_was_positive_when_the_series_is_over_then_mood_comes_twice_a_week_for_four_weeks() -> None:
    patient = a_patient(item9_positive_on=date(2026, 3, 16))
    found = kept_since("03-18 08:00", "04-20 08:00", patient, sessions=six(done=6))
    assert found == [
        ("03-19", "day_3"),
        ("03-23", "day_7"),
        ("03-26", "extra_mood"),
        ("03-30", "day_14"),
        ("04-02", "extra_mood"),
        ("04-06", "weekly"),
        ("04-09", "extra_mood"),
        ("04-13", "weekly"),
    ]


def test_given_item_9_was_positive_lately_when_12_weeks_are_over_then_mood_stays_weekly() -> None:
    patient = a_patient(item9_positive_on=date(2026, 5, 30))
    found = kept_since("06-12 08:00", "09-25 08:00", patient, sessions=six(done=6))
    days = [date.fromisoformat(f"2026-{day}") for day, _ in found]
    gaps = [(later, (later - day).days) for day, later in pairwise(days)]
    assert {gap for later, gap in gaps if later <= date(2026, 8, 28)} == {7}
    assert [gap for later, gap in gaps if later > date(2026, 9, 5)] == [14]


def test_given_a_maintenance_infusion_when_it_is_marked_then_the_weekly_chain_goes_on_from_it() -> None:
    booked = visit("m1", "04-08 13:00", series="maintenance")
    chart = planned(a_chart(*six(done=6), booked), "04-04 15:00")
    # Reminder, same-day and next-day check fill the week after the series: the weekly before them gives way.
    assert asks(chart) == [("04-07 10:00", "reminder"), (f"04-14 {OWN}", "weekly")]
    assert ("weekly", "weekly cap after the series") in ended(chart, "skipped")
    done = visit("m1", "04-08 13:00", series="maintenance", status="completed")
    chart = planned(with_sessions(chart, *six(done=6), done), "04-08 14:05")
    assert asks(chart)[-4:] == [
        ("04-08 18:00", "same_day"),
        ("04-09 10:00", "next_day"),
        (f"04-15 {OWN}", "weekly"),
        (f"04-22 {OWN}", "weekly"),
    ]
    assert ("weekly", "a later visit was recorded") in ended(chart, "cancelled")


def test_given_a_weekly_check_when_a_reminder_takes_its_day_then_it_moves_or_is_skipped_and_says_so() -> None:
    filled = a_patient(filled_on=(("phq9", date(2026, 3, 30)),))
    soon = visit("m1", "04-07 13:00", series="maintenance")
    chart = planned(a_chart(*six(done=6), soon, patient=filled), "03-31 09:00")
    assert ("04-06 10:00", "reminder") in asks(chart)
    # 7th same-day check, 8th next-day check; on the 9th the week is full.
    assert ("weekly", "one text a day") in ended(chart, "skipped")
    later = visit("m1", "04-07 17:30", series="maintenance")  # ends too late for a same-day check
    chart = planned(with_sessions(chart, *six(done=6), later), "03-31 10:00")
    assert (f"04-07 {OWN}", "weekly") in asks(chart)
    [moved] = [c for c in chart.checkins if c.kind == "weekly" and c.status == "planned" and c.due < at("04-08 00:00")]
    assert moved.checkin_id.startswith("2026-04-06T")
    chart = planned(with_sessions(chart, *six(done=6)), "03-31 11:00")
    assert (f"04-06 {OWN}", "weekly") in asks(chart)


def test_given_many_patients_when_weekly_texts_are_spread_then_each_has_an_own_minute_in_the_late_morning() -> None:
    minutes = Counter(minute_of(PatientId(f"p-{n:04}"), PROTOCOL.spread) for n in range(1000))
    assert all(time(10) <= minute < time(13) for minute in minutes)
    assert len(minutes) > 150
    assert max(minutes.values()) < 20


# --- who is planned for, and how far ahead ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"status": "opted_out"}, "patient is opted out"),
        ({"status": "paused"}, "patient is paused"),
        ({"status": "discharged"}, "patient is discharged"),
        ({"consent": None}, "no consent recorded"),
        ({"born": date(2008, 3, 4)}, "not an adult"),
    ],
)
def test_given_a_patient_who_may_not_be_texted_when_planned_then_all_is_cancelled_until_it_changes(
    changes: dict[str, Any], reason: str
) -> None:
    sessions = (visit("s0", "03-01 13:00"), visit("s1", "03-05 13:00"))
    chart = planned(a_chart(*sessions), "03-03 09:00")
    assert asks(chart)
    assert open_flags(chart) == ["unmarked.s0"]
    asks_before, waiting_before = asks(chart), waiting(chart)
    chart = planned(replace(chart, patient=a_patient(**changes)), "03-03 09:30")
    assert (asks(chart), waiting(chart), open_flags(chart)) == ([], [], [])
    assert {why for _, why in ended(chart, "cancelled")} == {reason}
    assert chart.plan is not None
    assert chart.plan.next is None
    chart = planned(replace(chart, patient=a_patient()), "03-03 10:30")
    assert (asks(chart), waiting(chart)) == (asks_before, waiting_before)


def test_given_nobody_to_plan_for_when_planned_then_nothing_is_written() -> None:
    assert replan(Chart(ThreadId("x1")), clinic(), PROTOCOL, at("03-05 09:00")).writes == ()


def test_given_visits_far_ahead_when_planned_then_only_the_next_14_days_are_and_planning_goes_on_in_a_week() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00"), visit("s9", "05-05 13:00")), "03-03 09:00")
    assert {c.session_id for c in chart.checkins} == {"s1"}
    assert chart.plan is not None
    assert chart.plan.next == Next("extend", at("03-05 15:00"), "daily")  # an hour after the planned end of s1
    chart = planned(a_chart(visit("s9", "05-05 13:00")), "03-03 09:00")
    assert chart.plan is not None
    assert chart.plan.next == Next("extend", at("03-10 10:00"), "daily")


def test_given_the_series_may_end_by_itself_when_planned_then_planning_looks_again_at_that_moment() -> None:
    chart = planned(a_chart(*six(done=5, booked=5)), "03-25 09:00")
    assert chart.plan is not None
    assert chart.plan.next == Next("extend", at("03-27 14:00"), "daily")
    chart = planned(chart, "03-27 14:00")
    assert open_flags(chart) == ["series_over.s5"]
    assert asks(chart)[0] == (f"03-30 {OWN}", "day_14")  # a Friday: surveys wait for Monday


def test_given_an_outage_when_planning_comes_back_then_nothing_stale_is_planned() -> None:
    chart = planned(a_chart(*six(done=6)), "03-16 14:05")
    stale = [c for c in chart.checkins if c.until < at("03-28 21:00")]
    chart = planned(chart, "03-28 21:00")
    assert [ask for ask in asks(chart) if ask[0] > "03-28"] == [(f"03-30 {OWN}", "day_14"), (f"04-06 {OWN}", "weekly")]
    assert set(stale) <= set(chart.checkins)  # their own steps end them
    fresh = planned(a_chart(*six(done=6)), "03-28 21:00")
    assert asks(fresh) == [(f"03-30 {OWN}", "day_14"), (f"04-06 {OWN}", "weekly")]


# --- the front desk ---------------------------------------------------------------------------------------------


def test_given_a_visit_nobody_marked_when_an_hour_has_passed_then_the_desk_is_told_until_it_is_marked() -> None:
    chart = planned(a_chart(visit("s1", "03-05 13:00")), "03-05 14:59")
    assert open_flags(chart) == []
    chart = planned(chart, "03-05 15:00")
    assert open_flags(chart) == ["unmarked.s1"]
    [flag] = chart.flags
    assert (flag.group, flag.rule, flag.numbers) == ("desk", "unmarked", (("visit", "2026-03-05"),))
    chart = planned(with_sessions(chart, visit("s1", "03-05 13:00", status="completed")), "03-05 16:00")
    assert [flag.status for flag in chart.flags] == ["withdrawn"]
    chart = planned(with_sessions(chart, visit("s1", "03-05 13:00")), "03-05 17:00")
    assert open_flags(chart) == ["unmarked.s1"]
    done = tuple(flag.into("done", "phoned", at("03-05 18:00")) for flag in chart.flags if flag.status == "open")
    chart = planned(replace(chart, flags=done), "03-06 09:00")
    assert open_flags(chart) == []


@pytest.mark.parametrize(
    ("status", "known", "others", "expected"),
    [
        ("no_show", "03-05 15:00", (), ["rebook.s1"]),
        ("no_show", "03-05 15:00", (visit("s2", "03-20 13:00"),), []),
        ("no_show", "03-05 15:00", (visit("s2", "03-20 13:00", status="cancelled"),), ["rebook.s1"]),
        ("no_show", "03-25 15:00", (), []),  # learnt from an import of past visits
        ("cancelled", "03-04 12:59", (), []),
        ("cancelled", "03-04 13:01", (), ["rebook.s1"]),
        ("cancelled", "03-04 13:01", (visit("s2", "03-05 09:00"),), []),
        ("cancelled", "03-05 13:30", (visit("s0", "03-02 13:00", status="completed"),), ["rebook.s1"]),
        ("entered_in_error", "03-05 13:30", (), []),
    ],
)
def test_given_a_missed_or_late_cancelled_visit_when_nothing_is_rebooked_then_the_desk_is_told(
    status: str, known: str, others: tuple[Session, ...], expected: list[str]
) -> None:
    chart = a_chart(visit("s1", "03-05 13:00", status=status), *others)
    chart = planned(chart, known)
    assert open_flags(chart) == expected
    chart = planned(chart, at(known) + timedelta(days=1))  # what was an early cancellation stays one
    assert [flag for flag in open_flags(chart) if flag.startswith("rebook")] == expected
    rebooked = visit("s3", "03-30 13:00")
    assert chart.plan is not None
    chart = planned(with_sessions(chart, *chart.plan.sessions, rebooked), at(known) + timedelta(days=2))
    assert not [flag for flag in open_flags(chart) if flag.startswith("rebook")]


# --- properties -------------------------------------------------------------------------------------------------

ZONES = ("America/New_York", "America/Phoenix", "Pacific/Honolulu", "America/Los_Angeles", "Asia/Kolkata")
STATUSES = ("scheduled", "completed", "cancelled", "no_show", "entered_in_error")
ORIGIN = datetime(2026, 2, 20, tzinfo=UTC)


@st.composite
def visits(draw: st.DrawFn, numbers: Sequence[int]) -> tuple[Session, ...]:
    """Visits around the two changes of clocks, at any hour, of any status."""
    found = []
    for number in numbers:
        start = ORIGIN + timedelta(minutes=draw(st.integers(0, 45 * 24 * 4)) * 15)
        fields = {
            "session_id": f"s{number}",
            "start": start,
            "end": start + timedelta(minutes=draw(st.integers(20, 240))),
            "status": draw(st.sampled_from(STATUSES)),
            "series": draw(st.sampled_from(("induction", "induction", "maintenance"))),
            "route": "iv",
        }
        found.append(msgspec.convert(fields, Session))
    return tuple(found)


PATIENTS = st.builds(
    lambda zone, item9, texted, known, filled: a_patient(
        zone=zone,
        item9_positive_on=date(2026, 2, 1) if item9 else None,
        baseline_phq9=18 if known else None,
        filled_on=() if filled is None else (("phq9", ORIGIN.date() + timedelta(days=filled)),),
        texted_on=tuple(sorted(ORIGIN.date() + timedelta(days=day) for day in texted)),
    ),
    zone=st.sampled_from(ZONES),
    item9=st.booleans(),
    texted=st.sets(st.integers(-6, 30), max_size=3),
    known=st.booleans(),
    filled=st.none() | st.integers(-10, 40),
)
REQUESTS = st.lists(
    st.builds(
        lambda reason, day: SurveyRequest(reason, ORIGIN.date() + timedelta(days=day)),
        st.sampled_from(("confirmation", "early_drift", "clinician")),
        st.integers(-5, 50),
    ),
    max_size=3,
    unique_by=lambda request: request.reason,
).map(tuple)
NOWS = st.integers(0, 50 * 24 * 12).map(lambda n: ORIGIN + timedelta(minutes=5 * n))
HOLIDAYS = [date(2026, 3, day).isoformat() for day in (5, 9, 16, 17, 30)]
CLINICS = st.sampled_from(
    (clinic(), clinic(series_sessions=None), clinic(series_sessions=2, closed_on=HOLIDAYS), clinic(hours=[]))
)


def texted_before(patient: Patient, now: datetime) -> Patient:
    today = calendar.local(now, patient.zone).date()
    return replace(patient, texted_on=tuple(day for day in patient.texted_on if 0 <= (today - day).days < 7))


def planned_set(chart: Chart) -> set[tuple[Any, ...]]:
    return {
        (c.checkin_id, c.due, c.until, c.visit, c.joined, c.reasons, c.provisional, c.questions, c.next)
        for c in chart.checkins
        if c.status == "planned"
    }


def going(chart: Chart) -> Iterable[tuple[datetime, CheckIn]]:
    return ((c.next.at, c) for c in chart.checkins if c.status == "planned" and c.next and c.next.step == "ask")


@settings(max_examples=150, deadline=None)
@given(sessions=visits(range(8)), patient=PATIENTS, now=NOWS, settings_=CLINICS, requests=REQUESTS)
def test_given_any_visits_when_planned_then_times_and_caps_hold_and_planning_again_changes_nothing(
    sessions: tuple[Session, ...],
    patient: Patient,
    now: datetime,
    settings_: ClinicSettings,
    requests: tuple[SurveyRequest, ...],
) -> None:
    patient = texted_before(patient, now)
    chart = planned(a_chart(*sessions, patient=patient, requests=requests), now, settings_)
    again = replan(chart, settings_, PROTOCOL, now)
    assert [type(record) for record in again.writes] == [Plan]

    assert chart.plan is not None
    here = course(chart.plan, settings_, now)
    for checkin in chart.checkins:
        assert checkin.status in ("planned", "skipped")
        assert now < checkin.until
        assert checkin.due <= now + timedelta(days=14)
        assert calendar.may_start(checkin.until, patient.zone, PROTOCOL.quiet)
        assert checkin.due <= checkin.until
        if checkin.kind in ("day_3", "day_7", "day_14", "weekly", "extra_mood"):
            assert here.phase == "after"
    texted = list(patient.texted_on)
    days: list[date] = []
    for moment, checkin in sorted(going(chart), key=lambda pair: pair[0]):
        assert calendar.may_start(moment, patient.zone, PROTOCOL.quiet)
        day = calendar.local(moment, patient.zone).date()
        if PROTOCOL.keeps_survey_hours(checkin.kind) and moment > now:
            assert calendar.in_survey_hours(moment, patient.zone, settings_, PROTOCOL.survey_hours)
        days.append(day)
        if uncounted(checkin.kind, checkin.reasons):
            continue
        ended_on = series_end(here, patient.zone)
        in_series = here.phase != "after"
        assert calendar.cap_reached(texted, day, in_series, PROTOCOL.caps, series_end=ended_on) is None
        texted.append(day)
    assert len(days) == len(set(days))
    assert chart.plan.next is not None
    assert now < chart.plan.next.at <= now + timedelta(days=7)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), patient=PATIENTS, now=NOWS, settings_=CLINICS, requests=REQUESTS)
def test_given_visits_edited_in_any_order_when_planned_each_time_then_the_end_is_as_if_planned_once(
    data: st.DataObject,
    patient: Patient,
    now: datetime,
    settings_: ClinicSettings,
    requests: tuple[SurveyRequest, ...],
) -> None:
    patient = texted_before(patient, now)
    numbers = range(data.draw(st.integers(1, 6)))
    final = data.draw(visits(numbers))
    drafts = [data.draw(visits(data.draw(st.lists(st.sampled_from(numbers), unique=True)))) for _ in range(3)]
    chart = a_chart(patient=patient, requests=requests)
    for draft in drafts:
        chart = planned(with_sessions(chart, *draft), now, settings_)
    order = data.draw(st.permutations(final))
    for count in range(1, len(order) + 1):
        chart = planned(with_sessions(chart, *order[:count]), now, settings_)
        chart = planned(chart, now, settings_)
    once = planned(a_chart(*final, patient=patient, requests=requests), now, settings_)
    assert planned_set(chart) == planned_set(once)
    assert open_flags(chart) == open_flags(once)


@settings(max_examples=100, deadline=None)
@given(sessions=visits(range(5)), patient=PATIENTS, now=NOWS, settings_=CLINICS)
def test_given_any_plan_when_all_visits_are_called_off_then_nothing_is_asked(
    sessions: tuple[Session, ...], patient: Patient, now: datetime, settings_: ClinicSettings
) -> None:
    chart = planned(a_chart(*sessions, patient=texted_before(patient, now)), now, settings_)
    off = tuple(replace(session, status="cancelled") for session in sessions)
    chart = planned(with_sessions(chart, *off), now, settings_)
    assert planned_set(chart) == set()


EDITS = st.lists(
    st.tuples(
        st.integers(1, 60),  # hours until
        st.sampled_from(("book", "move", "mark", "cancel", "miss", "undo", "wait")),
        st.integers(0, 7),  # which visit
        st.integers(1, 14 * 24 * 2),  # half hours ahead, where it is put
    ),
    max_size=25,
)


def edited(
    sessions: tuple[Session, ...], what: str, number: int, start: datetime, now: datetime
) -> tuple[Session, ...]:
    """The visits after what a front desk does to one of them."""
    held = {session.session_id: session for session in sessions}
    name = f"s{number}"
    series = "maintenance" if number > 5 else "induction"
    booked = msgspec.convert(
        {
            "session_id": name,
            "start": start,
            "end": start + timedelta(hours=1),
            "status": "scheduled",
            "series": series,
            "route": "iv",
        },
        Session,
    )
    session = held.get(name)
    match what:
        case "book" if session is None:
            held[name] = booked
        case "move" if session is not None and session.status == "scheduled":
            held[name] = booked
        case "mark" if session is not None and session.start < now:
            held[name] = replace(session, status="completed")
        case "cancel" if session is not None:
            held[name] = replace(session, status="cancelled")
        case "miss" if session is not None and session.start < now:
            held[name] = replace(session, status="no_show")
        case "undo" if session is not None:
            held[name] = replace(session, status="scheduled")
        case _:
            pass
    return tuple(sorted(held.values(), key=lambda s: s.start))


class Life:
    """A patient's weeks: every step runs at its time, and every text is judged when it goes."""

    def __init__(
        self, patient: Patient, settings_: ClinicSettings, requests: tuple[SurveyRequest, ...] = (), *sessions: Session
    ) -> None:
        self.settings, self.now = settings_, ORIGIN
        self.chart = a_chart(*sessions, patient=replace(patient, texted_on=()), requests=requests)
        self.phq9_filled: list[date] = []
        self.texts: list[tuple[date, CheckIn]] = []
        self.replan()

    def replan(self) -> None:
        decision = replan(self.chart, self.settings, PROTOCOL, self.now)
        for record in decision.writes:
            if isinstance(record, CheckIn):
                stored = next((c for c in self.chart.checkins if c.checkin_id == record.checkin_id), None)
                assert stored is None or stored.status in ("planned", "cancelled", "skipped"), (
                    "an asked one was touched"
                )
        self.chart = after(self.chart, decision)
        again = replan(self.chart, self.settings, PROTOCOL, self.now)
        assert [type(record) for record in again.writes] == [Plan]

    def edit(self, what: str, number: int, half_hours: int) -> None:
        assert self.chart.plan is not None
        start = self.now + timedelta(minutes=30 * half_hours)
        self.chart = with_sessions(self.chart, *edited(self.chart.plan.sessions, what, number, start, self.now))
        self.replan()

    def until(self, end: datetime) -> None:
        while (due := self._next()) is not None and due[0] <= end:
            self.now = max(self.now, due[0])
            if isinstance(due[1], Plan):
                self.replan()
            else:
                self._step(due[1])
        self.now = end

    def _next(self) -> tuple[datetime, Plan | CheckIn] | None:
        records: list[Plan | CheckIn] = [*self.chart.checkins]
        if self.chart.plan is not None:
            records.append(self.chart.plan)
        due = [(record.next.at, n, record) for n, record in enumerate(records) if record.next]
        return (min(due)[0], min(due)[2]) if due else None

    def _step(self, checkin: CheckIn) -> None:
        questions = () if checkin.provisional else composed(checkin, self._setting(), self.now)
        if checkin.provisional or self.now > checkin.until:
            reason = "visit was not marked completed in time" if checkin.provisional else "too late"
            done = checkin.into("skipped", reason, self.now)
        elif not questions:
            done = checkin.into("skipped", FILLED_LATELY, self.now)
        else:
            self._ask(replace(checkin, questions=questions))
            done = replace(checkin, questions=questions, asked_at=self.now).into("answered", "answered", self.now)
        held = tuple(done if c.checkin_id == checkin.checkin_id else c for c in self.chart.checkins)
        self.chart = replace(self.chart, checkins=held)

    def _setting(self) -> Setting:
        patient, plan = self.chart.patient, self.chart.plan
        assert patient is not None
        assert plan is not None
        return Setting(patient, course(plan, self.settings, self.now), self.settings, PROTOCOL)

    def _ask(self, checkin: CheckIn) -> None:
        patient, plan = self.chart.patient, self.chart.plan
        assert patient is not None
        assert plan is not None
        assert calendar.may_start(self.now, patient.zone, PROTOCOL.quiet), "in quiet hours"
        today = calendar.local(self.now, patient.zone).date()
        here = course(plan, self.settings, self.now)
        capped = calendar.cap_reached(
            patient.texted_on,
            today,
            here.phase != "after",
            PROTOCOL.caps,
            series_end=series_end(here, patient.zone),
        )
        beside = uncounted(checkin.kind, checkin.reasons)
        assert capped is None or (beside and capped != calendar.DAILY_CAP), capped
        if set(checkin.questions) & {"phq9:1", "phq9:2", "phq9:9"}:
            hours = PROTOCOL.survey_hours
            assert calendar.in_survey_hours(self.now, patient.zone, self.settings, hours), "item 9 outside its hours"
        session = next((s for s in plan.sessions if s.session_id == checkin.session_id), None)
        if checkin.kind in ("same_day", "next_day"):
            assert session is not None
            assert session.status == "completed"
        if checkin.visit is not None:
            visited = [s for s in plan.sessions if s.start == checkin.visit]
            assert any(s.status == "scheduled" for s in visited)
            assert calendar.local(checkin.visit, patient.zone).date() == today + timedelta(days=1)
        if checkin.kind == "same_day" and session is not None:
            assert self.now >= session.end + timedelta(hours=2)
        self.texts.append((today, checkin))
        week = tuple(day for day in patient.texted_on if (today - day).days < 7)
        filled = dict(patient.filled_on)
        filled |= {code: today for code, items in PROTOCOL.modules.items() if set(items) <= set(checkin.questions)}
        if filled.get("phq9") == today:
            self.phq9_filled.append(today)
        texted_on = week if beside else (*week, today)
        self.chart = replace(self.chart, patient=replace(patient, texted_on=texted_on, filled_on=tuple(filled.items())))


@settings(max_examples=100, deadline=None)
@given(edits=EDITS, patient=PATIENTS, settings_=CLINICS, requests=REQUESTS)
def test_given_weeks_in_which_visits_come_and_go_when_lived_then_every_text_is_right_when_it_goes(
    edits: list[tuple[int, str, int, int]],
    patient: Patient,
    settings_: ClinicSettings,
    requests: tuple[SurveyRequest, ...],
) -> None:
    life = Life(patient, settings_, requests)
    for hours, what, number, half_hours in edits:
        life.until(life.now + timedelta(hours=hours))
        life.edit(what, number, half_hours)
    life.until(life.now + timedelta(days=30))
    days = [day for day, _ in life.texts]
    assert len(days) == len(set(days))
    visits_reminded_of = [calendar.local(c.visit, patient.zone).date() for _, c in life.texts if c.visit]
    assert len(visits_reminded_of) == len(set(visits_reminded_of))
    per_visit = Counter((c.kind, c.session_id) for _, c in life.texts if c.kind in ("same_day", "next_day"))
    moved_back = sum(what == "undo" for _, what, _, _ in edits)
    assert not per_visit or max(per_visit.values()) <= 1 + moved_back


CLOSURES = st.sets(st.integers(20, 140), max_size=12).map(
    lambda days: [(ORIGIN.date() + timedelta(days=day)).isoformat() for day in sorted(days)]
)


@settings(max_examples=40, deadline=None)
@given(
    ends=st.integers(0, 6),
    zone=st.sampled_from(ZONES),
    closed_on=CLOSURES,
    item9=st.booleans(),
    condition=st.sampled_from(("depression", "anxiety", "ptsd", "pain")),
)
def test_given_months_without_a_visit_when_all_is_answered_then_phq9_comes_every_14_to_28_days(
    ends: int, zone: str, closed_on: list[str], item9: bool, condition: Any
) -> None:
    patient = a_patient(zone=zone, condition=condition, item9_positive_on=ORIGIN.date() if item9 else None)
    start = ORIGIN + timedelta(days=ends, hours=15)
    last = visit("s1", "03-05 13:00", status="completed")
    done = replace(last, start=start, end=start + timedelta(hours=1))
    life = Life(patient, clinic(series_sessions=1, closed_on=closed_on), (), done)
    life.now = done.end
    life.replan()
    life.until(done.end + timedelta(days=150))
    over = calendar.local(done.end, zone).date()
    first, second, *later = life.phq9_filled
    assert (first - over).days in range(4, 11)
    assert (second - over).days in range(11, 21)
    gaps = [(after - before).days for before, after in pairwise([second, *later])]
    # A survey waits for the next day of its hours: over a weekend, and for as long as the clinic is closed.
    assert all(14 <= gap <= 28 + 4 for gap in gaps), gaps
    assert len(gaps) >= 4
    assert all(checkin.kind not in ("reminder", "survey", "baseline") for _, checkin in life.texts)
