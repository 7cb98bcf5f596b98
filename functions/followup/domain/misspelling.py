"""Recognises a misspelt word: one letter wrong, missing, too many, or two neighbours swapped.

Only words of a given list are recognised, and the first letter must be right, because phones get it right. The time a
word takes grows with its length alone, not with the list.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

_SHORTEST = 4  # letters; of four only neighbours may be swapped: any other change makes another real word
_LONGEST = 16


class Misspellings:
    """The words that a text's unknown words may stand for."""

    def __init__(self, words: Iterable[str], lookalikes: Collection[str]) -> None:
        """Take the words to recognise, of 4 to 16 letters, and the ordinary words that only look like one of them."""
        self._words = frozenset(words)
        self._lookalikes = frozenset(lookalikes)
        shortened: dict[str, list[str]] = defaultdict(list)
        for word in self._words:
            for short in set(_shortened(word)):
                shortened[short].append(word)
        self._shortened = {short: tuple(sorted(found)) for short, found in shortened.items()}

    def meant(self, written: str) -> str | None:
        """The word that this one probably stands for, or None; an exact word of the list stands for itself."""
        if not _SHORTEST <= len(written) <= _LONGEST + 1 or written in self._lookalikes:
            return None
        if written in self._words:
            return written
        for word in self._shortened.get(written, ()):
            if len(word) > _SHORTEST and word[0] == written[0]:
                return word
        for short in _shortened(written):
            if short in self._words and len(short) > _SHORTEST and short[0] == written[0]:
                return short
            for word in self._shortened.get(short, ()):
                if len(word) == len(written) and _one_slip(written, word):
                    return word
        return None


def _shortened(word: str) -> Iterable[str]:
    return (word[:at] + word[at + 1 :] for at in range(len(word)))


def _one_slip(written: str, word: str) -> bool:
    """Whether these words of one length differ by one letter, or by two neighbours that are swapped."""
    at = next((place for place, letter in enumerate(written) if letter != word[place]), len(word))
    if written[at + 1 :] == word[at + 1 :]:
        return at > 0 and len(word) > _SHORTEST
    return written[at : at + 2] == word[at : at + 2][::-1] and written[at + 2 :] == word[at + 2 :]
