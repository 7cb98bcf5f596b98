"""How the account is set up, through the carrier's REST API: its numbers, and its Messaging Services.

GET, POST /2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers[/{Sid}].json
GET, POST /v1/Services[/{Sid}[/PhoneNumbers]]

Webhook addresses take effect on the twin's numbers. What the twin does not act on (methods, smart encoding, a
service's callback) is remembered and shown for as long as it is served.
"""

import hmac
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from infra.local.twin.errors import CarrierError
from infra.local.twin.settings import Number
from infra.local.twin.twin import Twin

NUMBERS: Final = "/2010-04-01/Accounts/{account}/IncomingPhoneNumbers"
SERVICES: Final = "/v1/Services"
_NUMBER_FIELDS: Final = {
    "SmsUrl": "sms_url",
    "SmsMethod": "sms_method",
    "SmsFallbackUrl": "sms_fallback_url",
    "SmsFallbackMethod": "sms_fallback_method",
    "SmsApplicationSid": "sms_application_sid",
}
_SERVICE_FIELDS: Final = {
    "InboundRequestUrl": "inbound_request_url",
    "InboundMethod": "inbound_method",
    "FallbackUrl": "fallback_url",
    "FallbackMethod": "fallback_method",
    "StatusCallback": "status_callback",
    "SmartEncoding": "smart_encoding",
    "UseInboundWebhookOnNumber": "use_inbound_webhook_on_number",
}
_SWITCHES: Final = ("smart_encoding", "use_inbound_webhook_on_number")
_SINCE: Final = "2026-01-01T00:00:00Z"
_NUMBERS_SINCE: Final = "Thu, 01 Jan 2026 00:00:00 +0000"

Shown = dict[str, Any]
Handler = Callable[[Request, Mapping[str, str]], Shown]


