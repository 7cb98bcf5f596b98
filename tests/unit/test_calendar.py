from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup import content
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings, OpenHours
from followup.domain.protocol import Caps, QuietHours
from followup.domain.records import CheckIn, CheckInId, CheckInKind, PatientId

PROTOCOL = content.load().protocols["standard"]
QUIET = PROTOCOL.quiet

ZONES = st.sampled_from(
    [
        "America/New_York",
        "America/Phoenix",
        "Pacific/Honolulu",
        "America/Los_Angeles",
        "America/St_Johns",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "UTC",
    ]
)
DAYS = st.dates(date(2010, 1, 1), date(2035, 12, 31))
CLOCK_TIMES = st.times().map(lambda at: at.replace(second=0, microsecond=0))
MOMENTS = st.integers(0, 25 * 365 * 86_400).map(lambda s: datetime(2010, 1, 1, tzinfo=UTC) + timedelta(seconds=s))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "clock_time", "expected"),
    [
        ("America/New_York", "2026-03-05", "10:00", "2026-03-05T15:00"),
        ("America/New_York", "2026-03-09", "10:00", "2026-03-09T14:00"),
        # Clocks go from 02:00 to 03:00 on 8 March 2026: times between are the first moment after.
        ("America/New_York", "2026-03-08", "01:59", "2026-03-08T06:59"),
        ("America/New_York", "2026-03-08", "02:00", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "02:30", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "02:59", "2026-03-08T07:00"),
        ("America/New_York", "2026-03-08", "03:00", "2026-03-08T07:00"),
        # Clocks go from 02:00 back to 01:00 on 1 November 2026: the first of the two.
        ("America/New_York", "2026-11-01", "01:00", "2026-11-01T05:00"),
        ("America/New_York", "2026-11-01", "01:30", "2026-11-01T05:30"),
        ("America/New_York", "2026-11-01", "02:00", "2026-11-01T07:00"),
        # No change of clocks there.
        ("America/Phoenix", "2026-03-08", "02:30", "2026-03-08T09:30"),
        ("America/Phoenix", "2026-11-01", "01:30", "2026-11-01T08:30"),
        ("Pacific/Honolulu", "2026-03-08", "02:30", "2026-03-08T12:30"),
        ("Pacific/Honolulu", "2026-07-01", "19:15", "2026-07-02T05:15"),
        # Half an hour is skipped there.
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "2026-10-03T15:30"),
        # A whole day was skipped there.
        ("Pacific/Apia", "2011-12-30", "10:00", "2011-12-30T10:00"),
    ],
)
def test_given_a_local_time_when_placed_then_a_gap_ends_it_and_a_fold_takes_the_first(
    zone: str, day: str, clock_time: str, expected: str
) -> None:
    at = calendar.at_local(date.fromisoformat(day), time.fromisoformat(clock_time), zone)
    assert at == utc(expected)
    assert at.tzinfo is UTC


@given(day=DAYS, clock_time=CLOCK_TIMES, zone=ZONES)
def test_given_any_local_time_when_placed_then_clocks_show_it_or_a_gap_has_just_ended(
    day: date, clock_time: time, zone: str
) -> None:
    at = calendar.at_local(day, clock_time, zone)
    shown = calendar.local(at, zone)
    if (shown.date(), shown.time()) == (day, clock_time):
        assert shown.fold == 0
    else:
        assert shown.replace(tzinfo=None) > datetime.combine(day, clock_time)
        assert calendar.local(at - timedelta(seconds=1), zone).replace(tzinfo=None) < datetime.combine(day, clock_time)


@pytest.mark.parametrize(
    ("clock_time", "may"),
    [
        ("08:59:59", False),
        ("09:00", True),
        ("13:00", True),
        ("19:49:59.999999", True),
        ("19:50", False),
        ("20:00", False),
        ("00:00", False),
    ],
)
@pytest.mark.parametrize("zone", ["America/New_York", "America/Phoenix", "Pacific/Honolulu"])
def test_given_a_time_of_day_when_asked_then_texts_start_from_nine_until_ten_minutes_before_eight(
    zone: str, clock_time: str, may: bool
) -> None:
    at = datetime.combine(date(2026, 3, 8), time.fromisoformat(clock_time), ZoneInfo(zone))
    assert calendar.may_start(at, zone, QUIET) is may


@given(at=MOMENTS, zone=ZONES)
def test_given_any_moment_when_texts_must_wait_then_they_start_at_the_next_morning_and_never_in_quiet_hours(
    at: datetime, zone: str
) -> None:
    start = calendar.next_start(at, zone, QUIET)
    assert calendar.may_start(start, zone, QUIET)
    assert at <= start <= at + timedelta(hours=40)  # 13 h 10 min; a day more where a zone skipped one
    assert start == at or calendar.local(start, zone).time() == time(9)
    assert calendar.next_start(start, zone, QUIET) == start


