"""Side effects in a reply: which are affirmed and which denied, how bad, still there or not, for how long."""

from dataclasses import dataclass
from typing import Final, Literal

from followup.domain.lexicon import (
    APPROXIMATION,
    CONTRAST,
    EFFECT,
    EFFECT_WORD,
    JOIN,
    NEGATION,
    NUMBER,
    ONESELF,
    OPENER,
    RANGE,
    STRONG_EFFECT,
    Reply,
)
from followup.domain.normalisation import Break

Severity = Literal["mild", "strong"]
StillThere = Literal["yes", "no"]
Reach = Literal["yes", "no", "perhaps"]

_REACH: Final = 5  # words between a denial and what it denies
_NEXT: Final = 2  # words between a denied effect and the next one that the denial reaches


@dataclass(frozen=True, slots=True)
class Effects:
    """Codes affirmed and codes denied, in the order of the word list; `in_doubt`: named only in a question, or one
    that may be denied too.

    `told` are the places of the words that say so, from a denial to what it denies.
    """

    affirmed: tuple[str, ...]
    denied: tuple[str, ...]
    in_doubt: bool
    severity: Severity | None
    still_there: StillThere | None
    hours: int | None
    told: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class _Named:
    code: str
    start: int
    end: int
    strong: bool


def effects_in(reply: Reply) -> Effects:
    """Read the side effects of a reply."""
    named = _named(reply)
    if not named:
        return Effects((), (), False, _severity(reply, strong=False), _still_there(reply), None)
    affirmed: set[str] = set()
    denied: set[str] = set()
    told: set[int] = set()
    asked_about = strong = unclear = False
    after_denial = False  # the effect before was denied, or perhaps was
    for place, one in enumerate(named):
        following = named[place + 1].start if place + 1 < len(named) else len(reply.kinds)
        denial = _denied_from(reply, one)
        reach = _reach(reply, named, place) if after_denial else "no"
        if denial is None and reach == "perhaps" and not _is_denied_behind(reply, one, following):
            unclear = True
            continue
        if denial is not None or reach == "yes" or _is_denied_behind(reply, one, following):
            begin = one.start if denial is None else denial
            while begin > 0 and reply.kinds[begin - 1] & (OPENER | NEGATION) and reply.tokens.breaks[begin] < Break.COMMA:
                begin -= 1
            told.update(range(begin, one.end))
            denied.add(one.code)
            after_denial = True
            continue
        after_denial = False
        if _is_of_another(reply, one):
            continue
        if _is_supposed(reply, one):
            asked_about = True
            continue
        affirmed.add(one.code)
        strong = strong or one.strong
    codes = reply.lexicon.codes
    return Effects(
        tuple(code for code in codes if code in affirmed),
        tuple(code for code in codes if code in denied and code not in affirmed),
        (asked_about and not affirmed) or unclear,
        _severity(reply, strong=strong),
        _still_there(reply),
        _hours(reply) if affirmed else None,
        frozenset(told),
    )


def _named(reply: Reply) -> list[_Named]:
    found = [
        _Named(key.removeprefix(STRONG_EFFECT).removeprefix(EFFECT), match.start, match.end, key.startswith(STRONG_EFFECT))
        for key, matches in reply.spans.items()
        if key.startswith((EFFECT, STRONG_EFFECT))
        for match in matches
    ]
    found.sort(key=lambda one: (one.start, -one.end, not one.strong))
    return found


def _denied_from(reply: Reply, one: _Named) -> int | None:
    """Where a denial ends that stands in front, with nothing between that ends its reach."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    denials = {match.end for match in reply.spans.get("negations", ())}
    for at in range(one.start - 1, max(-1, one.start - 2 - _REACH), -1):
        if breaks[at + 1] >= Break.COMMA:
            return None
        if at + 1 in denials:
            return at + 1
        if kinds[at] & (CONTRAST | EFFECT_WORD):
            return None
    return None


def _is_denied_behind(reply: Reply, one: _Named, following: int) -> bool:
    """Whether the denial stands behind: "headache no, dizzy yes"."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    at = one.end
    if at >= len(kinds) or not kinds[at] & NEGATION or breaks[at] >= Break.SENTENCE:
        return False
    closed = at + 1 == len(kinds) or breaks[at + 1] is not Break.NONE or bool(kinds[at + 1] & CONTRAST)
    return closed and (breaks[at] is Break.NONE or at + 1 >= following or at + 1 == len(kinds))


def _reach(reply: Reply, named: list[_Named], place: int) -> Reach:
    """Whether the denial of the effect before reaches this one.

    "no nausea or headache": it does. "no nausea and headache", "no nausea, headache": that is not said, unless the list
    ends with "or", as in "no nausea, headache or vomiting".
    """
    kinds, breaks = reply.kinds, reply.tokens.breaks
    start, end = named[place - 1].end, named[place].start
    if not 0 <= end - start <= _NEXT or any(kinds[at] & (CONTRAST | ONESELF) for at in range(start, end)):
        return "no"
    if any(breaks[at] >= Break.SENTENCE for at in range(start, end + 1)) or any(
        not kinds[at] & (JOIN | RANGE) for at in range(start, end)
    ):
        return "no"
    if _or_between(reply, start, end):
        return "yes"
    for following in range(place + 1, min(place + 4, len(named))):
        if named[following].start - named[following - 1].end > _NEXT:
            break
        if _or_between(reply, named[following - 1].end, named[following].start):
            return "yes"
    after = named[place].end
    closed = any(after <= match.start <= after + _NEXT for match in reply.spans.get("nothing", ()))
    return "yes" if closed else "perhaps"


def _or_between(reply: Reply, start: int, end: int) -> bool:
    denials = reply.lexicon.words.joins
    return any(reply.tokens.words[at] in denials for at in range(start, end))


def _is_of_another(reply: Reply, one: _Named) -> bool:
    """Whether somebody else is spoken of: named before in the sentence, and the patient not since."""
    first, _ = reply.sentence(one.start)
    before = [match.end for match in reply.spans.get("others", ()) if first <= match.start and match.end <= one.start]
    if not before:
        return False
    return not any(reply.kinds[at] & ONESELF for at in range(max(before), one.end))


def _is_supposed(reply: Reply, one: _Named) -> bool:
    """Whether it is only feared or asked about: "what if i get a headache", "nausea?"."""
    first, last = reply.sentence(one.start)
    if any(first <= match.start and match.end <= one.start for match in reply.spans.get("supposed", ())):
        return True
    asks = reply.asked(last) or any(first <= match.start < one.start for match in reply.spans.get("question", ()))
    if not asks or any(reply.kinds[at] & (ONESELF | NUMBER) for at in range(first, last)):
        return False
    pointed = reply.lexicon.pointing
    return not any(word in pointed for word in reply.tokens.words[first:last])


def _severity(reply: Reply, *, strong: bool) -> Severity | None:
    if strong or reply.has("strong"):
        return "strong"
    return "mild" if reply.has("mild") else None


def _still_there(reply: Reply) -> StillThere | None:
    if reply.has("still"):
        return "yes"
    return "no" if reply.has("over") else None


def _hours(reply: Reply) -> int | None:
    """How long it lasted: the longest stretch of time that is named."""
    words, durations = reply.tokens.words, reply.lexicon.words.durations
    found = []
    for at in range(1, len(words)):
        hours = durations.get(words[at])
        if hours is not None and reply.kinds[at - 1] & NUMBER:
            number = words[at - 1]
            count = int(number[:4]) if number.isdecimal() else reply.lexicon.numbers[number]
            found.append(count * hours)
    return max(found, default=None)
