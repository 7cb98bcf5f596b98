"""The text of one cell: freed of what nobody sees, and folded so that spellings of one word compare equal."""

import unicodedata


def clean(text: str) -> str:
    """The text without invisible signs, with single spaces, in composed form (NFC)."""
    return " ".join("".join(_visible(char) for char in unicodedata.normalize("NFC", text)).split())


def fold(text: str) -> str:
    """What a word compares by: case, accents, width of the letters and invisible signs do not count."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return clean("".join(char for char in decomposed if not unicodedata.combining(char))).casefold()


def _visible(char: str) -> str:
    match unicodedata.category(char):
        case "Cc" | "Zl" | "Zp":
            return " "
        case "Cf" | "Cs" | "Co" | "Cn":
            return ""
        case _:
            return char
