"""The twin as a server on 127.0.0.1, with a worker that calls the webhooks."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from infra.local.twin.api import create_app
from infra.local.twin.twin import Twin

LOOPBACK: Final = "127.0.0.1"
HEARTBEAT_S: Final = 1.0  # how long a worker sleeps before it looks at the clock again
RESET_ON_CLOSE: Final = struct.pack("ii", 1, 0)


def _bare(app: ASGIApp) -> ASGIApp:
    return app


class TwinServer:
    """Serves a twin's API and phones, and delivers its webhooks in the background.

    `port` 0 takes a free one. `workers` is how many webhooks may be on their way at a time: 0 leaves delivery to
    `Twin.deliver_pending()`. `between` puts something in front of the application, such as a listener. Raises
    ValueError for any host but 127.0.0.1. Use it as a context manager, or `start()` and `stop()`; stopping closes the
    twin's feeds, its memory stays.
    """

    def __init__(
        self,
        twin: Twin,
        *,
        host: str = LOOPBACK,
        port: int = 0,
        workers: int = 1,
        between: Callable[[ASGIApp], ASGIApp] = _bare,
    ) -> None:
        if host != LOOPBACK:
            raise ValueError(f"host: the twin is served on {LOOPBACK} only")
        self.twin, self.port, self._worker_count, self._between = twin, port, workers, between
        self._server: uvicorn.Server | None = None
        self._serving: Thread | None = None
        self._workers: list[Thread] = []
        self._stopping = Event()

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Begin to serve; connections are accepted when this returns."""
        self._stopping.clear()
        self._listen()
        self._workers = [Thread(target=self._work, name=f"twin-webhooks-{n}") for n in range(self._worker_count)]
        for worker in self._workers:
            worker.start()
        return self

    def stop(self) -> None:
        """End within seconds: held calls are let go, a webhook on its way is waited for."""
        self._stopping.set()
        self.twin.wake()
        for worker in self._workers:
            worker.join()
        self.twin.close()
        self._hang_up()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Refuse every connection for a while, as when the carrier is down; then serve on the same port again."""
        self._hang_up()
        try:
            yield
        finally:
            self._listen()

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, self.port))
        listener.listen(128)  # connections wait here until the server's thread takes them: no polling for readiness
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._between(create_app(self.twin, self._abort)),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,  # and no access log: its lines would hold phone numbers
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._serving = Thread(target=self._server.run, kwargs={"sockets": [listener]}, name="twin-api")
        self._serving.start()

    def _hang_up(self) -> None:
        if self._server is not None and self._serving is not None:
            self.twin.faults.release()
            self._server.should_exit = True
            self._serving.join()
        self._server = self._serving = None

    def _abort(self, client: tuple[str, int]) -> None:
        """Reset the connection of a client; called on the server's own loop."""
        connections = () if self._server is None else tuple(self._server.server_state.connections)
        for connection in connections:
            if isinstance(connection, H11Protocol) and connection.client == client:
                line = connection.transport.get_extra_info("socket")
                line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                connection.transport.abort()

    def _work(self) -> None:
        while not self._stopping.is_set():
            webhook = self.twin.take(wait_s=HEARTBEAT_S)
            if webhook is not None:
                self.twin.deliver(webhook)
