"""Finds phrases of a word list in a text, in time linear in the text.

A phrase is written as elements parted by blanks. It is tried only where its first element stands, and no element
looks further ahead than its own bound, so that no text can make matching slow.

    word        this word                       a|b|c       one of several
    suicid*     words that begin so             @name       a word or phrase of that class
    two_words   these words, one after another  ..3         up to three words of any kind; may cross a comma
    #10         a whole number of 10 or more    word?       may be missing; a|b? too
    ^ $         beginning and end of the text   < >         beginning and end of a clause (any break)

Elements that follow one another directly must not be parted by a comma or stronger.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from followup.domain.normalisation import Break, Tokens

_MARKS: Final = frozenset("^$<>")


class PhraseError(ValueError):
    """A phrase of a word list is not well formed; the message quotes the phrase, which is content, never a text."""


@dataclass(frozen=True, slots=True)
class Match:
    """Words `start` to `end` (exclusive) are a phrase of the list named `key`."""

    key: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Element:
    words: frozenset[str] = frozenset()
    stems: tuple[str, ...] = ()
    runs: tuple[tuple[str, ...], ...] = ()
    optional: bool = False
    gap: int = 0
    at_least: int | None = None
    mark: str = ""

    def ends(self, tokens: Tokens, start: int, at: int) -> Iterator[int]:
        """Yield the positions at which a match of this element may end when it begins at `at`."""
        words, breaks = tokens.words, tokens.breaks
        if self.mark:
            if _mark_holds(self.mark, tokens, at):
                yield at
            return
        if self.gap:
            for end in range(at, min(at + self.gap, len(words)) + 1):
                if end > at and breaks[end - 1] >= Break.SENTENCE and end - 1 > start:
                    return
                yield end
            return
        if self.optional:
            yield at
        if at >= len(words):
            return
        word = words[at]
        if (
            word in self.words
            or any(map(word.startswith, self.stems))
            or (self.at_least is not None and word.isdecimal() and len(word) < 7 and int(word) >= self.at_least)
        ):
            yield at + 1
        for run in self.runs:
            if words[at : at + len(run)] == run and max(breaks[at + 1 : at + len(run)]) < Break.COMMA:
                yield at + len(run)


def _mark_holds(mark: str, tokens: Tokens, at: int) -> bool:
    match mark:
        case "^":
            return at == 0
        case "$":
            return at == len(tokens.words)
        case "<":
            return at == 0 or tokens.breaks[at] is not Break.NONE
        case _:
            return at == len(tokens.words) or tokens.breaks[at] is not Break.NONE


@dataclass(frozen=True, slots=True)
class _Phrase:
    key: str
    elements: tuple[_Element, ...]
    second: frozenset[str] | None  # what the second word must be, where that is certain: most candidates end here


class Phrasebook:
    """Phrases under keys, indexed by the words they may begin with."""

    def __init__(self, phrases: Iterable[tuple[str, str]], classes: Mapping[str, tuple[str, ...]] | None = None):
        """Take (key, phrase) pairs and the classes that `@name` refers to; raise PhraseError on a bad phrase."""
        self._plain: dict[str, list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        self._by_word: dict[str, list[_Phrase]] = defaultdict(list)
        self._by_stem: dict[str, list[_Phrase]] = defaultdict(list)
        self._numbers: list[_Phrase] = []
        vocabulary: set[str] = set()
        elements_of: dict[str, _Element] = {}  # many phrases share elements; classes are large
        for key, phrase in phrases:
            words = tuple(phrase.split())
            if words and _is_word("".join(words)):  # most are plain words one after another
                self._plain[words[0]].append((key, words))
                vocabulary.update(words)
                continue
            elements = _parse(phrase, classes or {}, elements_of)
            self._index(key, phrase, elements)
        for element in elements_of.values():
            vocabulary |= element.words
            vocabulary.update(word for run in element.runs for word in run)
        self._stem_lengths = sorted({len(stem) for stem in self._by_stem})
        self.vocabulary = frozenset(vocabulary)

    def _index(self, key: str, phrase: str, elements: tuple[_Element, ...]) -> None:
        first = next((element for element in elements if not element.mark), None)
        if first is None or first.optional or first.gap:
            raise PhraseError(f"a phrase begins with a word that must be there: {phrase!r}")
        entry = _Phrase(key, elements, _second_words(elements))
        for word in first.words | {run[0] for run in first.runs}:
            self._by_word[word].append(entry)
        for stem in first.stems:
            self._by_stem[stem].append(entry)
        if first.at_least is not None:
            self._numbers.append(entry)

    def find(self, tokens: Tokens) -> list[Match]:
        """All matches, by position; of one phrase at one place only the longest."""
        matches: list[Match] = []
        words, breaks = tokens.words, tokens.breaks
        following = (*words[1:], "")
        for start, word in enumerate(words):
            for key, plain in self._plain.get(word, ()):
                end = start + len(plain)
                if end == start + 1:
                    matches.append(Match(key, start, end))
                elif (
                    following[start] == plain[1]
                    and words[start:end] == plain
                    and max(breaks[start + 1 : end]) < Break.COMMA
                ):
                    matches.append(Match(key, start, end))
            for phrase in self._candidates(word):
                if phrase.second is not None and following[start] not in phrase.second:
                    continue
                end = _match(phrase.elements, tokens, start)
                if end > start:
                    matches.append(Match(phrase.key, start, end))
        return matches

    def _candidates(self, word: str) -> Iterator[_Phrase]:
        yield from self._by_word.get(word, ())
        for length in self._stem_lengths:
            if length > len(word):
                break
            yield from self._by_stem.get(word[:length], ())
        if self._numbers and word.isdecimal():
            yield from self._numbers


def _second_words(elements: tuple[_Element, ...]) -> frozenset[str] | None:
    if len(elements) == 1 or elements[0].mark or elements[0].runs:
        return None
    second = elements[1]
    if second.mark or second.gap or second.optional or second.stems or second.at_least is not None:
        return None
    return second.words | {run[0] for run in second.runs}


def _match(elements: tuple[_Element, ...], tokens: Tokens, start: int) -> int:
    """The furthest end of a match that begins at `start`, or -1."""
    breaks, count = tokens.breaks, len(tokens.words)
    reached = {start}
    after_gap = True
    for element in elements:
        ends: set[int] = set()
        for at in reached:
            parted = start < at < count and breaks[at] >= Break.COMMA and not (element.gap or element.mark)
            if parted and (not after_gap or breaks[at] >= Break.SENTENCE):
                if element.optional:
                    ends.add(at)
                continue
            ends.update(element.ends(tokens, start, at))
        if not ends:
            return -1
        reached = ends
        after_gap = bool(element.gap) or (after_gap and bool(element.mark))
    return max(reached)


def _parse(
    phrase: str, classes: Mapping[str, tuple[str, ...]], elements_of: dict[str, _Element]
) -> tuple[_Element, ...]:
    parts = phrase.split()
    if not parts:
        raise PhraseError("a phrase is empty")
    for part in parts:
        if part not in elements_of:
            elements_of[part] = _parse_element(part, phrase, classes)
    return tuple(elements_of[part] for part in parts)


def _parse_element(part: str, phrase: str, classes: Mapping[str, tuple[str, ...]]) -> _Element:
    if _is_word(part):  # most are, and a function that has just started waits for them all
        return _Element(frozenset((part,)))
    if part in _MARKS:
        return _Element(mark=part)
    if part.startswith(".."):
        if not part[2:].isdecimal() or not 0 < int(part[2:]) <= 9:
            raise PhraseError(f"a gap is ..1 to ..9: {phrase!r}")
        return _Element(gap=int(part[2:]))
    optional = part.endswith("?")
    words: set[str] = set()
    stems: list[str] = []
    runs: list[tuple[str, ...]] = []
    at_least: int | None = None
    for option in part.removesuffix("?").split("|"):
        if option.startswith("#"):
            if not option[1:].isdecimal() or at_least is not None:
                raise PhraseError(f"a number is # and digits, once: {phrase!r}")
            at_least = int(option[1:])
            continue
        if option.startswith("@") and option[1:] not in classes:
            raise PhraseError(f"no class of that name: {phrase!r}")
        for entry in classes[option[1:]] if option.startswith("@") else (option,):
            pieces = tuple(entry.replace("_", " ").split())
            if not pieces or not all(map(_is_word, pieces if len(pieces) > 1 else (entry.removesuffix("*"),))):
                raise PhraseError(f"words are lower case, without accents or signs: {phrase!r}")
            if len(pieces) > 1:
                runs.append(pieces)
            elif entry.endswith("*"):
                stems.append(entry[:-1])
            else:
                words.add(entry)
    return _Element(frozenset(words), tuple(stems), tuple(runs), optional, at_least=at_least)


def _is_word(piece: str) -> bool:
    return piece.isascii() and piece.isalnum() and piece == piece.lower()
