"""What a reply means as an answer to one question.

A value is given only when it is sure. A number counts when nothing in the text lets it mean something else: every other
word is one that goes with an answer ("about a 7 today"), or the number stands by itself as the first thing said. All
else is asked again, never guessed and never clipped into the range.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from followup.domain.normalisation import Break, Tokens, fold, tokenise
from followup.domain.phrases import Match, Phrasebook
from followup.domain.quoting import begins_with, quoted_span

Question = Literal["mood", "side_effects", "which_effects"]
Confidence = Literal["sure", "unsure", "none"]
Severity = Literal["mild", "strong"]

_RANGE: Final[dict[Question, int]] = {"mood": 10, "side_effects": 1, "which_effects": 1}
NO_EFFECTS: Final = 0
SOME_EFFECTS: Final = 1


@dataclass(frozen=True, slots=True)
class EffectWords:
    """Phrases for one side effect; `code` is stable and language-free; `strong` phrases alone say that it is bad."""

    code: str
    phrases: tuple[str, ...]
    strong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class ReadingWords:
    """Word lists (content/reading.yaml), English and Spanish together; compared by identity, so compiling is cached.

    `numbers` has the words for 0 to 10. `fillers` go with an answer and change nothing; `moods` likewise, but only
    with a number. `openers` may follow a number that opens a sentence ("7 but tired"). `corrections` take back what was
    said; `turns` make a number mean another ("less than 7"). `joins` carry a denial from one effect to the next ("no
    nausea or headache"). A phrase inside a longer one of any list does not count.
    """

    spellings: dict[str, str]
    numbers: dict[str, int]
    scales: tuple[str, ...]
    fillers: tuple[str, ...]
    moods: tuple[str, ...]
    openers: tuple[str, ...]
    corrections: tuple[str, ...]
    turns: tuple[str, ...]
    nothing: tuple[str, ...]
    something: tuple[str, ...]
    unclear: tuple[str, ...]
    negations: tuple[str, ...]
    joins: tuple[str, ...]
    over: tuple[str, ...]
    others: tuple[str, ...]
    mild: tuple[str, ...]
    strong: tuple[str, ...]
    effects: tuple[EffectWords, ...]
    reaction_openings: tuple[str, ...]
    automatic_openings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer with its certainty; `value` is None unless `confidence` is "sure", and within the question's range.

    `reason` is a fixed phrase. `side_effects` are codes that the text affirms, in the order of the word list.
    `severity` is how bad they were said to be, None when nothing was said. `more_said` means that words remain which
    this reader does not know: a person may want to read them.
    """

    value: int | None
    confidence: Confidence
    reason: str
    side_effects: tuple[str, ...] = ()
    severity: Severity | None = None
    more_said: bool = False


@dataclass(frozen=True, slots=True)
class _Compiled:
    book: Phrasebook
    spellings: dict[str, tuple[str, ...]]
    numbers: dict[str, int]
    codes: tuple[str, ...]


_EFFECT, _STRONG_EFFECT = "effect:", "strong effect:"
_LISTS: Final = (
    ("scales", "scale"),
    ("fillers", "filler"),
    ("moods", "mood"),
    ("corrections", "correction"),
    ("turns", "turn"),
    ("nothing", "nothing"),
    ("something", "something"),
    ("unclear", "unclear"),
    ("negations", "negation"),
    ("joins", "join"),
    ("over", "over"),
    ("others", "other"),
    ("mild", "mild"),
    ("strong", "strong"),
    ("openers", "opener"),
)


@lru_cache(maxsize=8)
def _compile(words: ReadingWords) -> _Compiled:
    phrases: list[tuple[str, str]] = []
    for field, key in _LISTS:
        listed: tuple[str, ...] = getattr(words, field)
        phrases += [(key, phrase) for phrase in listed]
    for effect in words.effects:
        phrases += [(_EFFECT + effect.code, phrase) for phrase in effect.phrases]
        phrases += [(_STRONG_EFFECT + effect.code, phrase) for phrase in effect.strong]
    return _Compiled(
        Phrasebook(phrases),
        {variant: tuple(standard.split()) for variant, standard in words.spellings.items()},
        words.numbers,
        tuple(effect.code for effect in words.effects),
    )


# Figures are looked at before the text is split into words: "7/10" becomes its number, odd ones go and are noted.
_SCALE_NUMBER: Final = re.compile(r"(?<![\w.,/:+#$-])(\d{1,2}) ?/ ?(\d{1,2}|[a-z]{3,6})(?![\w/:]|[.,]\d)")
_ODD_NUMBER: Final = re.compile(
    r"[-+#$€£^<>~]\s?\.?\d[\d.,:/^-]*\w*"  # signed, priced, powers, "#7"
    r"|\d+(?:[.,:/^]\d+)+\w*|[.,]\d+"  # decimals, times, dates
    r"|\d+\s?-\s?\d[\d-]*"  # ranges, phone numbers
    r"|\d+\s?(?:[%°$€£+]|[ap]\.?m\b\.?|hrs?\b|mg\b|st\b|nd\b|rd\b|th\b)"
    r"|\d+(?=[^\W\d_])[^\W_]+|[^\W\d_]+\d+"  # "7pm", "8ish" (see below), "b4"
    r"|\d{3,}|\d+\s?=\s?\d+"
)
_ROUGHLY: Final = re.compile(r"\b(\d{1,2})-?ish\b")
_LIST_MARK: Final = re.compile(r"\s*1[.)]\s+\w")


def read(text: str, question: Question, words: ReadingWords) -> Reading:
    """Read a reply to a question, in English or Spanish whatever the patient's language.

    Mood: 0 to 10. Side effects: 0 none, 1 some. Which effects: 0 none, 1 with codes; other words are kept by the
    caller as free text and are no error. Time is bounded for any text.
    """
    compiled = _compile(words)
    folded = fold(text)
    if not folded.strip():
        return Reading(None, "none", "empty")
    if quoted_span(folded, words.reaction_openings) is not None:
        return Reading(None, "none", "reaction")
    if begins_with(folded, words.automatic_openings):
        return Reading(None, "none", "automatic reply")
    reply = _Reply.parse(folded, words, compiled)
    return _read_mood(reply) if question == "mood" else _read_effects(reply, question)


@dataclass(frozen=True, slots=True)
class _Reply:
    """A reply taken apart: numbers with their places, phrases by kind, and which words nobody knows."""

    tokens: Tokens
    numbers: tuple[tuple[int, int], ...]  # (word index, value)
    odd_number: bool
    listed: bool
    spans: Mapping[str, tuple[Match, ...]]
    effects: tuple[str, ...]
    ended: bool
    denied: bool
    severity: Severity | None

    @classmethod
    def parse(cls, folded: str, words: ReadingWords, compiled: _Compiled) -> "_Reply":
        plain, odd = _plain_numbers(folded, words)
        tokens = tokenise(plain, compiled.spellings)
        spans: dict[str, list[Match]] = {}
        for match in _longest(compiled.book.find(tokens)):
            spans.setdefault(match.key, []).append(match)
        scale_words = _covered(spans.get("scale", ()))
        numbers = tuple(
            (at, int(word) if word.isdecimal() else compiled.numbers[word])
            for at, word in enumerate(tokens.words)
            if at not in scale_words and (word.isdecimal() or word in compiled.numbers)
        )
        effects, denied, ended, strong = _effects(tokens, spans, compiled.codes)
        severity: Severity | None = None
        if strong or "strong" in spans:
            severity = "strong"
        elif "mild" in spans:
            severity = "mild"
        kept = {key: tuple(matches) for key, matches in spans.items()}
        return cls(tokens, numbers, odd, bool(_LIST_MARK.match(folded)), kept, effects, ended, denied, severity)

    def has(self, *keys: str) -> bool:
        return any(key in self.spans for key in keys)

    def unexplained(self, *keys: str, effects: bool = False) -> list[int]:
        """Places of words that are neither numbers nor in phrases of these kinds."""
        known = {at for at, _ in self.numbers} | _covered(self.spans.get("scale", ()))
        for key, matches in self.spans.items():
            if key in keys or (effects and key.startswith((_EFFECT, _STRONG_EFFECT))):
                known |= _covered(matches)
        return [at for at in range(len(self.tokens.words)) if at not in known]


def _longest(matches: list[Match]) -> list[Match]:
    """Without the matches that lie inside a longer one; `matches` are ordered by start."""
    kept: list[Match] = []
    reach = -1
    for match in sorted(matches, key=lambda entry: (entry.start, -entry.end)):
        if match.end > reach or (kept and (kept[-1].start, kept[-1].end) == (match.start, match.end)):
            kept.append(match)
            reach = max(reach, match.end)
    return kept


def _covered(matches: "tuple[Match, ...] | list[Match]") -> set[int]:
    return {at for match in matches for at in range(match.start, match.end)}


def _plain_numbers(folded: str, words: ReadingWords) -> tuple[str, bool]:
    """The text with "7/10" as its number and without other kinds of figures; and whether there were any of those."""
    odd = False

    def scale(found: re.Match[str]) -> str:
        nonlocal odd
        top = found[2]
        if (int(top) if top.isdecimal() else words.numbers.get(top)) == _RANGE["mood"]:
            return found[1]
        odd = True
        return " "

    def figure(_: re.Match[str]) -> str:
        nonlocal odd
        odd = True
        return " "

    if not any(char.isdecimal() for char in folded):
        return folded, False
    plain = _ROUGHLY.sub(r"\1", _SCALE_NUMBER.sub(scale, folded))
    return _ODD_NUMBER.sub(figure, plain), odd


def _effects(
    tokens: Tokens, spans: Mapping[str, list[Match]], codes: tuple[str, ...]
) -> tuple[tuple[str, ...], bool, bool, bool]:
    """Codes affirmed; whether any was denied; whether one is said to be over; whether one is strong by itself."""
    named = [
        (match, key.removeprefix(_STRONG_EFFECT).removeprefix(_EFFECT), key.startswith(_STRONG_EFFECT))
        for key, matches in spans.items()
        if key.startswith((_EFFECT, _STRONG_EFFECT))
        for match in matches
    ]
    named.sort(key=lambda entry: (entry[0].start, -entry[0].end))
    negations = {match.end for match in spans.get("negation", ())}
    affirmed: set[str] = set()
    denied_until, denied, strong, reached = -1, False, False, -1
    for match, code, is_strong in named:
        if match.end <= reached:
            continue
        reached = match.end
        near = any(
            at in negations and all(tokens.breaks[place] < Break.COMMA for place in range(at, match.start + 1))
            for at in range(max(0, match.start - 2), match.start + 1)
        )
        joined = 0 <= denied_until <= match.start <= denied_until + 2 and any(
            denied_until <= join.start < match.start for join in spans.get("join", ())
        )
        if near or joined:
            denied, denied_until = True, match.end
        else:
            affirmed.add(code)
            strong = strong or is_strong
    return tuple(code for code in codes if code in affirmed), denied, "over" in spans, strong


def _read_mood(reply: _Reply) -> Reading:
    more_said = bool(reply.unexplained("filler", "mood", "mild", "strong", "something", effects=True))

    def unsure(reason: str) -> Reading:
        return Reading(None, "unsure", reason, reply.effects, reply.severity, more_said)

    if reply.odd_number:
        return unsure("a figure that is no plain number from 0 to 10")
    values = {value for _, value in reply.numbers}
    if not values:
        return Reading(None, "none", "no number", reply.effects, reply.severity, more_said)
    if len(values) > 1:
        return unsure("several numbers")
    (value,) = values
    if not 0 <= value <= _RANGE["mood"]:
        return unsure("out of range")
    if reply.has("correction", "turn"):
        return unsure("taken back or turned")
    if reply.tokens.asks:
        return unsure("a question")
    if len(reply.numbers) > 2 or (reply.listed and len(reply.tokens.words) > 1):
        return unsure("perhaps a list")
    if not _stands_alone(reply):
        return unsure("a number among other words")
    return Reading(value, "sure", "a number", reply.effects, reply.severity, more_said)


def _stands_alone(reply: _Reply) -> bool:
    """Whether nothing but answer words goes with the number, or it opens the text and a new clause follows it."""
    strangers = reply.unexplained("filler", "mood")
    if not strangers:
        return True
    first, after = reply.numbers[0][0], reply.numbers[0][0] + 1
    if len(reply.numbers) > 1 or strangers[0] < first:
        return False
    openers = {match.start for match in reply.spans.get("opener", ())}
    fillers = _covered(reply.spans.get("filler", ()))
    while after in fillers and reply.tokens.breaks[after] is Break.NONE:
        after += 1
    return after >= len(reply.tokens.words) or reply.tokens.breaks[after] is not Break.NONE or after in openers


def _read_effects(reply: _Reply, question: Question) -> Reading:
    strangers = reply.unexplained(
        "filler", "mild", "strong", "nothing", "something", "negation", "over", "opener", effects=True
    )
    joining = _covered(reply.spans.get("join", ()))
    more_said = any(place not in joining for place in strangers)

    def unsure(reason: str) -> Reading:
        return Reading(None, "unsure", reason, reply.effects, reply.severity, more_said)

    def some(reason: str) -> Reading:
        return Reading(SOME_EFFECTS, "sure", reason, reply.effects, reply.severity, more_said)

    values = {value for _, value in reply.numbers}
    if reply.effects:
        if reply.has("other"):
            return unsure("perhaps about someone else")
        if reply.has("unclear", "correction") or reply.tokens.asks:
            return unsure("a question or a doubt")
        if reply.ended:
            return unsure("perhaps over")
        if NO_EFFECTS in values:
            return unsure("none and some")
        return some("effects named")
    if reply.odd_number:
        return unsure("a figure that is no answer")
    if reply.has("unclear", "correction") or reply.tokens.asks:
        return unsure("a question or a doubt")
    if len(values) > 1 or len(reply.numbers) > 2:
        return unsure("several numbers")
    if values and question == "side_effects":
        return _read_choice(reply, values.pop(), strangers)
    if values:
        return unsure("a number")
    if reply.has("nothing") and not reply.has("something"):
        if strangers or reply.denied:
            return unsure("none, and more")
        return Reading(NO_EFFECTS, "sure", "none")
    if reply.has("something") and not reply.has("nothing") and not reply.denied:
        if question == "which_effects" or strangers:
            return unsure("some, not named")
        return some("some")
    if reply.has("nothing", "something") or reply.denied:
        return unsure("none and some")
    return Reading(None, "none", "free text" if more_said else "no answer", (), reply.severity, more_said)


def _read_choice(reply: _Reply, value: int, strangers: list[int]) -> Reading:
    more_said = bool(strangers)
    if not NO_EFFECTS <= value <= SOME_EFFECTS:
        return Reading(None, "unsure", "out of range", (), reply.severity, more_said)
    contrary = "something" if value == NO_EFFECTS else "nothing"
    if reply.has(contrary) or reply.denied:
        return Reading(None, "unsure", "none and some", (), reply.severity, more_said)
    place = reply.numbers[0][0]
    alone = not strangers or (
        strangers[0] > place
        and len(reply.numbers) == 1
        and not reply.listed
        and value == SOME_EFFECTS
        and reply.tokens.breaks[place + 1] is not Break.NONE
    )
    if not alone:
        return Reading(None, "unsure", "a number among other words", (), reply.severity, more_said)
    return Reading(value, "sure", "a number", (), reply.severity, more_said)
