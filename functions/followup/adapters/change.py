"""What one commit changes, and the rules that hold for every store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from followup import keys
from followup.domain.errors import Conflict
from followup.domain.records import AnyRecord

MOST: Final = 100
"""DynamoDB takes no more items in one transaction."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: `stored` is the record as it will be stored, or none when it goes."""

    key: keys.Key
    was: int
    """The version that must be stored now; 0 = there must be none."""
    stored: AnyRecord | None


def changes(records: Sequence[AnyRecord], removed: Sequence[AnyRecord]) -> list[Change]:
    """The writes of a commit.

    Raises:
        ValueError: more than 100 records, or one record twice.
    """
    found = [Change(keys.of(record), record.version, replace(record, version=record.version + 1)) for record in records]
    found += [Change(keys.of(record), record.version, None) for record in removed]
    if len(found) > MOST:
        raise ValueError(f"a commit holds at most {MOST} records, this one {len(found)}")
    if len({change.key for change in found}) < len(found):
        raise ValueError("a commit cannot hold a record twice")
    return found


def conflict(key: keys.Key) -> Conflict:
    """The error for a record that is not as it was read."""
    return Conflict(f"changed since it was read: {key.pk} {key.sk}")
