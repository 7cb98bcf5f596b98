"""Listing messages as the API does: filters, pages with tokens, and links relative to the host."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, Literal, Self
from urllib.parse import urlencode

from infra.local.twin.errors import CarrierError
from infra.local.twin.records import Message
from infra.local.twin.twin import Twin

PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 1000
FILTERS: Final = ("To", "From", "DateSent", "DateSent<", "DateSent>")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which messages are wanted. Dates look at `date_sent`: `sent_from` inclusive, `sent_before` exclusive."""

    to: str | None
    from_: str | None
    sent_from: datetime | None
    sent_before: datetime | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """Read the filters. A date alone means the whole day in UTC; both bounds include the time they name.

        Raises CarrierError 20001 for a date that cannot be read.
        """
        starts, ends = [], []
        if "DateSent" in query:
            day = _day(_moment(query["DateSent"])[0])
            starts.append(day)
            ends.append(day + timedelta(days=1))
        if "DateSent<" in query:
            at, whole_day = _moment(query["DateSent<"])
            ends.append(at + (timedelta(days=1) if whole_day else timedelta(seconds=1)))
        if "DateSent>" in query:
            starts.append(_moment(query["DateSent>"])[0])
        return cls(
            query.get("To") or None, query.get("From") or None, max(starts, default=None), min(ends, default=None)
        )

    def wants(self, message: Message) -> bool:
        if self.to not in (None, message.to) or self.from_ not in (None, message.from_):
            return False
        if self.sent_from is None and self.sent_before is None:
            return True
        if message.sent_at is None:
            return False
        after = self.sent_from is None or message.sent_at >= self.sent_from
        return after and (self.sent_before is None or message.sent_at < self.sent_before)


@dataclass(frozen=True, slots=True)
class Cursor:
    """A page token: the page `older` than a message, or the one `newer` than it."""

    towards: Literal["older", "newer"]
    sid: str

    @classmethod
    def of(cls, token: str) -> Self:
        if token[:2] not in ("PA", "PB"):
            raise CarrierError(20001)
        return cls("older" if token[:2] == "PA" else "newer", token[2:])


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list: its messages, newest first, and the links around it."""

    messages: tuple[Message, ...]
    number: int
    size: int
    uri: str
    first_uri: str
    next_uri: str | None
    previous_uri: str | None


def page(twin: Twin, path: str, query: Mapping[str, str]) -> Page:
    """The page that the query asks for; raises CarrierError 20001 for a number, date or token that cannot be read."""
    size = min(max(_whole(query.get("PageSize"), PAGE_SIZE), 1), MAX_PAGE_SIZE)
    number = _whole(query.get("Page"), 0)
    wanted = Filter.of(query)
    found = tuple(message for message in twin.newest_first() if wanted.wants(message))
    first, last = _bounds(twin, found, query.get("PageToken"), size)
    shown = found[first:last]
    kept = {name: query[name] for name in FILTERS if query.get(name)} | {"PageSize": str(size)}

    def uri(at: int, token: str | None) -> str:
        return f"{path}?{urlencode(kept | {'Page': str(at)} | ({'PageToken': token} if token else {}))}"

    return Page(
        messages=shown,
        number=number,
        size=size,
        uri=uri(number, query.get("PageToken")),
        first_uri=uri(0, None),
        next_uri=uri(number + 1, f"PA{shown[-1].sid}") if shown and last < len(found) else None,
        previous_uri=uri(number - 1, f"PB{shown[0].sid}") if shown and first > 0 and number > 0 else None,
    )


def _bounds(twin: Twin, found: tuple[Message, ...], token: str | None, size: int) -> tuple[int, int]:
    if token is None:
        return 0, size
    cursor = Cursor.of(token)
    place = twin.place(cursor.sid)
    if place is None:
        raise CarrierError(20001)
    places = [twin.place(message.sid) or 0 for message in found]
    newer = sum(other > place for other in places)
    if cursor.towards == "newer":
        return max(newer - size, 0), newer
    start = newer + (place in places)
    return start, start + size


def _moment(text: str) -> tuple[datetime, bool]:
    """A date or time as the API takes it, in UTC when it names no zone, and whether it was a date alone."""
    try:
        at, whole_day = datetime.fromisoformat(text), len(text) == len("2026-01-31")
    except ValueError:
        try:
            at, whole_day = parsedate_to_datetime(text), False
        except ValueError as error:
            raise CarrierError(20001) from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at, whole_day


def _day(at: datetime) -> datetime:
    return datetime.combine(at.astimezone(UTC).date(), time(0), UTC)


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise CarrierError(20001)
    return int(text)
