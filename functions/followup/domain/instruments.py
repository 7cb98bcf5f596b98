"""Questionnaires: what their totals are made of, and how a total is reckoned when answers are missing.

One or two missing answers may stand at the mean of the others where the instrument's manual allows it (Kroenke and
Spitzer, Instruction Manual for the PHQ and GAD-7 measures). A total is never guessed beyond that: with more missing, or
with an answer missing that nobody may fill in (PHQ-9 item 9, thoughts of death or self-harm), there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from followup.domain.errors import FollowUpError
from followup.domain.records import Question, ScoreInstrument

Direction = Literal["high_worse", "high_better"]


class UnknownInstrument(FollowUpError):
    """There is no such instrument; the message names the code."""


@dataclass(frozen=True, slots=True)
class Band:
    """Totals from `low` to `high`, both included, and what the instrument's authors call them; staff read it."""

    name: str
    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One questionnaire.

    `code` is stable; `score` is the name that totals are stored under, None where no total is kept.
    `low` and `high` are the range of the total, the sum of the values of `items`. `least_change` is the change in one
    person that counts, in points; None where none is published. `recall_days`: how far back it asks. Up to
    `prorate_missing` missing items stand at the mean of the others, unless one is in `never_prorated`. LOINC codes are
    None where they are not verified.
    """

    code: str
    name: str
    direction: Direction
    low: int
    high: int
    items: tuple[Question, ...]
    recall_days: int
    licence: str
    source: str
    score: ScoreInstrument | None = None
    bands: tuple[Band, ...] = ()
    least_change: int | None = None
    prorate_missing: int = 0
    never_prorated: tuple[Question, ...] = ()
    loinc: str | None = None
    """Of the total."""
    panel_loinc: str | None = None


@dataclass(frozen=True, slots=True)
class Total:
    """A total; `missing` items stand at the mean of the others when it is prorated, otherwise there are none."""

    value: int
    prorated: bool
    missing: int


def missing_of(instrument: Instrument, answers: Mapping[Question, int]) -> tuple[Question, ...]:
    """The items without an answer, in the instrument's order."""
    return tuple(item for item in instrument.items if item not in answers)


def total(instrument: Instrument, answers: Mapping[Question, int]) -> Total | None:
    """The total of these answers, or None if too much is missing. Answers to other questions do not matter.

    A prorated total is the mean of the answers given times the number of items, rounded half up to a whole number.

    Raises:
        ValueError: the sum is outside the instrument's range, so an answer is none of its own.
    """
    missing = missing_of(instrument, answers)
    given = len(instrument.items) - len(missing)
    unfilled = len(missing) > instrument.prorate_missing or any(item in instrument.never_prorated for item in missing)
    if not given or unfilled:
        return None
    said = sum(answers[item] for item in instrument.items if item in answers)
    value = (2 * said * len(instrument.items) + given) // (2 * given)
    if not instrument.low <= value <= instrument.high:
        raise ValueError(f"{instrument.name}: an answer is out of range")
    return Total(value, bool(missing), len(missing))


def band(instrument: Instrument, value: int) -> Band | None:
    """The band that a total falls into; None where the instrument has none."""
    return next((band for band in instrument.bands if band.low <= value <= band.high), None)


@dataclass(frozen=True, slots=True)
class Instruments:
    """All instruments (content/instruments.yaml)."""

    instruments: tuple[Instrument, ...]

    @property
    def all(self) -> tuple[Instrument, ...]:
        return self.instruments

    def instrument(self, code: str) -> Instrument:
        """The instrument of this code.

        Raises:
            UnknownInstrument: there is none.
        """
        for instrument in self.instruments:
            if instrument.code == code:
                return instrument
        raise UnknownInstrument(f"instrument {code}: there is no such instrument")

    def total(self, code: str, answers: Mapping[Question, int]) -> Total | None:
        """The total of these answers for one instrument; see `total`.

        Raises:
            UnknownInstrument: there is no such instrument.
        """
        return total(self.instrument(code), answers)
