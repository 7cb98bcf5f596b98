"""The local stand-in for Twilio, seen through the real `twilio` client and Twilio's own signature check."""

import asyncio
import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from threading import Barrier, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import httpx
import pytest
import requests
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from infra.local.twin import Handset, Number, Settings, Twin, TwinServer, create_app
from infra.local.twin.courier import Courier, Policy
from infra.local.twin.faults import AnswerKind, InboundKind
from infra.local.twin.records import Webhook
from infra.local.twin.signing import signature

SECRET = "secret"
ACCOUNT, KEY, SERVICE = f"AC{'1' * 32}", f"SK{'2' * 32}", f"MG{'3' * 32}"
CLINIC, IN_SERVICE, PAGER, TOLL_FREE = "+15555550100", "+15555550101", "+15555550102", "+18335550100"
ANN, BEN = "+15555550123", "+15555550124"
PUBLIC = "https://sms.clinic.example/prod"
INBOUND, STATUS = f"{PUBLIC}/twilio/inbound", f"{PUBLIC}/twilio/status?attempt=a-1"
START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


class Receiver:
    """The service's webhook endpoints: keeps what came, answers as told (empty TwiML by default)."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.before: Callable[[], object] = lambda: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.before()
        answer = self.answers.pop(0) if self.answers else httpx.Response(200, text=TWIML, headers=xml())
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def forms(self) -> list[dict[str, str]]:
        return [form_of(request) for request in self.requests]

    @property
    def statuses(self) -> list[str]:
        return [form["MessageStatus"] for form in self.forms]


class Rebased(TwilioHttpClient):  # type: ignore[misc] # twilio ships no types
    """The client's transport, sent to the twin instead of the carrier; any other host is a mistake."""

    def __init__(self, base: str, timeout: float) -> None:
        super().__init__(timeout=timeout, pool_connections=False)
        self.base = urlsplit(base)

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        parts = urlsplit(url)
        assert parts.hostname == "api.twilio.com"
        return super().request(
            method, urlunsplit((self.base.scheme, self.base.netloc, parts.path, parts.query, "")), *args, **options
        )


def xml() -> dict[str, str]:
    return {"Content-Type": "text/xml"}


def form_of(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode(), keep_blank_values=True))


def settings(**changes: Any) -> Settings:
    given: dict[str, Any] = {
        "account_sid": ACCOUNT,
        "auth_token": "token",
        "api_key_sid": KEY,
        "api_key_secret": "secret",
        "numbers": (
            Number(number=CLINIC, inbound_url=INBOUND),
            Number(number=IN_SERVICE, service_sid=SERVICE, inbound_url=INBOUND, advanced_opt_out=True),
            Number(number=PAGER, keywords="service", inbound_url=INBOUND),
            Number(number=TOLL_FREE, keywords="service", inbound_url=INBOUND),
        ),
        "public_base_url": PUBLIC,
        "deliver_base_url": "http://127.0.0.1:9",
    }
    return Settings(**(given | changes))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def twin(clock: Clock, receiver: Receiver) -> Twin:
    return Twin(settings(), clock=clock, transport=httpx.MockTransport(receiver))


@pytest.fixture
def server(twin: Twin) -> Iterator[TwinServer]:
    with TwinServer(twin, workers=0) as server:
        yield server


@pytest.fixture
def client(server: TwinServer) -> Client:
    return client_of(server)


def client_of(server: TwinServer, *, user: str = KEY, secret: str = SECRET, timeout: float = 5.0) -> Client:
    return Client(user, secret, account_sid=ACCOUNT, http_client=Rebased(server.base_url, timeout))


def refused_with(call: Callable[[], object]) -> tuple[int, int]:
    with pytest.raises(TwilioRestException) as caught:
        call()
    return caught.value.status, caught.value.code


# Messages


def test_given_a_sender_when_created_then_the_message_is_queued_and_later_delivered(client: Client, twin: Twin) -> None:
    created = client.messages.create(to=ANN, from_=CLINIC, body="How are you today?")
    assert (created.status, created.direction, created.num_segments) == ("queued", "outbound-api", "1")
    assert re.fullmatch(r"SM[0-9a-f]{32}", created.sid)
    assert (created.date_created, created.date_sent, created.error_code) == (START, None, None)
    twin.deliver_pending()
    assert client.messages(created.sid).fetch().status == "delivered"
    assert client.messages(created.sid).fetch().date_sent == START


def test_given_a_service_when_created_then_it_is_accepted_and_gets_its_sender_later(client: Client, twin: Twin) -> None:
    created = client.messages.create(to=ANN, messaging_service_sid=SERVICE, body="Hello")
    assert (created.status, created.from_, created.num_segments) == ("accepted", None, "0")
    later = client.messages(created.sid).fetch()
    assert (later.status, later.from_, later.num_segments) == ("delivered", IN_SERVICE, "1")


def test_given_the_account_and_its_token_when_calling_then_it_is_let_in(server: TwinServer) -> None:
    assert client_of(server, user=ACCOUNT, secret="token").messages.list() == []


