"""Every call of ours to Twilio, and every answer of the twin, is as Twilio's own description of its API has it."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args
from urllib.parse import urlencode

import pytest
import requests
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict

from followup.adapters.memory import MemoryClock
from followup.adapters.twilio import TwilioCarrier
from followup.domain.delivery import SendOrder
from infra.local.twin import Handset, Number, Settings, Twin, TwinServer
from infra.local.twin.faults import AnswerKind
from infra.local.twin.records import Status
from tests.contract.described import Judge, Request, Response, needs_description, wrong_with_answer, wrong_with_call

pytestmark = needs_description

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
ACCOUNT, KEY, SERVICE = f"AC{'1' * 32}", f"SK{'2' * 32}", f"MG{'3' * 32}"
CLINIC, IN_SERVICE, ANN = "+15555550100", "+15555550101", "+15555550123"
CALLBACKS = "https://sms.clinic.example/prod"
MESSAGES = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
ORDER = SendOrder("p1.2026-03-02T15:00:00.000Z.ask", ANN, CLINIC, None, "How are you, 0 to 10? ¿Qué?", 3600)
VIA_SERVICE = replace(ORDER, sender=IN_SERVICE, messaging_service=SERVICE)
NEVER_BY_ITSELF = ("sending", "accepted")
"""Statuses that a message of the twin has only before anyone can list it."""


class Bench:
    """The adapter in front of a twin, and the judge between them."""

    def __init__(self) -> None:
        self.clock, self.judge = MemoryClock(START), Judge()
        settings = Settings(
            account_sid=ACCOUNT,
            auth_token="token",
            api_key_sid=KEY,
            api_key_secret="secret",
            numbers=(Number(number=CLINIC), Number(number=IN_SERVICE, service_sid=SERVICE)),
            public_base_url=CALLBACKS,
            deliver_base_url="http://127.0.0.1:9",
        )
        self.twin = Twin(settings, clock=self.clock.now)
        self.server = TwinServer(self.twin, workers=0, between=self.judge.between)

    @property
    def carrier(self) -> TwilioCarrier:
        return TwilioCarrier(ACCOUNT, KEY, "secret", self.server.base_url, CALLBACKS, timeouts=(3.0, 0.5))

    @property
    def verdict(self) -> tuple[list[str], list[str]]:
        """What was wrong with calls, and with answers."""
        return self.judge.wrong_calls, self.judge.wrong_answers

    def call(self, method: str, place: str = ".json", **form: str) -> Any:
        """One call as Twilio's console makes it; returns what it answered, if anything."""
        url = f"{self.server.base_url}{MESSAGES}{place}"
        answer = requests.request(method, url, data=form or None, auth=(KEY, "secret"), timeout=5)
        assert answer.status_code < 300
        return answer.json() if answer.content else None


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    with bench.server:
        yield bench


# --- our calls --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "order",
    [
        ORDER,
        VIA_SERVICE,
        replace(ORDER, body="x" * 1600),
        replace(ORDER, body="Línea 1\nline 2 – ¡gracias! 🙂 & = + % #"),
        replace(ORDER, valid_for=1),
        replace(ORDER, valid_for=36_000),
    ],
)
def test_given_any_order_when_it_is_sent_and_looked_for_then_calls_and_answers_are_as_described(
    bench: Bench, order: SendOrder
) -> None:
    sent = bench.carrier.send(order)
    assert bench.carrier.find(order, since=START).sid == sent.sid
    assert (bench.judge.calls, bench.judge.answers) == (2, 2)
    assert bench.verdict == ([], [])


def test_given_many_texts_when_they_are_listed_page_by_page_then_calls_and_answers_are_as_described(
    bench: Bench,
) -> None:
    for number in range(120):
        bench.twin.receive(ANN, CLINIC, f"{number}", media=(("https://api.twilio.com/m", "image/jpeg"),) * (number % 2))
    west = (START - timedelta(hours=1)).astimezone(timezone(timedelta(hours=-7)))
    assert len(list(bench.carrier.received(CLINIC, since=west))) == 120
    assert bench.judge.answers == 3
    bench.carrier.send(ORDER)
    assert bench.carrier.find(replace(ORDER, body="another"), since=START).outcome == "absent"
    assert bench.verdict == ([], [])


