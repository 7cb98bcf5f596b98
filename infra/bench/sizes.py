"""How large an item is, and which capacity units its writes and reads take (AWS, DynamoDB Developer Guide).

A write takes one unit for every started KB of the item, before or after, whichever is larger; twice that in a
transaction. An index of keys adds one unit when the item appears in it or leaves it, two when its place changes, none
when the place stays. A read takes half a unit for every started 4 KB, twice that when it is consistent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from followup.adapters.items import DUE_LANE, LIST_RANK, LISTED, NEXT_AT, PK, SK, Item

WRITE_BYTES: Final = 1024
READ_BYTES: Final = 4096
INDEXES: Final = ((DUE_LANE, NEXT_AT), (LISTED, LIST_RANK))

_ELEMENT = 1
_CONTAINER = 3


@dataclass(frozen=True, slots=True)
class WriteUnits:
    """What one write takes, and what for: the item itself, what the transaction adds, what the indexes add."""

    item: int
    transaction: int
    indexes: int

    @property
    def total(self) -> int:
        return self.item + self.transaction + self.indexes


def size_of(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item: attribute names and values."""
    return sum(len(name.encode()) + _value(attribute) for name, attribute in item.items())


def _value(attribute: Mapping[str, Any]) -> int:
    [(letter, held)] = attribute.items()
    match letter:
        case "S":
            return len(str(held).encode())
        case "N":
            number = str(held)
            digits = number.lstrip("-").replace(".", "").strip("0")
            return (len(digits) + 1) // 2 + 1 + int(number.startswith("-"))
        case "L":
            return _CONTAINER + sum(_ELEMENT + _value(member) for member in held)
        case "M":
            return _CONTAINER + sum(_ELEMENT + len(name.encode()) + _value(each) for name, each in held.items())
        case _:
            return 1


def entry_size(item: Item) -> int:
    """Bytes of an item's entry in the index of due steps."""
    return size_of({name: item[name] for name in (PK, SK, DUE_LANE, NEXT_AT)})


def write_units(before: Item | None, after: Item | None, *, transaction: bool) -> WriteUnits:
    """The units of one put or delete; `before` and `after` are the item as stored, or none."""
    largest = max(size_of(item) for item in (before, after) if item is not None)
    item = -(-largest // WRITE_BYTES)
    return WriteUnits(item, item if transaction else 0, sum(_moved(before, after, names) for names in INDEXES))


def _moved(before: Item | None, after: Item | None, names: tuple[str, str]) -> int:
    was, becomes = (_place(item, names) for item in (before, after))
    return 0 if was == becomes else (was is not None) + (becomes is not None)


def _place(item: Item | None, names: tuple[str, str]) -> tuple[str, ...] | None:
    if item is None or names[0] not in item:
        return None
    return tuple(str(item[name]) for name in names)


def read_units(size: int, *, consistent: bool) -> float:
    """The units of one lookup or of one page of a query that read so many bytes; reading nothing costs as 1 byte."""
    return max(1, -(-size // READ_BYTES)) * (1.0 if consistent else 0.5)
