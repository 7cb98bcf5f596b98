"""Local time: what an hour of the patient's or the clinic's day is in UTC, when texts may start, and the caps.

A time of day that a change of clocks skips means the first moment after the gap; one that comes twice means the first.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from followup.domain.clinic import ClinicSettings
from followup.domain.protocol import Caps, Protocol, QuietHours, SurveyHours
from followup.domain.records import CheckIn

DAILY_CAP = "one text a day"
WEEKLY_CAP_IN_SERIES = "weekly cap of the series"
WEEKLY_CAP_AFTER = "weekly cap after the series"
CAPPED = (DAILY_CAP, WEEKLY_CAP_IN_SERIES, WEEKLY_CAP_AFTER)
"""Why a text may not go on a day."""

_NINE = time(9)
_LEAST_VALID, _MOST_VALID = 60, 7200
_LONGEST_CLOSURE_DAYS = 400


def local(at: datetime, zone: str) -> datetime:
    """The moment as wall-clock time of an IANA zone."""
    return at.astimezone(ZoneInfo(zone))


def at_local(day: date, clock_time: time, zone: str) -> datetime:
    """The moment, in UTC, at which clocks of the zone show this time on this day."""
    there = ZoneInfo(zone)
    wall = datetime.combine(day, clock_time.replace(fold=0), there)
    moment = wall.astimezone(UTC)
    if moment.astimezone(there).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return moment
    # Clocks skip this time: the gap lies between the readings under the offsets before it and after it.
    return _first_after_gap(wall.replace(fold=1).astimezone(UTC), moment, there)


def _first_after_gap(before: datetime, after: datetime, there: ZoneInfo) -> datetime:
    offset = before.astimezone(there).utcoffset()
    seconds = int((after - before).total_seconds())
    low, high = 0, seconds
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(there).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def may_start(at: datetime, zone: str, quiet: QuietHours) -> bool:
    """Whether a routine text may start now: outside quiet hours and not in the last minutes before them."""
    return quiet.ends <= local(at, zone).time() < quiet.last_start


def next_start(at: datetime, zone: str, quiet: QuietHours) -> datetime:
    """The first moment from now on at which a routine text may start."""
    if may_start(at, zone, quiet):
        return at
    there = local(at, zone)
    day = there.date() if there.time() < quiet.ends else there.date() + timedelta(days=1)
    return at_local(day, quiet.ends, zone)


def valid_for(at: datetime, zone: str, quiet: QuietHours) -> int:
    """Seconds that the carrier may hold a text sent now: until quiet hours start, at least 60, at most 7200."""
    if not quiet.ends <= local(at, zone).time() < quiet.starts:
        return _LEAST_VALID
    left = at_local(local(at, zone).date(), quiet.starts, zone) - at
    return max(_LEAST_VALID, min(_MOST_VALID, int(left.total_seconds())))


def cap_reached(
    texted_on: Sequence[date], day: date, in_series: bool, caps: Caps, *, series_end: date | None = None
) -> str | None:
    """Why no further text may open a conversation on this local day, or none.

    `texted_on` has one entry for each text that opened one. A week is any 7 local days. The weekly cap after the
    series counts from `series_end`, the local day of its last infusion, so that the texts of the series do not use up
    the first week after it; without it, every text of the 7 days counts.
    """
    week = [texted for texted in texted_on if 0 <= (day - texted).days < 7]
    if week.count(day) >= caps.per_day:
        return DAILY_CAP
    if len(week) >= caps.per_week_in_series:
        return WEEKLY_CAP_IN_SERIES
    if not in_series and sum(series_end is None or texted >= series_end for texted in week) >= caps.per_week_after:
        return WEEKLY_CAP_AFTER
    return None


def survey_day(day: date, settings: ClinicSettings, hours: SurveyHours) -> bool:
    """Whether surveys that may come to item 9 start on this day: one of their weekdays, with the clinic open.

    A clinic that is never open on any of those weekdays has them all, except where it is closed by date.
    """
    if day.weekday() not in hours.weekdays or day in settings.closed_on:
        return False
    opened = {each.weekday for each in settings.hours}
    return day.weekday() in opened or opened.isdisjoint(hours.weekdays)


def survey_day_from(day: date, settings: ClinicSettings, hours: SurveyHours) -> date | None:
    """The first such day from this one on; none if the clinic is closed for longer than a year."""
    ahead = (day + timedelta(days=days) for days in range(_LONGEST_CLOSURE_DAYS))
    return next((each for each in ahead if survey_day(each, settings, hours)), None)


def survey_day_before(day: date, within: int, settings: ClinicSettings, hours: SurveyHours) -> date | None:
    """The last such day before this one, at most so many days before it."""
    back = (day - timedelta(days=days) for days in range(1, within + 1))
    return next((each for each in back if survey_day(each, settings, hours)), None)


def in_survey_hours(at: datetime, zone: str, settings: ClinicSettings, hours: SurveyHours) -> bool:
    """Whether a survey that may come to item 9 may start at this moment of the patient's day."""
    there = local(at, zone)
    return hours.holds(there.time()) and survey_day(there.date(), settings, hours)


