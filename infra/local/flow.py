"""What happened in the service last, as its functions log it: ids and fixed phrases, nothing personal.

A log line carries the real time at which it was written; the pages show what the local clock showed then.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from threading import Lock
from typing import Any, Final, Literal

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from followup import content
from infra.local.clock import LocalClock

Outcome = Literal["done", "refused", "failed"]

SHOWN: Final = 100
_GROUPS: Final = "/aws/lambda/"
_MOST_A_CALL: Final = 10_000
_OUTCOMES: Final[dict[str, Outcome]] = {"INFO": "done", "WARNING": "refused"}
_CLAIMED: Final = "claimed"
"""Goes before every call to the outside; what came of the call says more."""
_ON_QUESTIONS: Final = ("answered ", "corrected ")
_KINDS: Final = {
    "checkin": "check-in",
    "text": "text",
    "incoming": "reply",
    "alert": "alert",
    "flag": "flag",
    "patient": "patient",
    "plan": "plan",
    "clinic": "clinic",
    "sender": "sender",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that a function did. `kind` and `of` say to which record, by its kind and an id."""

    written: datetime
    """In real time, which orders what happened while the local clock stood."""
    at: datetime
    function: str
    outcome: Outcome
    reason: str
    kind: str = ""
    of: str = ""


Flow = Callable[[], Sequence[Event]]
"""The last events, newest first. Raises FlowError when the logs cannot be read."""


class FlowError(Exception):
    """The logs of the local stack could not be read."""


class _Line(msgspec.Struct):
    """A log line as the functions write it; what else stands in it is left where it is."""

    level: str
    message: str
    timestamp: str
    function_name: str
    record: str = ""
    reasons: tuple[str, ...] = ()
    reason: str = ""
    error: str = ""
    lane: str = ""
    handed_over: int | None = None
    mail: str = ""
    message_sid: str = ""


class FunctionLogs:
    """Reads on from where it stopped last time; safe to use from several threads.

    `logs` is a client of CloudWatch Logs. The groups are listed once, before there is traffic: the emulator fails to
    list them while a function writes. Lines from before `since` (real time) are left out, because what the local
    clock showed then is not known.
    """

    def __init__(self, logs: Any, stack_name: str, clock: LocalClock, since: datetime) -> None:
        prefix = f"{_GROUPS}{stack_name}-"
        groups = logs.describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
        names = [group["logGroupName"] for group in groups]
        self._groups = {name: name.removeprefix(prefix).replace("-", "_") for name in names}
        self._logs, self._clock = logs, clock
        self._since = int(since.timestamp() * 1000)
        self._read_to: dict[str, int] = {}
        self._known: dict[str, set[tuple[str, str]]] = {}
        self._last: deque[Event] = deque(maxlen=SHOWN)
        self._lock = Lock()

    def __call__(self) -> Sequence[Event]:
        """The last events, newest first.

        Raises:
            FlowError: the logs could not be read.
        """
        with self._lock:
            try:
                fresh = [event for group in self._groups for event in self._fresh(group)]
            except (BotoCoreError, ClientError):
                raise FlowError("the logs of the local stack could not be read") from None
            self._last.extend(sorted(fresh, key=lambda event: event.written))
            return sorted(self._last, key=lambda event: event.written, reverse=True)

    def _fresh(self, group: str) -> list[Event]:
        events: list[Event] = []
        while True:
            start = self._read_to.get(group, self._since)
            found = self._logs.filter_log_events(logGroupName=group, startTime=start, limit=_MOST_A_CALL)["events"]
            known = self._known.get(group, set())
            new = [line for line in found if _identity(line) not in known]
            told = (event_of(line["message"], self._groups[group], self._clock) for line in new)
            events += [event for event in told if event is not None]
            if new:
                last = self._read_to[group] = int(found[-1]["timestamp"])
                same = {_identity(line) for line in found if line["timestamp"] == last}
                self._known[group] = same | known if last == start else same
            if len(found) < _MOST_A_CALL or not new:
                return events


def event_of(message: str, function: str, clock: LocalClock) -> Event | None:
    """What a log line tells; none for lines of the platform, metrics, and sweeps that found nothing."""
    try:
        line = msgspec.json.decode(message, type=_Line)
        written = datetime.strptime(line.timestamp, "%Y-%m-%d %H:%M:%S,%f%z").astimezone(UTC)
    except (msgspec.MsgspecError, ValueError):
        return None
    if line.handed_over == 0:
        return None
    kind, of = _about(line)
    return Event(
        written=written,
        at=clock.shown_at(written),
        function=function,
        outcome=_OUTCOMES.get(line.level, "failed"),
        reason=_reason(line),
        kind=kind,
        of=of,
    )


def as_json(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(),
        "function": event.function,
        "outcome": event.outcome,
        "reason": event.reason,
        "kind": event.kind,
        "of": event.of,
    }


def _identity(line: Any) -> tuple[str, str]:
    """Lines of one run of a function share a stream, and the emulator gives them no id."""
    return line["logStreamName"], line["message"]


def _reason(line: _Line) -> str:
    if line.handed_over is not None:
        return f"{line.lane}: handed over {line.handed_over}"
    if line.reasons:
        return _in_words(line.reasons)
    return ", ".join(part for part in (line.reason, line.error) if part) or line.message


def _in_words(reasons: tuple[str, ...]) -> str:
    """One thing after the other, what was repeated counted, questions by the names that staff know."""
    told = [_named(reason) for reason in reasons if reason != _CLAIMED] or [_CLAIMED]
    counted = ((reason, len(list(same))) for reason, same in groupby(told))
    return " → ".join(reason if times == 1 else f"{times} × {reason}" for reason, times in counted)


def _named(reason: str) -> str:
    did, _, question = reason.partition(" ")
    asked = content.load().questions.questions.get(question) if reason.startswith(_ON_QUESTIONS) else None
    return f"{did}: {asked.name}" if asked else reason


def _about(line: _Line) -> tuple[str, str]:
    """Kind of record, and whose: a patient's or clinic's id, or the id of a mail or of the carrier's message."""
    if line.mail:
        return "mail", line.mail
    if line.message_sid:
        return "message", line.message_sid
    pk, _, sk = line.record.partition(" ")
    shelf, _, rest = sk.partition("#")
    name = {"AT": rest.rpartition("#")[2], "NOW": rest.partition("#")[0], "MAIL": "mail"}.get(shelf, "")
    return _KINDS.get(name, name), pk.partition("#")[2]
