"""What patients read: each text in each language, with named slots.

The wording itself is data; this module knows how to fill it in and refuses to send a text with a hole in it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Final, Literal

from followup.domain.errors import FollowUpError
from followup.domain.records import Language

Slot = Literal["sms_name", "phone", "day", "time", "question", "later", "again", "key", "reply", "stem", "number", "of"]
"""The clinic's neutral name, its number as patients read it, a day and a time of day in the patient's language.

The others stand in the frames of questions alone: see followup.domain.asking.
"""

REQUIRED: Final = (
    "notice",
    "home",
    "ride",
    "thanks",
    "thanks.side_effect",
    "crisis.self_harm",
    "crisis.medical",
    "crisis.automated_line",
    "crisis.not_acknowledged",
    "night",
    "keyword.stop",
    "keyword.start",
    "keyword.help",
    "welcome",
)
"""Every text that the service sends, apart from questions (see followup.domain.asking)."""

SLOT: Final = re.compile(r"\{([a-z_]+)\}")


class UnfitText(FollowUpError):
    """A text cannot be rendered; the message names the text and the slot, never a value."""


@dataclass(frozen=True, slots=True)
class Wording:
    """One text in one language.

    `max_segments`: how many SMS segments it may cost with the longest slot values. `ucs2`: it may hold characters
    outside GSM-7, at 70 instead of 160 characters in a segment, because correct spelling needs them.
    """

    text: str
    max_segments: int = 1
    ucs2: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEntry:
    """One text. Every language uses exactly `slots` and holds every string of `holds` (911, 988)."""

    purpose: str
    slots: tuple[Slot, ...]
    holds: tuple[str, ...] = ()
    wordings: Mapping[Language, Wording] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarWords:
    """How a language says a day and a time of day. `weekdays` begin on Monday.

    `day` has the slots weekday, month, date. `clock` and, for the hour of one, `clock_at_one` have hour, minute, half.
    """

    weekdays: tuple[str, str, str, str, str, str, str]
    months: tuple[str, str, str, str, str, str, str, str, str, str, str, str]
    halves: tuple[str, str]
    """Before and after noon."""
    day: str
    clock: str
    clock_at_one: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All texts to patients. `longest` is the greatest length, in characters, of a slot value that varies by clinic."""

    version: int
    source: str
    review: str
    longest: Mapping[Literal["sms_name", "phone"], int]
    calendar: Mapping[Language, CalendarWords]
    entries: Mapping[str, TextEntry]

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that patients can be texted in, in the order of their tags."""
        return tuple(sorted(self.calendar))

    def wording(self, text_id: str, language: Language) -> Wording:
        """One text in one language.

        Raises:
            UnfitText: there is no such text, or not in this language.
        """
        entry = self.entries.get(text_id)
        if entry is None:
            raise UnfitText(f"text {text_id}: there is no such text")
        if language not in entry.wordings:
            raise UnfitText(f"text {text_id}: it is not written in the patient's language")
        return entry.wordings[language]

    def render(self, text_id: str, language: Language, **slots: str) -> str:
        """The text with its slots filled in; exactly the slots that it declares must be given.

        Raises:
            UnfitText: there is no such text, or not in this language; or a slot is missing, empty or not the text's.
        """
        wording = self.wording(text_id, language)
        entry = self.entries[text_id]
        for name in entry.slots:
            if not slots.get(name):
                raise UnfitText(f"text {text_id}: slot {name} is missing")
        for given in slots:
            if given not in entry.slots:
                raise UnfitText(f"text {text_id}: it has no slot {given}")
        return fill(wording.text, slots)

    def day(self, day: date, language: Language) -> str:
        """A day for the slot `day`, e.g. "Thursday, March 5"."""
        words = self.calendar[language]
        names = {"weekday": words.weekdays[day.weekday()], "month": words.months[day.month - 1], "date": str(day.day)}
        return fill(words.day, names)

    def time(self, at: time, language: Language) -> str:
        """A local time of day for the slot `time`, e.g. "3:30 PM"."""
        words = self.calendar[language]
        hour = at.hour % 12 or 12
        parts = {"hour": str(hour), "minute": f"{at.minute:02d}", "half": words.halves[at.hour >= 12]}
        return fill(words.clock_at_one if hour == 1 else words.clock, parts)


def fill(sentence: str, slots: Mapping[str, str]) -> str:
    """The sentence with each `{slot}` replaced by its value; values are never read for slots themselves.

    Raises:
        KeyError: the sentence has a slot without a value.
    """
    return SLOT.sub(lambda found: slots[found[1]], sentence)


def slots_of(sentence: str) -> frozenset[str]:
    """The names of the slots in a sentence."""
    return frozenset(SLOT.findall(sentence))