def test_the_raw_answer_has_strings_where_the_carrier_has_strings(client: Client, server: TwinServer) -> None:
    sid = client.messages.create(to=ANN, from_=CLINIC, body="ñ" * 161).sid
    path = f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}"
    for suffix in (".json", ""):
        raw = requests.get(server.base_url + path + suffix, auth=(KEY, "secret"), timeout=5).json()
        assert (raw["num_segments"], raw["num_media"], raw["price"]) == ("2", "0", None)
        assert raw["date_created"] == "Mon, 02 Mar 2026 15:00:00 +0000"
        assert raw["uri"] == f"{path}.json"


def test_given_a_bad_create_when_sent_then_the_carriers_code_comes_back_and_nothing_is_stored(
    client: Client, twin: Twin
) -> None:
    bad: tuple[tuple[dict[str, Any], int], ...] = (
        ({"body": ""}, 21602),
        ({"from_": ""}, 21603),
        ({"to": ""}, 21604),
        ({"body": "x" * 1601}, 21617),
        ({"to": "555-0123"}, 21211),
        ({"to": PAGER}, 21211),
        ({"to": CLINIC}, 21266),
        ({"from_": "+15555550999"}, 21606),
        ({"status_callback": "https://my_host.example/x"}, 21609),
        ({"status_callback": "not a url"}, 21609),
        ({"validity_period": 0}, 21624),
        ({"validity_period": 36001}, 21624),
        ({"messaging_service_sid": f"MG{'9' * 32}"}, 21701),
        ({"messaging_service_sid": "MG1"}, 21705),
        ({"to": "+15005550001"}, 21211),
        ({"to": "+15005550009"}, 21614),
        ({"from_": "+15005550008"}, 21611),
    )
    good = {"to": ANN, "from_": CLINIC, "body": "Hello"}
    for changes, code in bad:
        assert refused_with(partial(client.messages.create, **(good | changes))) == (400, code), changes
    assert twin.newest_first() == ()


def test_given_wrong_credentials_or_unknown_places_when_called_then_401_and_404(
    client: Client, server: TwinServer
) -> None:
    stranger = client_of(server, secret="wrong")
    assert refused_with(lambda: stranger.messages.create(to=ANN, from_=CLINIC, body="x")) == (401, 20003)
    assert refused_with(lambda: client.messages(f"SM{'0' * 32}").fetch()) == (404, 20404)
    answer = requests.get(f"{server.base_url}/2010-04-01/Nothing.json", timeout=5)
    assert (answer.status_code, answer.json()["code"]) == (404, 20404)
    wrong_method = requests.put(f"{server.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json", timeout=5)
    assert (wrong_method.status_code, wrong_method.json()["code"]) == (405, 20004)


