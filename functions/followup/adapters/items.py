"""A record as a DynamoDB item, and back.

Fields are native attributes, so that the console and an export read as the record does. Beside them stand the keys, the
record's class name (`record`), and the keys of the two sparse indexes, only while the record belongs in them. A field
that is empty and is empty by default is left out; a field that an older version of the code never wrote takes its
default. Times are ISO 8601 in UTC.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any, Final, get_args

import msgspec

from followup import keys
from followup.adapters.epoch import to_ms
from followup.domain.errors import UnreadableRecord
from followup.domain.records import AnyRecord, Receipt

Attribute = dict[str, Any]
"""One value as DynamoDB's API spells it: its type letter and the value."""
Item = dict[str, Attribute]

PK: Final = "pk"
SK: Final = "sk"
RECORD: Final = "record"
VERSION: Final = "version"
DUE_LANE: Final = "due_lane"
NEXT_AT: Final = "next_at"
LISTED: Final = "listed"
LIST_RANK: Final = "list_rank"
TTL: Final = "ttl"

TYPES: Final[Mapping[str, type[Any]]] = {record.__name__: record for record in get_args(AnyRecord)}
_KNOWN_DEFAULTS: Final[dict[type[Any], tuple[tuple[str, object], ...]]] = {}


def key_of(key: keys.Key) -> Item:
    """The key attributes of an item."""
    return {PK: {"S": key.pk}, SK: {"S": key.sk}}


def to_item(record: AnyRecord) -> Item:
    """The item, with the record's version as it is.

    Raises:
        ValueError: a time without a zone, or a number that is not finite.
    """
    item = _fields(record) | key_of(keys.of(record)) | {RECORD: {"S": type(record).__name__}}
    lane, listing = keys.lane_shard(record), keys.listing(record)
    if lane is not None and record.next is not None:
        item |= {DUE_LANE: {"S": lane}, NEXT_AT: {"N": str(to_ms(record.next.at))}}
    if listing is not None:
        item |= {LISTED: {"S": listing[0]}, LIST_RANK: {"S": listing[1]}}
    if isinstance(record, Receipt):
        item[TTL] = {"N": str(to_ms(record.expires) // 1000)}
    return item


def from_item(item: Mapping[str, Mapping[str, Any]]) -> AnyRecord:
    """The record. Attributes that its class does not know are passed over.

    Raises:
        UnreadableRecord: the item is of no known class, or a value does not fit its field.
    """
    try:
        kind = TYPES[item[RECORD]["S"]]
        known = {name: _value(item[name]) for name, _ in _defaults(kind) if name in item}
        record: AnyRecord = msgspec.convert(known, kind)
        return record
    except (KeyError, TypeError, ValueError):  # msgspec's own error is a ValueError, and quotes the value
        pass
    raise UnreadableRecord(f"{_text(item, PK)} {_text(item, SK)} of class {_text(item, RECORD)}")


def _text(item: Mapping[str, Mapping[str, Any]], name: str) -> str:
    return str(item.get(name, {}).get("S", "?"))


def _defaults(kind: type[Any]) -> tuple[tuple[str, object], ...]:
    if kind not in _KNOWN_DEFAULTS:
        _KNOWN_DEFAULTS[kind] = tuple((field.name, field.default) for field in fields(kind))
    return _KNOWN_DEFAULTS[kind]


def _fields(value: Any) -> Item:
    found = ((name, getattr(value, name), default) for name, default in _defaults(type(value)))
    return {name: _attribute(held) for name, held, default in found if held or held != default}


def _attribute(value: object) -> Attribute:
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case float() if isfinite(value):
            return {"N": repr(value)}
        case str():
            return {"S": value}
        case datetime() if value.tzinfo is not None:
            return {"S": value.astimezone(UTC).isoformat()}
        case datetime():
            raise ValueError("a time without a zone cannot be stored")
        case date() | time():
            return {"S": value.isoformat()}
        case tuple():
            return {"L": [_attribute(member) for member in value]}
        case _ if is_dataclass(value):
            return {"M": _fields(value)}
    raise ValueError(f"a {type(value).__name__} like this cannot be stored")


def _value(attribute: Mapping[str, Any]) -> object:
    [(letter, held)] = attribute.items()
    match letter:
        case "S" | "BOOL":
            return held
        case "N":
            return int(held) if held.lstrip("-").isdigit() else float(held)
        case "NULL":
            return None
        case "L":
            return [_value(member) for member in held]
        case "M":
            return {name: _value(member) for name, member in held.items()}
    raise ValueError("an attribute of a type that records do not use")
