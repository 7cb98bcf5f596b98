"""How many SMS segments a text costs.

A text whose characters all stand in the GSM 7-bit default alphabet or its extension table (3GPP TS 23.038, formerly
GSM 03.38) is sent in 7-bit units: 160 in one segment, 153 in each part of a longer text. Any other character turns the
whole text into UCS-2 (UTF-16 code units): 70 in one segment, 67 in each part.
"""

from dataclasses import dataclass
from typing import Final, Literal

BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = frozenset("^{}\\[~]|€\f")  # each is sent as an escape and a character: two units that stay together

GSM7_ALONE: Final = 160
GSM7_PART: Final = 153
UCS2_ALONE: Final = 70
UCS2_PART: Final = 67


@dataclass(frozen=True, slots=True)
class Segments:
    """The size of a text: `units` are septets (GSM-7) or UTF-16 code units (UCS-2); an empty text is one segment."""

    encoding: Literal["GSM-7", "UCS-2"]
    units: int
    segments: int


def outside_gsm7(text: str) -> tuple[str, ...]:
    """The characters that make a text UCS-2, each once, in order of appearance."""
    return tuple(dict.fromkeys(char for char in text if char not in BASIC and char not in EXTENSION))


def count(text: str) -> Segments:
    """Count units and segments; an extension character or a surrogate pair never straddles two segments."""
    if outside_gsm7(text):
        return _pack("UCS-2", [2 if ord(char) > 0xFFFF else 1 for char in text], UCS2_ALONE, UCS2_PART)
    return _pack("GSM-7", [2 if char in EXTENSION else 1 for char in text], GSM7_ALONE, GSM7_PART)


def _pack(encoding: Literal["GSM-7", "UCS-2"], costs: list[int], alone: int, part: int) -> Segments:
    units = sum(costs)
    if units <= alone:
        return Segments(encoding, units, 1)
    segments, filled = 1, 0
    for cost in costs:
        if filled + cost > part:
            segments, filled = segments + 1, 0
        filled += cost
    return Segments(encoding, units, segments)
