"""The carrier's own STOP, START and HELP: what a text means to it, and what it replies."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

import msgspec
from ruamel.yaml import YAML

from infra.local.twin.settings import Number

OptOutType = Literal["STOP", "START", "HELP"]
TOLL_FREE_START: Final = ("START", "UNSTOP")  # the toll-free network does not take YES


@dataclass(frozen=True, slots=True)
class Keyword:
    words: tuple[str, ...]
    reply: str


@dataclass(frozen=True, slots=True)
class KeywordTable:
    version: int
    source: str
    review: str
    stop: Keyword
    start: Keyword
    help: Keyword


@dataclass(frozen=True, slots=True)
class Handled:
    """What the carrier does with a keyword: `blocked` is the state after it, `reply` what it texts back, or None."""

    kind: OptOutType
    blocked: bool
    reply: str | None


@cache
def table() -> KeywordTable:
    """The words and replies of `keywords.yaml`."""
    raw = YAML(typ="safe").load(Path(__file__).with_name("keywords.yaml"))
    return msgspec.convert(raw, KeywordTable)


def kind_of(body: str) -> OptOutType | None:
    """The keyword a text is: one word of the list and nothing else, in any letter case."""
    word, words = body.strip().upper(), table()
    if word in words.stop.words:
        return "STOP"
    if word in words.start.words:
        return "START"
    return "HELP" if word in words.help.words else None


def handle(number: Number, body: str, *, blocked: bool) -> Handled | None:
    """What the carrier does with a text to this number, or None when it leaves the text to the service.

    A toll-free network always handles STOP and its undoing; a second STOP is not confirmed again.
    """
    kind, words = kind_of(body), table()
    if kind is None:
        return None
    if number.keywords == "service" and not (number.toll_free and kind != "HELP"):
        return None
    match kind:
        case "STOP":
            return Handled("STOP", blocked=True, reply=None if blocked else words.stop.reply)
        case "START":
            if number.toll_free and body.strip().upper() not in TOLL_FREE_START:
                return None
            return Handled("START", blocked=False, reply=words.start.reply if blocked else None)
        case "HELP":
            silent = number.toll_free and blocked
            return Handled("HELP", blocked=blocked, reply=None if silent else words.help.reply)
