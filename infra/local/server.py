"""The pages of the local stack and what they ask for: phones, clock, mailbox. For loopback only.

GET    /api/phones                      every patient's phone, with its texts
POST   /api/phones/{patient}/texts      {"body": text}: the patient texts the clinic
GET    /api/clock                       the time, the run under way, what happens next
POST   /api/clock/run                   {"to": "event" | "hour" | "day" | "week" | "eight_weeks"}
DELETE /api/clock/run                   stop at the next moment of rest
PUT    /api/answering                   {"on": true | false}: patients answer by themselves
GET    /api/mails                       mails to staff, newest first; /api/mails/{id}/html shows one
GET    /api/events                      server-sent events: `text` and `clock`
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local import agenda, mailbox
from infra.local.agenda import Agenda
from infra.local.answering import AnsweringPatients
from infra.local.clock import LocalClock
from infra.local.directory import Directory, Phone
from infra.local.driver import Goal
from infra.local.mailbox import MailboxError, Mails
from infra.local.news import News
from infra.local.runs import Runs, RunState
from infra.local.twin import PhoneText, Twin

PAGES: Final = Path(__file__).with_name("pages")
SHOWN_STEPS: Final = 20
TYPING: Final = timedelta(seconds=1)
"""What passes while a patient types, so that no two texts carry the same time while the clock stands."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
MAIL_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

T = TypeVar("T")


class Typed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a patient types."""

    body: str


class RunTo(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: Goal


class Switch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    on: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the pages work with."""

    clock: LocalClock
    runs: Runs
    agenda: Agenda
    directory: Directory
    answering: AnsweringPatients
    twin: Twin
    mails: Mails
    news: News


def connect(desk: Desk) -> Callable[[], None]:
    """Let texts that arrive on phones reach open pages and the patients who answer; the result ends it."""

    def arrived(text: PhoneText) -> None:
        desk.answering.arrived(text)
        desk.news.tell("text", {"patients": list(desk.directory.whose(text.theirs)), "text": _text(text)})

    return desk.twin.subscribe(arrived)


def tell_clock(news: News, state: RunState) -> None:
    """Tell open pages what the clock is doing."""
    news.tell("clock", _clock(state))


def create_app(desk: Desk) -> Starlette:
    return Starlette(
        routes=[*_pages(), *_phones(desk), *_clock_routes(desk), *_mailbox(desk), Route("/api/events", _events(desk))],
        middleware=[
            Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost", "testserver"]),
            Middleware(_Guarded),
        ],
    )


def _pages() -> list[BaseRoute]:
    def page(name: str) -> Callable[[Request], Awaitable[Response]]:
        async def show(_request: Request) -> Response:
            return FileResponse(PAGES / name, headers={"Cache-Control": "no-cache"})

        return show

    return [
        Route("/", page("start.html")),
        Route("/phones", page("phones.html")),
        Route("/clock", page("clock.html")),
        Route("/mailbox", page("mailbox.html")),
        Mount("/static", StaticFiles(directory=PAGES / "static")),
    ]


def _phones(desk: Desk) -> list[BaseRoute]:
    def listed() -> dict[str, Any]:
        texts: dict[tuple[str, str], list[PhoneText]] = {}
        for text in desk.twin.texts():
            texts.setdefault((text.theirs, text.ours), []).append(text)
        phones = desk.directory.phones()
        return {
            "now": desk.clock.now().isoformat(),
            "phones": [_phone(desk, phone, texts.get((phone.number, phone.ours), [])) for phone in phones],
        }

    def type_text(patient_id: str, body: str) -> str:
        phone = next((phone for phone in desk.directory.phones() if phone.patient_id == patient_id), None)
        if phone is None:
            raise LookupError("no such patient")
        desk.answering.typed_by_hand(phone.number)
        desk.clock.pass_(TYPING)
        return desk.twin.receive(phone.number, phone.ours, body).sid

    async def phones(_request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(listed))

    async def texts(request: Request) -> Response:
        typed = await _body(request, Typed)
        if isinstance(typed, Response):
            return typed
        if not typed.body.strip():
            return _error("body: type something first", 400)
        try:
            sid = await run_in_threadpool(type_text, request.path_params["patient"], typed.body)
        except LookupError as error:
            return _error(str(error.args[0]), 404)
        except ValueError as error:
            return _error(str(error), 400)
        return JSONResponse({"sid": sid}, 201)

    return [Route("/api/phones", phones), Route("/api/phones/{patient}/texts", texts, methods=["POST"])]


