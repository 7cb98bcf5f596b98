"""What staff read: reasons of flags and alerts, the digest, and the mail that pages the person on call.

The wording is data. Mail shows the class of a reason; the sentence with scores in it is never mailed. Subjects never
hold personal data.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from followup.domain.records import FlagGroup, Level
from followup.domain.wording import UnfitText, fill, slots_of

SLOTS: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        "alert_subject": frozenset({"short", "code"}),
        "alert_body": frozenset({"short", "code", "link"}),
        "alert_level": frozenset({"level"}),
        "alert_phone_now": frozenset(),
        "alert_screened": frozenset(),
        "alert_row": frozenset({"code", "age", "status"}),
        "acknowledged": frozenset(),
        "not_acknowledged": frozenset(),
        "minutes": frozenset({"n"}),
        "hours": frozenset({"n"}),
        "days": frozenset({"n"}),
        "day": frozenset({"weekday", "month", "date"}),
        "digest_subject": frozenset({"short", "day"}),
        "digest_preheader": frozenset(),
        "digest_heading": frozenset({"short", "day"}),
        "since_last": frozenset({"new", "changed", "withdrawn"}),
        "alerts_heading": frozenset({"level"}),
        "is_new": frozenset(),
        "is_changed": frozenset(),
        "unknown_number": frozenset(),
        "held": frozenset({"why"}),
        "quiet_day": frozenset({"followed", "delivered", "answered", "unreadable", "alerts", "time"}),
        "counts": frozenset({"followed", "delivered", "answered", "unreadable", "alerts", "time"}),
        "patient_followed": frozenset(),
        "patients_followed": frozenset({"n"}),
        "text_delivered": frozenset(),
        "texts_delivered": frozenset({"n"}),
        "alert_open": frozenset(),
        "alerts_open": frozenset({"n"}),
        "quiet_desk": frozenset({"time"}),
        "still_open": frozenset({"n"}),
        "more": frozenset({"n"}),
        "open_link": frozenset(),
        "open_link_spoken": frozenset({"who", "why"}),
        "footer": frozenset(),
        "partial_response": frozenset(),
        "one_score": frozenset(),
        "on_hold": frozenset(),
        "booked": frozenset({"booked"}),
    }
)
"""The slots of each named sentence; content uses exactly these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffWording:
    """Every sentence for staff, in English.

    `reasons`: rule id -> the whole reason in one sentence, with the flag's numbers as slots. `classes`: rule id -> the
    same reason in a few words without a number, fit for mail. Both know the same rules.
    """

    version: int
    source: str
    review: str

    reasons: Mapping[str, str]
    classes: Mapping[str, str]
    groups: Mapping[FlagGroup, str]
    levels: Mapping[Level, str]

    alert_subject: str
    alert_body: str
    alert_level: str
    """Joins the body under its first line."""
    alert_phone_now: str
    """Joins the body when our reply may not have reached the patient."""
    alert_screened: str
    """Why an alert stands that the danger screen opened."""
    alert_row: str
    acknowledged: str
    """The status of an alert that a named person has taken."""
    not_acknowledged: str
    minutes: str
    """An alert's age, in the largest of three units that still says enough."""
    hours: str
    days: str

    weekdays: tuple[str, str, str, str, str, str, str]
    """From Monday on."""
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    day: str

    digest_subject: str
    digest_preheader: str
    digest_heading: str
    since_last: str
    """What has changed since the last digest."""
    alerts_heading: str
    is_new: str
    """Marks of a row that is news."""
    is_changed: str
    unknown_number: str
    """Stands for the initials where the number belongs to nobody that the service knows."""
    held: str
    """A reason that waits for an open alert."""
    quiet_day: str
    counts: str
    """The figures of a day on which there is something to act on."""
    patient_followed: str
    """Figures of `quiet_day` and `counts`, each for one and for none or several."""
    patients_followed: str
    text_delivered: str
    texts_delivered: str
    alert_open: str
    alerts_open: str
    quiet_desk: str
    """A quiet day for a recipient who gets desk items only."""
    still_open: str
    more: str
    """Rows left out because the digest is full."""
    open_link: str
    open_link_spoken: str
    """The same link as a screen reader says it, among many that look alike."""
    footer: str

    partial_response: str
    """Remarks that follow the reason of a flag, from here on: each where its number says so."""
    one_score: str
    on_hold: str
    booked: str

    def day_of(self, day: date) -> str:
        """A day as a heading says it, e.g. "Thursday, March 5"."""
        names = {"weekday": self.weekdays[day.weekday()], "month": self.months[day.month - 1], "date": str(day.day)}
        return fill(self.day, names)

    def reason(self, rule: str, numbers: Sequence[tuple[str, str]]) -> str:
        """The reason of a flag in one sentence, and what has to be said with it: one score only, on hold, booked.

        Raises:
            UnfitText: the rule is unknown, or a number that its sentence needs is missing.
        """
        sentence = self.reasons.get(rule)
        if sentence is None:
            raise UnfitText(f"staff reason {rule}: there is no such rule")
        slots = dict(numbers)
        missing = sorted(slots_of(sentence) - slots.keys())
        if missing:
            raise UnfitText(f"staff reason {rule}: slot {missing[0]} is missing")
        remarks = {
            ("response", "partial"): self.partial_response,
            ("reference", "one_score"): self.one_score,
            ("held", "open_alert"): self.on_hold,
            ("booked", slots.get("booked", "")): self.booked,
        }
        said = (sentence, *(remarks[number] for number in numbers if number in remarks))
        return fill(" ".join(said), slots)