def expiry(checkin: CheckIn, zone: str, protocol: Protocol, asked: datetime) -> datetime:
    """When a check-in asked at this moment closes; one that reminds of a visit, when that begins at the latest."""
    rule = protocol.rule(checkin.kind)
    if rule.closes_at is not None:
        closes = at_local(local(asked, zone).date(), rule.closes_at, zone)
    else:
        closes = asked.astimezone(UTC) + timedelta(hours=rule.closes_after_hours or 0)
    if checkin.visit is None:
        return closes
    return checkin.visit if rule.closes_at_visit else min(closes, checkin.visit)


def nudge_time(checkin: CheckIn, zone: str, protocol: Protocol, asked: datetime) -> datetime | None:
    """When a check-in asked at this moment is nudged if nobody answers, outside quiet hours; none if it never is."""
    nudge = protocol.rule(checkin.kind).nudge
    if nudge is None:
        return None
    earliest = asked.astimezone(UTC) + timedelta(hours=nudge.after_hours)
    at = max(earliest, at_local(local(earliest, zone).date(), nudge.not_before, zone))
    if may_start(at, zone, protocol.quiet):
        return at
    # Too late in the evening: the next day, and there too not before the nudge's own time.
    return at_local(local(next_start(at, zone, protocol.quiet), zone).date(), nudge.not_before, zone)


def open_at(settings: ClinicSettings, at: datetime) -> bool:
    """Whether the clinic is open at this moment."""
    there = local(at, settings.zone)
    return there.date() not in settings.closed_on and any(
        hours.weekday == there.weekday() and hours.opens <= there.time() < hours.closes for hours in settings.hours
    )


def next_opening(settings: ClinicSettings, at: datetime) -> datetime:
    """The first moment from now on at which the clinic is open; 09:00 the next day if it has no hours at all."""
    if open_at(settings, at):
        return at
    today = local(at, settings.zone).date()
    for day in (today + timedelta(days=ahead) for ahead in range(_LONGEST_CLOSURE_DAYS)):
        if day in settings.closed_on:
            continue
        opens = sorted(hours.opens for hours in settings.hours if hours.weekday == day.weekday())
        later = [moment for moment in (at_local(day, clock, settings.zone) for clock in opens) if moment > at]
        if later:
            return later[0]
    return at_local(today + timedelta(days=1), _NINE, settings.zone)


def next_nine(settings: ClinicSettings, at: datetime) -> datetime:
    """The first 09:00 of the clinic's day from now on, on any day of the week, holidays too."""
    today = local(at, settings.zone).date()
    nine = at_local(today, _NINE, settings.zone)
    return nine if nine >= at else at_local(today + timedelta(days=1), _NINE, settings.zone)