def test_given_many_messages_when_listed_then_pages_follow_each_other_newest_first(
    client: Client, server: TwinServer, clock: Clock
) -> None:
    sids = []
    for n in range(5):
        sids.append(client.messages.create(to=ANN, from_=CLINIC, body=f"text {n}").sid)
        clock.pass_(minutes=1)
    client.messages.create(to=BEN, from_=CLINIC, body="for Ben")
    assert [m.sid for m in client.messages.list(to=ANN, from_=CLINIC, page_size=2)] == sids[::-1]
    first = client.messages.page(to=ANN, page_size=2)
    client.messages(sids[3]).fetch()
    client.messages(sids[3]).delete()  # the message that the token names goes away between two pages
    second = first.next_page()
    assert [m.sid for m in second] == [sids[2], sids[1]]
    assert [m.sid for m in second.previous_page()] == [sids[4]]
    raw = requests.get(
        f"{server.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize=1", auth=(KEY, "secret"), timeout=5
    ).json()
    assert raw["next_page_uri"].startswith(f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json?PageSize=1&Page=1&PageToken=")
    assert (raw["start"], raw["end"], raw["previous_page_uri"]) == (0, 0, None)


def test_given_texts_on_three_days_when_filtered_by_date_then_both_bounds_are_included(
    client: Client, clock: Clock, twin: Twin
) -> None:
    for day in range(3):
        client.messages.create(to=ANN, from_=CLINIC, body=f"day {day}")
        twin.deliver_pending()
        clock.pass_(days=1)

    def bodies(**filters: Any) -> list[str]:
        return [message.body for message in client.messages.list(**filters)]

    assert bodies(date_sent=START + timedelta(days=1)) == ["day 1"]
    assert bodies(date_sent_after=START + timedelta(days=1)) == ["day 2", "day 1"]
    assert bodies(date_sent_before=START + timedelta(days=1)) == ["day 1", "day 0"]
    assert bodies(date_sent_before="2026-03-03") == ["day 1", "day 0"]
    assert bodies(date_sent_after="Tue, 03 Mar 2026 15:00:01 +0000") == ["day 2"]


def test_given_a_bad_date_or_token_when_listed_then_20001(server: TwinServer) -> None:
    for query in ("DateSent=soon", "PageToken=XX1", f"PageToken=PASM{'0' * 32}", "PageSize=-1"):
        answer = requests.get(
            f"{server.base_url}/2010-04-01/Accounts/{ACCOUNT}/Messages.json?{query}", auth=(KEY, "secret"), timeout=5
        )
        assert (answer.status_code, answer.json()["code"]) == (400, 20001)


def test_given_a_finished_message_when_updated_then_the_body_is_emptied_but_the_phone_keeps_it(
    client: Client, twin: Twin
) -> None:
    sid = client.messages.create(to=ANN, from_=CLINIC, body="Hello").sid
    twin.deliver_pending()
    assert client.messages(sid).update(body="").body == ""
    assert [text.body for text in twin.texts(ANN)] == ["Hello"]
    assert client.messages(sid).delete() is True
    assert refused_with(lambda: client.messages(sid).fetch()) == (404, 20404)


def test_given_a_scheduled_message_when_cancelled_in_time_then_it_never_goes(
    client: Client, twin: Twin, receiver: Receiver, clock: Clock
) -> None:
    schedule = {"messaging_service_sid": SERVICE, "schedule_type": "fixed", "status_callback": STATUS}
    at = START + timedelta(hours=1)
    cancelled = client.messages.create(to=ANN, body="a", send_at=at, **schedule)
    kept = client.messages.create(to=BEN, body="b", send_at=at, **schedule)
    assert (cancelled.status, kept.status) == ("scheduled", "scheduled")
    assert refused_with(lambda: client.messages(kept.sid).update(body="")) == (409, 20009)
    assert client.messages(cancelled.sid).update(status="canceled").status == "canceled"
    assert twin.next_at() == START  # the callback that says so
    twin.deliver_pending()
    assert twin.next_at() == at
    clock.pass_(hours=1)
    twin.deliver_pending()
    assert receiver.statuses == ["canceled", "sent", "delivered"]
    assert [text.body for text in twin.texts()] == ["b"]
    assert refused_with(lambda: client.messages(kept.sid).update(status="canceled")) == (409, 30409)
    too_soon = START + timedelta(hours=1, minutes=2)
    assert refused_with(lambda: client.messages.create(to=ANN, body="a", send_at=too_soon, **schedule)) == (400, 35114)


def test_given_a_slow_sender_when_validity_runs_out_then_30036_and_the_text_never_arrives(
    client: Client, twin: Twin, receiver: Receiver, clock: Clock
) -> None:
    twin.configure(settings(segments_per_second=0.1))
    client.messages.create(to=ANN, from_=CLINIC, body="first")
    client.messages.create(to=ANN, from_=CLINIC, body="late", validity_period=5, status_callback=STATUS)
    third = client.messages.create(to=ANN, from_=CLINIC, body="third", status_callback=STATUS)
    assert refused_with(lambda: client.messages(third.sid).delete()) == (409, 20009)
    clock.pass_(seconds=10)
    twin.deliver_pending()
    assert [text.body for text in twin.texts()] == ["first", "third"]
    assert [(form["MessageStatus"], form.get("ErrorCode")) for form in receiver.forms] == [
        ("failed", "30036"),
        ("sent", None),
        ("delivered", None),
    ]


def test_given_one_segment_a_second_when_many_are_created_then_each_sender_sends_them_one_after_the_other(
    client: Client, twin: Twin, clock: Clock
) -> None:
    twin.configure(settings(segments_per_second=1))
    for body in ("x" * 306, "second", "third"):  # the first has two segments
        client.messages.create(to=ANN, from_=CLINIC, body=body)
    client.messages.create(to=ANN, from_=PAGER, body="from another sender")
    arrived = []
    for _ in range(4):
        twin.deliver_pending()
        arrived.append([text.body[:6] for text in twin.texts(ANN)])
        clock.pass_(seconds=1)
    assert arrived[0] == ["xxxxxx", "from a"]
    assert arrived[1] == arrived[0]
    assert arrived[2] == [*arrived[1], "second"]
    assert arrived[3] == [*arrived[2], "third"]


def test_given_a_queue_of_over_ten_hours_when_created_then_21611_or_30001_with_a_service_until_it_is_shorter(
    client: Client, twin: Twin, receiver: Receiver, clock: Clock
) -> None:
    twin.configure(settings(segments_per_second=1 / 36_001))
    client.messages.create(to=ANN, from_=CLINIC, body="fills the queue")
    client.messages.create(to=ANN, from_=IN_SERVICE, body="fills the queue")
    assert refused_with(lambda: client.messages.create(to=ANN, from_=CLINIC, body="too many")) == (400, 21611)
    created = client.messages.create(to=ANN, messaging_service_sid=SERVICE, body="too many", status_callback=STATUS)
    twin.deliver_pending()
    assert (created.status, receiver.statuses, receiver.forms[0]["ErrorCode"]) == ("accepted", ["failed"], "30001")
    clock.pass_(seconds=1)
    assert client.messages.create(to=ANN, from_=CLINIC, body="not too many").status == "queued"


# Webhooks


def test_given_the_published_vectors_when_signing_then_the_signatures_agree() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Caller": "+14158675309",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
    }
    assert signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", form) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
    with_port = "https://mycompany.com:443/myapp.php?foo=1&bar=2"
    assert signature("12345", with_port, form) == "kvajT1Ptam85bY51eRf/AJRuM3w="


def test_given_a_patients_text_when_delivered_then_it_is_signed_over_the_public_url_with_blank_fields(
    twin: Twin, receiver: Receiver
) -> None:
    twin.configure(settings(numbers=(Number(number=CLINIC, inbound_url=f"{INBOUND}#rc=2&rp=ct,rt,5xx&rt=6000"),)))
    sent = twin.receive(ANN, CLINIC, "7 – mejor, ¡gracias! 🙂\n ")
    (delivery,) = twin.deliver_pending()
    (request,) = receiver.requests
    assert delivery.ok
    assert str(request.url) == "http://127.0.0.1:9/twilio/inbound"
    form = form_of(request)
    assert RequestValidator("token").validate(INBOUND, form, request.headers["X-Twilio-Signature"])
    assert (form["MessageSid"], form["SmsSid"], form["SmsMessageSid"]) == (sent.sid,) * 3
    assert (form["Body"], form["NumSegments"], form["NumMedia"]) == ("7 – mejor, ¡gracias! 🙂\n ", "1", "0")
    assert (form["FromCity"], form["ToZip"], form["SmsStatus"]) == ("", "", "received")
    assert (form["AccountSid"], form["ApiVersion"]) == (ACCOUNT, "2010-04-01")
    assert "OptOutType" not in form