@pytest.mark.parametrize("kind", ["429", "500", "503", "reset", "timeout"])
def test_given_a_failure_when_we_ask_again_then_each_call_is_as_described(bench: Bench, kind: AnswerKind) -> None:
    bench.twin.faults.answer(kind)
    bench.twin.faults.answer(kind, operation="list")
    assert bench.carrier.send(ORDER).outcome != "accepted"
    assert bench.carrier.find(ORDER, since=START).outcome == "unsure"
    bench.carrier.send(ORDER)
    bench.carrier.find(ORDER, since=START)
    assert bench.verdict == ([], [])


@pytest.mark.parametrize(
    "wrong",
    [
        replace(ORDER, valid_for=36_001),
        replace(ORDER, valid_for=0),
        replace(ORDER, body="x" * 1601),
        replace(ORDER, to="555-0123"),
        replace(ORDER, sender="the clinic"),
        replace(ORDER, messaging_service="MG1"),
    ],
)
def test_given_an_order_that_twilio_would_not_take_when_it_is_sent_then_the_judge_says_so(
    bench: Bench, wrong: SendOrder
) -> None:
    bench.carrier.send(wrong)
    assert bench.judge.wrong_calls != []


# --- the twin's answers -----------------------------------------------------------------------------------------


def test_given_messages_in_every_status_when_they_are_shown_then_each_answer_is_as_described(bench: Bench) -> None:
    bench.twin.configure(replace(bench.twin.settings, segments_per_second=1.0))
    unhappy = (Handset("undelivered", 30003), Handset("failed", 30007), Handset("failed", 99_999))
    for number, handset in enumerate((Handset("delivered"), Handset("sent"), *unhappy)):
        bench.twin.set_handset(f"+1555555020{number}", handset)
        bench.call("POST", To=f"+1555555020{number}", From=CLINIC, Body="Hello")
    bench.call("POST", To=ANN, From=CLINIC, Body="expires", ValidityPeriod="1")
    bench.call("POST", To=ANN, MessagingServiceSid=SERVICE, Body="photo", MediaUrl="https://clinic.example/a.png")
    later = {"MessagingServiceSid": SERVICE, "ScheduleType": "fixed", "SendAt": "2026-03-02T16:00:00Z"}
    cancelled = bench.call("POST", To=ANN, Body="never", **later)
    bench.call("POST", f"/{cancelled['sid']}.json", Status="canceled")
    bench.call("POST", To=ANN, Body="later", **later)
    bench.twin.receive(ANN, CLINIC, "STOP")
    bench.clock.forward(timedelta(seconds=30))
    bench.twin.newest_first()
    bench.call("POST", To="+15555550299", From=CLINIC, Body="waits one second")
    bench.call("POST", To="+15555550299", From=CLINIC, Body="waits for the first")

    listed = bench.call("GET", ".json?PageSize=1000")["messages"]
    assert {message["status"] for message in listed} == {*get_args(Status)} - {*NEVER_BY_ITSELF}
    assert {message["error_code"] for message in listed} == {None, 30003, 30007, 30036, 99_999}
    for message in listed:
        bench.call("GET", f"/{message['sid']}.json")
    assert bench.judge.wrong_answers == []


def test_given_lists_pages_changes_and_deletions_when_answered_then_each_answer_is_as_described(bench: Bench) -> None:
    assert bench.call("GET")["messages"] == []
    sids = [bench.call("POST", To=ANN, From=CLINIC, Body=f"{number}")["sid"] for number in range(3)]
    page = bench.call("GET", ".json?PageSize=1")
    while page["next_page_uri"]:
        page = bench.call("GET", page["next_page_uri"].removeprefix(MESSAGES))
    bench.call("GET", page["previous_page_uri"].removeprefix(MESSAGES))
    assert bench.call("POST", f"/{sids[0]}.json", Body="")["body"] == ""
    assert bench.call("DELETE", f"/{sids[0]}.json") is None
    assert bench.judge.answers == 10
    assert bench.judge.wrong_answers == []


