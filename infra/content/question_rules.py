"""Rules on questions and instruments that a schema cannot say: ranges, labels, slots, refused words, size."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from followup.domain.asking import POSITIONS, Position, wording_of
from followup.domain.errors import FollowUpError
from followup.domain.instruments import Instruments
from followup.domain.questions import Asked, Questions, QuestionWording
from followup.domain.records import Language, Question
from followup.domain.segments import Segments, count, outside_gsm7
from followup.domain.survey import Flow
from followup.domain.wording import Texts
from infra.content.refused import RefusedWords, refused_in
from infra.content.rules import SPOKEN_KEYWORDS, days_of, longest_time, slot_problems
from infra.content.sources import Problem, Steps, Told

_OWN: Final = ("text", "key", "later", "again", "reply")
_ITEM: Final = ("text",)
_OFFICIAL: Final = frozenset({"text", "key"})
"""Parts that hold the words of an instrument's authors, if the wording is official."""


def question_problems(
    source: Told, questions: Questions, texts: Texts, refused: RefusedWords, keywords: tuple[str, ...]
) -> Iterator[Problem]:
    """What is wrong with the stems and the questions, and with the texts made of them."""
    yield from _stem_problems(source, questions, refused, keywords)
    for question, asked in questions.questions.items():
        at: Steps = ("questions", question)
        declared = tuple(_declared_problems(source, at, asked, questions))
        yield from declared
        if declared:
            continue
        for language, wording in asked.wordings.items():
            where = (*at, "wordings", language)
            days = days_of(texts, language) if language in texts.calendar else ()
            found = tuple(_wording_problems(source, where, asked, wording, days, refused, keywords))
            yield from found
            if asked.frame == "own":
                yield from _label_problems(source, where, asked, wording.labels, wording.key, keywords)
            elif wording.labels:
                yield source.problem((*where, "labels"), "is not for items", "remove it, or write it with the stem")
            if not found and language in texts.calendar:
                yield from _size_problems(source, where, question, language, questions, texts)


def _declared_problems(source: Told, at: Steps, asked: Asked, questions: Questions) -> Iterator[Problem]:
    if asked.low > asked.high:
        yield source.problem((*at, "high"), "is below low", "let high be the greater one")
    if asked.frame == "item" and asked.instrument not in questions.stems:
        yield source.problem((*at, "instrument"), "has no stem", "write its stem under stems, or take frame: own")
    stored = {value for _, value in asked.shown}
    if not stored <= set(range(asked.low, asked.high + 1)):
        yield source.problem((*at, "digits"), "stands for a value outside low to high", "correct it")
    if asked.form == "yes_no" and sorted(asked.digits.values()) != [0, 1]:
        yield source.problem((*at, "digits"), "does not show no (0) and yes (1)", "write {1: 0, 2: 1}")
    for value in asked.answers:
        if value not in stored:
            yield source.problem((*at, "answers", value), "is a code for no answer", "remove it")


def _wording_problems(
    source: Told,
    at: Steps,
    asked: Asked,
    wording: QuestionWording,
    days: tuple[str, ...],
    refused: RefusedWords,
    keywords: tuple[str, ...],
) -> Iterator[Problem]:
    item = asked.frame == "item"
    parts: dict[str, str] = {name: getattr(wording, name) for name in _OWN}
    for name, part in parts.items():
        if item and name not in _ITEM and part:
            yield source.problem((*at, name), "is not for items", "remove it: items are asked with their stem")
    wanted = _ITEM if item else tuple(name for name in ("text", "key", "later", "again"))
    for name in wanted:
        if not parts[name].strip() and not (name == "key" and asked.form == "words"):
            yield source.problem((*at, name), "is missing", "write it")
    for name, part in parts.items():
        if not part.strip():
            continue
        slots = frozenset(asked.slots) if name in ("text", "later", "again") else frozenset()
        yield from slot_problems(source, (*at, name), part, slots)
        exempt = wording.official and name in _OFFICIAL
        yield from _word_problems(source, (*at, name), part, None if exempt else refused, keywords)
    dated = "day" in asked.slots and outside_gsm7("".join(days))
    odd = " ".join(outside_gsm7("".join(parts.values()))) or ("a day's name" if dated else "")
    if wording.ucs2 and not odd:
        yield source.problem((*at, "ucs2"), "is set although nothing needs it", "remove ucs2")
    elif odd and not wording.ucs2:
        yield source.problem(at, f"is not GSM-7 because of {odd}", "choose other words, or set ucs2: true")


