"""Side effects in a reply: which are affirmed and which denied, how bad, still there or not, for how long."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from followup.domain.lexicon import (
    CONTRAST,
    EFFECT,
    EFFECT_WORD,
    GAPPED_EFFECT,
    JOIN,
    NEGATION,
    NUMBER,
    ONESELF,
    OPENER,
    OVER,
    RANGE,
    STILL,
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
    """Codes affirmed and codes denied, in the order of the word list.

    `in_doubt`: one may be denied or not. `asked_about`: named only in a question, or as feared, or of another time.
    `refuted`: feared or had before, and did not come. `told` are the places of the words that say so, from a denial to
    what it denies, and of what is said of other people.
    """

    affirmed: tuple[str, ...]
    denied: tuple[str, ...]
    in_doubt: bool
    asked_about: bool
    refuted: bool
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
    denied: bool


def effects_in(reply: Reply) -> Effects:
    """Read the side effects of a reply."""
    named = _named(reply)
    if not named:
        told_of_others = frozenset(_of_others(reply))
        return Effects(
            (), (), False, False, False, _severity(reply, strong=False), _still_there(reply), None, told_of_others
        )
    affirmed: set[str] = set()
    denied: set[str] = set()
    told = _of_others(reply)
    asked_about = strong = unclear = refuted = False
    after_denial = False  # the effect before was denied, or perhaps was
    for place, one in enumerate(named):
        following = named[place + 1].start if place + 1 < len(named) else len(reply.kinds)
        denial = one.start if one.denied else _denied_from(reply, one)
        reach = _reach(reply, named, place) if after_denial else "no"
        if denial is None and reach == "perhaps" and not _is_denied_behind(reply, one, following):
            unclear = True
            continue
        if denial is not None or reach == "yes" or _is_denied_behind(reply, one, following):
            begin = one.start if denial is None else denial
            told.update(range(_begins(reply, begin), one.end))
            denied.add(one.code)
            after_denial = True
            continue
        after_denial = False
        if _is_of_another(reply, one):
            continue
        if _is_supposed(reply, one) or _is_of_another_time(reply, one):
            if _is_refuted(reply, one):
                denied.add(one.code)
                refuted = True
            else:
                asked_about = True
            continue
        affirmed.add(one.code)
        strong = strong or one.strong
    codes = reply.lexicon.codes
    return Effects(
        tuple(code for code in codes if code in affirmed),
        tuple(code for code in codes if code in denied and code not in affirmed),
        unclear,
        asked_about and not affirmed,
        refuted,
        _severity(reply, strong=strong),
        _still_there(reply),
        _hours(reply) if affirmed else None,
        frozenset(told),
    )


def _named(reply: Reply) -> list[_Named]:
    found: list[_Named] = []
    for key, matches in reply.spans.items():
        if not key.startswith(_PREFIXES):
            continue
        prefix = next(prefix for prefix in _PREFIXES if key.startswith(prefix))
        for match in matches:
            gapped = prefix == GAPPED_EFFECT
            denied = gapped and any(
                word in reply.lexicon.denials for word in reply.tokens.words[match.start : match.end]
            )
            code = key.removeprefix(prefix)
            found.append(_Named(code, match.start, match.end, prefix == STRONG_EFFECT, denied))
    found.sort(key=lambda one: (one.start, -one.end, not one.strong))
    return _merged(found)


def _merged(found: list[_Named]) -> list[_Named]:
    """Overlapping phrases for one effect are one: "se me nublo" and "nublo la vista"."""
    merged: list[_Named] = []
    for one in found:
        last = merged[-1] if merged else None
        if last is not None and last.code == one.code and one.start < last.end:
            merged[-1] = replace(
                last, end=max(last.end, one.end), strong=last.strong or one.strong, denied=last.denied and one.denied
            )
        else:
            merged.append(one)
    return merged


_PREFIXES: Final = (EFFECT, GAPPED_EFFECT, STRONG_EFFECT)


def _denied_from(reply: Reply, one: _Named) -> int | None:
    """Where a denial ends that stands in front, with nothing between that ends its reach."""
    kinds, breaks, words = reply.kinds, reply.tokens.breaks, reply.tokens.words
    denials = reply.spans.get("negations", ())
    single = reply.lexicon.denials
    if words[one.start] not in single and any(match.start < one.start < match.end for match in denials):
        return one.start  # "do not feel sick" is one denial and a half
    ends = {match.end for match in denials}
    for at in range(one.start - 1, max(-1, one.start - 2 - _REACH), -1):
        if breaks[at + 1] >= Break.COMMA:
            return None
        if at + 1 in ends or (at + 1 == one.start and words[at] in single and not _looks_alike(reply, at)):
            return at + 1
        if kinds[at] & (CONTRAST | EFFECT_WORD):
            return None
    return None


def _begins(reply: Reply, at: int) -> int:
    """Where a denial begins that ends before this word: "did not", "i have no"."""
    denied = False
    while at > 0 and reply.kinds[at - 1] & (OPENER | NEGATION) and reply.tokens.breaks[at] < Break.COMMA and not denied:
        at -= 1
        denied = reply.tokens.words[at] in reply.lexicon.denials
    while at > 0 and denied and reply.kinds[at - 1] & OPENER and not reply.kinds[at - 1] & NEGATION:
        at -= 1
    return at


def _looks_alike(reply: Reply, at: int) -> bool:
    return any(match.start <= at < match.end for match in reply.spans.get("look_alikes", ()))


def _is_denied_behind(reply: Reply, one: _Named, following: int) -> bool:
    """Whether the denial stands behind: "headache no, dizzy yes"; but not "nothing except a headache, no"."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    end = max((match.end for match in reply.spans.get("negations", ()) if match.start == one.end), default=None)
    if end is None or breaks[one.end] >= Break.SENTENCE:
        return False
    first, _ = reply.sentence(one.start)
    if any(first <= match.start < one.start for match in reply.spans.get("exceptions", ())):
        return False
    closed = end == len(kinds) or breaks[end] is not Break.NONE or bool(kinds[end] & CONTRAST)
    return closed and (breaks[one.end] is Break.NONE or end >= following or end == len(kinds))


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
    if _is_qualified(reply, after):
        return "no"
    closed = any(after <= match.start <= after + _NEXT for match in reply.spans.get("nothing", ()))
    return "yes" if closed else "perhaps"