def test_given_a_photo_when_received_then_media_fields_come_in_pairs(twin: Twin, receiver: Receiver) -> None:
    message = twin.receive(ANN, CLINIC, "", media=(("https://media.example/1", "image/jpeg"),))
    twin.deliver_pending()
    (form,) = receiver.forms
    assert message.sid.startswith("MM")
    assert (form["NumMedia"], form["MediaUrl0"], form["MediaContentType0"]) == (
        "1",
        "https://media.example/1",
        "image/jpeg",
    )


def test_given_a_callback_url_when_the_status_changes_then_each_is_told_signed_and_never_the_first(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    twin.deliver_pending()
    assert receiver.statuses == ["sent", "delivered"]
    for request in receiver.requests:
        assert str(request.url) == "http://127.0.0.1:9/twilio/status?attempt=a-1"
        assert RequestValidator("token").validate(STATUS, form_of(request), request.headers["X-Twilio-Signature"])
    assert receiver.forms[1]["RawDlrDoneDate"] == "2603021500"


@pytest.mark.parametrize(
    ("handset", "told", "arrived"),
    [
        (Handset("undelivered", 30003), [("sent", None), ("undelivered", "30003")], 0),
        (Handset("failed", 30007), [("failed", "30007")], 0),
        (Handset("sent"), [("sent", None)], 1),
    ],
)
def test_given_a_handset_when_texted_then_callbacks_tell_how_it_ended(
    client: Client, twin: Twin, receiver: Receiver, handset: Handset, told: list[tuple[str, str]], arrived: int
) -> None:
    twin.set_handset(ANN, handset)
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    twin.deliver_pending()
    assert [(form["MessageStatus"], form.get("ErrorCode")) for form in receiver.forms] == told
    assert len(twin.texts(ANN)) == arrived


@pytest.mark.parametrize(
    ("fragment", "answers", "tries", "alert"),
    [
        ("", [httpx.ConnectError("refused")], 2, None),
        ("", [httpx.ReadTimeout("slow")], 1, 11200),
        ("", [httpx.Response(503)], 1, 11200),
        ("", [httpx.ConnectError("refused")] * 2, 2, 11205),
        ("#rc=2&rp=ct,rt,5xx", [httpx.ReadTimeout("slow"), httpx.Response(500)], 3, None),
        ("#rc=2&rp=5xx", [httpx.Response(404)], 1, 11200),
        ("#rc=1&rp=all", [httpx.Response(404)], 2, None),
        ("#rc=9", [], 1, 11243),
    ],
)
def test_given_a_failing_webhook_when_delivered_then_it_is_retried_only_as_its_url_says(
    twin: Twin, receiver: Receiver, fragment: str, answers: list[httpx.Response | Exception], tries: int, alert: int
) -> None:
    twin.configure(settings(numbers=(Number(number=CLINIC, inbound_url=INBOUND + fragment),)))
    receiver.answers = list(answers)
    message = twin.receive(ANN, CLINIC, "7")
    (delivery,) = twin.deliver_pending()
    assert (len(delivery.attempts), delivery.alert) == (tries, alert)
    assert {form["MessageSid"] for form in receiver.forms} == {message.sid}
    assert len({request.headers["I-Twilio-Idempotency-Token"] for request in receiver.requests}) == 1


def test_given_a_callback_url_with_overrides_when_it_fails_then_the_status_is_told_again_as_it_says(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    callback = f"{STATUS}#rc=2&rp=ct,rt,5xx"
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=callback)
    receiver.answers = [httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(204)]
    first, second = twin.deliver_pending()
    assert receiver.statuses == ["sent", "sent", "sent", "delivered"]
    assert {str(request.url) for request in receiver.requests} == {"http://127.0.0.1:9/twilio/status?attempt=a-1"}
    assert ([attempt.status for attempt in first.attempts], second.ok) == ([500, None, 204], True)


def test_given_a_service_that_stays_down_when_a_status_is_told_then_it_is_lost_after_the_last_retry(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    receiver.answers = [httpx.ConnectError("refused")] * 4
    assert [delivery.alert for delivery in twin.deliver_pending()] == [11205, 11205]
    assert twin.deliver_pending() == ()
    assert len(receiver.requests) == 4


def test_given_a_total_time_when_it_is_used_up_then_no_retry_is_begun_but_the_fallback_is_called(
    receiver: Receiver,
) -> None:
    seconds = 0.0

    def nine_seconds() -> None:
        nonlocal seconds
        seconds += 9

    receiver.before = nine_seconds
    receiver.answers = [httpx.Response(500)] * 2
    courier = Courier(transport=httpx.MockTransport(receiver), monotonic=lambda: seconds)
    webhook = Webhook(
        token="t",
        kind="inbound",
        sid=f"SM{'4' * 32}",
        url=f"{INBOUND}#rc=5&rp=5xx",
        fallback_url=f"{PUBLIC}/twilio/fallback",
        form={"Body": "7"},
    )
    delivery = courier.deliver(webhook, settings())
    assert [(attempt.fallback, attempt.status) for attempt in delivery.attempts] == [
        (False, 500),
        (False, 500),
        (True, 200),
    ]
    assert receiver.requests[1].extensions["timeout"] == {"connect": 5.0, "read": 6.0, "write": 6.0, "pool": 6.0}


def test_connection_overrides_set_timeouts_within_the_carriers_ranges() -> None:
    assert Policy.of(INBOUND) == Policy(5.0, 15.0, 15.0, 1, frozenset({"ct"}))
    assert Policy.of(f"{INBOUND}#ct=100&rt=6000&tt=9000&rc=2&rp=ct,rt&e=ashburn") == Policy(
        0.1, 6.0, 9.0, 2, frozenset({"ct", "rt"})
    )
    for bad in ("#rt=99", "#rp=sometimes", "#colour=red"):
        with pytest.raises(ValueError, match="connection overrides"):
            Policy.of(INBOUND + bad)


def test_given_a_fallback_url_when_the_primary_fails_then_the_same_text_is_delivered_there(
    twin: Twin, receiver: Receiver
) -> None:
    fallback = f"{PUBLIC}/twilio/fallback"
    twin.configure(settings(numbers=(Number(number=CLINIC, inbound_url=INBOUND, fallback_url=fallback),)))
    receiver.answers = [httpx.ReadTimeout("slow")]
    message = twin.receive(ANN, CLINIC, "7")
    (delivery,) = twin.deliver_pending()
    first, second = receiver.forms
    assert first["MessageSid"] == second["MessageSid"] == message.sid
    assert (second["ErrorCode"], second["ErrorUrl"]) == ("11200", INBOUND)
    assert RequestValidator("token").validate(fallback, second, receiver.requests[1].headers["X-Twilio-Signature"])
    assert [attempt.fallback for attempt in delivery.attempts] == [False, True]


def test_given_both_urls_fail_when_a_text_comes_then_it_is_tried_no_more_and_stays_in_the_list(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    ours = Number(number=CLINIC, inbound_url=f"{INBOUND}#rc=1&rp=5xx", fallback_url=f"{PUBLIC}/twilio/fallback")
    twin.configure(settings(numbers=(ours,)))
    receiver.answers = [httpx.Response(500), httpx.Response(503), httpx.ConnectError("down"), httpx.ConnectError("")]
    twin.receive(ANN, CLINIC, "7")
    (delivery,) = twin.deliver_pending()
    assert [attempt.fallback for attempt in delivery.attempts] == [False, False, True, True]
    assert (delivery.ok, delivery.alert) == (False, 11205)
    assert twin.deliver_pending() == ()
    assert [message.body for message in client.messages.list(to=CLINIC)] == ["7"]


@pytest.mark.parametrize(
    ("answer", "texted", "alert"),
    [
        (httpx.Response(200, text="OK", headers={"Content-Type": "text/plain; charset=utf-8"}), ["OK"], None),
        (httpx.Response(200, text="<Response><Message>Hi</Message></Response>", headers=xml()), ["Hi"], None),
        (
            httpx.Response(200, text="<Response><Message><Body>Hi</Body></Message></Response>", headers=xml()),
            ["Hi"],
            None,
        ),
        (httpx.Response(200, json={"ok": True}), [], 12300),
        (httpx.Response(200, text="<Response>", headers=xml()), [], 12100),
        (httpx.Response(204), [], None),
        (httpx.Response(200), [], None),
    ],
)
def test_given_a_webhook_answer_when_read_then_any_text_in_it_reaches_the_patient(
    twin: Twin, receiver: Receiver, answer: httpx.Response, texted: list[str], alert: int | None
) -> None:
    receiver.answers = [answer]
    twin.receive(ANN, CLINIC, "7")
    (delivery,) = twin.deliver_pending()
    assert delivery.alert == alert
    assert [text.body for text in twin.texts(ANN) if not text.from_patient] == texted


def test_given_a_callback_url_elsewhere_when_due_then_nothing_leaves_the_machine(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    for url in ("https://elsewhere.example/x", f"{PUBLIC}.evil.example/x", "https://127.0.0.1.evil.example/x"):
        client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=url)
    outcomes = {attempt.outcome for delivery in twin.deliver_pending() for attempt in delivery.attempts}
    assert outcomes == {"no route"}
    assert receiver.requests == []


# Keywords


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop\n", "QUIT", "optout"])
def test_given_carrier_keywords_when_a_stop_word_comes_then_it_replies_once_blocks_and_still_tells_us(
    client: Client, twin: Twin, receiver: Receiver, word: str
) -> None:
    twin.receive(ANN, CLINIC, word)
    twin.receive(ANN, CLINIC, word)
    twin.deliver_pending()
    replies = [text.body for text in twin.texts(ANN) if not text.from_patient]
    assert len(replies) == 1
    assert "unsubscribed" in replies[0]
    assert len(receiver.requests) == 2

    def create() -> Any:
        return client.messages.create(to=ANN, from_=CLINIC, body="Hello")

    assert refused_with(create) == (400, 21610)
    assert client.messages.create(to=ANN, from_=PAGER, body="another sender").status == "queued"
    twin.receive(ANN, CLINIC, "start")
    assert create().status == "queued"


def test_given_a_service_when_the_patient_stopped_then_create_is_accepted_and_the_callback_says_21610(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    twin.receive(ANN, IN_SERVICE, "STOP")
    twin.deliver_pending()
    assert receiver.forms[0]["OptOutType"] == "STOP"
    assert receiver.forms[0]["MessagingServiceSid"] == SERVICE
    created = client.messages.create(to=ANN, messaging_service_sid=SERVICE, body="Hello", status_callback=STATUS)
    assert created.status == "accepted"
    twin.deliver_pending()
    told = receiver.forms[-1]
    assert (told["MessageStatus"], told["ErrorCode"]) == ("failed", "21610")
    assert client.messages(created.sid).fetch().error_code == 21610
    assert refused_with(lambda: client.messages.create(to=ANN, from_=IN_SERVICE, body="x")) == (400, 21610)


def test_given_service_keywords_when_stop_comes_then_the_carrier_stays_out_of_it(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    for word in ("STOP", "HELP", "START"):
        twin.receive(ANN, PAGER, word)
    twin.deliver_pending()
    assert [form["Body"] for form in receiver.forms] == ["STOP", "HELP", "START"]
    assert all(text.from_patient for text in twin.texts(ANN))
    assert client.messages.create(to=ANN, from_=PAGER, body="You are opted out.").status == "queued"


def test_given_a_toll_free_number_when_stopped_then_only_start_or_unstop_undo_it(client: Client, twin: Twin) -> None:
    twin.receive(ANN, TOLL_FREE, "STOP")
    twin.receive(ANN, TOLL_FREE, "YES")
    assert refused_with(lambda: client.messages.create(to=ANN, from_=TOLL_FREE, body="x")) == (400, 21610)
    twin.receive(ANN, TOLL_FREE, "UNSTOP")
    assert client.messages.create(to=ANN, from_=TOLL_FREE, body="x").status == "queued"


def test_a_keyword_inside_a_sentence_is_only_a_text(twin: Twin) -> None:
    twin.receive(ANN, CLINIC, "STOP PLEASE")
    twin.deliver_pending()
    assert not twin.is_blocked(CLINIC, ANN)
    assert len(twin.texts(ANN)) == 1


def test_given_help_when_texted_then_the_carrier_answers_it(twin: Twin) -> None:
    twin.receive(ANN, CLINIC, "Info")
    twin.deliver_pending()
    (reply,) = (message for message in twin.newest_first() if message.direction != "inbound")
    assert (reply.direction, reply.status) == ("outbound-reply", "delivered")


# Faults


@pytest.mark.parametrize("kind", ["429", "500", "503", "reset", "empty", "truncated"])
@pytest.mark.parametrize("stored", [True, False])
def test_given_a_broken_answer_when_creating_then_the_client_fails_and_the_message_is_there_or_not(
    client: Client, twin: Twin, kind: AnswerKind, stored: bool
) -> None:
    twin.faults.answer(kind, stored=stored)
    if kind == "empty":
        assert client.messages.create(to=ANN, from_=CLINIC, body="Hello").sid is None
    else:
        with pytest.raises((TwilioRestException, json.JSONDecodeError, requests.ConnectionError)):
            client.messages.create(to=ANN, from_=CLINIC, body="Hello")
    there = stored and kind != "429"  # which is answered before anything is processed
    assert [message.body for message in twin.newest_first()] == (["Hello"] if there else [])
    assert client.messages.create(to=BEN, from_=CLINIC, body="next").status == "queued"


def test_given_a_read_timeout_after_storing_when_creating_then_the_list_still_finds_it(
    server: TwinServer, twin: Twin, receiver: Receiver
) -> None:
    twin.faults.answer("timeout")
    hasty = client_of(server, timeout=0.2)
    with pytest.raises(requests.ReadTimeout):
        hasty.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    twin.deliver_pending()
    assert receiver.statuses == ["sent", "delivered"]
    assert [message.body for message in client_of(server).messages.list(to=ANN)] == ["Hello"]


def test_given_a_slow_answer_when_released_then_it_is_the_true_one_and_the_callbacks_were_first(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    twin.faults.answer("slow")
    with ThreadPoolExecutor(1) as pool:
        call: Future[Any] = pool.submit(
            client.messages.create, to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS
        )
        assert twin.faults.wait_until_held()
        twin.deliver_pending()
        assert receiver.statuses == ["sent", "delivered"]
        assert not call.done()
        twin.faults.release()
        assert call.result(timeout=5).status == "queued"


def test_given_a_carrier_that_is_down_when_called_then_the_connection_is_refused_until_it_is_back(
    client: Client, server: TwinServer, twin: Twin
) -> None:
    with server.refusing(), pytest.raises(requests.ConnectionError, match="refused"):
        client.messages.create(to=ANN, from_=CLINIC, body="Hello")
    assert client.messages.create(to=ANN, from_=CLINIC, body="Hello").status == "queued"
    assert len(twin.newest_first()) == 1


def test_given_a_fault_on_list_when_listing_then_only_that_call_fails(client: Client, twin: Twin) -> None:
    twin.faults.answer("500", operation="list")
    with pytest.raises(Exception, match="Unable to fetch page"):
        client.messages.list()
    assert client.messages.list() == []


def test_given_early_callbacks_when_creating_then_they_come_before_the_answer(
    client: Client, twin: Twin, receiver: Receiver
) -> None:
    twin.faults.callbacks("early")
    created = client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    assert [(form["MessageSid"], form["MessageStatus"]) for form in receiver.forms] == [
        (created.sid, "sent"),
        (created.sid, "delivered"),
    ]


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("dropped", []),
        ("duplicated", ["sent", "sent", "delivered", "delivered"]),
        ("reordered", ["delivered", "sent"]),
    ],
)
def test_given_disturbed_callbacks_when_delivered_then_they_come_as_planned(
    client: Client, twin: Twin, receiver: Receiver, kind: Any, told: list[str]
) -> None:
    twin.faults.callbacks(kind)
    created = client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    twin.deliver_pending()
    assert receiver.statuses == told
    assert client.messages(created.sid).fetch().status == "delivered"


def test_given_late_callbacks_when_hours_pass_then_they_come_and_the_twin_says_when(
    client: Client, twin: Twin, receiver: Receiver, clock: Clock
) -> None:
    twin.faults.callbacks("late", by=timedelta(hours=3))
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    assert twin.deliver_pending() == ()
    assert twin.next_at() == START + timedelta(hours=3)
    assert twin.wait_until_idle(0)
    clock.pass_(hours=3)
    twin.deliver_pending()
    assert receiver.statuses == ["sent", "delivered"]


def test_given_overlapping_duplicates_when_delivered_then_both_are_inside_the_service_at_once(
    twin: Twin, receiver: Receiver
) -> None:
    receiver.before = Barrier(2, timeout=5).wait  # each waits for the other: in turn, they would never get past
    twin.faults.inbound("overlapping")
    message = twin.receive(ANN, CLINIC, "7")
    assert [delivery.ok for delivery in twin.deliver_pending()] == [True, True]
    assert [form["MessageSid"] for form in receiver.forms] == [message.sid] * 2


@pytest.mark.parametrize(
    ("kind", "came"),
    [("dropped", ["second"]), ("duplicated", ["first", "first", "second"]), ("swapped", ["second", "first"])],
)
def test_given_disturbed_texts_when_delivered_then_they_come_as_planned(
    client: Client, twin: Twin, receiver: Receiver, kind: InboundKind, came: list[str]
) -> None:
    twin.faults.inbound(kind)
    for body in ("first", "second"):
        twin.receive(ANN, CLINIC, body)
    twin.deliver_pending()
    assert [form["Body"] for form in receiver.forms] == came
    assert [message.body for message in client.messages.list(to=CLINIC)] == ["second", "first"]


def test_given_a_late_text_when_its_time_comes_then_it_is_delivered_though_the_list_had_it_at_once(
    client: Client, twin: Twin, receiver: Receiver, clock: Clock
) -> None:
    twin.faults.inbound("late", by=timedelta(hours=2))
    twin.receive(ANN, CLINIC, "7")
    assert twin.deliver_pending() == ()
    assert [message.body for message in client.messages.list(to=CLINIC)] == ["7"]
    clock.pass_(hours=2)
    twin.deliver_pending()
    assert [form["Body"] for form in receiver.forms] == ["7"]


# Phones


def test_given_a_conversation_when_a_page_asks_then_it_sees_types_and_hears_of_news(
    client: Client, twin: Twin, server: TwinServer, receiver: Receiver
) -> None:
    heard: list[str] = []
    unsubscribe = twin.subscribe(lambda text: heard.append(text.body))
    client.messages.create(to=ANN, from_=CLINIC, body="How is your mood, 0-10?")
    twin.deliver_pending()
    typed = requests.post(f"{server.base_url}/phones/{ANN}/texts", json={"to": CLINIC, "body": "7"}, timeout=5)
    assert typed.status_code == 201
    twin.deliver_pending()
    assert receiver.forms[0]["Body"] == "7"
    (entry,) = requests.get(f"{server.base_url}/phones", timeout=5).json()
    assert (entry["theirs"], entry["ours"], entry["texts"], entry["opted_out"]) == (ANN, CLINIC, 2, False)
    texts = requests.get(f"{server.base_url}/phones/{ANN}/texts", params={"ours": CLINIC}, timeout=5).json()
    assert [(text["from_patient"], text["body"]) for text in texts] == [(False, "How is your mood, 0-10?"), (True, "7")]
    assert heard == ["How is your mood, 0-10?", "7"]
    unsubscribe()
    twin.receive(ANN, CLINIC, "8")
    assert len(heard) == 2


def test_given_a_bad_text_when_typed_then_the_page_is_told_which_field(server: TwinServer) -> None:
    url = f"{server.base_url}/phones/{ANN}/texts"
    assert "to:" in requests.post(url, json={"to": "+15555550999", "body": "7"}, timeout=5).json()["error"]
    assert requests.post(url, json={"to": CLINIC}, timeout=5).status_code == 400
    assert requests.post(url, data={"to": CLINIC, "body": "7"}, timeout=5).status_code == 415


def test_given_a_live_stream_when_texts_arrive_then_each_is_an_event_and_closing_ends_it(
    twin: Twin, server: TwinServer
) -> None:
    with requests.get(f"{server.base_url}/phones/events", stream=True, timeout=5) as stream:
        twin.receive(ANN, CLINIC, "7")
        lines = stream.iter_lines()
        event = next(line for line in lines if line)
        assert json.loads(event.removeprefix(b"data: "))["body"] == "7"
        twin.close()
        assert list(filter(None, lines)) == []


def test_given_an_asynchronous_listener_when_texts_arrive_then_it_gets_them_until_the_end(twin: Twin) -> None:
    async def listen() -> list[str]:
        live = twin.live()
        twin.receive(ANN, CLINIC, "7")
        twin.receive(BEN, CLINIC, "8")
        twin.close()
        return [text.body async for text in live]

    assert asyncio.run(listen()) == ["7", "8"]


# Memory, determinism and the bounds of the machine


def test_given_a_dump_when_loaded_into_a_new_twin_then_everything_is_still_there(
    client: Client, twin: Twin, clock: Clock, receiver: Receiver, tmp_path: Path
) -> None:
    client.messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
    twin.deliver_pending()
    twin.receive(BEN, CLINIC, "STOP")
    twin.set_handset(ANN, Handset("undelivered", 30003))
    client.messages.create(
        to=ANN,
        messaging_service_sid=SERVICE,
        body="later",
        schedule_type="fixed",
        send_at=START + timedelta(days=1),
        status_callback=STATUS,
    )
    file = tmp_path / "twin.json"
    twin.dump(file)
    assert file.stat().st_mode & 0o777 == 0o600
    receiver.requests.clear()

    again = Twin(settings(), clock=clock, seed="another", transport=httpx.MockTransport(receiver))
    again.load(file)
    assert again.newest_first() == twin.newest_first()
    assert again.texts() == twin.texts()
    assert again.is_blocked(CLINIC, BEN)
    again.deliver_pending()
    assert [form["Body"] for form in receiver.forms] == ["STOP"]  # its webhook had not gone out
    clock.pass_(days=1)
    again.deliver_pending()
    assert receiver.forms[-1]["ErrorCode"] == "30003"
    new = again.receive(ANN, CLINIC, "7").sid
    assert new not in {message.sid for message in twin.newest_first()}


def test_given_a_broken_file_when_loaded_then_the_error_names_it(twin: Twin, tmp_path: Path) -> None:
    file = tmp_path / "twin.json"
    file.write_text('{"version": 99}')
    with pytest.raises(ValueError, match=r"twin\.json"):
        twin.load(file)


def test_given_the_same_seed_and_calls_when_repeated_then_the_sids_are_the_same(clock: Clock) -> None:
    def sids(seed: str) -> list[str]:
        twin = Twin(settings(), clock=clock, seed=seed, transport=httpx.MockTransport(Receiver()))
        return [twin.receive(ANN, CLINIC, body).sid for body in ("1", "2")]

    assert sids("a") == sids("a")
    assert set(sids("a")).isdisjoint(sids("b"))


@pytest.mark.parametrize("host", [str(IPv4Address(0)), "::", "192.0.2.1", "", "localhost"])
def test_the_twin_is_never_served_beyond_loopback(twin: Twin, host: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1 only"):
        TwinServer(twin, host=host)


@pytest.mark.parametrize("url", ["https://sms.clinic.example", "http://192.0.2.1", "http://127.0.0.1.evil.example", ""])
def test_webhooks_are_never_delivered_beyond_loopback(url: str) -> None:
    with pytest.raises(ValueError, match="deliver_base_url"):
        settings(deliver_base_url=url)


def test_given_a_foreign_host_name_when_called_then_it_is_refused(server: TwinServer) -> None:
    answer = requests.get(f"{server.base_url}/phones", headers={"Host": "evil.example"}, timeout=5)
    assert answer.status_code == 400


def test_the_server_listens_on_loopback_alone(server: TwinServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"


def test_settings_and_their_errors_show_no_secrets() -> None:
    assert "secret" not in repr(settings())
    assert "token'" not in repr(settings())
    with pytest.raises(ValueError, match="account_sid"):
        settings(account_sid="AC1")


def test_the_application_can_be_mounted_without_a_server(twin: Twin) -> None:
    async def overview() -> Any:
        transport = httpx.ASGITransport(create_app(twin))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as page:
            return (await page.get("/phones")).json()

    assert asyncio.run(overview()) == []


def test_given_a_worker_when_texts_come_and_go_then_webhooks_reach_a_real_server_without_being_asked(
    clock: Clock,
) -> None:
    received: list[dict[str, str]] = []

    class Endpoint(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append(dict(parse_qsl(body, keep_blank_values=True)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Nothing: its lines are not for the test's output."""

    with HTTPServer(("127.0.0.1", 0), Endpoint) as endpoint:
        serving = Thread(target=endpoint.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        where = replace(settings(), deliver_base_url=f"http://127.0.0.1:{endpoint.server_address[1]}")
        twin = Twin(where, clock=clock)
        with TwinServer(twin) as server:
            client_of(server).messages.create(to=ANN, from_=CLINIC, body="Hello", status_callback=STATUS)
            twin.receive(ANN, CLINIC, "7")
            assert twin.wait_until_idle(10)
        endpoint.shutdown()
        serving.join()
    assert sorted(form["SmsStatus"] for form in received) == ["delivered", "received", "sent"]
    assert all(delivery.ok for delivery in twin.deliveries())
