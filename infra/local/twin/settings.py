"""What the twin is told: one account, its numbers, and where the service under test really listens."""

import re
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Final, Literal
from urllib.parse import urlsplit, urlunsplit

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
SID: Final = re.compile(r"[A-Z]{2}[0-9a-f]{32}")
TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")

Keywords = Literal["carrier", "service"]
"""Who answers STOP, START and HELP: the carrier (its default), or the service, to which they are ordinary texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """One number of the account.

    `inbound_url` and `fallback_url` are public URLs as typed in the carrier's console, connection overrides in the
    fragment included. Numbers with one `service_sid` share a Messaging Service, and with it their opt-outs.
    `advanced_opt_out` adds `OptOutType` to the webhook of a keyword that the carrier handled.
    """

    number: str
    service_sid: str | None = None
    keywords: Keywords = "carrier"
    advanced_opt_out: bool = False
    inbound_url: str | None = None
    fallback_url: str | None = None

    def __post_init__(self) -> None:
        if not E164.fullmatch(self.number):
            raise ValueError("number: expected E.164, such as +15555550100")
        if self.service_sid is not None and not (SID.fullmatch(self.service_sid) and self.service_sid[:2] == "MG"):
            raise ValueError("service_sid: expected MG and 32 hex digits")

    @property
    def toll_free(self) -> bool:
        """Whether the network itself handles STOP, whatever the account is set to."""
        return self.number.startswith(TOLL_FREE)

    @property
    def scope(self) -> str:
        """What an opt-out on this number covers: its Messaging Service, or the number alone."""
        return self.service_sid or self.number


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The account and its surroundings.

    Webhooks are signed over `public_base_url` and travel to `deliver_base_url`, which must be on loopback.
    `segments_per_second` paces every sender (None: no queue).
    """

    account_sid: str
    auth_token: str = field(repr=False)
    api_key_sid: str
    api_key_secret: str = field(repr=False)
    numbers: tuple[Number, ...]
    public_base_url: str
    deliver_base_url: str
    segments_per_second: float | None = None

    def __post_init__(self) -> None:
        if not (SID.fullmatch(self.account_sid) and self.account_sid[:2] == "AC"):
            raise ValueError("account_sid: expected AC and 32 hex digits")
        if not (SID.fullmatch(self.api_key_sid) and self.api_key_sid[:2] == "SK"):
            raise ValueError("api_key_sid: expected SK and 32 hex digits")
        if urlsplit(self.public_base_url).scheme not in ("http", "https"):
            raise ValueError("public_base_url: expected an http or https URL")
        if not on_loopback(self.deliver_base_url):
            raise ValueError("deliver_base_url: expected an http URL on loopback")
        if self.segments_per_second is not None and self.segments_per_second <= 0:
            raise ValueError("segments_per_second: expected more than 0")

    def number(self, number: str | None) -> Number | None:
        """The account's number so written, or None."""
        return next((own for own in self.numbers if own.number == number), None)

    def in_service(self, service_sid: str) -> tuple[Number, ...]:
        """The senders of a Messaging Service, in the order of the settings."""
        return tuple(own for own in self.numbers if own.service_sid == service_sid)

    def route(self, url: str) -> str | None:
        """Where a public webhook URL is really called, or None: the twin has no way to any other host."""
        bare = without_fragment(url)
        base = self.public_base_url.rstrip("/")
        if bare == base or bare.startswith((f"{base}/", f"{base}?")):
            return self.deliver_base_url.rstrip("/") + bare[len(base) :]
        return bare if on_loopback(bare) else None


def without_fragment(url: str) -> str:
    """The URL as it is called and signed: the fragment carries connection overrides and never leaves the carrier."""
    return urlunsplit(urlsplit(url)._replace(fragment=""))


def on_loopback(url: str) -> bool:
    """Whether the URL names this machine's loopback interface, by address or as `localhost`."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return False
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return False