class Console:
    """The endpoints. A Messaging Service is known here by the numbers in it."""

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._kept: dict[str, dict[str, str | bool]] = {}

    def routes(self) -> list[BaseRoute]:
        return [
            self._route(f"{NUMBERS}.json", self._numbers, "GET"),
            self._route(f"{NUMBERS}/{{sid}}.json", self._number, "GET", "POST"),
            self._route(SERVICES, self._services, "GET"),
            self._route(f"{SERVICES}/{{sid}}", self._service, "GET", "POST"),
            self._route(f"{SERVICES}/{{sid}}/PhoneNumbers", self._members, "GET", "POST"),
        ]

    def _route(self, path: str, handler: Handler, *methods: str) -> Route:
        async def endpoint(request: Request) -> Response:
            self._authenticate(request)
            form = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
            created = request.method == "POST" and path.endswith("PhoneNumbers")
            return JSONResponse(handler(request, form), 201 if created else 200)

        return Route(path, endpoint, methods=list(methods))

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
        if request.path_params.get("account", settings.account_sid) != settings.account_sid:
            raise CarrierError(20404, path=request.url.path)

    def _numbers(self, request: Request, _form: Mapping[str, str]) -> Shown:
        asked = request.query_params.get("PhoneNumber")
        found = [own for own in self._twin.settings.numbers if asked in (None, own.number)]
        return {
            "incoming_phone_numbers": [self._show_number(own) for own in found],
            "page": 0,
            "page_size": 50,
            "start": 0,
            "end": max(len(found) - 1, 0),
            "uri": request.url.path,
            "first_page_uri": request.url.path,
            "next_page_uri": None,
            "previous_page_uri": None,
        }

    def _number(self, request: Request, form: Mapping[str, str]) -> Shown:
        own = self._own(request.path_params["sid"], request)
        if request.method == "POST":
            self._kept.setdefault(sid_of(own), {}).update(_read(form, _NUMBER_FIELDS))
            if own.service_sid is None:
                own = self._set(own, inbound_url=form.get("SmsUrl"), fallback_url=form.get("SmsFallbackUrl"))
        return self._show_number(own)

    def _services(self, request: Request, _form: Mapping[str, str]) -> Shown:
        return _listed("services", [self._show_service(sid) for sid in self._service_sids()], request)

    def _service(self, request: Request, form: Mapping[str, str]) -> Shown:
        sid = self._known(request)
        if request.method == "POST":
            self._kept.setdefault(sid, {}).update(_read(form, _SERVICE_FIELDS))
            for own in self._twin.settings.in_service(sid):
                self._set(own, inbound_url=form.get("InboundRequestUrl"), fallback_url=form.get("FallbackUrl"))
        return self._show_service(sid)

    def _members(self, request: Request, form: Mapping[str, str]) -> Shown:
        sid = self._known(request)
        if request.method == "POST":
            own = self._own(form.get("PhoneNumberSid", ""), request)
            shown = self._show_service(sid)
            joined = replace(
                own, service_sid=sid, inbound_url=shown["inbound_request_url"], fallback_url=shown["fallback_url"]
            )
            self._put(own, joined)
            return self._show_member(joined)
        members = [self._show_member(own) for own in self._twin.settings.in_service(sid)]
        return _listed("phone_numbers", members, request)

    def _own(self, sid: str, request: Request) -> Number:
        found = next((own for own in self._twin.settings.numbers if sid_of(own) == sid), None)
        if found is None:
            raise CarrierError(20404, path=request.url.path)
        return found

    def _service_sids(self) -> tuple[str, ...]:
        used = (own.service_sid for own in self._twin.settings.numbers if own.service_sid is not None)
        return tuple(dict.fromkeys(used))

    def _known(self, request: Request) -> str:
        sid: str = request.path_params["sid"]
        if sid not in self._service_sids():
            raise CarrierError(20404, path=request.url.path)
        return sid

    def _set(self, own: Number, *, inbound_url: str | None, fallback_url: str | None) -> Number:
        """Change the addresses that were sent along; an empty one takes the address away."""
        changed = own
        if inbound_url is not None:
            changed = replace(changed, inbound_url=inbound_url or None)
        if fallback_url is not None:
            changed = replace(changed, fallback_url=fallback_url or None)
        self._put(own, changed)
        return changed

    def _put(self, own: Number, changed: Number) -> None:
        settings = self._twin.settings
        numbers = tuple(changed if each == own else each for each in settings.numbers)
        self._twin.configure(replace(settings, numbers=numbers))

    def _show_number(self, own: Number) -> Shown:
        sid, account = sid_of(own), self._twin.settings.account_sid
        kept = self._kept.get(sid, {})
        in_service = own.service_sid is not None
        return {
            "sid": sid,
            "account_sid": account,
            "phone_number": own.number,
            "friendly_name": own.number,
            "capabilities": {"voice": False, "sms": True, "mms": True, "fax": False},
            "date_created": _NUMBERS_SINCE,
            "date_updated": _NUMBERS_SINCE,
            "sms_application_sid": kept.get("sms_application_sid", ""),
            "sms_url": kept.get("sms_url", "") if in_service else own.inbound_url or "",
            "sms_method": kept.get("sms_method", "POST"),
            "sms_fallback_url": kept.get("sms_fallback_url", "") if in_service else own.fallback_url or "",
            "sms_fallback_method": kept.get("sms_fallback_method", "POST"),
            "uri": f"/2010-04-01/Accounts/{account}/IncomingPhoneNumbers/{sid}.json",
        }

    def _show_service(self, sid: str) -> Shown:
        members = self._twin.settings.in_service(sid)
        first = members[0] if members else None
        shown: Shown = {
            "sid": sid,
            "account_sid": self._twin.settings.account_sid,
            "friendly_name": sid,
            "date_created": _SINCE,
            "date_updated": _SINCE,
            "inbound_request_url": first and first.inbound_url,
            "inbound_method": "POST",
            "fallback_url": first and first.fallback_url,
            "fallback_method": "POST",
            "status_callback": None,
            "smart_encoding": True,
            "use_inbound_webhook_on_number": False,
            "us_app_to_person_registered": True,
            "validity_period": 36000,
        }
        return shown | self._kept.get(sid, {})

    def _show_member(self, own: Number) -> Shown:
        return {
            "sid": sid_of(own),
            "account_sid": self._twin.settings.account_sid,
            "service_sid": own.service_sid,
            "phone_number": own.number,
            "country_code": "US",
            "capabilities": ["SMS", "MMS"],
            "date_created": _SINCE,
            "date_updated": _SINCE,
        }


def sid_of(own: Number) -> str:
    """The number's SID, the same for the same number."""
    return f"PN{sha256(own.number.encode()).hexdigest()[:32]}"


def _read(form: Mapping[str, str], fields: Mapping[str, str]) -> dict[str, str | bool]:
    found: dict[str, str | bool] = {}
    for name, shown in fields.items():
        if name in form:
            found[shown] = form[name] == "true" if shown in _SWITCHES else form[name]
    return found


def _listed(key: str, found: list[Shown], request: Request) -> Shown:
    meta = {
        "key": key,
        "page": 0,
        "page_size": 50,
        "first_page_url": request.url.path,
        "previous_page_url": None,
        "next_page_url": None,
        "url": request.url.path,
    }
    return {key: found, "meta": meta}
