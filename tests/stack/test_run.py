"""`make run`: the pages of the running service, as a person uses them, and nothing left behind."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.run import Running, running
from tests.stack.processes import descendants
from tests.stack.waiting import until

pytestmark = pytest.mark.stack


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

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._http.get("/api/alerts").json()["alerts"]
        return found

    def closes(self, alert: dict[str, Any]) -> None:
        body = {"who": alert["mails"][0]["to"], "outcome": "Phoned: safe."}
        assert self._http.post(f"/api/alerts/{alert['id']}/close", json=body).status_code == 200

    def worked(self) -> set[str]:
        """The functions that did something."""
        return {event["function"] for event in self._http.get("/api/flow").json()["events"]}

    def toured(self) -> set[str]:
        """The stops of the tour that are done."""
        return {stop["name"] for stop in self._http.get("/api/tour").json()["stops"] if stop["done"]}

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
        [alert] = visitor.alerts()
        assert (alert["thread"], alert["status"]) == (asked["id"], "open")
        visitor.closes(alert)
        assert [each["status"] for each in visitor.alerts()] == ["closed"]
        until(lambda: visitor.worked() >= {"sweep", "send_texts", "receive_text", "send_urgent", "page_on_call"})
        done = visitor.toured()
        assert done >= {"ask", "danger", "take", "close"}
        before = visitor.phone(asked["id"])["texts"]
        emulator = up.stack.url
    assert not stack_file.exists()
    with pytest.raises(httpx.TransportError):
        httpx.get(emulator, timeout=2)

    with running(port=0, state=state, stack_file=stack_file) as again, visiting(again) as visitor:
        after = visitor.phone(asked["id"])["texts"]
        assert visitor.phone(asked["id"])["played"]
        assert visitor.toured() == done
    assert [text["body"] for text in after] == [text["body"] for text in before]


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
