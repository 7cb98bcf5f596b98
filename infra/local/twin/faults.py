"""Things that go wrong on demand: a plan that tests fill and the twin uses up, oldest entry first."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Condition
from typing import Literal

Operation = Literal["create", "fetch", "list", "update", "delete"]
AnswerKind = Literal["429", "500", "503", "reset", "timeout", "empty", "truncated", "slow"]
"""`timeout` holds the connection and never answers, `slow` holds it and then answers truly; `release()` lets go."""
CallbackKind = Literal["dropped", "duplicated", "overlapping", "reordered", "early", "late"]
"""`overlapping`: two at the same time. `reordered`: `sent` comes after the final status, and never without one.
`early`: before the create call answers."""
InboundKind = Literal["dropped", "duplicated", "overlapping", "swapped", "late"]
"""`swapped`: comes only after the webhook of the next text."""


@dataclass(frozen=True, slots=True)
class AnswerFault:
    """A broken answer; `stored` says whether the call took effect before it broke."""

    kind: AnswerKind
    stored: bool


@dataclass(frozen=True, slots=True)
class CallbackFault:
    """What happens to all callbacks of one message; `by` is how late `late` ones are."""

    kind: CallbackKind
    by: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class InboundFault:
    """What happens to the webhook of one incoming text; `by` is how late a `late` one is."""

    kind: InboundKind
    by: timedelta = timedelta(0)


class Faults:
    """The plan. Each entry is used by exactly one call, message or text; with an empty plan nothing goes wrong."""

    def __init__(self) -> None:
        self._answers: dict[Operation, deque[AnswerFault]] = {}
        self._callbacks: deque[CallbackFault] = deque()
        self._inbound: deque[InboundFault] = deque()
        self._changed = Condition()
        self._holding: list[Callable[[], None]] = []

    def answer(self, kind: AnswerKind, *, stored: bool = True, operation: Operation = "create", times: int = 1) -> None:
        """Break the answers of the next `times` calls of `operation`.

        A call that is answered 429 was never processed (Twilio error 20429), whatever `stored` says.
        """
        fault = AnswerFault(kind, stored and kind != "429")
        self._answers.setdefault(operation, deque()).extend([fault] * times)

    def callbacks(self, kind: CallbackKind, *, times: int = 1, by: timedelta = timedelta(0)) -> None:
        """Disturb the callbacks of the next `times` messages created."""
        self._callbacks.extend([CallbackFault(kind, by)] * times)

    def inbound(self, kind: InboundKind, *, times: int = 1, by: timedelta = timedelta(0)) -> None:
        """Disturb the webhooks of the next `times` texts from patients."""
        self._inbound.extend([InboundFault(kind, by)] * times)

    def next_answer(self, operation: Operation) -> AnswerFault | None:
        planned = self._answers.get(operation)
        return planned.popleft() if planned else None

    def next_callbacks(self) -> CallbackFault | None:
        return self._callbacks.popleft() if self._callbacks else None

    def next_inbound(self) -> InboundFault | None:
        return self._inbound.popleft() if self._inbound else None

    def hold(self, let_go: Callable[[], None]) -> None:
        """Note a call that is being held; `let_go` ends its wait and may be called from any thread."""
        with self._changed:
            self._holding.append(let_go)
            self._changed.notify_all()

    def forget(self, let_go: Callable[[], None]) -> None:
        """A held call ended by itself: its client went away."""
        with self._changed:
            if let_go in self._holding:
                self._holding.remove(let_go)

    def wait_until_held(self, timeout_s: float = 10.0) -> bool:
        """Wait until some call is being held; False when none was within the timeout."""
        with self._changed:
            return self._changed.wait_for(lambda: bool(self._holding), timeout_s)

    def release(self) -> None:
        """Let every held call go on."""
        with self._changed:
            holding, self._holding = self._holding, []
        for let_go in holding:
            let_go()
