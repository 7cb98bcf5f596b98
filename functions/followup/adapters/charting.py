"""Sorts what one query of a conversation found into its chart."""

from collections.abc import Iterable
from operator import attrgetter

from followup.domain.records import (
    Alert,
    AnyRecord,
    Chart,
    CheckIn,
    Flag,
    Incoming,
    Patient,
    Plan,
    Score,
    Text,
    ThreadId,
)


def chart_of(thread: ThreadId, records: Iterable[AnyRecord]) -> Chart:
    """The chart; records come in the order of their sort keys, which on the shelf of time is time order."""
    found = tuple(records)
    return Chart(
        thread,
        patient=next((record for record in found if isinstance(record, Patient)), None),
        plan=next((record for record in found if isinstance(record, Plan)), None),
        checkins=tuple(record for record in found if isinstance(record, CheckIn)),
        texts=tuple(record for record in found if isinstance(record, Text)),
        incoming=tuple(record for record in found if isinstance(record, Incoming)),
        scores=tuple(record for record in found if isinstance(record, Score)),
        alerts=tuple(sorted((r for r in found if isinstance(r, Alert)), key=attrgetter("opened"))),
        flags=tuple(sorted((r for r in found if isinstance(r, Flag)), key=attrgetter("born"))),
    )
