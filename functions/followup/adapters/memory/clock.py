"""A clock that stands until it is set."""

from datetime import datetime, timedelta

from followup.adapters.epoch import from_ms, to_ms


class MemoryClock:
    """UTC to the millisecond, as the real clock gives it."""

    def __init__(self, at: datetime) -> None:
        self._at = from_ms(to_ms(at))

    def now(self) -> datetime:
        return self._at

    def set(self, at: datetime) -> None:
        self._at = from_ms(to_ms(at))

    def forward(self, by: timedelta) -> None:
        self.set(self._at + by)
