"""A clinic's settings, as its YAML file gives them and its record holds them."""

from dataclasses import dataclass
from datetime import date, time
from typing import Literal

KeywordMode = Literal["carrier", "service"]
"""Who answers STOP, HELP and START: the carrier (its default) or this service."""


@dataclass(frozen=True, slots=True)
class OpenHours:
    """Clinic-local opening on one weekday (0 = Monday)."""

    weekday: int
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class OnCall:
    """A person who is told of alerts, in the order listed."""

    name: str
    email: str


DigestGroups = Literal["clinical", "desk"]


@dataclass(frozen=True, slots=True)
class DigestRecipient:
    """Who gets the digest, and which part of it: clinicians all of it, the front desk desk items only."""

    name: str
    email: str
    groups: DigestGroups = "clinical"


@dataclass(frozen=True, slots=True)
class ConsentDeclaration:
    """What the clinic declares a consent mark in its export to mean."""

    form: str
    form_version: str


@dataclass(frozen=True, slots=True)
class BoosterThresholds:
    """Defaults of booster rules A and E; a clinic may set its own."""

    loss_of_gain: float = 0.5
    """Share of the gain (base - ref) that must be lost."""
    least_change: int = 5
    """PHQ-9 points that count as change in one person (Loewe 2004)."""
    baseline_floor: int = 10
    """Below this intake PHQ-9, rules on it stay off."""
    confirm_from_days: int = 2
    confirm_to_days: int = 10
    unconfirmed_after_hours: int = 72
    planned_within_days: int = 7


@dataclass(frozen=True, slots=True)
class VisitLengths:
    """Usual length of a visit whose end nobody gave (minutes), and of those routes that differ from it.

    Esketamine is followed by at least two hours of monitoring (Spravato label, section 5).
    """

    minutes: int = 60
    by_route: tuple[tuple[str, int], ...] = (("nasal", 120),)


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """One clinic: how it is named in texts, when it is open, who is told, which protocol it follows."""

    name: str
    sms_name: str
    """Neutral name in texts: no drug, diagnosis or visit type."""
    zone: str
    phone: str
    """As patients should read it."""
    sender: str
    """E.164 number that patients write to."""
    messaging_service: str | None
    keyword_mode: KeywordMode
    hours: tuple[OpenHours, ...]
    closed_on: tuple[date, ...]
    on_call: tuple[OnCall, ...]
    digest_at: time
    digest_to: tuple[DigestRecipient, ...]
    mail_from: str
    protocol: str = "standard"
    series_sessions: int | None = None
    """Sessions in a full series here; none = a series ends 14 days after the last session with nothing booked."""
    maintenance_every_days: int | None = None
    """Planned interval between maintenance sessions; none = no planned date is derived."""
    desk_link: str = ""
    """Base address of the staff pages; links in mail append an opaque id."""
    consent: ConsentDeclaration | None = None
    booster: BoosterThresholds = BoosterThresholds()
    visits: VisitLengths = VisitLengths()
    preparation: tuple[tuple[str, str], ...] = ()
    """By language, what a reminder says of coming prepared: food and drink before the visit."""
