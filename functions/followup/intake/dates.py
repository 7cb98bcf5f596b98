"""Dates and clinic-local times in the forms that a column map declares, tried in order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from followup.intake.judging import Fault

EARLIEST_YEAR, LATEST_YEAR = 1900, 2099
"""Outside of these a year is a slip of the pen; inside them no time zone can carry a date off the calendar."""

LETTERS = {
    "%Y": "YYYY",
    "%m": "MM",
    "%d": "DD",
    "%b": "Mon",
    "%B": "Month",
    "%H": "hh",
    "%I": "hh",
    "%M": "mm",
    "%S": "ss",
    "%p": "AM/PM",
    "%z": "+hhmm",
}
"""Directives a form may use, and how a fix shows them. Two-digit years are not among them: 03/04/12 has no century."""


SKIPPED = Fault(
    "a time that no clock showed: it lies in the hour skipped in spring",
    "write the time that the clinic's clock showed",
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time on the clinic's clock as instants in UTC. In the hour that happens twice there are two."""

    first: datetime
    second: datetime | None = None
    skipped: bool = False
    """No clock ever showed this time: it lies in the hour that is skipped in spring."""


def read_date(text: str, forms: Sequence[str]) -> date | Fault:
    """The calendar date that the text means in the first form that fits."""
    read = _parse(text, forms)
    return read if isinstance(read, Fault) else read[0].date()


def read_moment(text: str, forms: Sequence[str], zone: ZoneInfo, *, hour_if_none: int | None = None) -> Moment | Fault:
    """The instant that the text means on a clock in this zone, unless it gives its own offset from UTC.

    A form without a time of day means `hour_if_none` o'clock.
    """
    read = _parse(text, forms)
    if isinstance(read, Fault):
        return read
    local, form = read
    if local.tzinfo is not None:
        return Moment(local.astimezone(UTC))
    if hour_if_none is not None and not tells_time(form):
        local = local.replace(hour=hour_if_none)
    first = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    second = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first.astimezone(zone).replace(tzinfo=None) != local:
        return Moment(first, skipped=True)
    return Moment(first, second if second != first else None)


def tells_time(form: str) -> bool:
    """Whether a form has a time of day."""
    return "%H" in form or "%I" in form


def shown(forms: Sequence[str]) -> str:
    """The forms as a person writes them: `YYYY-MM-DD or MM/DD/YYYY`."""
    return " or ".join(re.sub(r"%.", lambda found: LETTERS[found[0]], form) for form in forms)


def years_between(born: date, on: date) -> int:
    """Completed years of age on a day. Who was born on 29 February has the birthday on 1 March of other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def _parse(text: str, forms: Sequence[str]) -> tuple[datetime, str] | Fault:
    fix = f"write it as {shown(forms)}"
    if not text:
        return Fault("blank", fix)
    for form in forms:
        try:
            read = datetime.strptime(text, form)  # noqa: DTZ007 - the clinic's zone is applied by the caller
        except ValueError:
            continue
        offset = read.utcoffset()
        if EARLIEST_YEAR <= read.year <= LATEST_YEAR and (offset is None or abs(offset) < timedelta(hours=15)):
            return read, form
        return Fault("no such date in our time", fix)
    return Fault("no such date or time, or not in a declared form", fix)
