"""Misspelt words of a word list, found in bounded time: one slip of the thumb, or a word written as it sounds."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from followup.domain.normalisation import Tokens

_SHORTEST: Final = 6  # letters; shorter words are too often another word
_LONGEST: Final = 18

# What sounds alike in English or Spanish is spelt alike: "bomito", "nauceas", "disy".
_SOUNDS: Final = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"[ck]h"), "k"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"[cq]u?"), "k"),
    (re.compile(r"g(?=h)"), ""),
    (re.compile(r"[wh]"), ""),
    (re.compile(r"v"), "b"),
    (re.compile(r"z"), "s"),
    (re.compile(r"ll|y"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
)


class Speller:
    """Knows the words of a list, and which words are not to be touched.

    A word is corrected when exactly one word of the list sounds like it with at most one letter missing, added,
    exchanged or swapped with its neighbour, and begins with the same sound.
    """

    def __init__(self, wanted: Collection[str], untouched: Collection[str]) -> None:
        """`wanted` words can be a correction; those and `untouched` words are never corrected."""
        self._untouched = frozenset(untouched) | frozenset(wanted)
        self._by_sound: dict[str, set[str]] = {}
        self._sounds: dict[str, str] = {}
        for word in sorted(wanted):
            if len(word) >= _SHORTEST and word.isalpha():
                sound = self._sounds[word] = _sound(word)
                for key in _shortened(sound):
                    self._by_sound.setdefault(key, set()).add(word)

    def corrected(self, tokens: Tokens) -> Tokens:
        """These words with misspelt ones replaced."""
        words = tokens.words
        for at, word in enumerate(words):
            if _SHORTEST <= len(word) <= _LONGEST and word not in self._untouched and word.isalpha():
                better = self.correction(word)
                if better is not None:
                    words = (*words[:at], better, *words[at + 1 :])
        return tokens if words is tokens.words else replace(tokens, words=words)

    def correction(self, word: str) -> str | None:
        """The one word of the list that this one is taken for, or None."""
        sound = _sound(word)
        found: dict[str, int] = {}
        for key in _shortened(sound):
            for other in self._by_sound.get(key, ()):
                if other not in found and self._sounds[other][:1] == sound[:1]:
                    found[other] = distance(sound, self._sounds[other])
        nearest = min(found.values(), default=2)
        best = [other for other, far in found.items() if far == nearest]
        return best[0] if nearest <= 1 and len(best) == 1 else None


def _sound(word: str) -> str:
    for pattern, plain in _SOUNDS:
        word = pattern.sub(plain, word)
    return word


def _shortened(sound: str) -> Iterator[str]:
    """The sound itself and with each one of its letters left out: two that share one are near each other."""
    yield sound
    for at in range(len(sound)):
        yield sound[:at] + sound[at + 1 :]


def distance(one: str, other: str) -> int:
    """Letters to add, drop, exchange or swap with a neighbour (optimal string alignment), 3 for anything above 2."""
    if abs(len(one) - len(other)) > 2:
        return 3
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        current = [at]
        for place, beside in enumerate(other, 1):
            cost = min(row[place] + 1, current[-1] + 1, row[place - 1] + (letter != beside))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == beside:
                cost = min(cost, before[place - 2] + 1)
            current.append(cost)
        before, row = row, current
    return min(row[-1], 3)
