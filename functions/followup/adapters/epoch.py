"""Times as the due index and the queues hold them: whole milliseconds since 1970, so that their order is time order."""

from datetime import UTC, datetime, timedelta
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970, cut, not rounded: a step is never found late for a fraction of one."""
    return (at - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """The moment, in UTC. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + ms * MILLISECOND
