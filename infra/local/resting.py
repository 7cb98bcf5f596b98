"""What outlives an orderly stop beside the emulator's own state.

The time, what the carrier and the phones hold, and how far whoever visits the pages has come.
"""

import shutil
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from followup.domain.errors import BadInput
from infra.local.on_call import Remembered
from infra.local.twin import Twin

_CLOCK: Final = "clock"
_TWIN: Final = "carrier.json"
_VISIT: Final = "visit.json"
_WHOLE: Final = (_CLOCK, _TWIN)


@dataclass(frozen=True, slots=True)
class Visit:
    """Where a visitor of the pages is: patients they type for, by id, stops of the tour that they have done, alerts."""

    played: tuple[str, ...] = ()
    toured: tuple[str, ...] = ()
    on_call: Remembered = field(default_factory=Remembered)


class RestingPlace:
    """A folder for one local stack. The clock is written last: a folder without it holds no finished rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def time(self) -> datetime | None:
        """When the stack was put to rest, or none if it starts afresh; what is left of an unfinished rest goes.

        Raises:
            BadInput: the folder holds something else.
        """
        if not all((self.folder / name).exists() for name in _WHOLE):
            self.forget()
            return None
        try:
            at = datetime.fromisoformat((self.folder / _CLOCK).read_text())
        except ValueError:
            at = None
        if at is None or at.tzinfo is None:
            raise BadInput(f"{self.folder / _CLOCK}: holds no time; start again with --fresh")
        return at

    def wake(self, twin: Twin) -> None:
        """Give the twin its memory back. Raises BadInput if it is not there or not the twin's."""
        try:
            twin.load(self.folder / _TWIN)
        except (OSError, ValueError):
            raise BadInput(f"{self.folder / _TWIN}: cannot be read; start again with --fresh") from None

    def rest(self, twin: Twin, at: datetime) -> None:
        """Keep the twin's memory and the time; only their owner may read them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _CLOCK).unlink(missing_ok=True)
        twin.dump(self.folder / _TWIN)
        (self.folder / _CLOCK).write_text(at.isoformat())

    def visit(self) -> Visit:
        """Where the visitor was; at the beginning if that was not kept, because nothing else rests on it."""
        try:
            return msgspec.json.decode((self.folder / _VISIT).read_bytes(), type=Visit)
        except (OSError, msgspec.MsgspecError):
            return Visit()

    def keep(self, visit: Visit) -> None:
        """Keep where the visitor is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _VISIT).write_bytes(msgspec.json.encode(visit))

    def forget(self) -> None:
        """Remove everything that was kept."""
        shutil.rmtree(self.folder, ignore_errors=True)
