"""`make run`: the pages of the running service, as a person uses them, and nothing left behind."""

import re
import signal
import subprocess
import sys
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


def descendants(pid: int) -> list[int]:
    """The processes that a process has started, and those that they have."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (thread / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def test_given_make_run_when_it_is_interrupted_twice_then_it_ends_in_order_and_no_process_is_left(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "infra.local.run", "--port", "0", "--state", str(tmp_path / "state")]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as own:  # noqa: S603 - ours
        assert own.stdout is not None
        address = next(found[0] for line in own.stdout if (found := re.findall(r"http://127\.0\.0\.1:[0-9]+", line)))
        assert httpx.get(f"{address}/api/clock", timeout=30).status_code == 200
        started = descendants(own.pid)
        own.send_signal(signal.SIGINT)
        own.send_signal(signal.SIGINT)
        said = own.stdout.read()

    assert own.returncode == 0
    assert said.endswith("\nStopping …\n")
    assert started
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    with pytest.raises(httpx.TransportError):
        httpx.get(address, timeout=2)
