"""Texts that a phone wrote: reactions that quote our own text, and automatic replies."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_QUOTE: Final = '"'
_EMOJI_REACTION: Final = re.compile(r'\W{1,8}(?:to|a) "')  # the emoji itself folds to a blank


@lru_cache(maxsize=8)
def _opening(openings: tuple[str, ...]) -> re.Pattern[str]:
    spelled = (r"\W{1,6}".join(map(re.escape, opening.split())) for opening in openings)
    return re.compile(r"\W{0,8}(?:" + "|".join(spelled) + r')\W{0,6}"')


def quoted_span(folded: str, openings: tuple[str, ...]) -> tuple[int, int] | None:
    """Where a reaction ('liked "..."') begins and ends in a folded text, or None when the text is none.

    A cut-off quote has no closing mark and reaches to the end.
    """
    found = _opening(openings).match(folded) or _EMOJI_REACTION.match(folded)
    if found is None:
        return None
    last = folded.rfind(_QUOTE)
    return (0, last + 1) if last >= found.end() else (0, len(folded))


def own_words(folded: str, openings: tuple[str, ...]) -> str:
    """A folded text without what a reaction quotes."""
    span = quoted_span(folded, openings)
    return folded if span is None else folded[span[1] :]


def begins_with(folded: str, openings: Iterable[str]) -> bool:
    """Whether a folded text begins with one of these, leaving aside marks in front."""
    return folded.lstrip(" \n\"'([*-").startswith(tuple(openings))


_QUOTED_LINE: Final = re.compile(r"^ {0,3}>[^\n]*$", re.MULTILINE)
_LONG_QUOTE: Final = re.compile(r'"[^"\n]{24,}"')


def without_quotes(folded: str, wording: Iterable[str] = ()) -> str:
    """A folded text without our own words: lines and long passages that a phone quotes, and this question's wording."""
    for said in wording:
        if said and said in folded:
            folded = folded.replace(said, "\n")
    if ">" in folded:
        folded = _QUOTED_LINE.sub(" ", folded)
    return _LONG_QUOTE.sub(" ", folded) if folded.count('"') > 1 else folded
