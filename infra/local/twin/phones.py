"""What a page needs to play the patients' phones: conversations as JSON, a way to type, and live news.

GET  /phones                       conversations, the latest first
GET  /phones/{number}/texts        one phone's texts, oldest first; `?ours=` narrows to one of our numbers
POST /phones/{number}/texts        {"to": ours, "body": text}: the patient texts
GET  /phones/events                server-sent events, one JSON text each
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from infra.local.twin.records import PhoneText
from infra.local.twin.twin import Twin

KEEP_ALIVE_S: Final = 15.0  # how often a silent stream is used, so that a page that left is noticed


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a patient types, and to which of our numbers."""

    to: str
    body: str


def as_json(text: PhoneText) -> dict[str, Any]:
    return {
        "sid": text.sid,
        "ours": text.ours,
        "theirs": text.theirs,
        "from_patient": text.from_patient,
        "body": text.body,
        "at": text.at.isoformat(),
    }


def conversations(twin: Twin) -> list[dict[str, Any]]:
    """One entry per phone and number of ours: its last text, how many there are, and whether it is opted out."""
    found: dict[tuple[str, str], list[PhoneText]] = {}
    for text in twin.texts():
        found.setdefault((text.theirs, text.ours), []).append(text)
    entries = [
        {
            "theirs": theirs,
            "ours": ours,
            "texts": len(texts),
            "last": as_json(texts[-1]),
            "opted_out": twin.is_blocked(ours, theirs),
        }
        for (theirs, ours), texts in found.items()
    ]
    return sorted(entries, key=lambda entry: str(entry["last"]), reverse=True)


def routes(twin: Twin) -> list[BaseRoute]:
    """The routes, for an application on loopback."""

    async def overview(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(conversations, twin))

    async def texts(request: Request) -> Response:
        found = twin.texts(request.path_params["number"], request.query_params.get("ours"))
        return JSONResponse([as_json(text) for text in found])

    async def type_text(request: Request) -> Response:
        # A page of another origin cannot send JSON here without asking first, and is never allowed to.
        if not request.headers.get("content-type", "").startswith("application/json"):
            return JSONResponse({"error": "expected application/json"}, 415)
        try:
            typed = msgspec.json.decode(await request.body(), type=Typed)
            message = await run_in_threadpool(twin.receive, request.path_params["number"], typed.to, typed.body)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, 400)
        return JSONResponse({"sid": message.sid}, 201)

    async def events(_request: Request) -> Response:
        return StreamingResponse(stream(twin.live()), media_type="text/event-stream")

    return [
        Route("/phones", overview),
        Route("/phones/events", events),
        Route("/phones/{number}/texts", texts, methods=["GET"]),
        Route("/phones/{number}/texts", type_text, methods=["POST"]),
    ]


async def stream(live: AsyncIterator[PhoneText]) -> AsyncIterator[bytes]:
    """Texts as server-sent events, with a comment now and then while nothing happens."""
    coming = asyncio.ensure_future(anext(live, None))
    try:
        while True:
            done, _ = await asyncio.wait((coming,), timeout=KEEP_ALIVE_S)
            if not done:
                yield b": nothing new\n\n"
                continue
            text = coming.result()
            if text is None:
                return
            yield b"data: " + msgspec.json.encode(as_json(text)) + b"\n\n"
            coming = asyncio.ensure_future(anext(live, None))
    finally:
        coming.cancel()
