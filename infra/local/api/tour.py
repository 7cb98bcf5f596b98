"""How far the visitor's tour has come."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local import tour
from infra.local.desk import Desk


def routes(desk: Desk) -> list[BaseRoute]:
    async def state(_request: Request) -> Response:
        return JSONResponse(tour.as_json(await run_in_threadpool(desk.tour.state)))

    return [Route("/api/tour", state)]