def test_given_the_clocks_change_when_the_morning_is_awaited_then_it_is_nine_by_the_new_time() -> None:
    saturday_night = datetime(2026, 3, 7, 22, tzinfo=ZoneInfo("America/New_York"))
    assert calendar.next_start(saturday_night, "America/New_York", QUIET) == utc("2026-03-08T13:00")


@pytest.mark.parametrize(
    ("clock_time", "seconds"),
    [("10:00", 7200), ("18:00", 7200), ("18:30", 5400), ("19:45", 900), ("19:59:30", 60), ("20:00", 60), ("03:00", 60)],
)
def test_given_a_text_sent_now_when_its_life_is_set_then_it_ends_before_quiet_hours(
    clock_time: str, seconds: int
) -> None:
    at = datetime.combine(date(2026, 3, 5), time.fromisoformat(clock_time), ZoneInfo("America/Phoenix"))
    assert calendar.valid_for(at, "America/Phoenix", QUIET) == seconds


@given(at=MOMENTS, zone=ZONES)
def test_given_any_moment_when_a_text_may_start_then_its_life_never_reaches_into_quiet_hours(
    at: datetime, zone: str
) -> None:
    seconds = calendar.valid_for(at, zone, QUIET)
    assert 60 <= seconds <= 7200
    if calendar.may_start(at, zone, QUIET):
        end = calendar.local(at + timedelta(seconds=seconds), zone)
        assert end.time() <= QUIET.starts


TODAY = date(2026, 3, 20)


def ago(*days: int) -> tuple[date, ...]:
    return tuple(TODAY - timedelta(days=day) for day in days)


@pytest.mark.parametrize(
    ("texted_on", "in_series", "series_end", "expected"),
    [
        ((), True, None, None),
        (ago(0), True, None, calendar.DAILY_CAP),
        (ago(0), False, None, calendar.DAILY_CAP),
        (ago(1, 2, 3, 4, 5, 6), True, None, None),
        (ago(1, 2, 3, 4, 5, 6, 6), True, None, calendar.WEEKLY_CAP_IN_SERIES),
        (ago(1, 2, 6), False, None, calendar.WEEKLY_CAP_AFTER),
        (ago(1, 2, 7), False, None, None),
        # Day 3 after a dense series: of the week's five texts only the evening of the last infusion and the next
        # morning count.
        (ago(2, 3, 4, 5, 6), False, TODAY - timedelta(days=3), None),
        (ago(1, 2, 3, 4, 5), False, TODAY - timedelta(days=3), calendar.WEEKLY_CAP_AFTER),
        (ago(1, 2, 3, 4, 5, 6, 6), False, TODAY - timedelta(days=1), calendar.WEEKLY_CAP_IN_SERIES),
    ],
)
def test_given_earlier_texts_when_another_is_due_then_the_caps_say_whether_it_may_go(
    texted_on: tuple[date, ...], in_series: bool, series_end: date | None, expected: str | None
) -> None:
    assert calendar.cap_reached(texted_on, TODAY, in_series, PROTOCOL.caps, series_end=series_end) == expected


def a_clinic(**changes: object) -> ClinicSettings:
    fields: dict[str, object] = {
        "name": "Lakeside Wellness Center",
        "sms_name": "Lakeside Wellness",
        "zone": "America/Chicago",
        "phone": "(312) 555-0100",
        "sender": "+13125550199",
        "messaging_service": None,
        "account": "AC" + "0" * 32,
        "keyword_mode": "service",
        "hours": [{"weekday": day, "opens": "09:00:00", "closes": "17:00:00"} for day in range(5)],
        "closed_on": ["2026-11-26"],
        "on_call": [],
        "digest_at": "07:00:00",
        "digest_to": [],
        "mail_from": "followup@example.org",
    }
    return msgspec.convert(fields | changes, ClinicSettings)


@pytest.mark.parametrize(
    ("at", "is_open", "opens", "nine"),
    [
        ("2026-11-24T14:59", False, "2026-11-24T15:00", "2026-11-24T15:00"),  # Tuesday 08:59
        ("2026-11-24T15:00", True, "2026-11-24T15:00", "2026-11-24T15:00"),
        ("2026-11-24T22:59", True, "2026-11-24T22:59", "2026-11-25T15:00"),
        ("2026-11-24T23:00", False, "2026-11-25T15:00", "2026-11-25T15:00"),
        ("2026-11-25T23:00", False, "2026-11-27T15:00", "2026-11-26T15:00"),  # the next day is a holiday
        ("2026-11-28T16:00", False, "2026-11-30T15:00", "2026-11-29T15:00"),  # Saturday 10:00
        ("2026-03-06T23:30", False, "2026-03-09T14:00", "2026-03-07T15:00"),  # clocks change over the weekend
        ("2026-03-08T10:00", False, "2026-03-09T14:00", "2026-03-08T14:00"),
    ],
)
def test_given_a_moment_when_the_clinic_is_asked_for_then_its_hours_weekend_and_holidays_hold(
    at: str, is_open: bool, opens: str, nine: str
) -> None:
    clinic = a_clinic()
    assert calendar.open_at(clinic, utc(at)) is is_open
    assert calendar.next_opening(clinic, utc(at)) == utc(opens)
    assert calendar.next_nine(clinic, utc(at)) == utc(nine)


