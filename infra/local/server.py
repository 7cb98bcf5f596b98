"""The pages of the local stack and what they ask for. For loopback only.

GET    /api/phones                      every patient's phone, with its texts
POST   /api/phones/{patient}/texts      {"body": text}: the patient texts the clinic
GET    /api/clock                       the time, the run under way, what happens next
POST   /api/clock/run                   {"to": "event" | "hour" | "day" | "week" | "eight_weeks"}
DELETE /api/clock/run                   stop at the next moment of rest
PUT    /api/answering                   {"on": true | false}: patients answer by themselves
GET    /api/alerts                      every alert, newest first, with whom it told; who is on call
POST   /api/alerts/{alert}/acknowledge  {"who": name}: a named person takes it
POST   /api/alerts/{alert}/close        {"who": name, "outcome": text}
GET    /api/mails                       mails to staff, newest first; /api/mails/{id}/html shows one
GET    /api/flow                        what the functions did last, newest first
GET    /api/tour                        what of the tour has been done
GET    /api/events                      server-sent events: `text`, `alert` and `clock`
"""

from collections.abc import Awaitable, Callable
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local import layout
from infra.local.api import clock, flow, mailbox, on_call, phones, tour
from infra.local.api.bodies import refused
from infra.local.desk import Desk
from infra.local.news import News
from infra.local.runs import RunState
from infra.local.twin import PhoneText

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def connect(desk: Desk) -> Callable[[], None]:
    """Let texts that arrive on phones reach open pages and the patients who answer; the result ends it."""

    def arrived(text: PhoneText) -> None:
        desk.answering.arrived(text)
        patients = list(desk.directory.whose(text.theirs))
        desk.news.tell("text", {"patients": patients, "text": phones.text_as_json(text)})

    return desk.twin.subscribe(arrived)


def tell_clock(news: News, state: RunState) -> None:
    """Tell open pages what the clock is doing."""
    news.tell("clock", clock.run_as_json(state))


def create_app(desk: Desk) -> Starlette:
    return Starlette(
        routes=[
            *_pages(),
            *(route for part in (phones, clock, on_call, mailbox, flow, tour) for route in part.routes(desk)),
            Route("/api/events", _events(desk)),
        ],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"]),
            Middleware(_Guarded),
        ],
    )


def _pages() -> list[BaseRoute]:
    def page(html: str) -> Callable[[Request], Awaitable[Response]]:
        async def show(_request: Request) -> Response:
            return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

        return show

    return [
        *(Route(path, page(html)) for path, html in layout.render().items()),
        Mount("/static", StaticFiles(directory=layout.PAGES / "static")),
    ]


def _events(desk: Desk) -> Callable[[Request], Awaitable[Response]]:
    async def events(_request: Request) -> Response:
        return StreamingResponse(desk.news.read(), media_type="text/event-stream")

    return events


class _Guarded:
    """Headers that keep the pages to themselves, and no change on the word of a page of another origin."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        request = Request(scope)
        origin = request.headers.get("origin")
        if request.method != "GET" and origin is not None and origin != f"http://{request.headers.get('host')}":
            return await refused("this page may not change anything here", 403)(scope, receive, send)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = {name.lower() for name, _ in message["headers"]}
                for name, value in _HEADERS:
                    if name not in headers:
                        message["headers"] = [*message["headers"], (name, value)]
            await send(message)

        return await self._app(scope, receive, guarded)


_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)
