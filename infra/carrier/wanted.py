"""What has to stand at the carrier for a clinic's number, and how that differs from what was found there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from followup.adapters.twilio import RETRIED
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.handlers import receive_text, record_delivery

Value = str | bool
Place = Literal["number", "service"]

TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name in the carrier's API, its words in the console, and the value that it must have."""

    name: str
    console: str
    value: Value


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where the settings belong, and what they are. With a Messaging Service they belong to it, and win there."""

    place: Place
    settings: tuple[Setting, ...]


@dataclass(frozen=True, slots=True)
class FoundNumber:
    """A number of the account. `service`: the Messaging Service that it is in."""

    sid: str
    texts: bool
    settings: Mapping[str, Value | None] = field(default_factory=dict)
    service: str | None = None


@dataclass(frozen=True, slots=True)
class FoundService:
    """A Messaging Service of the account. `registered`: whether it has an A2P 10DLC campaign, if the carrier says."""

    sid: str
    settings: Mapping[str, Value | None] = field(default_factory=dict)
    registered: bool | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that differs."""

    setting: Setting
    found: Value | None

    def __str__(self) -> str:
        return f"{self.setting.name}: {_shown(self.found)} -> {_shown(self.setting.value)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What there is to do: settings to change, and whether the number has yet to join the Messaging Service."""

    place: Place
    sid: str
    changes: tuple[Change, ...]
    joins: bool = False

    @property
    def steps(self) -> tuple[str, ...]:
        """One line for each change."""
        joining = (f"{self.place} {self.sid}: add the number",) if self.joins else ()
        return (*joining, *(f"{self.place} {self.sid}: {change}" for change in self.changes))


def wanted(settings: ClinicSettings, public_url: str) -> Wanted:
    """What has to stand at the carrier for this clinic.

    The fragment of an address asks for two more deliveries when a call cannot connect, is not answered or answers 5xx
    (Twilio: "Connection Overrides"). The fallback is the same address: one try more, and a text that was stored already
    is known by its SID. Bodies must arrive as they were written, so smart encoding is off: a text whose outcome is
    unknown is looked for by its body.
    """
    inbound = f"{public_url}{receive_text.ROUTE}{RETRIED}"
    if settings.messaging_service is None:
        return Wanted(
            "number",
            (
                Setting("sms_application_sid", "Messaging configuration > Configure with", ""),
                Setting("sms_url", "A message comes in > Webhook", inbound),
                Setting("sms_method", "A message comes in > HTTP", "POST"),
                Setting("sms_fallback_url", "Primary handler fails > Webhook", inbound),
                Setting("sms_fallback_method", "Primary handler fails > HTTP", "POST"),
            ),
        )
    return Wanted(
        "service",
        (
            Setting("use_inbound_webhook_on_number", "Integration > Defer to sender's webhook", False),
            Setting("inbound_request_url", "Integration > Send a webhook > Request URL", inbound),
            Setting("inbound_method", "Integration > Send a webhook > Request URL method", "POST"),
            Setting("fallback_url", "Integration > Send a webhook > Fallback URL", inbound),
            Setting("fallback_method", "Integration > Send a webhook > Fallback URL method", "POST"),
            Setting(
                "status_callback",
                "Integration > Delivery status callback",
                f"{public_url}{record_delivery.ROUTE}{RETRIED}",
            ),
            Setting("smart_encoding", "Content settings > Smart Encoding", False),
        ),
    )


def plan(settings: ClinicSettings, public_url: str, number: FoundNumber, service: FoundService | None) -> Plan:
    """What differs from what has to stand there.

    Raises:
        BadInput: the number cannot text, or belongs to another Messaging Service than the clinic's.
    """
    if not number.texts:
        raise BadInput("texts.sender: the carrier's number cannot text; take one that can")
    if number.service not in (None, settings.messaging_service):
        raise BadInput(
            f"texts.messaging_service: the number is in {number.service}, whose settings win over its own;"
            " write that one in the clinic's file, or take the number out of it"
        )
    needed = wanted(settings, public_url)
    at = number if service is None else service
    changes = tuple(
        Change(each, at.settings.get(each.name))
        for each in needed.settings
        if (at.settings.get(each.name) or "") != (each.value or "")
    )
    return Plan(needed.place, at.sid, changes, joins=service is not None and number.service is None)


def by_hand(settings: ClinicSettings, public_url: str) -> tuple[str, ...]:
    """The same settings for a person at the carrier's console."""
    needed = wanted(settings, public_url)
    if needed.place == "number":
        where = f"Phone Numbers > Active numbers > {settings.sender}"
    else:
        where = f"Messaging > Services > {settings.messaging_service}"
    steps = [f"{where} > {each.console}: {_at_console(each)}" for each in needed.settings]
    if needed.place == "service":
        steps.insert(0, f"{where} > Sender pool: holds {settings.sender}")
    return tuple(steps)


def to_look_at(settings: ClinicSettings, service: FoundService | None = None) -> tuple[str, ...]:
    """What the carrier's API does not show and a person has to see to: who answers STOP, HELP and START."""
    toll_free = settings.sender.startswith(TOLL_FREE)
    looks = []
    if settings.keyword_mode == "carrier":
        looks.append("keywords are answered by the carrier (texts.keywords: carrier): leave its handling on")
        if settings.messaging_service is None:
            looks.append(
                "without a Messaging Service HELP is answered in the carrier's words, without the clinic's phone"
            )
        else:
            looks.append(
                "Opt-Out Management > Advanced: take YES out of the opt-in keywords (patients answer with it);"
                f" the help message names {settings.sms_name}, {settings.phone} and STOP"
            )
    else:
        looks.append(
            "keywords are answered by this service (texts.keywords: service): the carrier's handling must be off,"
            " else STOP is confirmed twice; its support turns it off for a Messaging Service or the account"
        )
        if toll_free:
            looks.append(
                "on a toll-free number the network answers STOP whatever is set: write texts.keywords: carrier"
            )
    if toll_free:
        looks.append("toll-free verification must be approved, or texts are blocked (Twilio error 30032)")
    elif service is not None and service.registered is False:
        looks.append("the service has no A2P 10DLC campaign: texts are blocked (Twilio error 30034)")
    elif service is None:
        looks.append("the number needs an approved A2P 10DLC campaign, or texts are blocked (Twilio error 30034)")
    return tuple(looks)


def _at_console(setting: Setting) -> str:
    if setting.name == "sms_application_sid":
        return "Webhook, TwiML Bin, Function, Studio Flow, Proxy Service (not a TwiML App)"
    return _shown(setting.value)


def _shown(value: Value | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return value or "none"
