"""What a reply means as an answer to the question that is open, and what else it says.

A value is given only when it is sure: where a text can mean two things, or the answer might be a number of something
else, it is asked again, never guessed and never clipped into the range. A wrong answer on a chart is worse than one
more text. English and Spanish are read side by side, whatever the patient's language.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from followup.domain import choices, numbers
from followup.domain.choices import Labels, labels_of
from followup.domain.effects import Effects, Severity, StillThere, effects_in
from followup.domain.lexicon import (
    BESIDE_AN_ANSWER,
    CONTRAST,
    EFFECT_WORD,
    NEGATION,
    NUMBER,
    OF_EFFECTS,
    OPENER,
    UNIT,
    EffectWords,
    ReadingWords,
    Reply,
    lexicon,
    take_apart,
)
from followup.domain.normalisation import Break, fold
from followup.domain.phrases import Match
from followup.domain.quoting import begins_with, quoted_span, without_quotes
from followup.domain.wishes import Wish, wishes_in

__all__ = ["Confidence", "EffectWords", "Expectation", "Form", "Reading", "ReadingWords", "read"]

Form = Literal["scale", "choice", "yes_no", "effects", "words"]
Confidence = Literal["sure", "unsure", "none"]

NO_EFFECTS: Final = 0
SOME_EFFECTS: Final = 1
_POLE: Final = 0.2  # of a scale, at each end: there the words of the other end contradict the number


@dataclass(frozen=True, slots=True)
class Expectation:
    """What kind of answer a question has.

    Values are stored from `low` to `high`. `digits` gives the value of each digit that the text showed, where the two
    differ; `labels` the value of each label, in every language. `topic` is what patients call what is asked, by the
    name of the word lists' topics: a number said of another topic is not the answer. `best` is the better end of a
    scale, if it has one. `wording` is how the question was put, which some phones quote back.
    """

    form: Form
    low: int
    high: int
    digits: tuple[tuple[int, int], ...] = ()
    labels: tuple[tuple[str, int], ...] = ()
    topic: str | None = None
    best: int | None = None
    wording: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """An answer with its certainty; `value` is None unless `confidence` is "sure", and within the question's range.

    `reason` is a fixed phrase. `side_effects` are codes that the text affirms, in the order of the word list, whatever
    was asked; `severity`, `still_there` and `hours` (how long) are what was said of them, None when nothing was.
    `more_said`: words remain that this reader does not know, so a person may want to read them. `others` are numbers
    said of other topics ("mood 7, pain 3"). `correction`: the text takes back an earlier one. `automatic`: a phone or
    the carrier wrote it; it is no answer and asking again would be no use.
    """

    value: int | None
    confidence: Confidence
    reason: str
    side_effects: tuple[str, ...] = ()
    severity: Severity | None = None
    more_said: bool = False
    still_there: StillThere | None = None
    hours: int | None = None
    others: tuple[tuple[str, int], ...] = ()
    correction: bool = False
    wants: tuple[Wish, ...] = ()
    thanks: bool = False
    automatic: bool = False


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a stretch of a text says; `seen`: there was something like an answer, even if it is not sure."""

    value: int | None
    reason: str
    seen: bool
    others: tuple[tuple[str, int], ...] = ()