def _is_qualified(reply: Reply, at: int) -> bool:
    """Whether what follows in the clause tells of an effect that was there: "dizzy though", "numb for a bit"."""
    if not 0 < at < len(reply.kinds) or reply.tokens.breaks[at] is not Break.NONE:
        return False
    _, last = reply.clause(at - 1, 0, len(reply.kinds))
    there = CONTRAST | OVER | STILL
    return any(reply.kinds[place] & there for place in range(at, last)) and not any(
        reply.kinds[place] & (NEGATION | EFFECT_WORD) for place in range(at, last)
    )


def _or_between(reply: Reply, start: int, end: int) -> bool:
    denials = reply.lexicon.words.joins
    return any(reply.tokens.words[at] in denials for at in range(start, end))


def _is_of_another(reply: Reply, one: _Named) -> bool:
    """Whether somebody else is spoken of: named before in the sentence, and the patient not since."""
    first, _ = reply.sentence(one.start)
    before = [match.end for match in reply.spans.get("others", ()) if first <= match.start < one.start]
    if not before:
        return False
    return not any(reply.kinds[at] & ONESELF for at in range(max(before), one.end))


def _of_others(reply: Reply) -> set[int]:
    """The places of what is said of other people, up to the next comma or the patient again."""
    places: set[int] = set()
    kinds, breaks = reply.kinds, reply.tokens.breaks
    for match in reply.spans.get("others", ()):
        at = match.start
        while at < len(kinds) and (at < match.end or (breaks[at] is Break.NONE and not kinds[at] & ONESELF)):
            places.add(at)
            at += 1
    return places


def _is_of_another_time(reply: Reply, one: _Named) -> bool:
    """Whether it was not since the visit: "had nausea before the visit"."""
    matches = reply.spans.get("other_times")
    if not matches:
        return False
    breaks = reply.tokens.breaks
    first, last = _clause(reply, one)
    for match in matches:
        if first <= match.start and match.end <= last:
            return True
        if match.end == first and breaks[first] <= Break.COMMA and (match.start == 0 or breaks[match.start]):
            return True
    return False


def _clause(reply: Reply, one: _Named) -> tuple[int, int]:
    """Where the clause of an effect begins and ends: up to any break, or to a word that parts ("but")."""
    first, last = reply.clause(one.start, 0, len(reply.kinds))
    for at in range(one.start - 1, first - 1, -1):
        if reply.kinds[at] & CONTRAST:
            first = at + 1
            break
    parted = (at for at in range(one.end, last) if reply.kinds[at] & CONTRAST)
    return first, next(parted, max(last, one.end))


def _is_refuted(reply: Reply, one: _Named) -> bool:
    """Whether a denial, or that all is well, follows on what was feared: "thought i would be dizzy but nope"."""
    kinds = reply.kinds
    if reply.asked(reply.sentence(one.start)[1]):
        return False  # "is nausea normal?"
    return any(
        match.start >= one.end and not (match.end < len(kinds) and kinds[match.end] & EFFECT_WORD)
        for name in ("negations", "nothing")
        for match in reply.spans.get(name, ())
    )


def _is_supposed(reply: Reply, one: _Named) -> bool:
    """Whether it is only feared or asked about: "what if i get a headache", "nausea?"."""
    first, last = reply.sentence(one.start)
    for match in reply.spans.get("supposed", ()):
        if match.start <= one.start and one.end <= match.end:
            return True  # "worried i might"
        between = range(match.end, one.start)
        if first <= match.start < one.start and not any(reply.kinds[at] & CONTRAST for at in between):
            return True
    asks = reply.asked(last) or any(first <= match.start < one.start for match in reply.spans.get("question", ()))
    if not asks or any(reply.kinds[at] & (ONESELF | NUMBER) for at in range(first, last)):
        return False
    if any(first <= match.start < one.start for match in reply.spans.get("something", ())):
        return False  # "yes, nausea, is that normal?"
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
