"""The carrier's REST API for messages, as an ASGI application: /2010-04-01/Accounts/{AccountSid}/Messages[.json]."""

import asyncio
import hmac
from base64 import b64decode
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.twin import phones
from infra.local.twin.console import Console
from infra.local.twin.errors import DELIVERY, CarrierError
from infra.local.twin.faults import AnswerFault, Operation
from infra.local.twin.listing import page
from infra.local.twin.records import Message
from infra.local.twin.twin import Twin
from infra.local.twin.webhooks import API_VERSION

BROKEN: Final = {"429": 20429, "500": 20500, "503": 20503}
SUCCESS: Final[dict[Operation, int]] = {"create": 201, "fetch": 200, "list": 200, "update": 200, "delete": 204}

Form = dict[str, tuple[str, ...]]
Abort = Callable[[tuple[str, int]], None]


class Api:
    """The endpoints. `abort` resets the TCP connection of a client, given its address."""

    def __init__(self, twin: Twin, abort: Abort) -> None:
        self._twin, self._abort = twin, abort

    def routes(self) -> list[BaseRoute]:
        collection = "/2010-04-01/Accounts/{account}/Messages"
        return [
            Route(f"{collection}.json", self.messages, methods=["GET", "POST"]),
            Route(collection, self.messages, methods=["GET", "POST"]),
            Route(f"{collection}/{{sid}}.json", self.message, methods=["GET", "POST", "DELETE"]),
            Route(f"{collection}/{{sid}}", self.message, methods=["GET", "POST", "DELETE"]),
        ]

    async def messages(self, request: Request) -> Response:
        """Create (POST) and list (GET)."""
        self._authenticate(request)
        if request.method == "POST":
            form = await _form(request)
            return await self._answer(request, "create", lambda: self._create(form))
        return await self._answer(request, "list", lambda: self._list(request))

    async def message(self, request: Request) -> Response:
        """Fetch (GET), update (POST) and delete (DELETE)."""
        self._authenticate(request)
        sid, path = request.path_params["sid"], request.url.path
        if request.method == "POST":
            form = await _form(request)
            return await self._answer(request, "update", lambda: self._update(sid, path, form))
        if request.method == "DELETE":
            return await self._answer(request, "delete", lambda: self._delete(sid, path))
        return await self._answer(request, "fetch", lambda: self._show(self._existing(sid, path)))

    def _authenticate(self, request: Request) -> None:
        settings = self._twin.settings
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        try:
            given = b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except ValueError:
            given = b""
        pairs = ((settings.account_sid, settings.auth_token), (settings.api_key_sid, settings.api_key_secret))
        if not any(hmac.compare_digest(given, f"{user}:{secret}".encode()) for user, secret in pairs):
            raise CarrierError(20003)
        if request.path_params["account"] != settings.account_sid:
            raise CarrierError(20404, path=request.url.path)

    async def _answer(self, request: Request, operation: Operation, act: Callable[[], Response]) -> Response:
        """Do the call, and let its fault spoil it before or after it took effect."""
        fault = self._twin.faults.next_answer(operation)
        if fault is None:
            return await run_in_threadpool(act)
        if not fault.stored:
            spoilt = await self._spoil(request, operation, fault, None)
            return await run_in_threadpool(act) if spoilt is None else spoilt
        true = await run_in_threadpool(act)
        return await self._spoil(request, operation, fault, true) or true

    async def _spoil(
        self, request: Request, operation: Operation, fault: AnswerFault, true: Response | None
    ) -> Response | None:
        """The broken answer, or None when the true one stands."""
        match fault.kind:
            case "429" | "500" | "503":
                return error_answer(CarrierError(BROKEN[fault.kind]))
            case "slow":
                await self._hold(request)
                return None
            case "timeout":
                await self._hold(request)
                return self._reset(request)
            case "reset":
                return self._reset(request)
            case "empty" | "truncated":
                body = b'{"body": "' if true is None else bytes(true.body)
                cut = body[: len(body) // 2 + 1] if fault.kind == "truncated" else b""
                return Response(cut, SUCCESS[operation], media_type="application/json")

    def _reset(self, request: Request) -> Response:
        if request.client is not None:
            self._abort((request.client.host, request.client.port))
        return Response(status_code=500)  # goes nowhere: the connection is closed

    async def _hold(self, request: Request) -> None:
        """Wait until the fault is released or the client goes away."""
        loop, released = asyncio.get_running_loop(), asyncio.Event()

        def let_go() -> None:
            loop.call_soon_threadsafe(released.set)

        self._twin.faults.hold(let_go)
        waits = (asyncio.create_task(released.wait()), asyncio.create_task(_gone(request)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._twin.faults.forget(let_go)
            for wait in waits:
                wait.cancel()

    def _create(self, form: Form) -> Response:
        return self._show(self._twin.create(form), status=201)

    def _list(self, request: Request) -> Response:
        shown = page(self._twin, request.url.path, dict(request.query_params))
        start = shown.number * shown.size
        account = self._twin.settings.account_sid
        return JSONResponse(
            {
                "messages": [as_json(message, account) for message in shown.messages],
                "page": shown.number,
                "page_size": shown.size,
                "start": start,
                "end": start + max(len(shown.messages) - 1, 0),
                "uri": shown.uri,
                "first_page_uri": shown.first_uri,
                "next_page_uri": shown.next_uri,
                "previous_page_uri": shown.previous_uri,
            }
        )

    def _update(self, sid: str, path: str, form: Form) -> Response:
        message = self._existing(sid, path)
        if "Status" in form:
            if form["Status"][-1] != "canceled":
                raise CarrierError(20001)
            message = self._twin.cancel(sid)
        if "Body" in form:
            if form["Body"][-1]:
                raise CarrierError(20001)  # a body can be emptied, never changed
            message = self._twin.redact(sid)
        return self._show(message)

    def _delete(self, sid: str, path: str) -> Response:
        self._existing(sid, path)
        self._twin.delete(sid)
        return Response(status_code=204)

    def _existing(self, sid: str, path: str) -> Message:
        message = self._twin.fetch(sid)
        if message is None:
            raise CarrierError(20404, path=path)
        return message

    def _show(self, message: Message, status: int = 200) -> Response:
        return JSONResponse(as_json(message, self._twin.settings.account_sid), status)


def create_app(twin: Twin, abort: Abort = lambda _client: None) -> Starlette:
    """The API, the account's console and the phones in one application, answering only to loopback host names."""
    return Starlette(
        routes=[*Api(twin, abort).routes(), *Console(twin).routes(), *phones.routes(twin)],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
        exception_handlers={CarrierError: _refused, HTTPException: _no_such_route},
    )


def as_json(message: Message, account_sid: str) -> dict[str, Any]:
    """A message as the API shows it: counts as strings, dates as RFC 2822 in GMT, links without a host."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Messages/{message.sid}"
    return {
        "account_sid": account_sid,
        "api_version": API_VERSION,
        "body": message.body,
        "date_created": format_datetime(message.created_at),
        "date_sent": None if message.sent_at is None else format_datetime(message.sent_at),
        "date_updated": format_datetime(message.updated_at),
        "direction": message.direction,
        "error_code": message.error_code,
        "error_message": None if message.error_code is None else DELIVERY.get(message.error_code),
        "from": message.from_,
        "messaging_service_sid": message.service_sid,
        "num_media": str(message.media),
        "num_segments": str(message.segments),
        "price": None,
        "price_unit": "USD",
        "sid": message.sid,
        "status": message.status,
        "subresource_uris": {"media": f"{uri}/Media.json", "feedback": f"{uri}/Feedback.json"},
        "to": message.to,
        "uri": f"{uri}.json",
    }


def error_answer(error: CarrierError) -> Response:
    """An error as the API gives it."""
    content = {
        "code": error.code,
        "message": error.message,
        "more_info": f"https://www.twilio.com/docs/errors/{error.code}",
        "status": error.status,
    }
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if error.status == 401 else None
    return JSONResponse(content, error.status, headers)


async def _refused(_request: Request, error: Exception) -> Response:
    return error_answer(error if isinstance(error, CarrierError) else CarrierError(20500))


async def _no_such_route(request: Request, error: Exception) -> Response:
    wrong_method = isinstance(error, HTTPException) and error.status_code == 405
    return error_answer(CarrierError(20004) if wrong_method else CarrierError(20404, path=request.url.path))


async def _form(request: Request) -> Form:
    """The fields of a form, repeated ones together; any other kind of body has none, as with the carrier."""
    if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return {}
    form: Form = {}
    for name, value in parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True):
        form[name] = (*form.get(name, ()), value)
    return form


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