def read(text: str, expectation: Expectation | None, words: ReadingWords) -> Reading:
    """Read a reply to a question, or to none. Pure, and bounded in time for any text."""
    compiled = lexicon(words)
    folded = fold(text if text.isascii() else text.translate(compiled.signs))
    reaction = quoted_span(folded, words.reaction_openings)
    if reaction is not None:
        folded = folded[reaction[1] :]
        if not any(map(str.isalnum, folded)):
            return Reading(None, "none", "reaction", automatic=True)
    long = len(folded) >= compiled.shortest_automatic
    if long and (begins_with(folded, words.automatic_openings) or any(map(folded.__contains__, words.automatic))):
        return Reading(None, "none", "automatic reply", automatic=True)
    quoted = _folded(expectation.wording) if expectation and len(folded) > _SHORT else ()
    folded = without_quotes(folded, quoted)
    if not folded.strip():
        return Reading(None, "none", "empty")
    high = expectation.high if expectation else 0
    reply = take_apart(numbers.plain_figures(folded, compiled, high), compiled)
    found = effects_in(reply)
    asked = expectation or _NOTHING_ASKED
    labels = labels_of(asked.labels, compiled)
    reader = _READERS[asked.form]
    listed = numbers.is_list(folded)
    answer, corrected = _corrected(
        reply, asked, lambda start, end: reader(reply, start, end, asked, labels, found, listed)
    )
    if expectation is None:
        answer = replace(answer, value=None, reason="nothing was asked", seen=False)
    if answer.value is not None and _contradicted(reply, answer.value, asked):
        answer = replace(answer, value=None, reason="words of the other end")
    known = OF_EFFECTS if asked.form in ("effects", "words") else BESIDE_AN_ANSWER | EFFECT_WORD
    confidence: Confidence = "sure" if answer.value is not None else "unsure" if answer.seen else "none"
    return Reading(
        value=answer.value,
        confidence=confidence,
        reason=answer.reason,
        side_effects=found.affirmed,
        severity=found.severity,
        more_said=not all(kinds & known for kinds in reply.kinds),
        still_there=found.still_there,
        hours=found.hours,
        others=answer.others,
        correction=corrected or folded.lstrip().startswith("*"),
        wants=wishes_in(reply),
        thanks=reply.has("thanks"),
    )


_SHORT: Final = 20  # characters: so short a text quotes none of our own
_NOTHING_ASKED: Final = Expectation("scale", 0, 0)