def _clock_routes(desk: Desk) -> list[BaseRoute]:
    def state() -> dict[str, Any]:
        clinics = desk.directory.clinics()
        return {
            **_clock(desk.runs.state()),
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
        wanted = await _body(request, RunTo)
        if isinstance(wanted, Response):
            return wanted
        if not desk.runs.start(wanted.to):
            return _error("the clock is moving already", 409)
        return JSONResponse(_clock(desk.runs.state()), 202)

    async def answering(request: Request) -> Response:
        wanted = await _body(request, Switch)
        if isinstance(wanted, Response):
            return wanted
        desk.answering.switch(wanted.on)
        return JSONResponse({"on": desk.answering.on})

    return [
        Route("/api/clock", show),
        Route("/api/clock/run", run, methods=["POST", "DELETE"]),
        Route("/api/answering", answering, methods=["PUT"]),
    ]


def _mailbox(desk: Desk) -> list[BaseRoute]:
    async def mails(_request: Request) -> Response:
        try:
            found: Sequence[mailbox.StaffMail] = await run_in_threadpool(desk.mails)
        except MailboxError as error:
            return _error(str(error), 502)
        return JSONResponse({"mails": [mailbox.as_json(mail) for mail in found]})

    async def html(request: Request) -> Response:
        try:
            found = await run_in_threadpool(desk.mails)
        except MailboxError as error:
            return _error(str(error), 502)
        mail = next((mail for mail in found if mail.mail_id == request.path_params["mail"]), None)
        if mail is None or mail.html is None:
            return _error("no such mail", 404)
        return HTMLResponse(mail.html, headers={"Content-Security-Policy": MAIL_POLICY})

    return [Route("/api/mails", mails), Route("/api/mails/{mail}/html", html)]


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
            return await _error("this page may not change anything here", 403)(scope, receive, send)

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


async def _body(request: Request, kind: type[T]) -> T | Response:
    """The request's JSON, or the answer that says what is wrong with it."""
    if not request.headers.get("content-type", "").startswith("application/json"):
        return _error("expected application/json", 415)
    try:
        return msgspec.json.decode(await request.body(), type=kind)
    except msgspec.MsgspecError as error:
        return _error(str(error), 400)


def _error(message: str, status: int) -> Response:
    return JSONResponse({"error": message}, status)


def _phone(desk: Desk, phone: Phone, texts: Sequence[PhoneText]) -> dict[str, Any]:
    return {
        "id": phone.patient_id,
        "initials": phone.initials,
        "language": phone.language,
        "zone": phone.zone,
        "clinic": phone.clinic,
        "status": phone.status,
        "blocked": desk.twin.is_blocked(phone.ours, phone.number),
        "played": desk.answering.is_played(phone.number),
        "texts": [_text(text) for text in texts],
    }


def _text(text: PhoneText) -> dict[str, Any]:
    return {"sid": text.sid, "from_patient": text.from_patient, "body": text.body, "at": _iso(text.at)}


def _clock(state: RunState) -> dict[str, Any]:
    return {
        "now": _iso(state.now),
        "running": state.running,
        "until": _iso(state.until) if state.until else None,
        "done": state.done,
        "moments": state.moments,
        "stopping": state.stopping,
        "problem": state.problem,
        "given_up": state.given_up,
    }


def _iso(at: datetime) -> str:
    return at.isoformat()
