"""`make run`: the pages of the running service, as a person uses them, and nothing left behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest

from infra.local.run import Running, running

pytestmark = pytest.mark.stack

WITHIN_S = 60.0
EVERY_S = 0.2


def until(happened: Callable[[], Any]) -> Any:
    """What `happened` says as soon as it says something."""
    pause = Event()
    for _ in range(int(WITHIN_S / EVERY_S)):
        if found := happened():
            return found
        pause.wait(EVERY_S)
    raise AssertionError("it did not happen")


@contextmanager
def visiting(up: Running) -> Iterator["Visitor"]:
    with httpx.Client(base_url=up.url, timeout=30) as http:
        yield Visitor(http)


class Visitor:
    """Somebody at the pages."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def step(self, to: str) -> None:
        assert self._http.post("/api/clock/run", json={"to": to}).status_code == 202
        until(lambda: self._http.get("/api/clock").json()["running"] is None)
        assert self._http.get("/api/clock").json()["problem"] is None

    def phones(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._http.get("/api/phones").json()["phones"]
        return found

    def phone(self, patient: str) -> dict[str, Any]:
        return next(phone for phone in self.phones() if phone["id"] == patient)

    def types(self, patient: str, words: str) -> None:
        assert self._http.post(f"/api/phones/{patient}/texts", json={"body": words}).status_code == 201

    def mails(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._http.get("/api/mails").json()["mails"]
        return found


def test_given_the_running_service_when_a_patient_answers_on_the_page_then_the_next_text_arrives_and_a_stop_keeps_all(
    tmp_path: Path,
) -> None:
    state, stack_file = tmp_path / "state", tmp_path / "stack.json"
    with running(port=0, state=state, stack_file=stack_file) as up, visiting(up) as visitor:
        assert len(visitor.phones()) >= 12
        visitor.step("day")
        asked = next(phone for phone in visitor.phones() if phone["texts"] and "0 to 10" in phone["texts"][-1]["body"])
        visitor.types(asked["id"], "about 7")
        answer = until(lambda: visitor.phone(asked["id"])["texts"][len(asked["texts"]) + 1 :])
        assert "Thanks" in answer[0]["body"] or "side effects" in answer[0]["body"]
        visitor.types(asked["id"], "I want to die")
        until(lambda: "988" in visitor.phone(asked["id"])["texts"][-1]["body"])
        until(lambda: any("on-call" in mail["subject"] for mail in visitor.mails()))
        before = visitor.phone(asked["id"])["texts"]
        emulator = up.stack.url
    assert not stack_file.exists()
    with pytest.raises(httpx.TransportError):
        httpx.get(emulator, timeout=2)

    with running(port=0, state=state, stack_file=stack_file) as again, visiting(again) as visitor:
        after = visitor.phone(asked["id"])["texts"]
    assert [text["body"] for text in after] == [text["body"] for text in before]
