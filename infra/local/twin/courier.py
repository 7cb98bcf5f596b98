"""Delivering one webhook as the carrier does: timeouts, retries, the fallback URL, and what it makes of the answer.

Connection overrides stand in the fragment of the configured URL (Twilio: "Connection Overrides"): `ct`, `rt` and `tt`
are the connect, read and total time in ms, `rc` the number of retries, `rp` what is retried. All tries share `tt`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree  # nosec B405 - see texts_in

import httpx

from infra.local.twin.records import Webhook
from infra.local.twin.settings import Settings, without_fragment
from infra.local.twin.signing import signature

Outcome = Literal["answered", "no connection", "no answer", "no route"]
RETRY_ON: Final = frozenset({"ct", "rt", "4xx", "5xx", "all"})


@dataclass(frozen=True, slots=True)
class Policy:
    """Connection overrides, times in seconds. By default one retry, and only when the connection failed."""

    connect_s: float = 5.0
    read_s: float = 15.0
    total_s: float = 15.0
    retries: int = 1
    retry_on: frozenset[str] = frozenset({"ct"})

    @classmethod
    def of(cls, url: str) -> Self:
        """Read the fragment of a webhook URL; raises ValueError for a key or value out of range (error 11243)."""
        given = dict(parse_qsl(urlsplit(url).fragment, keep_blank_values=True))
        retry_on = frozenset(given.pop("rp", "ct").split(","))
        given.pop("e", None)  # the egress edge means nothing on loopback
        if not retry_on <= RETRY_ON:
            raise ValueError("connection overrides: rp is a list of ct, rt, 4xx, 5xx, all")
        policy = cls(
            connect_s=_within(given.pop("ct", "5000"), 100, 10_000) / 1000,
            read_s=_within(given.pop("rt", "15000"), 100, 15_000) / 1000,
            total_s=_within(given.pop("tt", "15000"), 100, 15_000) / 1000,
            retries=_within(given.pop("rc", "1"), 0, 5),
            retry_on=retry_on,
        )
        if given:
            raise ValueError("connection overrides: unknown key")
        return policy

    def retries_after(self, attempt: "Attempt") -> bool:
        if "all" in self.retry_on:
            return not attempt.ok
        match attempt.outcome:
            case "no connection":
                return "ct" in self.retry_on
            case "no answer":
                return "rt" in self.retry_on
            case "no route":
                return False
            case "answered":
                return attempt.status is not None and f"{attempt.status // 100}xx" in self.retry_on


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: against the configured URL or the fallback, how it ended, and the HTTP status if there was one."""

    fallback: bool
    outcome: Outcome
    status: int | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one webhook. `alert` is the code that the carrier's debugger would show.

    `replies` are texts that the answer asked for, to be sent to the patient.
    """

    token: str
    kind: Literal["inbound", "status"]
    sid: str
    attempts: tuple[Attempt, ...]
    alert: int | None = None
    replies: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return self.attempts[-1].ok


class Courier:
    """Calls webhooks. `transport` takes the place of the network in tests; `monotonic` measures `tt`, in seconds."""

    def __init__(
        self, *, transport: httpx.BaseTransport | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        # No proxies from the environment and no redirects: neither may lead away from loopback.
        # Connections are not kept: one that died meanwhile would look like a webhook without an answer.
        fresh = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(transport=transport, limits=fresh, trust_env=False, follow_redirects=False)
        self._monotonic = monotonic

    def deliver(self, webhook: Webhook, settings: Settings) -> Delivery:
        """Try the configured URL as its policy says, then the fallback URL if there is one."""
        attempts, answer, alert = self._try_out(webhook, webhook.url, webhook.form, settings, fallback=False)
        if alert is not None and webhook.fallback_url is not None:
            told = {**webhook.form, "ErrorCode": str(alert), "ErrorUrl": without_fragment(webhook.url)}
            more, answer, fallback_alert = self._try_out(webhook, webhook.fallback_url, told, settings, fallback=True)
            attempts, alert = attempts + more, fallback_alert or alert
        replies: tuple[str, ...] = ()
        if answer is not None and webhook.kind == "inbound":
            replies, misread = texts_in(answer)
            alert = misread or alert
        return Delivery(webhook.token, webhook.kind, webhook.sid, attempts, alert, replies)

    def _try_out(
        self, webhook: Webhook, url: str, form: Mapping[str, str], settings: Settings, *, fallback: bool
    ) -> tuple[tuple[Attempt, ...], httpx.Response | None, int | None]:
        """All tries against one URL: the tries, the good answer if there was one, else the alert's code."""
        bad_policy = None
        try:
            policy = Policy.of(url)
        except ValueError:
            policy, bad_policy = Policy(), 11243
        deadline = self._monotonic() + policy.total_s
        attempts: list[Attempt] = []
        while True:
            remaining = deadline - self._monotonic()
            attempt, answer = self._call(webhook, url, form, settings, policy, remaining, fallback=fallback)
            attempts.append(attempt)
            if attempt.ok:
                return tuple(attempts), answer, bad_policy
            used_up = len(attempts) > policy.retries or self._monotonic() >= deadline
            if used_up or not policy.retries_after(attempt):
                return tuple(attempts), None, 11205 if attempt.outcome == "no connection" else 11200

    def _call(
        self,
        webhook: Webhook,
        url: str,
        form: Mapping[str, str],
        settings: Settings,
        policy: Policy,
        remaining_s: float,
        *,
        fallback: bool,
    ) -> tuple[Attempt, httpx.Response | None]:
        target, public = settings.route(url), without_fragment(url)
        if target is None:
            return Attempt(fallback, "no route"), None
        headers = {
            "X-Twilio-Signature": signature(settings.auth_token, public, form),
            "I-Twilio-Idempotency-Token": webhook.token,
            "User-Agent": "TwilioProxy/1.1",
        }
        timeout = httpx.Timeout(min(policy.read_s, remaining_s), connect=min(policy.connect_s, remaining_s))
        try:
            answer = self._client.post(target, data=dict(form), headers=headers, timeout=timeout)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            return Attempt(fallback, "no connection"), None
        except (httpx.RequestError, httpx.InvalidURL):
            return Attempt(fallback, "no answer"), None
        return Attempt(fallback, "answered", answer.status_code), answer


def texts_in(answer: httpx.Response) -> tuple[tuple[str, ...], int | None]:
    """The texts that a webhook's answer sends to the patient, and the alert if the carrier could not read it.

    A `text/plain` answer is texted as it stands; XML is read as TwiML; anything else is Twilio error 12300.
    """
    if answer.status_code == 204 or not answer.content:
        return (), None
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "text/plain":
        return (answer.text,), None
    if kind not in ("text/xml", "application/xml", "text/html"):
        return (), 12300
    try:
        root = ElementTree.fromstring(answer.content)  # noqa: S314 # nosec B314 - our own, on loopback
    except ElementTree.ParseError:
        return (), 12100
    if root.tag != "Response":
        return (), 12100
    verbs = (verb for verb in root if verb.tag in ("Message", "Sms"))
    texts = ((verb.findtext("Body") or verb.text or "").strip() for verb in verbs)
    return tuple(text for text in texts if text), None


def _within(value: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not low <= int(value) <= high:
        raise ValueError(f"connection overrides: expected {low} to {high}")
    return int(value)
