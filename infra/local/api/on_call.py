"""Alerts as the person on call sees them, and taking and closing them."""

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from followup.domain.errors import BadInput, Conflict, Missing
from followup.domain.records import Decision
from infra.local import on_call
from infra.local.api.bodies import body_of, refused
from infra.local.desk import Desk


class Taken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes an alert."""

    who: str


class Closed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who closes an alert, and what came of it."""

    who: str
    outcome: str


def routes(desk: Desk) -> list[BaseRoute]:
    def listed() -> dict[str, Any]:
        return {
            "now": desk.clock.now().isoformat(),
            "people": list(desk.on_call.people()),
            "alerts": [on_call.as_json(alert) for alert in desk.on_call.alerts()],
        }

    async def alerts(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(listed))

    async def acknowledge(request: Request) -> Response:
        taken = await body_of(request, Taken)
        if isinstance(taken, Response):
            return taken
        return await _told(desk, lambda: desk.on_call.acknowledge(request.path_params["alert"], taken.who))

    async def close(request: Request) -> Response:
        closed = await body_of(request, Closed)
        if isinstance(closed, Response):
            return closed
        return await _told(desk, lambda: desk.on_call.close(request.path_params["alert"], closed.who, closed.outcome))

    return [
        Route("/api/alerts", alerts),
        Route("/api/alerts/{alert}/acknowledge", acknowledge, methods=["POST"]),
        Route("/api/alerts/{alert}/close", close, methods=["POST"]),
    ]


async def _told(desk: Desk, act: Callable[[], Decision]) -> Response:
    """What came of it, told to every open page too."""
    try:
        decision = await run_in_threadpool(act)
    except BadInput as error:
        return refused(str(error), 400)
    except Missing as error:
        return refused(str(error), 404)
    except Conflict:
        return refused("the service is at work on this alert; try again", 409)
    desk.news.tell("alert", {})
    return JSONResponse({"reason": decision.reason})
