"""Reading a create call: what the carrier checks before it takes a message, and with which code it refuses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from infra.local.twin.errors import TEST_RECIPIENTS, TEST_SENDERS, CarrierError
from infra.local.twin.settings import E164, SID, Settings

MAX_BODY: Final = 1600  # characters
MAX_VALIDITY_S: Final = 36_000
SCHEDULE_FROM: Final = timedelta(seconds=300)
SCHEDULE_TO: Final = timedelta(days=35)
HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:]+")  # an underscore is refused: Twilio error 21609


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A create call that passed the checks. `validity` is how long it may wait to be sent."""

    to: str
    body: str
    from_: str | None = None
    service_sid: str | None = None
    status_callback: str | None = None
    validity: timedelta = timedelta(seconds=MAX_VALIDITY_S)
    send_at: datetime | None = None
    media: tuple[str, ...] = ()


def read(form: Mapping[str, tuple[str, ...]], settings: Settings, now: datetime) -> Outgoing:
    """Check a create call in the carrier's order; unknown fields are ignored, as the carrier does.

    Raises CarrierError with the code for the first thing wrong.
    """
    one = {name: values[-1] for name, values in form.items()}
    to, from_, service_sid = one.get("To", ""), one.get("From") or None, one.get("MessagingServiceSid") or None
    body, media = one.get("Body", ""), form.get("MediaUrl", ())
    if not to:
        raise CarrierError(21604)
    if from_ is None and service_sid is None:
        raise CarrierError(21603)
    if not body and not media and not one.get("ContentSid"):
        raise CarrierError(21602)
    if len(body) > MAX_BODY:
        raise CarrierError(21617)
    if from_ in TEST_SENDERS:
        raise CarrierError(TEST_SENDERS[from_], from_=from_)
    if to in TEST_RECIPIENTS:
        raise CarrierError(TEST_RECIPIENTS[to], to=to)
    if not E164.fullmatch(to):
        raise CarrierError(21211, to=to)
    if to == from_:
        raise CarrierError(21266, to=to)
    if settings.number(to) is not None:
        raise CarrierError(21211, to=to)  # the carrier's own numbers cannot be texted by their owner
    _check_sender(from_, service_sid, settings)
    return Outgoing(
        to=to,
        body=body,
        from_=from_,
        service_sid=service_sid,
        status_callback=_callback(one.get("StatusCallback")),
        validity=_validity(one.get("ValidityPeriod")),
        send_at=_send_at(one, now) if service_sid else None,  # without a service the schedule is dropped silently
        media=media,
    )


def _check_sender(from_: str | None, service_sid: str | None, settings: Settings) -> None:
    if service_sid is not None:
        if not (SID.fullmatch(service_sid) and service_sid[:2] == "MG"):
            raise CarrierError(21705)
        if not settings.in_service(service_sid):
            raise CarrierError(21701)
    if from_ is not None:
        own = settings.number(from_)
        if own is None or (service_sid is not None and own.service_sid != service_sid):
            raise CarrierError(21606, from_=from_)


def _callback(url: str | None) -> str | None:
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise CarrierError(21609) from error
    if parts.scheme not in ("http", "https") or not HOST_NAME.fullmatch(host):
        raise CarrierError(21609)
    return url


def _validity(seconds: str | None) -> timedelta:
    if seconds is None:
        return timedelta(seconds=MAX_VALIDITY_S)
    if not re.fullmatch(r"[0-9]{1,5}", seconds) or not 1 <= int(seconds) <= MAX_VALIDITY_S:
        raise CarrierError(21624)
    return timedelta(seconds=int(seconds))


def _send_at(one: Mapping[str, str], now: datetime) -> datetime | None:
    if one.get("ScheduleType") != "fixed":
        return None
    try:
        at = datetime.strptime(one.get("SendAt", ""), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise CarrierError(35114) from error
    if not now + SCHEDULE_FROM <= at <= now + SCHEDULE_TO:
        raise CarrierError(35114)
    return at
