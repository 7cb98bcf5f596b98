"""JSON in and out: a request's body in its expected shape, and errors as sentences."""

from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

T = TypeVar("T")


async def body_of(request: Request, kind: type[T]) -> T | Response:
    """The request's JSON, or the answer that says what is wrong with it."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return refused("expected application/json", 415)
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.MsgspecError as error:
        return refused(str(error), 400)


def refused(message: str, status: int) -> Response:
    """An answer whose `error` the page shows as it stands."""
    return JSONResponse({"error": message}, status)
