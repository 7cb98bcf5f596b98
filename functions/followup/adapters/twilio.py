"""Texts through Twilio's own client. The only module that imports it for calls; load it only where a text is sent.

After a failed call the question is always whether the message may exist, because Twilio has no key that would make a
second create call harmless. Sure failures are those before the request was written, and refusals that carry one of
Twilio's codes; all else is unknown. Error texts of Twilio and of the connection name the patient's number: they are
neither logged nor kept.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from ssl import SSLCertVerificationError
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from requests import ConnectionError as NoConnection
from requests import ConnectTimeout, RequestException, Session
from requests.exceptions import SSLError
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.response import Response
from twilio.rest import Client
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError

from followup.domain.delivery import Carried, Found, SendOrder
from followup.domain.errors import CarrierClosed, CarrierUnavailable
from followup.ports import CarrierText

TWILIO_HOST: Final = "api.twilio.com"
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
TIMEOUTS_S: Final = (3.0, 10.0)
"""To connect, and to wait for each part of the answer."""
SID: Final = re.compile(r"(SM|MM)[0-9a-f]{32}")
LOWEST_CODE: Final = 10_000
"""Twilio's codes have five digits or more; an error without one carries the HTTP status instead."""
PAGE_SIZE: Final = 50
PAGES_TO_FIND: Final = 4
"""Texts to one patient since an attempt of minutes ago fill no more; if they do, the answer is `unsure`."""
CLOCKS_APART: Final = timedelta(seconds=30)
"""How far the carrier's clock may be from ours, its dates being whole seconds besides."""
BROKEN: Final = (TwilioException, RequestException, HTTPError, ValueError, AttributeError, TypeError, KeyError)
"""What Twilio's client raises for errors, lost connections and answers that are not what they should be."""

# At INFO Twilio's client logs numbers; urllib3's one warning about an answer's headers quotes the whole URL.
logging.getLogger("twilio").setLevel(logging.WARNING)
logging.getLogger("urllib3").setLevel(logging.ERROR)


RETRIED: Final = "#rc=2&rp=ct,rt,5xx"
"""Asks the carrier to deliver a status again after a failure; the fragment is neither sent nor signed."""


class LoopbackHttp:
    """What Twilio's client calls through, in place of its own: the same request, to another address.

    Each request has a connection of its own, because one kept while a Lambda function is frozen may be dead when it
    wakes, and a request lost on it is an unknown outcome. Nothing is repeated, redirected, proxied or logged.
    """

    def __init__(self, base_url: str, timeouts: tuple[float, float]) -> None:
        """Raises CarrierClosed unless the address is an http(s) URL on loopback."""
        try:
            parts = urlsplit(base_url)
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, None
        if host not in LOOPBACK or parts.scheme not in ("http", "https"):
            raise CarrierClosed("carrier address: expected http://127.0.0.1 with a port; this version calls no other")
        name = f"[{host}]" if ":" in host else host
        self._scheme, self._place = parts.scheme, name if port is None else f"{name}:{port}"
        self._timeouts = timeouts

    def request(
        self,
        method: str,
        url: str,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        **_ignored: object,
    ) -> Response:
        """Raises CarrierClosed for a URL that is not one of Twilio's API."""
        parts = urlsplit(url)
        if parts.hostname != TWILIO_HOST:
            raise CarrierClosed("a request to another host than Twilio's")
        rebased = urlunsplit((self._scheme, self._place, parts.path, parts.query, ""))
        with Session() as session:
            session.trust_env = False  # no proxy, no .netrc
            answer = session.request(
                method,
                rebased,
                params=params,
                data=data,
                headers=headers,
                auth=auth,
                timeout=self._timeouts,
                allow_redirects=False,
            )
            return Response(answer.status_code, answer.text, answer.headers)