@pytest.mark.parametrize("kind", ["empty", "truncated"])
def test_given_an_answer_that_the_twin_breaks_on_purpose_then_the_judge_says_so(bench: Bench, kind: AnswerKind) -> None:
    bench.twin.faults.answer(kind)
    bench.carrier.send(ORDER)
    bench.twin.faults.answer(kind, operation="list")
    bench.carrier.find(ORDER, since=START)
    assert len(bench.judge.wrong_answers) == 2


# --- the judge --------------------------------------------------------------------------------------------------

GOOD_FORM = {"To": ANN, "From": CLINIC, "Body": "Hello", "StatusCallback": CALLBACKS, "ValidityPeriod": "60"}
SIGNED_IN = Headers({"Authorization": "Basic a2V5OnNlY3JldA=="})


def a_create(**changes: str | None) -> Request:
    form = {name: value for name, value in (GOOD_FORM | changes).items() if value is not None}
    kind = "application/x-www-form-urlencoded"
    return Request("post", f"{MESSAGES}.json", RequestParameters(header=SIGNED_IN), kind, urlencode(form).encode())


def a_list(**query: str) -> Request:
    given = RequestParameters(query=ImmutableMultiDict(query), header=SIGNED_IN)
    return Request("get", f"{MESSAGES}.json", given, "", None)


def test_given_a_right_call_when_it_is_judged_then_nothing_is_wrong_with_it() -> None:
    assert wrong_with_call(a_create()) == []
    assert wrong_with_call(a_list(**{"To": ANN, "DateSent>": "2026-03-02T15:00:00Z", "PageSize": "50"})) == []


@pytest.mark.parametrize(
    "call",
    [
        a_create(Colour="red"),
        a_create(To=None),
        a_create(Body=None),
        a_create(From="clinic"),
        a_create(ValidityPeriod="soon"),
        a_create(StatusCallback="/twilio/status"),
        a_create(StatusCallback="https://my_host.example/twilio/status"),
        a_list(Colour="red"),
        a_list(PageSize="1001"),
        a_list(**{"DateSent>": "yesterday"}),
        replace(a_list(), path="/2010-04-01/Accounts/AC1/Messages.json"),
        replace(a_list(), path=f"{MESSAGES}/list.txt"),
        replace(a_list(), method="put"),
        replace(a_create(), content_type="application/json"),
        replace(a_list(), parameters=RequestParameters()),
    ],
)
def test_given_a_wrong_call_when_it_is_judged_then_the_judge_says_so(call: Request) -> None:
    assert wrong_with_call(call) != []


def shown(bench: Bench, **changes: Any) -> Response:
    """The twin's answer to a create call, with fields changed, or taken out if the change is `...`."""
    message = bench.call("POST", To=ANN, From=CLINIC, Body="Hello") | changes
    told = {name: value for name, value in message.items() if value is not ...}
    return Response(201, "application/json", json.dumps(told).encode())


def test_given_the_twins_own_answer_when_it_is_judged_then_nothing_is_wrong_with_it(bench: Bench) -> None:
    assert wrong_with_answer(a_create(), shown(bench)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"num_segments": 1},
        {"num_media": 0},
        {"sid": "SM1"},
        {"status": "on its way"},
        {"direction": "outbound"},
        {"date_created": "2026-03-02T15:00:00Z"},
        {"date_created": "Mon, 02 Mar 2026 10:00:00 -0500"},
        {"error_code": "30003"},
        {"account_sid": "AC1"},
        {"messaging_service_sid": "SM1"},
        {"subresource_uris": {"media": "https://api.twilio.com/media"}},
        {"colour": "red"},
        {"num_segments": ...},
        {"date_sent": ...},
    ],
)
def test_given_an_answer_with_one_thing_wrong_when_it_is_judged_then_the_judge_says_so(
    bench: Bench, changes: dict[str, Any]
) -> None:
    assert wrong_with_answer(a_create(), shown(bench, **changes)) != []


def test_given_an_answer_with_another_status_or_type_when_it_is_judged_then_the_judge_says_so(bench: Bench) -> None:
    right = shown(bench)
    assert wrong_with_answer(a_create(), replace(right, status_code=200)) != []
    assert wrong_with_answer(a_create(), replace(right, content_type="text/html")) != []
