"""Rules on wording that a schema cannot say: slots, languages, refused words, carrier keywords, size."""

import re
from collections.abc import Iterator, Mapping
from datetime import time
from itertools import product
from typing import Final, get_args

from followup.domain import staff_wording
from followup.domain.asking import FRAMES
from followup.domain.delivery import CarrierCodes, Origin
from followup.domain.records import FlagGroup, Language, Level
from followup.domain.segments import Segments, count, outside_gsm7
from followup.domain.staff_wording import StaffWording
from followup.domain.wording import REQUIRED, SLOT, TextEntry, Texts, Wording, fill, slots_of
from infra.content.refused import RefusedWords, refused_in
from infra.content.sources import Problem, Steps, Told

VARYING: Final = ("sms_name", "phone")
"""Slots whose values a clinic chooses."""

MEASURED: Final = frozenset({*VARYING, "day", "time"})
"""Slots whose longest values are known; frames, which have others, are measured with each question in them."""

SPOKEN_KEYWORDS: Final = frozenset({"STOP", "START", "HELP"})
"""Keywords that texts must name, because carriers and regulators want them named."""


def text_problems(source: Told, texts: Texts, refused: RefusedWords, keywords: tuple[str, ...]) -> Iterator[Problem]:
    yield from (
        source.problem(("longest", name), "is missing", "say how long it may be")
        for name in VARYING
        if name not in texts.longest
    )
    for text_id in REQUIRED:
        if text_id not in texts.entries:
            yield source.problem(("entries", text_id), "is missing", "add it")
    for frame, slots in FRAMES.items():
        if frame not in texts.entries:
            yield source.problem(("entries", frame), "is missing", "add it")
        elif set(texts.entries[frame].slots) != set(slots):
            at: Steps = ("entries", frame, "slots")
            yield source.problem(at, "are not the slots of this frame", f"write [{', '.join(slots)}]")
    measurable = len(texts.longest) == len(VARYING)
    for text_id, entry in texts.entries.items():
        path: Steps = ("entries", text_id)
        for language, wording in entry.wordings.items():
            at = (*path, "wordings", language)
            hole = tuple(slot_problems(source, at, wording.text, frozenset(entry.slots)))
            yield from hole
            yield from _wording_problems(source, at, entry, wording, refused, keywords)
            if not hole and measurable and language in texts.calendar and MEASURED.issuperset(entry.slots):
                yield from _size_problems(source, at, texts, text_id, language)


def days_of(texts: Texts, language: Language) -> tuple[str, ...]:
    """Every weekday in every month, as the slot `day` says it."""
    words = texts.calendar[language]
    return tuple(
        fill(words.day, {"weekday": weekday, "month": month, "date": "30"})
        for weekday, month in product(words.weekdays, words.months)
    )


def longest_time(texts: Texts, language: Language) -> str:
    """The time of day that takes the most characters."""
    return max((texts.time(time(hour, 30), language) for hour in range(24)), key=len)


def slot_problems(source: Told, at: Steps, sentence: str, declared: frozenset[str]) -> Iterator[Problem]:
    if not sentence.strip():
        yield source.problem(at, "is empty", "write it")
        return
    if re.search(r"[{}]", SLOT.sub("", sentence)):
        yield source.problem(at, "has a brace that belongs to no slot", "write slots as {name}")
    used = slots_of(sentence)
    for slot in sorted(used - declared):
        known = ", ".join(sorted(declared)) or "none"
        yield source.problem(at, f"has the unknown slot {slot}", f"known here: {known}")
    for slot in sorted(declared - used):
        yield source.problem(at, f"lacks the slot {slot}", "use it, or take it out of the slots of every language")


def _wording_problems(
    source: Told, at: Steps, entry: TextEntry, wording: Wording, refused: RefusedWords, keywords: tuple[str, ...]
) -> Iterator[Problem]:
    for word, group in refused_in(wording.text, refused.groups.values()):
        yield source.problem(at, f'"{word}" {group.why}', group.fix)
    for held in entry.holds:
        if held not in wording.text:
            yield source.problem(at, f"does not hold {held}", "add it")
    for word in keywords:
        if word not in SPOKEN_KEYWORDS and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", wording.text):
            yield source.problem(at, f"names {word}, which the carrier acts on by itself", "ask for digits")


def _size_problems(source: Told, at: Steps, texts: Texts, text_id: str, language: Language) -> Iterator[Problem]:
    wording = texts.wording(text_id, language)
    size = largest(texts, text_id, language)
    if size.encoding == "UCS-2" and not wording.ucs2:
        odd = " ".join(outside_gsm7(wording.text)) or "a day's name"
        yield source.problem(at, f"is not GSM-7 because of {odd}", "choose other words, or set ucs2: true")
    elif size.encoding == "GSM-7" and wording.ucs2:
        yield source.problem(at, "sets ucs2 although nothing needs it", "remove ucs2")
    if size.segments > wording.max_segments:
        what = f"takes {size.segments} segments with the longest slots, {wording.max_segments} allowed"
        yield source.problem(at, what, "shorten it, or raise max_segments")


def largest(texts: Texts, text_id: str, language: Language) -> Segments:
    """The size of a text with the slot values that make it largest."""
    values: dict[str, list[str]] = {
        "sms_name": ["N" * texts.longest["sms_name"]],
        "phone": ["5" * texts.longest["phone"]],
        "day": list(days_of(texts, language)),
        "time": [longest_time(texts, language)],
    }
    slots = texts.entries[text_id].slots
    sizes = (
        count(texts.render(text_id, language, **dict(zip(slots, chosen, strict=True))))
        for chosen in product(*(values[slot] for slot in slots))
    )
    return max(sizes, key=lambda size: (size.segments, size.units))


def staff_problems(source: Told, staff: StaffWording, refused: RefusedWords) -> Iterator[Problem]:
    for name, declared in staff_wording.SLOTS.items():
        yield from slot_problems(source, (name,), getattr(staff, name), declared)
    for name in ("alert_subject", "alert_body", "alert_level", "digest_subject", "digest_preheader"):
        for word, group in refused_in(getattr(staff, name), refused.groups.values()):
            yield source.problem((name,), f'"{word}" {group.why}', group.fix)
    yield from _same_keys(source, "reasons", staff.reasons, "classes", staff.classes)
    yield from _same_keys(source, "classes", staff.classes, "reasons", staff.reasons)
    for rule, sentence in staff.reasons.items():
        yield from slot_problems(source, ("reasons", rule), sentence, slots_of(sentence))
    for rule, words in staff.classes.items():
        if re.search(r"[{}\d]", words):
            yield source.problem(("classes", rule), "holds a number or a slot", "say it without: it stands in mail")
    for name, known in (("groups", get_args(FlagGroup)), ("levels", get_args(Level))):
        for key in known:
            if key not in getattr(staff, name):
                yield source.problem((name, key), "is missing", "add its heading")


def _same_keys(
    source: Told, name: str, ours: Mapping[str, str], other: str, theirs: Mapping[str, str]
) -> Iterator[Problem]:
    for key in theirs:
        if key not in ours:
            yield source.problem((name, key), f"is missing, {other} has it", "add it to both")


def carrier_problems(source: Told, carrier: CarrierCodes) -> Iterator[Problem]:
    for origin in get_args(Origin):
        if origin not in carrier.unlisted:
            yield source.problem(("unlisted", origin), "is missing", "say how unknown codes are treated")
    for at, word in enumerate(carrier.keywords):
        if word != word.strip().upper() or not word:
            yield source.problem(("keywords", at), "is not in capitals", "write it as the carrier lists it")
