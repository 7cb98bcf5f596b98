"""One spelling for the many ways a phone writes the same text, and its division into words.

Everything here takes bounded time: a text is cut to its beginning and end before anything looks at it, and each
character is looked at a fixed number of times.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

HEAD: Final = 1_600  # characters kept of the beginning
TAIL: Final = 400  # and of the end
_LONGEST_FOLDED: Final = 8_000  # one character can become eighteen under NFKC

_BEFORE: Final[dict[int, str]] = {
    **dict.fromkeys(map(ord, "‘’‛ʼ`´＇"), "'"),  # NFKC would turn some of these into a blank
    **dict.fromkeys(map(ord, "“”„‟«»＂"), '"'),
    **dict.fromkeys(map(ord, "‐‑‒–—―−"), "-"),
    **{ord(char): text for char, text in (("½", ".5"), ("¼", ".25"), ("¾", ".75"), ("⅓", ".33"), ("⅔", ".67"))},
    **{ord(char): f" ^{number}" for number, char in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},  # "7²" is no 72
    **{ord(char): f" ^{number}" for number, char in enumerate("₀₁₂₃₄₅₆₇₈₉")},
    ord("…"): "...",
    ord("🔟"): "10",
    ord("º"): "°",
    ord("ª"): "°",
}
_UNSEEN: Final = frozenset({"Cf", "Cn", "Co", "Cs", "Me", "Mn"})  # format marks, selectors, keycap frames, accents

_DIGITS: Final = frozenset({"Nd", "No"})  # "No" has digits in circles


def fold(text: str) -> str:
    """Cut to head and tail, normalise (NFKC), drop invisible marks and accents, fold case; quotes become straight.

    Decimal digits of any script become ASCII. Control characters but the newline become blanks.
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]} {text[-TAIL:]}"
    if not text.isascii():
        text = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text.translate(_BEFORE)))
        text = "".join(map(_plain, text[:_LONGEST_FOLDED])).casefold()
    else:
        text = text.replace("`", "'").lower()
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")


def _plain(char: str) -> str:
    if char.isascii():
        return char
    category = unicodedata.category(char)
    if category in _UNSEEN:
        return ""
    if category in _DIGITS:
        digit = unicodedata.digit(char, -1)
        return str(digit) if digit >= 0 else " "
    return " " if category[0] in "SZC" else char


class Break(IntEnum):
    """What stands between a word and the one before it."""

    NONE = 0
    LINE = 1  # a new line or an ellipsis: phones break sentences there
    COMMA = 2  # also colon, semicolon, dash, bracket
    SENTENCE = 3
    QUESTION = 4  # a sentence that asks


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a folded text; `breaks[i]` is what stands before word `i`. `asks` means that it ends in "?"."""

    words: tuple[str, ...]
    breaks: tuple[Break, ...]
    asks: bool


_TOKEN: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*|\.{2,}|[.!?]+|[,;:()\[\]\n]|(?<!\w)-+(?!\w)|(?<=\s)-+|-+(?=\s)")
_SPELLED_OUT: Final = 3  # letters
_LONGEST_SPELLED_OUT: Final = 12
_RUN: Final = re.compile(r"([^\W\d_])\1{2,}")


def tokenise(
    folded: str,
    spellings: Mapping[str, tuple[str, ...]] | None = None,
    known: Collection[str] = (),
    meant: Callable[[str], str | None] | None = None,
) -> Tokens:
    """Split into words; each word is replaced by its standard spelling when `spellings` has one.

    "soooo" loses its extra letters when that yields a word in `known` or `spellings`, and letters set apart
    ("d i e") are joined when that yields one. `meant` is asked last which word an unknown one stands for.
    """
    table = spellings or {}
    words: list[str] = []
    breaks: list[Break] = []
    for token, before in _join_single_letters(_parted(folded), known):
        standard = _standard(token, table, known, meant)
        words += standard
        breaks += [before] + [Break.NONE] * (len(standard) - 1)
    return Tokens(tuple(words), tuple(breaks), folded.rstrip().endswith("?"))


def _parted(folded: str) -> list[tuple[str, Break]]:
    parted: list[tuple[str, Break]] = []
    before = Break.NONE
    for token in _TOKEN.findall(folded):
        if token[0].isalnum():
            parted.append((token, before))
            before = Break.NONE
        else:
            before = max(before, _break_of(token))
    return parted


def _break_of(mark: str) -> Break:
    if mark == "\n" or mark.startswith(".."):
        return Break.LINE
    if mark[0] not in ".!?":
        return Break.COMMA
    return Break.QUESTION if "?" in mark else Break.SENTENCE


def _standard(
    token: str,
    table: Mapping[str, tuple[str, ...]],
    known: Collection[str],
    meant: Callable[[str], str | None] | None,
) -> tuple[str, ...]:
    if token in table:
        return table[token]
    bare = token.replace("'", "")
    if bare in table:
        return table[bare]
    if bare not in known and _RUN.search(bare):
        for times in (r"\1", r"\1\1"):
            short = _RUN.sub(times, bare)
            if short in table:
                return table[short]
            if short in known:
                return (short,)
    if meant is not None and bare not in known:
        return (meant(bare) or bare,)
    return (bare,)


def _join_single_letters(parted: list[tuple[str, Break]], known: Collection[str]) -> list[tuple[str, Break]]:
    if not known or sum(len(token) == 1 for token, _ in parted) < _SPELLED_OUT:
        return parted
    joined: list[tuple[str, Break]] = []
    at = 0
    while at < len(parted):
        end = at
        while end < len(parted) and end - at < _LONGEST_SPELLED_OUT and len(parted[end][0]) == 1:
            end += 1
        word = ""
        while end - at >= _SPELLED_OUT and (word := "".join(token for token, _ in parted[at:end])) not in known:
            end -= 1
        if end - at < _SPELLED_OUT:
            word, end = parted[at][0], at + 1
        joined.append((word, parted[at][1]))
        at = end
    return joined
