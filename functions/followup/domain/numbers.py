"""Which number of a reply is the answer, and which are times, doses, dates, or about something else.

A number is the answer when its place in the text lets it mean nothing else: it stands alone in its clause, opens the
text, follows words that lead up to an answer, or is said of what was asked. Every other number makes the answer unsure,
unless it is plainly a number of something else ("2 pills") or of another time ("was 2 now 7").
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from followup.domain.lexicon import (
    AMOUNT,
    APPROXIMATION,
    BESIDE_AN_ANSWER,
    CLAUSE,
    CONTRAST,
    EARLIER,
    EFFECT,
    EFFECT_WORD,
    EXTREME,
    FRAME,
    JOIN,
    MOOD,
    NEGATION,
    NOTHING,
    NUMBER,
    OPENER,
    PAST,
    PRESENT,
    RANGE,
    SCALE,
    SLIP,
    THANKS,
    TOPIC,
    TURN,
    TURN_AFTER,
    UNIT,
    Lexicon,
    Reply,
)
from followup.domain.normalisation import Break
from followup.domain.phrases import Match

# What a figure becomes that is no plain number. No text holds these words by itself.
ODD: Final = "xxodd"  # could be an answer, but which: "6.5", "6-7"
OTHER: Final = "xxother"  # plainly something else: times, dates, doses, phone numbers
SCALED: Final = "xxscaled"  # after a number: it was written as "7/10"
ALWAYS: Final = "xxalways"  # "24/7"
HIGH: Final = "xxhigh"  # a blood pressure from 140/90 mmHg up

_PRESSURES: Final = range(80, 260)
_LOWER_PRESSURES: Final = range(40, 150)
_HIGH_PRESSURE: Final = 140  # mmHg; whoever writes less does not complain of it
_HIGH_LOWER: Final = 90

_TENS: Final = 10
_LONGEST_NUMBER: Final = 4  # digits
_MOST: Final = 12  # numbers of a text that are looked at; so many are no answer anyway

_REST: Final = re.compile(
    r"(?P<kept>(?<![\w.,/+#$-])(?<!\d:)0*(?P<part>\d{1,3}) ?/ ?(?P<whole>\d{1,3}|ten|diez)(?![\w/:]|[.,]\d))"
    r"|(?P<other>"
    r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[ap]\.? ?m\b\.?)?"  # times
    r"|\d{1,2} ?(?:a|p)\.? ?m\b\.?|\d{1,2} ?(?:hrs?|h|min|mins)\b"
    r"|\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}"  # dates
    r"|\(?\d{3}\)?[ .-]\d{3}[ .-]?\d{4}|\+?\d{7,}|\b\d{3}[ .-]\d{4}\b"  # phone numbers
    r"|\d+(?:[.,]\d+)? ?(?:mgs?|mcg|ml|mls|cc|iu|lbs?|kg|oz|km|ft|mph|f|°)\b|\d+(?:mi\b| mi(?!\s*\w))"
    r"|[$€£] ?\d[\d.,]*|\d+(?:[.,]\d+)? ?[$€£]"
    r"|\d+(?:st|nd|rd|th|ro|ra|do|da|to|ta|er)\b|<3"
    r"|(?:https?://|www\.)\S+"
    r")"
    r"|(?P<zero>(?<![\w.,])0*(?P<whole_number>\d{1,2})[.,]0\b(?![.,]\d))"  # "7.0"
    r"|(?P<odd>"
    r"\d+ (?:and |y )?1/[234]\b|\d+ ?/ ?\d+[\d/]*"
    r"|\d+(?:[.,:^]\d+)+\w*|(?<![\w.])[.]\d+[.,]?\d+\b"  # decimals
    r"|\d+ ?- ?\d[\d-]*"  # ranges
    r"|(?<![\w)])[-+<>^]\d+\w*|^ ?[-+<>] \d+"  # signed
    r"|\d+ ?(?:%|\+)|\^\d+|\d+ ?=+ ?\d+"
    r"|\d{5,}"
    r")"
)
_HASH: Final = re.compile(r"(?<!\S)(?:#|~+|\*+) ?(?=\d)|(?<=\d)(?:\*+|~+)(?!\S)")
_IS: Final = re.compile(r"(?<!\w)(\d{1,2})'s\b")
_HALF: Final = re.compile(r"(?<![\d/])(?<!\d )(?<!and )1/2(?![\d/])")
_WORD_ISH: Final = re.compile(r"\b([a-z]{3,5})-?ish\b")
_WORD_SCALE: Final = re.compile(r"\b([a-z]{3,6}) ?/ ?(?:10|ten|diez)\b")
_ROUGHLY: Final = re.compile(r"\b(\d{1,2}) ?-?ish\b")
_GLUED: Final = re.compile(r"(?<![a-z\d])(?:(\d{1,2})-?([a-z]+)|([a-z]+)[=-]?(\d{1,2}))(?![a-z\d])")
_LIST: Final = re.compile(r"^\W*1[.)]\s+\w[^\d]*\b2[.)]\s*\w")


class Role(IntEnum):
    """What a number is in its text."""

    OTHER = 0  # plainly not the answer
    STRAY = 1  # in the middle of other words
    WEAK = 2  # could be an answer
    BENT = 3  # something in front or behind makes it mean another number
    ANSWER = 4


@dataclass(frozen=True, slots=True)
class Figure:
    """A number at a word of the text; `value` is None for a figure that is no plain whole number."""

    at: int
    value: int | None
    role: Role
    past: bool = False
    present: bool = False
    extreme: bool = False


@dataclass(frozen=True, slots=True)
class Numbers:
    """What the numbers of a stretch of text say: the answer, or why there is none; `about`: numbers of other topics."""

    value: int | None
    reason: str
    seen: bool = False
    about: tuple[tuple[str, int], ...] = ()


def plain_figures(folded: str, compiled: Lexicon, high: int) -> str:
    """The text with "7/10" as its number and every other kind of figure as a word for its kind."""
    if "ish" in folded or "/" in folded:
        folded = _WORD_ISH.sub(lambda found: found[1] if found[1] in compiled.numbers else found[0], folded)
        folded = _WORD_SCALE.sub(
            lambda found: f"{found[1]} {SCALED}" if found[1] in compiled.numbers else found[0], folded
        )
    if not any(map(str.isdecimal, folded)):
        return folded
    folded = folded.replace("\\", "/")

    def rest(found: re.Match[str]) -> str:
        if found["kept"]:
            return f" {found['part']} {SCALED} " if _whole(found["whole"]) in (_TENS, high) else _fraction(found)
        if found["zero"]:
            return f" {found['whole_number']} "
        return f" {OTHER if found['other'] else ODD} "

    def fraction_of(found: re.Match[str]) -> str:
        number, word = found[1] or found[4], found[2] or found[3]
        if found[0] in compiled.spellings:
            return found[0]
        if found[3] and len(word) == 1:
            return f"{word} {number}" if word in _ARTICLES and found.start() else found[0]  # "im at a9"
        if word in compiled.known and (len(word) > 1 or found[1] is None):
            return f"{number} {word}" if found[1] else f"{word} {number}"
        return f" {ODD} "

    text = _HALF.sub(" half ", _IS.sub(r"\1 is", _HASH.sub(" ", folded)))
    text = _REST.sub(rest, _ROUGHLY.sub(r"\1", text))
    return _GLUED.sub(fraction_of, text)


def _whole(written: str) -> int:
    return int(written) if written.isdecimal() else _TENS


def _fraction(found: re.Match[str]) -> str:
    """Part and whole on no scale that was asked: blood pressure, a date, or two numbers to choose from."""
    part, whole = int(found["part"]), _whole(found["whole"])
    if (part, whole) == (24, 7):
        return f" {ALWAYS} "
    if part in _PRESSURES and whole in _LOWER_PRESSURES:
        return f" {HIGH if part >= _HIGH_PRESSURE or whole >= _HIGH_LOWER else OTHER} "
    return f" {OTHER if max(part, whole) > 12 and abs(part - whole) > 1 else ODD} "


def is_list(folded: str) -> bool:
    """Whether the text numbers its lines: those numbers are no answers."""
    return _LIST.match(folded) is not None


def find(reply: Reply, start: int, end: int, topic: str | None, *, listed: bool) -> tuple[Figure, ...]:
    """The numbers among these words, each with its role."""
    words, kinds = reply.tokens.words, reply.kinds
    loose = set(reply.lexicon.words.loose_numbers)
    figures: list[Figure] = []
    topics = _topics(reply, start, end)
    for at in range(start, end):
        if len(figures) == _MOST:
            break
        word = words[at]
        if kinds[at] & SCALE or not (kinds[at] & NUMBER or word == ODD):
            continue
        value = None if word == ODD or (len(word) > _LONGEST_NUMBER and word.isdecimal()) else _value(reply, word)
        if word in loose and (
            reply.inside(Match("", at, at + 1), "moods", "fillers") or not _is_number(reply, at, start, end)
        ):
            continue  # "one of those days"
        if kinds[at] & EFFECT_WORD and not word.isdecimal():
            continue  # "zero appetite"
        if not word.isdecimal() and word in reply.lexicon.denials and _names_effect(reply, at + 1, topic):
            continue  # "zero headache"
        if kinds[at] & NOTHING and reply.inside(Match("", at, at + 1), "nothing"):
            continue  # "zero side effects"
        if listed:
            role, past, present = Role.STRAY, False, False
        elif at in topics:
            role, past, present = Role.ANSWER if topics[at] == topic else Role.OTHER, False, False
        else:
            role, past, present = _judge(reply, at, start, end, tuple(figures))
        figures.append(Figure(at, value, role, past, present, _is_extreme(reply, at, start, end)))
    return tuple(figures)


def _names_effect(reply: Reply, at: int, topic: str | None) -> bool:
    """Whether an effect is named there that is not what was asked."""
    return any(
        match.start == at and (key.startswith(EFFECT) or (key.startswith(TOPIC) and key != f"{TOPIC}{topic}"))
        for key, matches in reply.spans.items()
        if key.startswith((EFFECT, TOPIC))
        for match in matches
    )


def _value(reply: Reply, word: str) -> int:
    return int(word) if word.isdecimal() else reply.lexicon.numbers[word]


def answer(reply: Reply, start: int, end: int, low: int, high: int, topic: str | None, *, listed: bool) -> Numbers:
    """Read the numbers among these words as an answer from `low` to `high`."""
    figures = find(reply, start, end, topic, listed=listed)
    about = _about(reply, start, end, figures, topic)
    counted = [figure for figure in figures if figure.role is not Role.OTHER]
    if any(figure.role is Role.ANSWER and not figure.extreme for figure in counted):
        counted = [figure for figure in counted if not figure.extreme]  # "4 on average, 7 at worst"

    def none(reason: str) -> Numbers:
        return Numbers(None, reason, bool(counted), about)

    if not counted:
        return none("no number")
    if any(figure.value is None for figure in counted):
        return none("a figure that is no plain number")
    standing = [figure for figure in counted if figure.role is Role.ANSWER and not figure.past]
    values = {figure.value for figure in standing}
    if len(values) > 1:
        now = {figure.value for figure in standing if figure.present}
        if len(now) != 1 or any(figure.value not in now and not _was(reply, figure) for figure in standing):
            return none("several numbers")
        values = now
    if not values:
        return none("a number among other words")
    value = values.pop()
    if any(_doubted(reply, figure.at, start, end) for figure in standing if figure.value == value):
        return none("a doubt")
    if any(figure.role is not Role.ANSWER and figure.value != value and not figure.past for figure in counted):
        return none("several numbers")
    if any(figure.role is Role.BENT and figure.value == value for figure in counted):
        return none("turned")
    if value is None or not low <= value <= high:
        return none("out of range")
    return Numbers(value, "a number", True, about)


def _is_extreme(reply: Reply, at: int, start: int, end: int) -> bool:
    """Whether it is the highest or lowest of several: "worst 6", "7 at worst"."""
    kinds = reply.kinds
    first, last = reply.clause(at, start, end)
    behind = next((match.end for match in reply.spans.get("extremes", ()) if match.start == at + 1), None)
    if behind is not None and behind <= last and not (behind < last and kinds[behind] & NUMBER):
        return True
    lead = at - 1
    while lead >= first and kinds[lead] & (APPROXIMATION | FRAME | PAST) and not kinds[lead] & EXTREME:
        lead -= 1
    return lead >= first and bool(kinds[lead] & EXTREME)


def _was(reply: Reply, figure: Figure) -> bool:
    first, last = reply.clause(figure.at, 0, len(reply.kinds))
    return any(reply.kinds[at] & EARLIER for at in range(first, last))


def _doubted(reply: Reply, at: int, start: int, end: int) -> bool:
    """Whether the patient says in the same sentence not to know: "5 idk"."""
    doubts = reply.spans.get("doubts", ())
    if not doubts:
        return False
    first, last = reply.sentence(at, start, end)
    return any(first <= doubt.start < last and not reply.inside(doubt, "look_alikes") for doubt in doubts)


def _is_number(reply: Reply, at: int, start: int, end: int) -> bool:
    """Whether a word such as "one" is meant as a number: nothing else but words that lead up to one."""
    first, last = reply.clause(at, start, end)
    leads = FRAME | APPROXIMATION
    kinds = reply.kinds
    before = range(first, at)
    if any(kinds[place] & EFFECT_WORD for place in before):
        return False  # "threw up once"
    return all(kinds[place] & (BESIDE_AN_ANSWER & ~MOOD) for place in before) and (
        at + 1 == last or all(kinds[place] & BESIDE_AN_ANSWER for place in range(at + 1, last))
        if not any(kinds[place] & leads for place in before)
        else True
    )


def _judge(reply: Reply, at: int, start: int, end: int, before: tuple[Figure, ...]) -> tuple[Role, bool, bool]:
    """The role of a number, whether it is of the past, and whether it is of now."""
    kinds, words = reply.kinds, reply.tokens.words
    first, last = reply.clause(at, start, end)
    after = at + 1
    scaled = False
    while after < last and (kinds[after] & SCALE or words[after] == SCALED):
        scaled, after = True, after + 1
    lead = at - 1
    while lead >= first and kinds[lead] & APPROXIMATION and not kinds[lead] & (AMOUNT | FRAME | PAST | TURN):
        lead -= 1
    led = kinds[lead] if lead >= first else 0
    behind = kinds[after] if after < last else 0
    beyond = kinds[after + 1] if after + 1 < last else 0
    present = bool((led | behind) & PRESENT or (at - 1 >= first and kinds[at - 1] & PRESENT))
    if behind & UNIT or (beyond & UNIT and behind & (MOOD | APPROXIMATION) and words[after + 1].endswith("s")):
        return Role.OTHER, False, False
    if kinds[at] & NEGATION and behind & EFFECT_WORD:
        return Role.OTHER, False, False  # "0 nausea"
    if led & (AMOUNT | SLIP | NEGATION) and not led & (FRAME | NUMBER):
        return Role.OTHER, False, False
    if behind & TURN_AFTER:
        return Role.BENT, False, False
    previous = before[-1] if before else None
    # "8 yesterday 5 today": what stands directly behind a number belongs to that one.
    taken = (
        previous is not None
        and words[at - 1] not in _LEADING
        and all(kinds[place] & PAST for place in range(previous.at + 1, lead + 1))
    )
    if (led & PAST and not taken) or (behind & PAST and not _leads_on(reply, after, last)):
        return Role.WEAK, True, False
    if previous is not None and previous.role is Role.OTHER and led & (CLAUSE | RANGE) and behind & MOOD:
        return Role.STRAY, False, False  # "2 good days and 5 bad"
    if previous is not None and _joined(reply, previous.at, at):
        return (Role.ANSWER, False, True) if previous.past else (Role.BENT, False, False)
    if (led & TURN and not led & FRAME) or _range_follows(reply, at, last):
        return Role.BENT, False, False
    return _placed(reply, at, after, first, last, start, end, scaled=scaled), False, present


def _joined(reply: Reply, one: int, other: int) -> bool:
    """Whether "or", "to" and the like, and nothing else, stand between two numbers."""
    between = range(one + 1, other)
    kinds = reply.kinds
    return (
        any(kinds[at] & RANGE for at in between)
        and all(kinds[at] & (RANGE | APPROXIMATION | PRESENT) for at in between)
        and all(reply.tokens.breaks[at] < Break.SENTENCE for at in range(one + 1, other + 1))
    )


def _range_follows(reply: Reply, at: int, last: int) -> bool:
    place = at + 1
    joined = False
    while place < last and reply.kinds[place] & (RANGE | APPROXIMATION) and not reply.kinds[place] & NUMBER:
        joined = joined or bool(reply.kinds[place] & RANGE)
        place += 1
    return joined and place < last and bool(reply.kinds[place] & NUMBER) and not reply.kinds[place] & SCALE


def _placed(reply: Reply, at: int, after: int, first: int, last: int, start: int, end: int, *, scaled: bool) -> Role:
    kinds, words = reply.kinds, reply.tokens.words
    begin, finish = reply.sentence(at, start, end)
    for place in range(at - 1, first - 1, -1):
        if kinds[place] & (CONTRAST | JOIN | CLAUSE):
            first = place + 1
            break
    explained_before = all(kinds[place] & BESIDE_AN_ANSWER for place in range(first, at))
    explained_after = all(kinds[place] & BESIDE_AN_ANSWER for place in range(after, last))
    clear_after = explained_after or (after < last and bool(kinds[after] & (OPENER | BESIDE_AN_ANSWER)))
    opening = explained_before and first == start
    if reply.asked(finish):
        others = [place for place in range(begin, finish) if place != at and not kinds[place] & BESIDE_AN_ANSWER]
        if not others:
            return Role.BENT
        if not (opening and begin == start):
            return Role.OTHER
    if explained_before:
        if clear_after:
            return Role.ANSWER
        return Role.ANSWER if opening and not _may_be_plural(words[after], words[at]) else Role.WEAK
    if scaled:
        return Role.ANSWER
    if any(kinds[place] & FRAME for place in range(max(first, at - 2), at)) and _only(kinds, at - 1, FRAME):
        return Role.ANSWER if clear_after else Role.WEAK
    if after == last and (kinds[at - 1] & (MOOD | EFFECT_WORD | PRESENT | THANKS) or words[at - 1] in _ARTICLES):
        return Role.ANSWER
    counts = after < last and _may_be_plural(words[after], words[at])
    return Role.OTHER if counts else Role.STRAY


_ARTICLES: Final = frozenset({"a", "an", "un"})
"""A number with an article is a mark that somebody gives."""

_LEADING: Final = _ARTICLES | {"from", "was", "at", "said", "de", "del", "en", "era", "estaba", "puse"}
"""Words that belong to the number that follows them, never to the one before."""


def _leads_on(reply: Reply, at: int, last: int) -> bool:
    """Whether the words from here lead up to the next number: "up to a 7 from a 4"."""
    kinds = reply.kinds
    while at < last and kinds[at] & PAST and not kinds[at] & NUMBER:
        at += 1
    return at < last and bool(kinds[at] & NUMBER) and reply.tokens.words[at - 1] in _LEADING


def _only(kinds: tuple[int, ...], at: int, kind: int) -> bool:
    return bool(kinds[at] & (kind | APPROXIMATION))


def _may_be_plural(word: str, number: str) -> bool:
    return word.endswith("s") and number not in ("0", "1")


def _topics(reply: Reply, start: int, end: int) -> dict[int, str]:
    """Numbers that are said of a topic: "mood 7, pain is 3", or "7 mood, 3 pain" where numbers come first."""
    kinds = reply.kinds
    named = [
        (match.start, match.end, name.removeprefix(TOPIC))
        for name in reply.lexicon.topics
        for match in reply.spans.get(name, ())
        if start <= match.start < end
    ]
    if not named:
        return {}
    named.sort()
    numbers = [at for at in range(start, end) if kinds[at] & NUMBER and not kinds[at] & SCALE]
    if not numbers:
        return {}
    bound: dict[int, str] = {}
    for begin, finish, topic in named:
        if begin > start and kinds[begin - 1] & NEGATION:
            continue
        behind = next((at for at in reversed(numbers) if at < begin), None)
        ahead = next((at for at in numbers if at >= finish), None)
        first = numbers[0] < named[0][0]
        joined = behind is not None and (topic in _SAID_AFTER or reply.tokens.words[behind + 1] in _SAID_OF)
        if (
            first
            and joined
            and behind is not None
            and behind not in bound
            and _close(reply, behind + 1, begin, Break.COMMA)
        ):
            bound[behind] = topic
        elif (
            ahead is not None
            and ahead not in bound
            and _close(reply, finish, ahead, Break.SENTENCE if topic in _SAID_AFTER else Break.COMMA)
        ):
            bound[ahead] = topic
    return bound


_SAID_AFTER: Final = frozenset({"mood", "pain"})
"""Topics that patients name behind their number too; other words there are a new thought ("5 headache since noon")."""

_SAID_OF: Final = frozenset({"for", "on", "in", "de", "para", "en"})
"""Words between a number and its topic: "7 for mood, 3 for sleep"."""


def _close(reply: Reply, start: int, end: int, parting: Break) -> bool:
    """Whether only words that go with an answer stand between a topic and its number."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    return all(
        kinds[at] & BESIDE_AN_ANSWER and not kinds[at] & (EFFECT_WORD | NUMBER | NEGATION) for at in range(start, end)
    ) and all(breaks[at] < parting for at in range(start, end + 1))


def _about(
    reply: Reply, start: int, end: int, figures: tuple[Figure, ...], topic: str | None
) -> tuple[tuple[str, int], ...]:
    topics = _topics(reply, start, end)
    return tuple(
        (topics[figure.at], figure.value)
        for figure in figures
        if figure.value is not None and topics.get(figure.at, topic) not in (None, topic)
    )
