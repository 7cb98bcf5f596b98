"""A judge on the wire to the twin: every call and every answer is held against Twilio's own description of its API.

The description is an OpenAPI document of Twilio's and no part of this project: the environment variable TWILIO_OPENAPI
names the file. Where it names none, nothing is judged. Errors are not judged, for the description holds none.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from openapi_core.validation.schemas.exceptions import InvalidSchemaValue
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.datastructures import Headers, ImmutableMultiDict

SETTING: Final = "TWILIO_OPENAPI"
needs_description = pytest.mark.skipif(
    SETTING not in os.environ, reason=f"{SETTING} names no file with Twilio's description of its API"
)
ROOT: Final = "/2010-04-01/"
MESSAGES: Final = "/2010-04-01/Accounts/{AccountSid}/Messages.json"
HOST_NAME: Final = re.compile(r"[A-Za-z0-9.-]+")  # an underscore is refused: Twilio error 21609


@dataclass(slots=True)
class Request:
    """A call as openapi-core reads it, as if it had gone to Twilio; openapi-core fills in what the path says."""

    method: str
    path: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None
    host_url: str = "https://api.twilio.com"
    full_url_pattern: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    status_code: int
    content_type: str
    data: bytes | None
    headers: Headers = field(default_factory=Headers)


@dataclass(slots=True)
class Judge:
    """What was heard, and what was wrong with it; `calls` and `answers` count what was judged."""

    calls: int = 0
    answers: int = 0
    wrong_calls: list[str] = field(default_factory=list)
    wrong_answers: list[str] = field(default_factory=list)

    def between(self, app: ASGIApp) -> ASGIApp:
        """The application, with the judge in front of it; what is not of Twilio's API passes unheard."""
        if SETTING not in os.environ:
            return app

        async def judged(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or not scope["path"].startswith(ROOT):
                await app(scope, receive, send)
                return
            asked, told = bytearray(), bytearray()
            start: dict[str, Any] = {}

            async def hear() -> Message:
                message = await receive()
                asked.extend(message.get("body", b""))
                return message

            async def tell(message: Message) -> None:
                # Held back until it is judged, so that a test finds the verdict when its call returns.
                if message["type"] == "http.response.start":
                    start.update(message)
                    return
                told.extend(message.get("body", b""))
                if not message.get("more_body"):
                    self.hear(_request(scope, bytes(asked)), _response(start, bytes(told)))
                    await send(start)
                    await send({"type": "http.response.body", "body": bytes(told)})

            await app(scope, hear, tell)

        return judged

    def hear(self, call: Request, answer: Response) -> None:
        self.calls += 1
        self.wrong_calls += wrong_with_call(call)
        if answer.status_code < 400:
            self.answers += 1
            self.wrong_answers += wrong_with_answer(call, answer)


def wrong_with_call(call: Request) -> list[str]:
    """What the description has against a call: fields, filters and headers, none of which may be unknown to it."""
    wrong = _objections(lambda: description().validate_request(call))
    # openapi-core passes over unknown filters and form fields, which Twilio would ignore just as silently.
    fields = {name for name, _ in parse_qsl((call.body or b"").decode(), keep_blank_values=True)}
    unknown = sorted((set(call.parameters.query) - _filters(call.method)) | (fields - _fields()))
    return [*wrong, *(f"{name} is not described" for name in unknown)]


def wrong_with_answer(call: Request, answer: Response) -> list[str]:
    """What the description has against an answer to this call."""
    return _objections(lambda: description().validate_response(call, answer))


@cache
def description() -> OpenAPI:
    """Twilio's description; nothing may be missing from an answer, and nothing may be in it that is not described."""
    config = Config(
        spec_validator_cls=None,  # whether Twilio's document is well-formed is not for these tests to say
        additional_properties_default_policy="forbid",
        response_properties_default_policy="required",
        extra_format_validators={
            "date-time-rfc-2822": _is_rfc_2822_in_gmt,
            "uri": _is_public_url,
            "uri-reference": _is_link,
        },
    )
    return OpenAPI.from_dict(_document(), config=config)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(os.environ[SETTING]).read_text())
    message = document["components"]["schemas"]["api.v2010.account.message"]["properties"]
    # Described as a map of links, without its entries: those must not count as unknown.
    message["subresource_uris"]["additionalProperties"] = {"type": "string", "format": "uri-reference"}
    return document


def _filters(method: str) -> set[str]:
    parameters = _document()["paths"][MESSAGES].get(method, {}).get("parameters", ())
    return {parameter["name"] for parameter in parameters if parameter["in"] == "query"}


def _fields() -> set[str]:
    content = _document()["paths"][MESSAGES]["post"]["requestBody"]["content"]
    return set(content["application/x-www-form-urlencoded"]["schema"]["properties"])


def _objections(validate: Callable[[], None]) -> list[str]:
    try:
        validate()
    except OpenAPIError as error:
        cause = error.__cause__
        if isinstance(cause, InvalidSchemaValue):
            return [str(each).partition("\n")[0] for each in cause.schema_errors]
        return [str(cause or error)]
    return []


def _request(scope: Scope, body: bytes) -> Request:
    headers = Headers([(name.decode(), value.decode()) for name, value in scope["headers"]])
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    return Request(
        method=scope["method"].lower(),
        path=unquote(scope["path"]),
        parameters=RequestParameters(query=ImmutableMultiDict(query), header=headers),
        content_type=headers.get("content-type", ""),
        body=body or None,
    )


def _response(start: dict[str, Any], body: bytes) -> Response:
    headers = Headers([(name.decode(), value.decode()) for name, value in start["headers"]])
    return Response(start["status"], headers.get("content-type", ""), body or None, headers)


def _is_rfc_2822_in_gmt(value: object) -> bool:
    try:
        return isinstance(value, str) and parsedate_to_datetime(value).utcoffset() == timedelta(0)
    except ValueError:
        return False


def _is_public_url(value: object) -> bool:
    parts = urlsplit(str(value))
    return parts.scheme in ("http", "https") and HOST_NAME.fullmatch(parts.hostname or "") is not None


def _is_link(value: object) -> bool:
    """A link without a host, as Twilio's answers have them."""
    return str(value).startswith(ROOT)
