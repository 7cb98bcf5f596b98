"""The clinic's own words, read by the lists of its column map."""

from collections.abc import Mapping
from typing import TypeVar

from followup.intake.cells import fold
from followup.intake.judging import Fault

V = TypeVar("V")


def read_word(text: str, words: Mapping[str, V], field: str) -> V | Fault:
    """What a word means. The keys of `words` are folded; `field` names the list in the column map."""
    meaning = words.get(fold(text))
    if meaning is not None:
        return meaning
    if not text:
        return Fault("blank", f"give the {field}")
    return Fault(
        "a word that the column map does not know", f"correct it, or add the word under `{field}` in the column map"
    )
