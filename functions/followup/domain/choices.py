"""Which of an answer's labels a reply says, in any language, with misspellings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from followup.domain.lexicon import (
    BESIDE_AN_ANSWER,
    CONTRAST,
    EFFECT_WORD,
    EXTREME,
    NEGATION,
    NUMBER,
    OPENER,
    TOPIC_WORD,
    TURN_AFTER,
    Lexicon,
    Reply,
    longest,
)
from followup.domain.normalisation import Break, fold, tokenise
from followup.domain.phrases import Match, Phrasebook
from followup.domain.spelling import distance

_LONGEST_LABEL: Final = 40
_MOST: Final = 12  # labels of a text that are looked at
_SHORTEST: Final = 5  # letters of a word that may be misspelt
_TWO_SLIPS: Final = 8  # letters from which on two are forgiven


@dataclass(frozen=True, slots=True)
class Choice:
    """What the labels of a stretch of text say: the value, or why there is none; `seen`: there was a label."""

    value: int | None
    reason: str
    seen: bool = False


@dataclass(frozen=True, slots=True)
class Labels:
    """The labels of one question with their variants, ready to be found."""

    book: Phrasebook
    values: Mapping[str, int]
    whole: Mapping[str, int]
    vocabulary: tuple[str, ...]


@lru_cache(maxsize=64)
def labels_of(labels: tuple[tuple[str, int], ...], compiled: Lexicon) -> Labels:
    """Compile a question's labels; ways to say a label that the word lists know count like the label."""
    phrases: list[tuple[str, str]] = []
    values: dict[str, int] = {}
    whole: dict[str, int] = {}
    for label, value in labels:
        key = str(value)
        values[key] = value
        said = tokenise(fold(label), compiled.spellings).words
        if said and all(word.isascii() for word in said):
            phrases.append((key, " ".join(said)))
            whole["".join(said)] = value
        phrases += [
            (key, variant) for variant in compiled.words.variants.get(" ".join(tokenise(fold(label)).words), ())
        ]
    book = Phrasebook(phrases)
    return Labels(book, values, whole, tuple(sorted(word for word in book.vocabulary if len(word) >= _SHORTEST)))


def choose(reply: Reply, start: int, end: int, labels: Labels) -> Choice:
    """Read the labels among these words."""
    alone = _whole(reply, start, end, labels)
    if alone is not None:
        return Choice(alone, "a label", True)
    found = [match for match in _matches(reply, labels) if start <= match.start and match.end <= end]
    found = [match for match in found if not reply.inside(match, *_ELSE) and not _is_extreme(reply, match)]
    if not found:
        return Choice(None, "no label")
    said = [match for match in found if not _is_denied(reply, match)]
    found = said or found
    usable = [match for match in found if _stands(reply, match, start, end)]
    values = {labels.values[match.key] for match in found if match in usable or match.end - match.start > 1}
    if not usable:
        return Choice(None, "a label among other words", True)
    if len(values) > 1:
        return Choice(None, "several labels", True)
    return Choice(values.pop(), "a label", True)


def _is_denied(reply: Reply, match: Match) -> bool:
    """Whether a denial stands directly in front: "several days, not nearly every day"."""
    at = match.start - 1
    return (
        at >= 0
        and reply.tokens.words[at] in reply.lexicon.denials
        and reply.tokens.words[match.start] not in reply.lexicon.denials
        and reply.tokens.breaks[match.start] is Break.NONE
    )


def _is_extreme(reply: Reply, match: Match) -> bool:
    """Whether it leads up to a number, "worst 8"."""
    kinds = reply.kinds
    return match.end < len(kinds) and bool(kinds[match.start] & EXTREME and kinds[match.end] & NUMBER)


def _whole(reply: Reply, start: int, end: int, labels: Labels) -> int | None:
    """The label that is all that was said, with blanks and full stops anywhere: "Not. At. All.", "severaldays"."""
    said = "".join(reply.tokens.words[start:end])
    if not _TWO_SLIPS <= len(said) <= _LONGEST_LABEL:
        return labels.whole.get(said)
    if said in labels.whole:
        return labels.whole[said]
    near = {
        value
        for label, value in labels.whole.items()
        if abs(len(label) - len(said)) <= 1 and label[:1] == said[:1] and distance(said, label) <= 1
    }
    return near.pop() if len(near) == 1 else None


