"""A clinic's own values in texts, under the same rules as the texts themselves."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
from ruamel.yaml import YAML

from followup import content
from followup.domain.segments import BASIC
from infra.content.refused import FILE, RefusedWords, refused_in

SHORTEST_NAME: Final = 3
LONGEST_PREPARATION: Final = 160


@cache
def _refused_words() -> RefusedWords:
    values = YAML(typ="safe").load(Path(content.__file__).with_name(FILE).read_text(encoding="utf-8"))
    return msgspec.convert(values, RefusedWords)


def check_sms_name(name: str) -> tuple[str, ...]:
    """What is wrong with a clinic's name in texts, each with its fix; empty if it may be used."""
    words = _refused_words()
    wrong = [
        f'"{word}" {group.why}; {group.fix}' for word, group in refused_in(name, (*words.groups.values(), words.names))
    ]
    if len(name.strip()) < SHORTEST_NAME:
        wrong.append(f"has fewer than {SHORTEST_NAME} characters; write the name that patients know")
    return (*wrong, *_check_value(name, "sms_name"))


def check_phone(phone: str) -> tuple[str, ...]:
    """What is wrong with a clinic's phone number as patients read it, each with its fix; empty if it may be used."""
    digits = sum(char.isdecimal() for char in phone)
    wrong = () if digits in (10, 11) else ("does not have 10 digits; write it like (555) 555-0100",)
    return (*wrong, *_check_value(phone, "phone"))


def check_preparation(text: str, *, ucs2: bool) -> tuple[str, ...]:
    """What is wrong with a clinic's words on coming prepared, each with its fix; empty if they may be used.

    They ride on reminders under the rules of every text; `ucs2` says that a segment of 70 characters is accepted.
    """
    words = _refused_words()
    wrong = [f'"{word}" {group.why}; {group.fix}' for word, group in refused_in(text, words.groups.values())]
    if any(char in text for char in "{}"):
        wrong.append("holds a brace; it has no slots, write the words themselves")
    keywords = (each for each in content.load().carrier.keywords if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", text))
    wrong += [f"names {word}, which the carrier acts on by itself; use other words" for word in keywords]
    return (*wrong, *_check_size(text, LONGEST_PREPARATION, plain=not ucs2))


def _check_size(text: str, longest: int, *, plain: bool) -> Iterator[str]:
    if not text.strip() or len(text) > longest:
        yield f"has {len(text)} characters; write 1 to {longest}"
    if text != text.strip() or "\n" in text or "\r" in text:
        yield "has blanks around it or a line break; take them out"
    odd = [char for char in dict.fromkeys(text) if char not in BASIC]
    if plain and odd:
        yield f"holds {' '.join(odd)}, which makes texts cost double; choose other words, or set ucs2: true"


def _check_value(value: str, slot: Literal["sms_name", "phone"]) -> Iterator[str]:
    longest = content.load().texts.longest[slot]
    if len(value) > longest:
        yield f"has {len(value)} characters, more than {longest}; shorten it, or texts take a segment more"
    if value != value.strip() or "\n" in value or "\r" in value:
        yield "has blanks around it or a line break; take them out"
    odd = [char for char in dict.fromkeys(value) if char not in BASIC]
    if odd:
        yield f"holds {' '.join(odd)}, which makes texts cost double; write it with plain letters"
