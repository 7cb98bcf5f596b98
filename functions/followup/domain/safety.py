"""The danger screen: which texts, and which mood answers, a person has to look at, and how soon.

Three tiers of danger to oneself, a default of this service: 3 plan, intent, attempt, farewell; 2 wish to die; 1
hopelessness, and danger that is negated or clearly long past. All three reach a person and get an answer at once, as
experts on digital monitoring advise (Nock 2021, Psychiatric Research and Clinical Practice). Medical warning signs that
mean "call 911" are emergencies beside them. Word lists are content; this module only reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from followup.domain.misspelling import Misspellings
from followup.domain.normalisation import Break, Tokens, fold, tokenise
from followup.domain.phrases import Match, Phrasebook
from followup.domain.quoting import own_words

Level = Literal["emergency", "urgent", "same_day"]
Kind = Literal["self_harm", "medical", "others", "abuse", "help"]

_TIER: Final[dict[Level, int]] = {"emergency": 3, "urgent": 2, "same_day": 1}
_KIND_RANK: Final[dict[Kind, int]] = {"self_harm": 4, "medical": 3, "others": 2, "abuse": 1, "help": 0}

LOW_MOOD: Final = 1  # on 0 to 10, 10 best: same day at or below
MOOD_DROP: Final = 4  # points below the median of one's own last readings: same day
MOOD_READINGS: Final = 4
_NEGATION_REACH: Final = 8  # words
_PRESENT_REACH: Final = 4


@dataclass(frozen=True, slots=True)
class DangerRule:
    """Phrases that mean the same danger.

    `also`: one of these must stand in the text too. `topic`: the phrases name a subject ("suicidal thoughts"), so a
    following "none" answers it. `said_plainly`: the phrases hold their own negation ("do not want to live"), so an
    earlier "no" does not undo them. `after_infusion`: counts only within 24 hours of one.
    """

    id: str
    kind: Kind
    level: Level
    phrases: tuple[str, ...]
    also: tuple[str, ...] = ()
    topic: bool = False
    said_plainly: bool = False
    after_infusion: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class DangerRules:
    """The word lists of the screen (content/safety.yaml); compared by identity, so that compiling them is cached.

    `misspelt` are words that are recognised with a slip of the finger, `lookalikes` ordinary words that are no such
    slip. `negations` reach a danger only over `transparent` words; `no_negations` are phrases such as "can not promise"
    that look like one. A negation of medical signs reaches the last of a list, after a word of `listing`, unless one of
    `contrary` ("but") stands between. `remote` puts a danger in the far past unless `recent` or `present` words stand
    with it.
    """

    spellings: dict[str, str]
    classes: dict[str, tuple[str, ...]]
    rules: tuple[DangerRule, ...]
    figures: tuple[str, ...]
    negations: tuple[str, ...]
    transparent: tuple[str, ...]
    no_negations: tuple[str, ...]
    emphasis: tuple[str, ...]
    denials: tuple[str, ...]
    remote: tuple[str, ...]
    recent: tuple[str, ...]
    present: tuple[str, ...]
    reaction_openings: tuple[str, ...]
    misspelt: tuple[str, ...] = ()
    lookalikes: tuple[str, ...] = ()
    listing: tuple[str, ...] = ()
    contrary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Danger:
    """What a text is about and how soon a person must know; `rule` is an id of the list, never a patient's word.

    `tier` is 3, 2 or 1 for danger to oneself and None for every other kind.
    """

    level: Level
    tier: int | None
    kind: Kind
    rule: str


@dataclass(frozen=True, slots=True)
class _Compiled:
    book: Phrasebook
    rules: dict[str, DangerRule]
    order: dict[str, int]
    spellings: dict[str, tuple[str, ...]]
    known: frozenset[str]
    misspellings: Misspellings
    transparent: frozenset[str]
    emphasis: frozenset[str]
    present: frozenset[str]
    listing: frozenset[str]
    contrary: frozenset[str]


_FIGURE, _ALSO, _NEGATION, _NO_NEGATION = "figure", "also:", "negation", "no negation"
_REMOTE, _RECENT, _DENIAL = "remote", "recent", "denial"
_CONTEXT: Final = frozenset({_NEGATION, _NO_NEGATION, _REMOTE, _RECENT, _DENIAL})


@lru_cache(maxsize=8)
def _compile(rules: DangerRules) -> _Compiled:
    phrases = [(f"rule:{rule.id}", phrase) for rule in rules.rules for phrase in rule.phrases]
    phrases += [(f"{_ALSO}{rule.id}", phrase) for rule in rules.rules for phrase in rule.also]
    for key, listed in (
        (_FIGURE, rules.figures),
        (_NEGATION, rules.negations),
        (_NO_NEGATION, rules.no_negations),
        (_REMOTE, rules.remote),
        (_RECENT, rules.recent),
        (_DENIAL, rules.denials),
    ):
        phrases += [(key, phrase) for phrase in listed]
    book = Phrasebook(phrases, rules.classes)
    return _Compiled(
        book=book,
        rules={f"rule:{rule.id}": rule for rule in rules.rules},
        order={f"rule:{rule.id}": place for place, rule in enumerate(rules.rules)},
        spellings={variant: tuple(standard.split()) for variant, standard in rules.spellings.items()},
        known=book.vocabulary,
        misspellings=Misspellings(rules.misspelt, rules.lookalikes),
        transparent=frozenset(rules.transparent),
        emphasis=frozenset(rules.emphasis),
        present=frozenset(rules.present),
        listing=frozenset(rules.listing),
        contrary=frozenset(rules.contrary),
    )


def screen(text: str, rules: DangerRules, *, after_infusion: bool = False) -> Danger | None:
    """The gravest danger in a text, or None.

    Every clause counts by itself, so "not X but Y" is read by Y. A negated danger to oneself, or one clearly long past,
    is tier 1; a medical sign so is none; a threat to others that is negated is for the same day. What is quoted by
    a phone's reaction ('Liked "..."') is not the patient's word. `after_infusion` says that the last one was within 24
    hours: then driving, alcohol and sedatives count by themselves.
    """
    found = findings(text, rules, after_infusion=after_infusion)
    return found[0] if found else None


def findings(text: str, rules: DangerRules, *, after_infusion: bool = False) -> tuple[Danger, ...]:
    """Every danger in a text, each rule once and at its gravest, the gravest first; `screen` says what counts."""
    compiled = _compile(rules)
    tokens = tokenise(
        own_words(fold(text), rules.reaction_openings), compiled.spellings, compiled.known, compiled.misspellings.meant
    )
    matches = compiled.book.find(tokens)
    if not any(match.key in compiled.rules for match in matches):
        return ()
    figures = [match for match in matches if match.key == _FIGURE]
    context = [match for match in matches if match.key in _CONTEXT]
    also = {match.key.removeprefix(_ALSO) for match in matches if match.key.startswith(_ALSO)}
    found: dict[str, tuple[int, int, int, Danger]] = {}
    settled: set[str] = set()  # rules found at their full level: further phrases of theirs change nothing
    for match in matches:
        rule = compiled.rules.get(match.key)
        if (
            rule is None
            or match.key in settled
            or (rule.also and rule.id not in also)
            or (rule.after_infusion and not after_infusion)
            or any(figure.start <= match.start and match.end <= figure.end for figure in figures)
        ):
            continue
        level = _level(rule, match, context, tokens, compiled)
        if level is not None:
            danger = Danger(level, _TIER[level] if rule.kind == "self_harm" else None, rule.kind, rule.id)
            entry = (_TIER[level], _KIND_RANK[rule.kind], -compiled.order[match.key], danger)
            found[match.key] = max(entry, found.get(match.key, entry), key=_gravity)
            if level == rule.level:
                settled.add(match.key)
    return tuple(entry[3] for entry in sorted(found.values(), key=_gravity, reverse=True))


def _gravity(entry: tuple[int, int, int, Danger]) -> tuple[int, int, int]:
    return entry[:3]


def _level(rule: DangerRule, match: Match, matches: list[Match], tokens: Tokens, compiled: _Compiled) -> Level | None:
    if not rule.said_plainly and _is_negated(rule, match, matches, tokens, compiled):
        return "same_day" if rule.kind in {"self_harm", "others"} else None
    if _is_long_past(match, matches, tokens, compiled):
        return None if rule.kind == "medical" else "same_day"
    return rule.level


def _is_negated(rule: DangerRule, match: Match, matches: list[Match], tokens: Tokens, compiled: _Compiled) -> bool:
    if rule.topic and any(other.key == _DENIAL and other.start == match.end for other in matches):
        return True
    if match.end < len(tokens.words) and tokens.words[match.end] in compiled.emphasis:
        return False  # "never wanted to die so badly"
    if rule.kind == "medical" and _is_listed(match, matches, tokens, compiled):
        return True
    for negation in matches:
        if negation.key != _NEGATION or not 0 <= match.start - negation.end <= _NEGATION_REACH:
            continue
        between = range(negation.end, match.start)
        if not all(tokens.words[at] in compiled.transparent for at in between):
            continue
        if any(tokens.breaks[at] >= Break.COMMA for at in range(negation.start + 1, match.start + 1)):
            continue
        if not any(
            other.key == _NO_NEGATION and other.start <= negation.start < other.end and other.end <= match.start
            for other in matches
        ) and not _is_double(negation, matches, tokens):
            return True
    return False


def _is_listed(match: Match, matches: list[Match], tokens: Tokens, compiled: _Compiled) -> bool:
    """Whether a medical sign ends what a negation lists, as in "no chest pain or trouble breathing"."""
    if match.start == 0 or tokens.words[match.start - 1] not in compiled.listing:
        return False
    return any(
        negation.key == _NEGATION
        and 0 < match.start - negation.end <= _NEGATION_REACH
        and tokens.breaks[negation.end] is Break.NONE
        and all(tokens.breaks[at] < Break.SENTENCE for at in range(negation.end, match.start + 1))
        and not any(tokens.words[at] in compiled.contrary for at in range(negation.end, match.start))
        for negation in matches
    )


def _is_double(negation: Match, matches: list[Match], tokens: Tokens) -> bool:
    """Whether a look-alike such as "can not promise" stands before the negation in the same clause."""
    return any(
        other.key == _NO_NEGATION
        and other.end <= negation.start
        and all(tokens.breaks[at] < Break.COMMA for at in range(other.end, negation.start + 1))
        for other in matches
    )


def _is_long_past(match: Match, matches: list[Match], tokens: Tokens, compiled: _Compiled) -> bool:
    if any(word in compiled.present for word in tokens.words[max(0, match.start - _PRESENT_REACH) : match.end]):
        return False
    if any(other.key == _RECENT for other in matches):
        return False
    start, end = match.start, match.end
    while start > 0 and tokens.breaks[start] < Break.SENTENCE:
        start -= 1
    while end < len(tokens.words) and tokens.breaks[end] < Break.SENTENCE:
        end += 1
    return any(other.key == _REMOTE and start <= other.start and other.end <= end for other in matches)


def level_of_mood(value: int, last: Sequence[int]) -> Level | None:
    """Same day for a mood of 0 or 1, or of 4 points or more below the median of the patient's own last four readings.

    `value` is 0 to 10, 10 best; `last` holds earlier readings, oldest first. With fewer than four there is no median.
    """
    if value <= LOW_MOOD:
        return "same_day"
    from statistics import median  # here, because it loads slowly and most texts carry no mood

    recent = last[-MOOD_READINGS:]
    if len(recent) == MOOD_READINGS and median(recent) - value >= MOOD_DROP:
        return "same_day"
    return None
