"""The time, runs of the clock, what happens next, and whether patients answer by themselves."""

from typing import Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local import agenda
from infra.local.api.bodies import body_of, refused
from infra.local.desk import Desk
from infra.local.driver import Goal
from infra.local.runs import RunState

SHOWN_STEPS: Final = 20


class RunTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: Goal


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    on: bool


def routes(desk: Desk) -> list[BaseRoute]:
    def state() -> dict[str, Any]:
        clinics = desk.directory.clinics()
        return {
            **run_as_json(desk.runs.state()),
            "zone": clinics[0].settings.zone if clinics else "UTC",
            "answering": desk.answering.on,
            "next": [agenda.as_json(entry) for entry in desk.agenda.next(SHOWN_STEPS)],
        }

    async def show(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(state))

    async def run(request: Request) -> Response:
        if request.method == "DELETE":
            desk.runs.stop()
            return Response(status_code=204)
        wanted = await body_of(request, RunTo)
        if isinstance(wanted, Response):
            return wanted
        if not desk.runs.start(wanted.to):
            return refused("the clock is moving already", 409)
        return JSONResponse(run_as_json(desk.runs.state()), 202)

    async def answering(request: Request) -> Response:
        wanted = await body_of(request, Switch)
        if isinstance(wanted, Response):
            return wanted
        desk.answering.switch(wanted.on)
        return JSONResponse({"on": desk.answering.on})

    return [
        Route("/api/clock", show),
        Route("/api/clock/run", run, methods=["POST", "DELETE"]),
        Route("/api/answering", answering, methods=["PUT"]),
    ]


def run_as_json(state: RunState) -> dict[str, Any]:
    return {
        "now": state.now.isoformat(),
        "running": state.running,
        "until": state.until.isoformat() if state.until else None,
        "done": state.done,
        "moments": state.moments,
        "stopping": state.stopping,
        "problem": state.problem,
        "given_up": state.given_up,
    }
