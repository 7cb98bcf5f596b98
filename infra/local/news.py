"""Live news for open pages: what any thread tells goes to every page as a server-sent event."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

import msgspec

KEEP_ALIVE_S: Final = 15.0  # how often a silent stream is used, so that a page that left is noticed
MOST_WAITING: Final = 1000  # a page that takes nothing is let go; it reads everything afresh when it comes back


@dataclass(frozen=True, slots=True)
class _Reader:
    loop: asyncio.AbstractEventLoop
    waiting: asyncio.Queue[bytes | None]


class News:
    """Readers come and go on event loops; `tell` may be called from any thread and never blocks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._readers: set[_Reader] = set()
        self._closed = False

    def tell(self, event: str, data: dict[str, Any]) -> None:
        """Tell every reader; `event` is the name that a page listens for."""
        self._put(b"event: " + event.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n")

    def close(self) -> None:
        """End every stream, those opened later too."""
        with self._lock:
            self._closed = True
        self._put(None)

    def read(self) -> AsyncIterator[bytes]:
        """From the moment of the call on, on the running loop."""
        reader = _Reader(asyncio.get_running_loop(), asyncio.Queue(MOST_WAITING))
        with self._lock:
            self._readers.add(reader)
            if self._closed:
                reader.waiting.put_nowait(None)
        return self._stream(reader)

    async def _stream(self, reader: _Reader) -> AsyncIterator[bytes]:
        yield b"retry: 1000\n\n"
        try:
            while True:
                try:
                    chunk = await asyncio.wait_for(reader.waiting.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    chunk = b": nothing new\n\n"
                if chunk is None:
                    return
                yield chunk
        finally:
            with self._lock:
                self._readers.discard(reader)

    def _put(self, chunk: bytes | None) -> None:
        with self._lock:
            readers = tuple(self._readers)
        for reader in readers:
            if not reader.loop.is_closed():
                reader.loop.call_soon_threadsafe(self._offer, reader, chunk)

    def _offer(self, reader: _Reader, chunk: bytes | None) -> None:
        if reader.waiting.full():
            with self._lock:
                self._readers.discard(reader)
            reader.waiting.get_nowait()
            chunk = None
        reader.waiting.put_nowait(chunk)
