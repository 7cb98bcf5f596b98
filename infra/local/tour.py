"""The tour of the start page: what to try, and whether it has been done here already."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Literal, get_args

from followup.domain.checkin import OPEN
from followup.domain.records import Chart, ThreadId
from followup.ports import Records
from infra.local.answering import AnsweringPatients
from infra.local.clock import LocalClock
from infra.local.directory import Directory, Phone
from infra.local.twin import Twin

Stop = Literal["ask", "nonsense", "spanish", "stop", "danger", "take", "close", "weeks", "digest"]

STOPS: Final[tuple[Stop, ...]] = get_args(Stop)
WEEKS: Final = timedelta(weeks=8)
_PLAYED: Final[tuple[Stop, ...]] = ("nonsense", "spanish", "stop", "danger")
_ANSWERS: Final[tuple[Stop, ...]] = ("nonsense", "spanish")
_ASKED_AGAIN: Final = "asked again"
_RECENT: Final = timedelta(days=10)


@dataclass(frozen=True, slots=True)
class TourState:
    """`done`: the stops behind the visitor. `suggested`: for a stop on the phones, whose phone fits it."""

    done: frozenset[Stop]
    suggested: dict[Stop, Phone]


class Tour:
    """Looks at what the service holds of the patients that somebody types for. What was done once stays done.

    `began` is when the local clock's first hour was, from which the eight weeks count.
    """

    def __init__(
        self,
        records: Records,
        directory: Directory,
        answering: AnsweringPatients,
        twin: Twin,
        clock: LocalClock,
        began: datetime,
    ) -> None:
        self._records, self._directory, self._answering = records, directory, answering
        self._twin, self._clock, self._began = twin, clock, began
        self._lock = Lock()
        self._done: set[Stop] = set()

    def resume(self, done: Iterable[str]) -> None:
        """Go on where the visitor was; names that are no stops are passed over."""
        with self._lock:
            self._done.update(stop for stop in STOPS if stop in set(done))

    def done(self) -> Sequence[Stop]:
        """The stops known to be done, in their order."""
        with self._lock:
            return [stop for stop in STOPS if stop in self._done]

    def digest_opened(self) -> None:
        """Somebody reads a digest; it counts once the eight weeks are over."""
        if self._weeks_over():
            with self._lock:
                self._done.add("digest")

    def state(self) -> TourState:
        """Looks only for what was not done yet."""
        missing = set(STOPS) - set(self.done())
        phones = self._directory.phones() if missing else []
        found = set(self._found(phones, missing))
        with self._lock:
            self._done |= found
            done = frozenset(self._done)
        return TourState(done, self._suggested(phones, done))

    def _found(self, phones: Sequence[Phone], missing: set[Stop]) -> Iterator[Stop]:
        if "ask" in missing and any(not text.from_patient for text in self._twin.texts()):
            yield "ask"
        if "weeks" in missing and self._weeks_over():
            yield "weeks"
        if missing & {"nonsense", "spanish", "stop", "danger", "take", "close"}:
            for phone in phones:
                if self._answering.is_played(phone.number):
                    yield from _of(phone, self._records.chart(ThreadId(phone.patient_id), None, consistent=True))

    def _weeks_over(self) -> bool:
        return self._clock.now() >= self._began + WEEKS

    def _suggested(self, phones: Sequence[Phone], done: frozenset[Stop]) -> dict[Stop, Phone]:
        """Whom nobody types for yet, for each stop somebody else as long as there is; none before anybody was asked.

        An answer needs a question that waits; STOP and danger come from anybody, from those who were asked first.
        """
        wanted = [stop for stop in _PLAYED if stop not in done]
        if not wanted or "ask" not in done:
            return {}
        free = [phone for phone in phones if phone.status == "active" and not self._answering.is_played(phone.number)]
        charts = {phone.patient_id: self._recent(phone) for phone in free}
        calm = [phone for phone in free if charts[phone.patient_id].open_alert is None]
        asked = [phone for phone in calm if _waits(charts[phone.patient_id])]
        found: dict[Stop, Phone] = {}
        for stop in wanted:
            language = "es" if stop == "spanish" else "en"
            fit = asked if stop in _ANSWERS else [*asked, *calm]
            phone = next((each for each in fit if each.language == language and each not in found.values()), None)
            if phone is not None:
                found[stop] = phone
        return found

    def _recent(self, phone: Phone) -> Chart:
        return self._records.chart(ThreadId(phone.patient_id), self._clock.now() - _RECENT)


def as_json(state: TourState) -> dict[str, Any]:
    return {
        "stops": [
            {
                "name": stop,
                "done": stop in state.done,
                "patient": _patient(state.suggested[stop]) if stop in state.suggested else None,
            }
            for stop in STOPS
        ]
    }


def _patient(phone: Phone) -> dict[str, str]:
    return {"id": phone.patient_id, "initials": phone.initials}


def _waits(chart: Chart) -> bool:
    """Whether a question of ours waits for an answer."""
    return any(each.status in OPEN and each.asked_at and each.open_question for each in chart.checkins)


def _of(phone: Phone, chart: Chart) -> Iterator[Stop]:
    """The stops that this conversation shows to be done."""
    if any(change.reason.startswith(_ASKED_AGAIN) for checkin in chart.checkins for change in checkin.trail):
        yield "nonsense"
    if phone.language == "es" and any(checkin.answers for checkin in chart.checkins):
        yield "spanish"
    if phone.status == "opted_out":
        yield "stop"
    if chart.alerts:
        yield "danger"
    if any(alert.status in ("acknowledged", "closed") for alert in chart.alerts):
        yield "take"
    if any(alert.status == "closed" for alert in chart.alerts):
        yield "close"
