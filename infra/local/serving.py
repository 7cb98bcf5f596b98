"""Serving an application on loopback from a thread of this process."""

import socket
from threading import Thread
from typing import Final, Self

import uvicorn
from starlette.types import ASGIApp

LOOPBACK: Final = "127.0.0.1"
_PORTS_TRIED: Final = 20


class LoopbackServer:
    """An application on 127.0.0.1. Use it as a context manager, or `start()` and `stop()`.

    `port` 0 takes a free one. With `or_next` a port that is taken is passed over for one of the next twenty.
    """

    def __init__(self, app: ASGIApp, *, port: int = 0, or_next: bool = False, name: str) -> None:
        self._app, self._name = app, name
        self._asked, self._tries = port, _PORTS_TRIED if or_next and port else 1
        self.port = port
        self._server: uvicorn.Server | None = None
        self._thread: Thread | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> Self:
        """Begin to serve; connections are accepted when this returns.

        Raises:
            OSError: no port to be had.
        """
        listener = self._listen()
        self.port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._app,
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,  # and no access log: its lines would hold what patients are called and when they were seen
            access_log=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [listener]}, name=self._name, daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """End within seconds, open streams included."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._server = self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    def _listen(self) -> socket.socket:
        for tried in range(self._tries):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            try:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((LOOPBACK, self._asked + tried))
                listener.listen(128)  # connections wait here until the thread takes them: no polling for readiness
            except OSError:
                listener.close()
                if tried + 1 == self._tries:
                    raise
            else:
                return listener
        raise OSError("no port to be had")
