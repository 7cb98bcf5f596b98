"""Telling whoever listens that a text arrived on a phone: callbacks, and asynchronous iterators for pages."""

import asyncio
from collections.abc import AsyncIterator, Callable
from threading import Lock

from infra.local.twin.records import PhoneText


class Feed:
    """Listeners come and go from any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._listeners: list[Callable[[PhoneText], None]] = []
        self._endings: list[Callable[[], None]] = []

    def subscribe(self, on_text: Callable[[PhoneText], None]) -> Callable[[], None]:
        with self._lock:
            self._listeners.append(on_text)

        def unsubscribe() -> None:
            with self._lock:
                if on_text in self._listeners:
                    self._listeners.remove(on_text)

        return unsubscribe

    def tell(self, text: PhoneText) -> None:
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener(text)

    def live(self) -> AsyncIterator[PhoneText]:
        """Subscribe now, on the running loop, and return an iterator over what comes."""
        loop, waiting = asyncio.get_running_loop(), asyncio.Queue[PhoneText | None]()

        def put(text: PhoneText | None) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(waiting.put_nowait, text)

        def end() -> None:
            put(None)

        unsubscribe = self.subscribe(put)
        with self._lock:
            self._endings.append(end)

        async def texts() -> AsyncIterator[PhoneText]:
            try:
                while (text := await waiting.get()) is not None:
                    yield text
            finally:
                unsubscribe()
                with self._lock:
                    if end in self._endings:
                        self._endings.remove(end)

        return texts()

    def close(self) -> None:
        """End every live iterator."""
        with self._lock:
            endings = tuple(self._endings)
        for end in endings:
            end()