def first_said(reply: Reply, start: int, end: int, labels: Labels) -> Choice:
    """Like `choose`, for yes and no: what is said first counts, unless the other is said by itself too."""
    found = [match for match in _matches(reply, labels) if start <= match.start and match.end <= end]
    found = [match for match in found if not reply.inside(match, *_ELSE[2:-1])]
    if not found:
        return Choice(None, "no label")
    first = found[0]
    denial = reply.tokens.words[first.start] in reply.lexicon.denials
    if not (_stands(reply, first, start, end, or_begins=True) or (not denial and _leads(reply, first, start))):
        return Choice(None, "a label among other words", True)
    value = labels.values[first.key]
    others = [match for match in found[1:] if not _is_mild(reply, match)]
    if any(labels.values[match.key] != value and _by_itself(reply, match, first) for match in others):
        return Choice(None, "several labels", True)
    return Choice(value, "a label", True)


_ELSE: Final = (
    "swerves",
    "corrections",
    "unclear",
    "units",
    "fillers",
    "approximations",
    "moods",
    "look_alikes",
    "nothing",
)
"""A label inside a longer phrase of these lists is none: "nada" in "nada mas"."""


def _is_mild(reply: Reply, match: Match) -> bool:
    """Whether it says how bad something is, as in "yes but nothing major"."""
    return any(mild.start <= match.start and match.end <= mild.end for mild in reply.spans.get("mild", ()))


def _leads(reply: Reply, match: Match, start: int) -> bool:
    return all(reply.kinds[at] & BESIDE_AN_ANSWER for at in range(start, match.start))


def _by_itself(reply: Reply, match: Match, first: Match) -> bool:
    breaks = reply.tokens.breaks
    return (
        match.start == first.end
        or match.end == len(breaks)
        or breaks[match.start] is not Break.NONE
        or breaks[match.end] is not Break.NONE
    )


def _stands(reply: Reply, match: Match, start: int, end: int, *, or_begins: bool = False) -> bool:
    """Whether only words that go with an answer stand in front, and what follows is a new thought.

    A lone "no" or "never" must be all that its clause says, because it may deny something else; with `or_begins` it may
    also begin a new thought.
    """
    kinds = reply.kinds
    first, last = reply.clause(match.start, start, end)
    first = max((at + 1 for at in range(first, match.start) if kinds[at] & CONTRAST), default=first)
    before = range(first, match.start)
    if match.start > first and kinds[match.start - 1] & NEGATION and not kinds[match.start - 1] & BESIDE_AN_ANSWER:
        return False
    if not all(kinds[at] & BESIDE_AN_ANSWER for at in before):
        return False
    if match.end >= last:
        return True
    if kinds[match.end] & TURN_AFTER:
        return False
    if match.end - match.start > 1 and reply.tokens.words[match.end - 1] in reply.lexicon.denials:
        # "I don't" is an answer, "I don't sleep" is none.
        return bool(kinds[match.end] & BESIDE_AN_ANSWER & ~(EFFECT_WORD | TOPIC_WORD))
    if match.end - match.start > 1:
        return True
    if reply.tokens.words[match.start] in reply.lexicon.denials and not or_begins:
        return all(
            kinds[at] & (BESIDE_AN_ANSWER | NEGATION) and not kinds[at] & (EFFECT_WORD | TOPIC_WORD)
            for at in range(match.end, last)
        )
    return bool(kinds[match.end] & (OPENER | BESIDE_AN_ANSWER | NEGATION))


def _matches(reply: Reply, labels: Labels) -> list[Match]:
    tokens = reply.tokens
    words = tokens.words
    for at, word in enumerate(words):
        if not reply.kinds[at] and len(word) >= _SHORTEST and word not in labels.book.vocabulary:
            meant = _nearest(word, labels.vocabulary)
            if meant is not None:
                words = (*words[:at], meant, *words[at + 1 :])
    return longest(labels.book.find(tokens if words is tokens.words else replace(tokens, words=words)))[:_MOST]


@lru_cache(maxsize=1024)
def _nearest(word: str, vocabulary: tuple[str, ...]) -> str | None:
    """The one word of these labels that is meant: one slip away, two in a long word."""
    allowed = 2 if len(word) >= _TWO_SLIPS else 1
    near = [other for other in vocabulary if distance(word, other) <= allowed]
    return near[0] if len(near) == 1 else None
