"""The carrier's account through its own client: numbers and Messaging Services, read and changed."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.response import Response
from twilio.rest import Client

from followup.adapters.twilio import BROKEN, TIMEOUTS_S, TWILIO_HOST, LoopbackHttp
from followup.domain.errors import BadInput, CarrierUnavailable
from infra.carrier.wanted import FoundNumber, FoundService, Plan

MESSAGING_HOST: Final = "messaging.twilio.com"
NUMBER_SETTINGS: Final = ("sms_application_sid", "sms_url", "sms_method", "sms_fallback_url", "sms_fallback_method")
SERVICE_SETTINGS: Final = (
    "use_inbound_webhook_on_number",
    "inbound_request_url",
    "inbound_method",
    "fallback_url",
    "fallback_method",
    "status_callback",
    "smart_encoding",
)
_MOST_SERVICES: Final = 200
_NOT_FOUND: Final = 404


class AccountHttp(LoopbackHttp):
    """The way to an account on loopback, which serves both of Twilio's hosts at one address."""

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **ignored: object,
    ) -> Response:
        parts = urlsplit(url)
        if parts.hostname == MESSAGING_HOST:
            url = urlunsplit(parts._replace(netloc=TWILIO_HOST))
        return super().request(method, url, params, data, headers, auth, **ignored)


class Account:
    """One account. Every question raises CarrierUnavailable when the carrier does not answer it in full."""

    def __init__(self, account: str, api_key: str, api_secret: str, base_url: str) -> None:
        """Raises CarrierClosed unless the address is on loopback."""
        self._account, self._key, self._secret = account, api_key, api_secret
        self._http = AccountHttp(base_url, TIMEOUTS_S)

    @cached_property
    def _client(self) -> Any:
        # An environment of its own: TWILIO_EDGE or TWILIO_REGION would change the host.
        nothing = {"TWILIO_REGION": ""}
        return Client(self._key, self._secret, self._account, http_client=self._http, environment=nothing)

    def number(self, sender: str) -> FoundNumber:
        """Raises BadInput: the account has no such number."""
        listed = self._ask(lambda: self._client.incoming_phone_numbers.list(phone_number=sender))
        found = next((one for one in listed if one.phone_number == sender), None)
        if found is None:
            raise BadInput(
                "texts.sender: the carrier's account has no such number; buy it there, or correct the clinic"
            )
        return FoundNumber(
            sid=found.sid,
            texts=bool((found.capabilities or {}).get("sms")),
            settings={name: getattr(found, name) for name in NUMBER_SETTINGS},
            service=self._service_of(found.sid),
        )

    def service(self, sid: str) -> FoundService:
        """Raises BadInput: the account has no such Messaging Service."""
        found = self._ask(lambda: self._fetched(sid))
        if found is None:
            raise BadInput(
                "texts.messaging_service: the carrier's account has no such Messaging Service;"
                " create it there, or correct the clinic"
            )
        return FoundService(
            sid=found.sid,
            settings={name: getattr(found, name) for name in SERVICE_SETTINGS},
            registered=found.us_app_to_person_registered,
        )

    def carry_out(self, plan: Plan, number: FoundNumber) -> None:
        """Make the changes. The number joins last: until then its own settings, which work, stand."""
        values = {change.setting.name: change.setting.value for change in plan.changes}
        if plan.place == "number":
            self._ask(lambda: self._client.incoming_phone_numbers(plan.sid).update(**values))
            return
        service = self._client.messaging.v1.services(plan.sid)
        if values:
            self._ask(lambda: service.update(**values))
        if plan.joins:
            self._ask(lambda: service.phone_numbers.create(phone_number_sid=number.sid))

    def _fetched(self, sid: str) -> Any:
        try:
            return self._client.messaging.v1.services(sid).fetch()
        except TwilioRestException as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def _service_of(self, number_sid: str) -> str | None:
        for service in self._ask(lambda: self._client.messaging.v1.services.list(limit=_MOST_SERVICES)):
            members = self._ask(self._client.messaging.v1.services(service.sid).phone_numbers.list)
            if any(member.sid == number_sid for member in members):
                sid: str = service.sid
                return sid
        return None

    def _ask(self, question: Callable[[], Any]) -> Any:
        try:
            return question()
        except TwilioException as error:  # a list's error has no code
            code = getattr(error, "code", None)
        except BROKEN:
            code = None
        # Raised out here, so that it carries no trace of an error that names a number.
        told = f" (Twilio error {code})" if isinstance(code, int) else ""
        raise CarrierUnavailable(f"the carrier did not answer as expected{told}; is the API key this account's?")
