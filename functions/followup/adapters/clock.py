"""The clock on the wall."""

from datetime import UTC, datetime

from followup.adapters.epoch import from_ms, to_ms


class SystemClock:
    """UTC to the millisecond, which is what index keys and queue messages can hold."""

    def now(self) -> datetime:
        return from_ms(to_ms(datetime.now(UTC)))