def test_given_two_openings_a_day_when_it_is_noon_then_the_clinic_opens_again_in_the_afternoon() -> None:
    split = (OpenHours(1, time(9), time(12)), OpenHours(1, time(13), time(17)))
    clinic = a_clinic(hours=[msgspec.to_builtins(hours) for hours in split])
    assert calendar.next_opening(clinic, utc("2026-11-24T18:00")) == utc("2026-11-24T19:00")


def test_given_a_clinic_without_hours_when_it_is_asked_for_then_it_counts_as_open_at_nine_the_next_day() -> None:
    assert calendar.next_opening(a_clinic(hours=[]), utc("2026-11-24T18:00")) == utc("2026-11-25T15:00")


def a_check_in(kind: CheckInKind) -> CheckIn:
    return CheckIn(
        status="planned",
        patient_id=PatientId("p1"),
        checkin_id=CheckInId(f"2026-03-05T15:00Z.{kind}"),
        kind=kind,
        due=utc("2026-03-05T15:00"),
        until=utc("2026-03-06T00:45"),
        questions=PROTOCOL.rule(kind).questions,
    )


@pytest.mark.parametrize(
    ("kind", "asked", "nudged", "closes"),
    [
        ("next_day", "2026-03-05T10:00", "2026-03-06T10:30", "2026-03-06T22:00"),
        ("weekly", "2026-03-05T12:59", "2026-03-06T10:30", "2026-03-07T12:59"),
        ("weekly", "2026-03-05T16:00", "2026-03-06T12:00", "2026-03-07T16:00"),
        ("next_day", "2026-03-07T19:40", "2026-03-08T16:40", "2026-03-09T08:40"),  # 20 hours, one of them skipped
        ("same_day", "2026-03-05T17:45", None, "2026-03-05T21:00"),
    ],
)
def test_given_a_check_in_was_asked_when_nobody_answers_then_it_is_nudged_once_and_closes(
    kind: CheckInKind, asked: str, nudged: str | None, closes: str
) -> None:
    zone = ZoneInfo("America/New_York")
    at = datetime.fromisoformat(asked).replace(tzinfo=zone)
    expected = datetime.fromisoformat(nudged).replace(tzinfo=zone) if nudged else None
    assert calendar.nudge_time(a_check_in(kind), zone.key, PROTOCOL, at) == expected
    assert calendar.expiry(a_check_in(kind), zone.key, PROTOCOL, at) == datetime.fromisoformat(closes).replace(
        tzinfo=zone
    )


@given(
    kind=st.sampled_from([rule.kind for rule in PROTOCOL.checkins if rule.nudge]),
    day=DAYS,
    minutes=st.integers(9 * 60, 19 * 60 + 49),
    zone=ZONES,
)
def test_given_any_check_in_when_it_is_nudged_then_not_before_twenty_hours_nor_half_past_ten_nor_in_quiet_hours(
    kind: CheckInKind, day: date, minutes: int, zone: str
) -> None:
    asked = calendar.at_local(day, time(minutes // 60, minutes % 60), zone)
    nudged = calendar.nudge_time(a_check_in(kind), zone, PROTOCOL, asked)
    assert nudged is not None
    assert nudged - asked >= timedelta(hours=20)
    assert calendar.local(nudged, zone).time() >= time(10, 30)
    assert calendar.may_start(nudged, zone, QUIET)
    assert nudged < calendar.expiry(a_check_in(kind), zone, PROTOCOL, asked)


@pytest.mark.parametrize(
    ("starts", "ends", "last_minutes"), [(time(9), time(20), 10), (time(20), time(9), 61), (time(20), time(19, 55), 10)]
)
def test_given_quiet_hours_that_leave_no_day_when_read_then_they_are_refused(
    starts: time, ends: time, last_minutes: int
) -> None:
    with pytest.raises(ValueError, match=r"quiet hours|last_minutes"):
        QuietHours(starts, ends, last_minutes)


def test_given_a_cap_of_nothing_when_read_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Caps(1, 0, 3)