def _stem_problems(
    source: Told, questions: Questions, refused: RefusedWords, keywords: tuple[str, ...]
) -> Iterator[Problem]:
    for name, stem in questions.stems.items():
        items = [asked for question, asked in questions.questions.items() if _has_stem(asked, name)]
        for language, wording in stem.wordings.items():
            at: Steps = ("stems", name, "wordings", language)
            for part in ("stem", "key", "short"):
                sentence: str = getattr(wording, part)
                yield from slot_problems(source, (*at, part), sentence, frozenset())
                yield from _word_problems(
                    source, (*at, part), sentence, None if wording.official else refused, keywords
                )
            odd = " ".join(outside_gsm7(wording.stem + wording.key + wording.short))
            if bool(odd) != wording.ucs2:
                what = f"is not GSM-7 because of {odd}" if odd else "sets ucs2 although nothing needs it"
                yield source.problem(at, what, "set ucs2: true" if odd else "remove ucs2")
            for asked in items[:1]:
                yield from _label_problems(source, at, asked, wording.labels, wording.key, keywords)
                for digit, _ in asked.shown:
                    if not re.search(rf"(?<!\d){digit}(?!\d)", wording.short):
                        yield source.problem((*at, "short"), f"does not show {digit}", "repeat every number")


def _has_stem(asked: Asked, name: str) -> bool:
    return asked.frame == "item" and asked.instrument == name


def _label_problems(
    source: Told, at: Steps, asked: Asked, labels: Mapping[int, str], key: str, keywords: tuple[str, ...]
) -> Iterator[Problem]:
    """Every number that may be sent has its meaning in the key, and a label so that it is read in words too."""
    if asked.form == "words":
        for value, label in labels.items():
            if label.strip().upper() in keywords:
                what = f"is {label.upper()}, which the carrier acts on by itself"
                yield source.problem((*at, "labels", value), what, "ask for digits")
        return
    for digit, value in asked.shown:
        if str(digit) in keywords:
            yield source.problem((*at, "key"), f"asks for {digit}, which the carrier acts on by itself", "renumber it")
        if asked.form == "scale":
            if value in (asked.low, asked.high) and not _says(key, digit):
                yield source.problem((*at, "key"), f"does not say what {digit} means", "state both ends of the scale")
            continue
        if value not in labels:
            yield source.problem((*at, "labels"), f"has none for {value}", "name every answer")
        elif not _says(key, digit, labels[value]):
            what = f"does not hold {digit} = {labels[value]}"
            yield source.problem((*at, "key"), what, "let the key and the labels say the same")
    for value in labels:
        if value not in {stored for _, stored in asked.shown}:
            yield source.problem((*at, "labels", value), "is no answer to this question", "remove it")


def _says(key: str, digit: int, meaning: str = "") -> bool:
    """Whether a key says what a digit means; the 0 of "10 = best" does not count."""
    return re.search(rf"(?<!\d){digit} = {re.escape(meaning)}", key) is not None


def _word_problems(
    source: Told, at: Steps, sentence: str, refused: RefusedWords | None, keywords: tuple[str, ...]
) -> Iterator[Problem]:
    for word, group in refused_in(sentence, refused.groups.values() if refused is not None else ()):
        yield source.problem(at, f'"{word}" {group.why}', group.fix)
    for word in keywords:
        if word not in SPOKEN_KEYWORDS and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", sentence):
            yield source.problem(at, f"names {word}, which the carrier acts on by itself", "ask for digits")


def _size_problems(
    source: Told, at: Steps, question: Question, language: Language, questions: Questions, texts: Texts
) -> Iterator[Problem]:
    try:
        sizes = {position: size_of(question, language, position, questions, texts) for position in POSITIONS}
    except (KeyError, FollowUpError):  # a frame or a stem is missing, which is told where it belongs
        return
    position, size = max(sizes.items(), key=lambda entry: (entry[1].segments, entry[1].units))
    allowed = questions.wording(question, language).max_segments
    if size.segments > allowed:
        what = f"takes {size.segments} segments with the longest slots ({position}), {allowed} allowed"
        yield source.problem(at, what, "shorten it, or raise max_segments")