@lru_cache(maxsize=64)
def _folded(wording: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(fold(text).strip() for text in wording)


def _corrected(reply: Reply, asked: Expectation, answer: Callable[[int, int], _Answer]) -> tuple[_Answer, bool]:
    """The answer that stands after what was taken back, and whether an earlier text was meant."""
    end = len(reply.kinds)
    taken_back = [match for match in reply.spans.get("corrections", ()) if not reply.inside(match, "look_alikes")]
    swerves = [match for match in reply.spans.get("swerves", ()) if _swerves(reply, match, end, asked)]
    for mark in sorted((*taken_back, *swerves), key=lambda match: -match.end)[:_MARKS]:
        strong = mark in taken_back
        begin = mark.end - 1 if _answers_too(reply, mark, asked) else mark.end
        after = answer(begin, end) if begin < end else None
        if after is None or not after.seen or _says_instead(reply, mark):
            continue
        before = answer(0, mark.start) if mark.start else None
        said_no = asked.form == "yes_no" and reply.tokens.words[mark.start] in reply.lexicon.denials
        answered = said_no or (before is not None and before.seen)
        if strong or answered or 0 < mark.start <= _SLIP:
            return after, strong and not answered
    whole = answer(0, end)
    if taken_back and whole.value is not None:
        return _Answer(None, "taken back", True, whole.others), True
    return whole, bool(taken_back)


def _says_instead(reply: Reply, mark: Match) -> bool:
    """Whether "no" names what was wrong, behind what is right: "sorry 7 no 9"."""
    words, denials = reply.tokens.words, reply.lexicon.denials
    alone = mark.end - mark.start == 1 and words[mark.start] in denials
    opened = words[0] not in denials and any(
        other.start == 0 for name in ("swerves", "corrections") for other in reply.spans.get(name, ())
    )
    return opened and alone and mark.start > 0 and reply.tokens.breaks[mark.start] is Break.NONE


def _answers_too(reply: Reply, mark: Match, asked: Expectation) -> bool:
    """Whether what takes back an answer ends with another one: "actually no"."""
    words = reply.tokens.words
    return (
        asked.form in ("yes_no", "effects")
        and mark.end - mark.start > 1
        and words[mark.end - 1] in reply.lexicon.denials
        and words[mark.start] not in reply.lexicon.denials
    )


def _swerves(reply: Reply, mark: Match, end: int, asked: Expectation) -> bool:
    """Whether this takes something back: "no" does only where a number follows it at once ("7 no 6")."""
    if reply.tokens.words[mark.end - 1] not in reply.lexicon.denials or _answers_too(reply, mark, asked):
        return True
    at = mark.end
    while at < end and reply.kinds[at] & BESIDE_AN_ANSWER and not reply.kinds[at] & (NUMBER | EFFECT_WORD | UNIT):
        at += 1
    return mark.start > 0 and at < end and at - mark.end <= _LEAD and bool(reply.kinds[at] & NUMBER)


_LEAD: Final = 3  # words between "no" and the number that is meant instead
_MARKS: Final = 4  # how many corrections in one text are looked at, from the last
_SLIP: Final = 2  # words that may be a misspelt answer before "sorry"


def _contradicted(reply: Reply, value: int, asked: Expectation) -> bool:
    """Whether words of one end of the scale stand with a number of the other: "10, worst it has ever been"."""
    if asked.form != "scale" or asked.best is None:
        return False
    margin = (asked.high - asked.low) * _POLE
    near_best = abs(value - asked.best) <= margin
    near_worst = abs(value - asked.best) >= asked.high - asked.low - margin
    best, worst = _says(reply, "best"), _says(reply, "worst")
    return (near_best and worst and not best) or (near_worst and best and not worst)


def _says(reply: Reply, pole: str) -> bool:
    """Whether words of one end are said of what was asked, not of an effect or another number ("awful headache")."""
    kinds = reply.kinds
    return any(
        match.end == len(kinds) or not kinds[match.end] & (EFFECT_WORD | NUMBER) for match in reply.spans.get(pole, ())
    )


def _digit(value: int | None, asked: Expectation) -> int | None:
    """What a digit of the text stands for."""
    return value if value is None or not asked.digits else dict(asked.digits).get(value)


def _number(reply: Reply, start: int, end: int, asked: Expectation, *, listed: bool) -> _Answer:
    shown = [digit for digit, _ in asked.digits]
    low, high = (min(shown), max(shown)) if shown else (asked.low, asked.high)
    found = numbers.answer(reply, start, end, low, high, asked.topic, listed=listed)
    value = _digit(found.value, asked)
    reason = found.reason if value is not None or found.value is None else "out of range"
    return _Answer(value, reason, found.seen, found.about)


def _read_value(
    reply: Reply, start: int, end: int, asked: Expectation, labels: Labels, _: Effects, listed: bool
) -> _Answer:
    """A scale or a choice: a number, a label, or both if they say the same."""
    number = _number(reply, start, end, asked, listed=listed)
    choose = choices.first_said if asked.form == "yes_no" else choices.choose
    label = choose(reply, start, end, labels) if asked.labels else choices.Choice(None, "no label")
    if not label.seen:
        return number
    if label.value is None:
        return number if number.value is not None else replace(number, reason=label.reason, seen=True)
    if not number.seen:
        return replace(number, value=label.value, reason=label.reason, seen=True)
    if number.value is None and asked.form != "yes_no":
        return number
    if number.value not in (None, label.value):
        return replace(number, value=None, reason="number and label differ")
    return replace(number, value=label.value, reason="number and label" if number.value is not None else label.reason)


def _read_effects(
    reply: Reply, start: int, end: int, asked: Expectation, _: Labels, found: Effects, listed: bool
) -> _Answer:
    """Whether there are side effects: named, or said with a number or in words."""
    number = _number(reply, start, end, asked, listed=listed)
    nothing = [
        match
        for match in _within(reply, "nothing", start, end)
        if not all(at in found.told for at in range(match.start, match.end))
    ]
    something = _within(reply, "something", start, end)
    if something:
        nothing = [match for match in nothing if not _is_mild(reply, match)]
    seen = bool(number.seen or nothing or something or found.affirmed or found.denied)

    def unsure(reason: str) -> _Answer:
        return _Answer(None, reason, seen, number.others)

    def sure(value: int, reason: str) -> _Answer:
        return _Answer(value, reason, True, number.others)

    if found.affirmed:
        return unsure("none and some") if number.value == NO_EFFECTS else sure(SOME_EFFECTS, "effects named")
    if found.in_doubt:
        return unsure("a question or a doubt")
    if number.value is not None:
        contrary = something if number.value == NO_EFFECTS else nothing or found.denied
        return unsure("none and some") if contrary else number
    if found.asked_about or reply.has("unclear"):
        return unsure("a question or a doubt")
    if number.seen:
        return unsure(number.reason)
    if (found.refuted or (found.denied and reply.has("other_times"))) and not something:
        return sure(NO_EFFECTS, "effects denied")
    if reply.has("supposed"):
        return unsure("a question or a doubt")
    if reply.has("others") and not nothing:
        return unsure("perhaps about someone else")
    if nothing and not something:
        return (
            sure(NO_EFFECTS, "none") if _closed(reply, nothing[0], start, end, found.told) else unsure("none, and more")
        )
    if len(found.denied) > 1 and not something and _all_known(reply, start, end, found.told):
        return sure(NO_EFFECTS, "effects denied")
    if something and not nothing and not found.denied:
        return sure(SOME_EFFECTS, "some") if _said_first(reply, something[0], start, end) else unsure("perhaps some")
    if nothing or something or found.denied:
        return unsure("none and some")
    return _Answer(None, "free text" if end > start else "no answer", False, number.others)


def _read_words(
    reply: Reply, start: int, end: int, asked: Expectation, labels: Labels, found: Effects, listed: bool
) -> _Answer:
    """Free words are the answer and the caller keeps them; what is given here is none (0) or effects named (1)."""
    if found.affirmed:
        return _Answer(SOME_EFFECTS, "effects named", True)
    answer = _read_effects(reply, start, end, asked, labels, found, listed)
    if answer.value == NO_EFFECTS and answer.reason != "a number":
        return answer
    return _Answer(None, "free text", False, answer.others)


def _is_mild(reply: Reply, match: Match) -> bool:
    """Whether "nothing" says how bad it is: "yes, nothing major"."""
    return any(mild.start <= match.start < mild.end for mild in reply.spans.get("mild", ()))


def _within(reply: Reply, name: str, start: int, end: int) -> list[Match]:
    return [match for match in reply.spans.get(name, ()) if start <= match.start and match.end <= end]


def _all_known(reply: Reply, start: int, end: int, told: frozenset[int]) -> bool:
    return all(reply.kinds[at] & OF_EFFECTS & ~OPENER or at in told for at in range(start, end))


def _closed(reply: Reply, none: Match, start: int, end: int, told: frozenset[int]) -> bool:
    """Whether "none" is all that is said of it: what follows is known, or is a question of its own."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    parted = [at for at in range(start, end) if kinds[at] & CONTRAST and not reply.asked(reply.sentence(at)[1])]
    if parted and not _all_known(reply, start, end, told):
        return False
    at = start
    while at < end:
        if kinds[at] & OF_EFFECTS & ~OPENER or at in told:
            at += 1
            continue
        if at <= none.start:
            return False
        first, last = reply.sentence(at, start, end)
        fresh = any(breaks[place] is not Break.NONE for place in range(none.end, at + 1))
        if not fresh or not (reply.asked(last) or _asks(reply, first, last)):
            return False
        at = last
    return True


def _asks(reply: Reply, first: int, last: int) -> bool:
    return any(first <= match.start < last for match in reply.spans.get("question", ()))


def _said_first(reply: Reply, some: Match, start: int, end: int) -> bool:
    """Whether "yes" or "some" opens the text, and what follows is a new thought."""
    kinds, breaks = reply.kinds, reply.tokens.breaks
    if not all(kinds[at] & BESIDE_AN_ANSWER for at in range(start, some.start)):
        return False
    behind = range(some.end, end)
    if all(kinds[at] & OF_EFFECTS & ~NEGATION for at in behind):
        return True
    return breaks[some.end] is not Break.NONE or bool(kinds[some.end] & (OPENER | BESIDE_AN_ANSWER))


_READERS: Final[dict[Form, Callable[[Reply, int, int, Expectation, Labels, Effects, bool], _Answer]]] = {
    "scale": _read_value,
    "choice": _read_value,
    "yes_no": _read_value,
    "effects": _read_effects,
    "words": _read_words,
}
