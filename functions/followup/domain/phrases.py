"""Finds phrases of a word list in a text, in time linear in the text.

A phrase is written as elements parted by blanks. It is tried only where its first element stands, and no element
looks further ahead than its own bound, so that no text can make matching slow.

    word        this word                       a|b|c       one of several
    suicid*     words that begin so             @name       a word or phrase of that class
    two_words   these words, one after another  ..3         up to three words of any kind; may cross a comma
    #10         a whole number of 10 or more    word?       may be missing; a|b? too
    ^ $         beginning and end of the text   < >         beginning and end of a clause (any break)
    a|>         this word or the end of a clause

Elements that follow one another directly must not be parted by a comma or stronger.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from followup.domain.normalisation import Break, Tokens

_MARKS: Final = frozenset("^$<>")
_WORDS: Final = re.compile(r"[a-z0-9]+(?:\|[a-z0-9]+)*\??")
_MOST_NEEDED: Final = 3  # later elements that are looked for before a phrase is tried


class PhraseError(ValueError):
    """A phrase of a word list is not well formed; the message quotes the phrase, which is content, never a text."""


class Match(NamedTuple):  # made for every word of every text, and a tuple is the quickest to make
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
    or_end: bool = False

    @property
    def longest(self) -> int:
        """The most words that it may take."""
        if self.mark:
            return 0
        return self.gap or max((len(run) for run in self.runs), default=1)

    @property
    def certain(self) -> frozenset[str] | None:
        """The words of which one must stand where this element does, or None where that is not known."""
        if self.mark or self.gap or self.optional or self.or_end or self.stems or self.at_least is not None:
            return None
        return self.words | {run[0] for run in self.runs}

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
        if self.optional or (self.or_end and _mark_holds(">", tokens, at)):
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
    needed: tuple[tuple[frozenset[str], int], ...]  # of each of these words one must stand so near after the first


class Phrasebook:
    """Phrases under keys, indexed by the words they may begin with."""

    def __init__(self, phrases: Iterable[tuple[str, str]], classes: Mapping[str, tuple[str, ...]] | None = None):
        """Take (key, phrase) pairs and the classes that `@name` refers to; raise PhraseError on a bad phrase."""
        self._single: dict[str, list[str]] = defaultdict(list)
        self._plain: dict[tuple[str, str], list[tuple[str, tuple[str, ...]]]] = defaultdict(list)
        self._by_word: dict[str, list[_Phrase]] = defaultdict(list)
        self._by_stem: dict[str, list[_Phrase]] = defaultdict(list)
        self._numbers: list[_Phrase] = []
        vocabulary: set[str] = set()
        elements_of: dict[str, _Element] = {}  # many phrases share elements; classes are large
        for key, phrase in phrases:
            words = tuple(phrase.split())
            if words and _is_word("".join(words)):  # most are plain words one after another
                if len(words) == 1:
                    self._single[words[0]].append(key)
                else:
                    self._plain[words[0], words[1]].append((key, words))
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
        if first is None or first.optional or first.gap or first.or_end:
            raise PhraseError(f"a phrase begins with a word that must be there: {phrase!r}")
        entry = _Phrase(key, elements, _second_words(elements), _needed_words(elements))
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
            for key in self._single.get(word, ()):
                matches.append(Match(key, start, start + 1))
            for key, plain in self._plain.get((word, following[start]), ()):
                end = start + len(plain)
                if words[start:end] == plain and max(breaks[start + 1 : end]) < Break.COMMA:
                    matches.append(Match(key, start, end))
            for phrase in self._by_word.get(word, ()):
                if phrase.second is None or following[start] in phrase.second:
                    _add(phrase, tokens, start, matches)
            for length in self._stem_lengths:
                if length > len(word):
                    break
                for phrase in self._by_stem.get(word[:length], ()):
                    if phrase.second is None or following[start] in phrase.second:
                        _add(phrase, tokens, start, matches)
            if self._numbers and word.isdecimal():
                for phrase in self._numbers:
                    _add(phrase, tokens, start, matches)
        return matches


def _add(phrase: _Phrase, tokens: Tokens, start: int, matches: list[Match]) -> None:
    for words, reach in phrase.needed:
        if words.isdisjoint(tokens.words[start + 1 : start + reach]):
            return
    end = _match(phrase.elements, tokens, start)
    if end > start:
        matches.append(Match(phrase.key, start, end))


def _second_words(elements: tuple[_Element, ...]) -> frozenset[str] | None:
    if len(elements) == 1 or elements[0].mark or elements[0].runs:
        return None
    return elements[1].certain


def _needed_words(elements: tuple[_Element, ...]) -> tuple[tuple[frozenset[str], int], ...]:
    """The later elements that say most surely that a phrase does not match, each with how far away it may begin."""
    needed: list[tuple[frozenset[str], int]] = []
    reach = 0
    for element in elements:
        words = element.certain if reach else None
        if words is not None:
            needed.append((words, reach + 1))
        reach += element.longest
    return tuple(sorted(needed, key=lambda need: len(need[0]))[:_MOST_NEEDED])


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
                if element.optional or element.or_end:
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
    if _WORDS.fullmatch(part):
        return _Element(frozenset(part.removesuffix("?").split("|")), optional=optional)
    words: set[str] = set()
    stems: list[str] = []
    runs: list[tuple[str, ...]] = []
    at_least: int | None = None
    or_end = False
    for option in part.removesuffix("?").split("|"):
        if option == ">":
            or_end = True
            continue
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
    return _Element(frozenset(words), tuple(stems), tuple(runs), optional, at_least=at_least, or_end=or_end)


def _is_word(piece: str) -> bool:
    return piece.isascii() and piece.isalnum() and piece == piece.lower()