class TwilioCarrier:
    """One Twilio account, called with an API key (never with the Auth Token, which is for signatures)."""

    def __init__(
        self,
        account: str,
        api_key: str,
        api_secret: str,
        base_url: str,
        status_callback_base: str,
        *,
        timeouts: tuple[float, float] = TIMEOUTS_S,
    ) -> None:
        """`status_callback_base`: the public address of our webhooks, without a closing slash.

        Raises:
            CarrierClosed: `base_url` is not on loopback. There is no way to the real carrier yet.
        """
        self._account = account
        self._api_key = api_key
        self._api_secret = api_secret
        self._http = LoopbackHttp(base_url, timeouts)
        self._callback_base = status_callback_base

    @cached_property
    def _messages(self) -> Any:
        # An environment of its own: TWILIO_EDGE or TWILIO_REGION would change the host.
        nothing = {"TWILIO_REGION": ""}
        client = Client(self._api_key, self._api_secret, self._account, http_client=self._http, environment=nothing)
        return client.messages

    def send(self, order: SendOrder) -> Carried:
        """Create the message. A sender is named in any case: patients see one number, whatever else a service has."""
        service = {} if order.messaging_service is None else {"messaging_service_sid": order.messaging_service}
        try:
            message = self._messages.create(
                to=order.to,
                from_=order.sender,
                body=order.body,
                status_callback=f"{self._callback_base}/twilio/status?text={quote(order.text_id, safe=':')}{RETRIED}",
                validity_period=order.valid_for,
                **service,
            )
            sid, status, code = message.sid, message.status, message.error_code
        except (TwilioRestException, TwilioServiceException) as error:
            return _refusal(error.status, error.code)
        except BROKEN as error:
            return Carried("not_sent" if _never_left(error) else "unknown")
        if not isinstance(sid, str) or not SID.fullmatch(sid):
            return Carried("unknown")
        return Carried("accepted", sid, status if isinstance(status, str) else None, _code(code))

    def find(self, order: SendOrder, *, since: datetime) -> Found:
        """Look through the texts to this number, newest first.

        The same text counts if it was made by a call of ours since then, half a minute for clocks apart allowed. A
        body that the carrier changed on its way (smart encoding, link shortening) is not recognised.
        """
        earliest = since - CLOCKS_APART
        # A service may show no sender until it has chosen one, so its texts are not asked for by sender.
        sender = {} if order.messaging_service else {"from_": order.sender}
        try:
            for number, page in enumerate(self._pages(to=order.to, **sender)):
                if number == PAGES_TO_FIND:
                    return Found("unsure")
                for message in page:
                    if message.date_created >= earliest and _is(message, order):
                        return Found("found", sid=message.sid, status=message.status)
                if page and all(message.date_created < earliest for message in page):
                    break
        except (*BROKEN, CarrierClosed):
            return Found("unsure")
        return Found("absent")

    def received(self, sender: str, *, since: datetime) -> Iterator[CarrierText]:
        """Texts to this sender; what came up to half a minute before is listed too."""
        earliest = (since - CLOCKS_APART).astimezone(UTC)  # Twilio's client writes a Z behind any zone's time
        try:
            for page in self._pages(to=sender, date_sent_after=earliest):
                yield from [_incoming(message) for message in page if message.direction == "inbound"]
        except (*BROKEN, CarrierClosed):
            unread = True
        else:
            unread = False
        if unread:  # raised out here, so that it carries no trace of an error that names a number
            raise CarrierUnavailable("the list of incoming texts was not read to its end")

    def _pages(self, **filters: Any) -> Iterator[list[Any]]:
        page = self._messages.page(page_size=PAGE_SIZE, **filters)
        while page is not None:
            yield list(page)
            page = page.next_page()


def _is(message: Any, order: SendOrder) -> bool:
    from_us = message.direction == "outbound-api" and message.from_ in (order.sender, None)
    return from_us and message.to == order.to and message.body == order.body


def _incoming(message: Any) -> CarrierText:
    received = message.date_sent or message.date_created
    if not isinstance(received, datetime) or not isinstance(message.sid, str):
        raise TypeError("an incoming text without its time or its SID")
    return CarrierText(
        sid=message.sid,
        sender=message.to,
        phone=message.from_,
        body=message.body or "",
        received=received,
        media=int(message.num_media or 0),
    )


def _refusal(status: object, code: object) -> Carried:
    known = _code(code)
    if status == HTTPStatus.TOO_MANY_REQUESTS:  # never processed (Twilio error 20429), so always safe to repeat
        return Carried("not_sent", code=known)
    if known is not None and isinstance(status, int) and 400 <= status < 500:
        return Carried("refused", code=known)
    return Carried("unknown", code=known)


def _code(code: object) -> int | None:
    return code if isinstance(code, int) and code >= LOWEST_CODE else None


def _never_left(error: Exception) -> bool:
    """Whether the failure came before the request was written: no name, no connection, or no trust in the host."""
    if isinstance(error, ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, NoConnection) and error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else cause
    if isinstance(error, SSLError):  # a connection can also break under TLS later on: only a bad certificate is sure
        return _bad_certificate(reason)
    return isinstance(reason, NewConnectionError)


def _bad_certificate(reason: object) -> bool:
    return isinstance(reason, Exception) and any(isinstance(part, SSLCertVerificationError) for part in reason.args)
