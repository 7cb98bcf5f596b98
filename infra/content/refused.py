"""Words that must not stand in what patients read, compared with case and accents folded."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

FILE: Final = "refused_words.yaml"


@dataclass(frozen=True, slots=True)
class RefusedGroup:
    why: str
    fix: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RefusedWords:
    """Words that give away why a person is texted, or that judge; `names` are refused in clinic names besides."""

    version: int
    source: str
    review: str
    groups: Mapping[str, RefusedGroup]
    names: RefusedGroup


def fold(text: str) -> str:
    """Without case and accents, for comparing words."""
    apart = unicodedata.normalize("NFKD", text.replace("\u2019", "'").casefold())
    return "".join(char for char in apart if not unicodedata.combining(char))


@cache
def _pattern(words: tuple[str, ...]) -> re.Pattern[str]:
    """Any of these words as whole words; `*` at the end of one stands for any ending."""
    alternatives = (
        re.escape(fold(word.removesuffix("*"))).replace(r"\ ", r"\s+") + (r"\w*" if word.endswith("*") else "")
        for word in words
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(alternatives)})(?!\w)")


def refused_in(text: str, groups: Iterable[RefusedGroup]) -> Iterator[tuple[str, RefusedGroup]]:
    """Each refused word of a text, as it stands there folded, with its group."""
    folded = fold(text)
    for group in groups:
        for found in _pattern(group.words).finditer(folded):
            yield found[0], group