def size_of(question: Question, language: Language, position: Position, questions: Questions, texts: Texts) -> Segments:
    """The size of the text that asks a question, with the slot values that make it largest; a reminder not counted."""
    own = questions.asked(question).slots
    days = days_of(texts, language) if "day" in own else ("",)
    at = longest_time(texts, language) if "time" in own else ""
    bodies = (
        wording_of(
            question,
            language,
            position,
            questions=questions,
            texts=texts,
            number=1 if position == "open" else 9,
            of=9,
            sms_name="N" * texts.longest["sms_name"],
            day=day,
            time=at,
        )
        for day in days
    )
    return max((count(body) for body in bodies), key=lambda size: (size.segments, size.units))


def flow_problems(source: Told, flow: Flow, questions: Questions, instruments: Instruments) -> Iterator[Problem]:
    """What follows on answers that nobody can give: unknown questions and instruments, values out of reach."""
    codes = {instrument.code for instrument in instruments.instruments}
    for place, branch in enumerate(flow.branches):
        at: Steps = ("branches", place)
        yield from _unknown_problems(source, (*at, "after"), branch.after, questions)
        yield from _unknown_problems(source, (*at, "opens"), branch.opens, questions)
        for name in ("instrument", "fills"):
            code: str | None = getattr(branch, name)
            if code is not None and code not in codes:
                yield source.problem((*at, name), f"{code} is no instrument", "correct it, or add the instrument")
        reach = sum(questions.questions[one].high for one in branch.after if one in questions.questions)
        if branch.least > reach:
            yield source.problem((*at, "least"), f"is more than the answers can add up to ({reach})", "lower it")
    for place, skip in enumerate(flow.skips):
        yield from _unknown_problems(source, ("skips", place, "question"), (skip.question,), questions)
    for place, consequence in enumerate(flow.consequences):
        at = ("consequences", place)
        yield from _unknown_problems(source, (*at, "question"), (consequence.question,), questions)
        asked = questions.questions.get(consequence.question)
        if asked is not None and consequence.least > asked.high:
            yield source.problem((*at, "least"), f"is more than any answer ({asked.high})", "lower it")
    yield from _unknown_problems(source, ("now_and_then",), flow.now_and_then, questions)


def _unknown_problems(source: Told, at: Steps, wanted: tuple[Question, ...], questions: Questions) -> Iterator[Problem]:
    for question in wanted:
        if question not in questions.questions:
            yield source.problem(at, f"holds {question}, which is no question", "correct it, or add the question")


def instrument_problems(source: Told, instruments: Instruments, questions: Questions) -> Iterator[Problem]:
    """What is wrong with the instruments: items that nobody asks, ranges and bands that do not fit their items."""
    for place, instrument in enumerate(instruments.instruments):
        at: Steps = ("instruments", place)
        if instrument.code in {other.code for other in instruments.instruments[:place]}:
            yield source.problem((*at, "code"), f"{instrument.code} is there twice", "correct one of them")
        yield from _unknown_problems(source, (*at, "items"), instrument.items, questions)
        if all(item in questions.questions for item in instrument.items):
            asked = [questions.questions[item] for item in instrument.items]
            reach = (sum(each.low for each in asked), sum(each.high for each in asked))
            if reach != (instrument.low, instrument.high):
                what = f"is not what the items can add up to ({reach[0]} to {reach[1]})"
                yield source.problem((*at, "high"), what, "correct low and high")
        for item in instrument.never_prorated:
            if item not in instrument.items:
                yield source.problem((*at, "never_prorated"), f"holds {item}, which is no item", "correct it")
        if not 0 <= instrument.prorate_missing < max(1, len(instrument.items)):
            yield source.problem((*at, "prorate_missing"), "leaves no answer to reckon with", "lower it")
        expected = instrument.low
        for index, band in enumerate(instrument.bands):
            if band.low != expected or band.high < band.low:
                what = f"does not begin at {expected}"
                yield source.problem(
                    (*at, "bands", index), what, "let the bands cover the range without gap or overlap"
                )
            expected = band.high + 1
        if instrument.bands and expected != instrument.high + 1:
            what = f"do not end at {instrument.high}"
            yield source.problem((*at, "bands"), what, "let the bands cover the range without gap or overlap")
