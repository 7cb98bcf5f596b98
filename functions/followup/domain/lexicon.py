"""Word lists of replies, and a reply taken apart by them: what kind of phrase each of its words belongs to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from followup.domain.normalisation import Break, Tokens, tokenise
from followup.domain.phrases import Match, Phrasebook
from followup.domain.spelling import Speller


@dataclass(frozen=True, slots=True)
class EffectWords:
    """Phrases for one side effect; `code` is stable and language-free; `strong` phrases alone say that it is bad."""

    code: str
    phrases: tuple[str, ...]
    strong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReadingWords:
    """Word lists (content/reading.yaml and the languages' files), all languages together; compared by identity.

    A phrase inside a longer one of its group of lists does not count: "i am at" is a lead-in, "at" alone is none.

    Around a number: `fillers` go with an answer and change nothing; `frames` lead up to one ("i would say"); `moods`
    colour it; `openers` may follow it and begin a new clause, `clauses` stand between two; `approximations` may stand
    between a lead-in and the number; `amounts` in front and `units` behind make it a number of something else; `turns`
    in front and `turns_after` behind make it mean another; `past`, `earlier` and `present` place it in time; `slips`
    say that it was typed by mistake; `topics` name what it is about; `ranges` join two; `extremes` make it the highest
    or lowest of several; `loose_numbers` are words that are mostly no number ("one"). `best` and `worst` belong to one
    end of a scale only.

    `corrections` take back what was said, `swerves` do so only between two answers; `doubts` say that the patient does
    not know. `variants` are other ways to say a label of an answer, by the label.

    Around an effect: `negations` deny it, `joins` carry a denial to the next, `contrasts` end it and `exceptions` turn
    it round; `look_alikes` look like a denial or an effect and are none; `supposed` says that what follows has not
    happened, `other_times` that what stands in the same clause was not since the visit; `pointing` words make an
    effect in a question one that is there ("this drowsy"); `others` have what follows, unless the patient speaks of
    `oneself` again. `over` and `still` say whether it is there.

    `signs` are emoji and the word that each stands for. `durations`: hours in a unit of time.
    """

    spellings: dict[str, str]
    signs: dict[str, str]
    numbers: dict[str, int]
    loose_numbers: tuple[str, ...]
    scales: tuple[str, ...]
    fillers: tuple[str, ...]
    frames: tuple[str, ...]
    approximations: tuple[str, ...]
    moods: tuple[str, ...]
    best: tuple[str, ...]
    worst: tuple[str, ...]
    openers: tuple[str, ...]
    amounts: tuple[str, ...]
    units: tuple[str, ...]
    turns: tuple[str, ...]
    turns_after: tuple[str, ...]
    clauses: tuple[str, ...]
    ranges: tuple[str, ...]
    extremes: tuple[str, ...]
    past: tuple[str, ...]
    earlier: tuple[str, ...]
    present: tuple[str, ...]
    slips: tuple[str, ...]
    topics: dict[str, tuple[str, ...]]
    corrections: tuple[str, ...]
    swerves: tuple[str, ...]
    variants: dict[str, tuple[str, ...]]
    nothing: tuple[str, ...]
    something: tuple[str, ...]
    unclear: tuple[str, ...]
    doubts: tuple[str, ...]
    negations: tuple[str, ...]
    look_alikes: tuple[str, ...]
    joins: tuple[str, ...]
    contrasts: tuple[str, ...]
    exceptions: tuple[str, ...]
    supposed: tuple[str, ...]
    other_times: tuple[str, ...]
    over: tuple[str, ...]
    still: tuple[str, ...]
    others: tuple[str, ...]
    oneself: tuple[str, ...]
    pointing: tuple[str, ...]
    mild: tuple[str, ...]
    strong: tuple[str, ...]
    durations: dict[str, int]
    effects: tuple[EffectWords, ...]
    no_misspellings: tuple[str, ...]
    person: tuple[str, ...]
    booster: tuple[str, ...]
    question: tuple[str, ...]
    thanks: tuple[str, ...]
    reaction_openings: tuple[str, ...]
    automatic_openings: tuple[str, ...]
    automatic: tuple[str, ...]


EFFECT, STRONG_EFFECT, GAPPED_EFFECT, TOPIC = "effect:", "strong effect:", "gapped effect:", "topic:"

# A phrase inside a longer one of its own group does not count; the groups look at different things.
_AROUND_A_NUMBER: Final = (
    "scales",
    "fillers",
    "frames",
    "approximations",
    "moods",
    "best",
    "worst",
    "openers",
    "amounts",
    "units",
    "turns",
    "turns_after",
    "clauses",
    "ranges",
    "extremes",
    "past",
    "earlier",
    "present",
    "slips",
)
_OF_EFFECTS: Final = (
    "nothing",
    "something",
    "unclear",
    "negations",
    "look_alikes",
    "joins",
    "contrasts",
    "exceptions",
    "over",
    "still",
)
_OF_CIRCUMSTANCES: Final = ("supposed", "other_times", "others", "oneself")
_OF_DEGREE: Final = ("mild", "strong")
_OF_THE_TALK: Final = ("doubts", "corrections", "swerves", "person", "booster", "question", "thanks")
_LISTS: Final = (*_AROUND_A_NUMBER, *_OF_EFFECTS, *_OF_DEGREE, *_OF_THE_TALK, *_OF_CIRCUMSTANCES)
_BITS: Final = {name: 1 << place for place, name in enumerate((*_LISTS, "effect", "topic", "number"))}

# Plain integers, because masks of an enum are slow and every word of every text has one.
SCALE: Final = _BITS["scales"]
FRAME: Final = _BITS["frames"]
APPROXIMATION: Final = _BITS["approximations"]
MOOD: Final = _BITS["moods"]
OPENER: Final = _BITS["openers"]
AMOUNT: Final = _BITS["amounts"]
UNIT: Final = _BITS["units"]
TURN: Final = _BITS["turns"]
TURN_AFTER: Final = _BITS["turns_after"]
CLAUSE: Final = _BITS["clauses"]
RANGE: Final = _BITS["ranges"]
EXTREME: Final = _BITS["extremes"]
PAST: Final = _BITS["past"]
EARLIER: Final = _BITS["earlier"]
PRESENT: Final = _BITS["present"]
SLIP: Final = _BITS["slips"]
NEGATION: Final = _BITS["negations"]
NOTHING: Final = _BITS["nothing"]
JOIN: Final = _BITS["joins"]
CONTRAST: Final = _BITS["contrasts"]
OVER: Final = _BITS["over"]
STILL: Final = _BITS["still"]
ONESELF: Final = _BITS["oneself"]
THANKS: Final = _BITS["thanks"]
EFFECT_WORD: Final = _BITS["effect"]
TOPIC_WORD: Final = _BITS["topic"]
NUMBER: Final = _BITS["number"]
_BESIDE: Final = (
    SCALE
    | FRAME
    | APPROXIMATION
    | MOOD
    | PRESENT
    | EARLIER
    | PAST
    | THANKS
    | NUMBER
    | EFFECT_WORD
    | _BITS["fillers"]
    | _BITS["best"]
    | _BITS["worst"]
    | _BITS["mild"]
    | _BITS["strong"]
    | _BITS["over"]
    | _BITS["still"]
    | _BITS["topic"]
)
BESIDE_AN_ANSWER: Final = _BESIDE | _BITS["swerves"] | _BITS["corrections"]
"""What may stand beside a number or a label without making it mean another."""
OF_EFFECTS: Final = (
    BESIDE_AN_ANSWER
    | _BITS["nothing"]
    | _BITS["something"]
    | NEGATION
    | _BITS["joins"]
    | CLAUSE
    | CONTRAST
    | OPENER
    | _BITS["question"]
    | _BITS["look_alikes"]
)
"""What may stand in an answer on side effects without a person having to read it."""

_ANY: Final = frozenset(Break) - {Break.NONE}
_SENTENCES: Final = frozenset({Break.LINE, Break.SENTENCE, Break.QUESTION})
_GROUP: Final = {
    name: group
    for group, names in enumerate((_AROUND_A_NUMBER, _OF_EFFECTS, _OF_DEGREE, _OF_THE_TALK, _OF_CIRCUMSTANCES))
    for name in names
}


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Word lists made ready; `codes` in the order in which effects are told."""

    words: ReadingWords
    book: Phrasebook
    spellings: dict[str, tuple[str, ...]]
    numbers: dict[str, int]
    codes: tuple[str, ...]
    speller: Speller
    known: frozenset[str]
    denials: frozenset[str]
    contrasts: frozenset[str]
    pointing: frozenset[str]
    topics: tuple[str, ...]
    within_a_clause: frozenset[str]
    shortest_automatic: int
    signs: dict[int, str]


@lru_cache(maxsize=8)
def lexicon(words: ReadingWords) -> Lexicon:
    """Compile the word lists, once for each."""
    phrases: list[tuple[str, str]] = []
    for name in _LISTS:
        listed: tuple[str, ...] = getattr(words, name)
        phrases += [(name, phrase) for phrase in listed]
    phrases += [(TOPIC + topic, phrase) for topic, listed in words.topics.items() for phrase in listed]
    denials = frozenset(words.negations)
    named = [
        ((GAPPED_EFFECT if _is_gapped(phrase, denials) else EFFECT) + effect.code, phrase)
        for effect in words.effects
        for phrase in effect.phrases
    ]
    named += [(STRONG_EFFECT + effect.code, phrase) for effect in words.effects for phrase in effect.strong]
    book = Phrasebook(phrases + named)
    spellings = {variant: tuple(standard.split()) for variant, standard in words.spellings.items()}
    wanted = Phrasebook(named).vocabulary
    known = book.vocabulary | spellings.keys() | words.numbers.keys()
    return Lexicon(
        words=words,
        book=book,
        spellings=spellings,
        numbers=words.numbers,
        codes=tuple(effect.code for effect in words.effects),
        speller=Speller(wanted, known | set(words.no_misspellings)),
        known=frozenset(known),
        denials=denials,
        contrasts=frozenset(words.contrasts),
        pointing=frozenset(words.pointing),
        topics=tuple(TOPIC + topic for topic in words.topics),
        within_a_clause=_WITHIN_A_CLAUSE | {key for key, _ in named if key.startswith(GAPPED_EFFECT)},
        shortest_automatic=min(map(len, words.automatic), default=0),
        signs={ord(sign): f" {word} " for sign, word in words.signs.items()},
    )


def _is_gapped(phrase: str, denials: frozenset[str]) -> bool:
    """Whether other words may stand inside this phrase of an effect, a denial among them ("head is not pounding")."""
    return ".." in phrase and denials.isdisjoint(re.split(r"[ _|]", phrase))


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply taken apart: its words, the kinds of phrase that each belongs to, and the phrases by their lists."""

    tokens: Tokens
    kinds: tuple[int, ...]
    spans: Mapping[str, tuple[Match, ...]]
    lexicon: Lexicon

    def has(self, *lists: str) -> bool:
        return not self.spans.keys().isdisjoint(lists)

    def inside(self, match: Match, *lists: str) -> bool:
        """Whether a longer phrase of these lists covers this one."""
        return any(
            other.start <= match.start and match.end <= other.end and other.end - other.start > match.end - match.start
            for name in lists
            for other in self.spans.get(name, ())
        )

    def clause(self, at: int, start: int, end: int) -> tuple[int, int]:
        """Where the clause around a word begins and ends: up to any break."""
        return self._around(at, start, end, _ANY)

    def sentence(self, at: int, start: int = 0, end: int | None = None) -> tuple[int, int]:
        """Where the sentence around a word begins and ends: a new line ends one, a comma does not."""
        return self._around(at, start, len(self.kinds) if end is None else end, _SENTENCES)

    def asked(self, end: int) -> bool:
        """Whether the sentence that ends there is a question."""
        tokens = self.tokens
        return tokens.breaks[end] is Break.QUESTION if end < len(tokens.words) else tokens.asks

    def _around(self, at: int, start: int, end: int, parting: frozenset[Break]) -> tuple[int, int]:
        breaks = self.tokens.breaks
        first, last = at, at + 1
        while first > start and breaks[first] not in parting:
            first -= 1
        while last < end and breaks[last] not in parting:
            last += 1
        return first, last


def take_apart(plain: str, compiled: Lexicon) -> Reply:
    """Divide a folded text, with its figures made plain, by the word lists."""
    tokens = tokenise(plain, compiled.spellings, compiled.known)
    tokens = compiled.speller.corrected(tokens)
    spans: dict[str, list[Match]] = {}
    kinds = [0] * len(tokens.words)
    groups: tuple[list[Match], ...] = ([], [], [], [], [])
    within_a_clause = compiled.within_a_clause
    for match in compiled.book.find(tokens):
        key, start, end = match
        if end - start > 1 and key in within_a_clause and _is_parted(tokens, match, compiled):
            continue
        groups[_GROUP.get(key, 1)].append(match)
    for group in groups:
        for match in longest(group):
            key, start, end = match
            spans.setdefault(key, []).append(match)
            bit = _BITS.get(key, EFFECT_WORD)
            for at in range(start, end):
                kinds[at] |= bit
    for name in compiled.topics:
        for _, start, end in spans.get(name, ()):
            for at in range(start, end):
                kinds[at] = kinds[at] & ~EFFECT_WORD | TOPIC_WORD
    for at, word in enumerate(tokens.words):
        if word.isdecimal() or word in compiled.numbers:
            kinds[at] |= NUMBER
    return Reply(tokens, tuple(kinds), {name: tuple(matches) for name, matches in spans.items()}, compiled)


def _is_parted(tokens: Tokens, match: Match, compiled: Lexicon) -> bool:
    """Whether a phrase with a gap reaches into another thought: "my head is fine, my back hurts"."""
    inside = range(match.start + 1, match.end)
    if match.key.startswith(GAPPED_EFFECT):
        return any(tokens.breaks[at] >= Break.COMMA or tokens.words[at] in compiled.contrasts for at in inside)
    return any(tokens.breaks[at] >= Break.COMMA for at in inside)


_WITHIN_A_CLAUSE: Final = frozenset({"look_alikes", "nothing", "negations", "other_times", "supposed", "others"})


def longest(matches: list[Match]) -> list[Match]:
    """Without the matches that lie inside a longer one."""
    if len(matches) < 2:
        return matches
    kept: list[Match] = []
    reach = begun = -1
    for match in sorted(matches, key=_from_longest):
        _, start, end = match
        if end > reach or (end == reach and start == begun):
            kept.append(match)
            reach, begun = end, start
    return kept


def _from_longest(match: Match) -> tuple[int, int]:
    return match[1], -match[2]
