"""Lambda's Runtime API on loopback: hands one event to the runtime client that asks for it, and times its answer."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from threading import Event, Thread
from typing import Any
from uuid import uuid4

_DEADLINE_MS = 30_000
_ARN = "arn:aws:lambda:us-east-1:123456789012:function:bench"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: a function that has answered is killed in the middle of its next question."""


class LoopbackApi:
    """An HTTP server on a free port of loopback, in a thread of its own. Use as a context manager."""

    def __init__(self, handler: Callable[..., BaseHTTPRequestHandler]) -> None:
        self._server = _Server(("127.0.0.1", 0), handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "LoopbackApi":
        Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Answering(BaseHTTPRequestHandler):
    """Answers whole bodies at once on connections that are kept: delayed acknowledgements would add 40 ms a call."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the standard library's name
        """Nothing: requests hold patients' words."""

    def answer(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


@dataclass(frozen=True, slots=True)
class Posted:
    """What the runtime client posted: the kind (`response` or `error`), when, and the body."""

    kind: str
    at: float
    body: bytes


class Invocation:
    """One event for one process, and what came of it: times when it was asked for, and the answer."""

    def __init__(self, event: bytes) -> None:
        self.event = event
        self.asked: SimpleQueue[float] = SimpleQueue()
        self.posted: SimpleQueue[Posted] = SimpleQueue()
        self.over = Event()

    def api(self) -> LoopbackApi:
        """The Runtime API that serves it."""
        return LoopbackApi(partial(_RuntimeApi, self))


class _RuntimeApi(Answering):
    """The two calls that a runtime client makes: the next event, and the answer to it."""

    def __init__(self, invocation: Invocation, *arguments: Any) -> None:
        self._invocation = invocation
        super().__init__(*arguments)

    def do_GET(self) -> None:
        again = not self._invocation.asked.empty()
        self._invocation.asked.put(time.perf_counter())
        if again:  # there is no second event: the process waits until it is stopped
            self._invocation.over.wait()
            return
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": str(uuid4()),
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + _DEADLINE_MS),
            "Lambda-Runtime-Invoked-Function-Arn": _ARN,
        }
        self.answer(200, self._invocation.event, headers)

    def do_POST(self) -> None:
        body, at = self.body(), time.perf_counter()
        self.answer(202, b"{}")
        self._invocation.posted.put(Posted(self.path.rpartition("/")[2], at, body))
