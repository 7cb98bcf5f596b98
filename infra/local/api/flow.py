"""The last events in the service."""

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local import flow
from infra.local.api.bodies import refused
from infra.local.desk import Desk
from infra.local.flow import FlowError


def routes(desk: Desk) -> list[BaseRoute]:
    async def events(_request: Request) -> Response:
        try:
            found = await run_in_threadpool(desk.flow)
        except FlowError as error:
            return refused(str(error), 502)
        return JSONResponse({"events": [flow.as_json(event) for event in found]})

    return [Route("/api/flow", events)]
