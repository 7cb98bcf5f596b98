"""What every carrier promises; the real adapter is held to it through Twilio's client, against the local twin."""

import logging
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal, Protocol

import pytest

from followup.adapters.closed_carrier import ClosedCarrier
from followup.adapters.memory import MemoryCarrier, MemoryClock
from followup.adapters.twilio import TwilioCarrier
from followup.domain.delivery import Carried, Found, SendOrder
from followup.domain.errors import CarrierClosed, CarrierUnavailable
from followup.ports import Carrier
from infra.local.twin import Number, Settings, Twin, TwinServer
from infra.local.twin.faults import AnswerKind
from tests.contract.described import Judge
from tests.contract.scripted import Scripted, scripted

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ACCOUNT, KEY, SERVICE = f"AC{'1' * 32}", f"SK{'2' * 32}", f"MG{'3' * 32}"
CLINIC, OTHER_CLINIC, IN_SERVICE = "+15555550100", "+15555550102", "+15555550101"
ANN, BEN = "+15555550123", "+15555550124"
CALLBACKS = "https://sms.clinic.example/prod"
ORDER = SendOrder("p1.2026-03-02T15:00:00.000Z.ask", ANN, CLINIC, None, "How are you, 0 to 10? ¿Qué?", 3600)
VIA_SERVICE = replace(ORDER, sender=IN_SERVICE, messaging_service=SERVICE)

Failure = Literal["no_connection", "busy", "lost", "lost_after_storing"]


class Bench(Protocol):
    """A carrier, and what a test does to it from the other side."""

    clock: MemoryClock

    @property
    def carrier(self) -> Carrier: ...

    def failing(self, failure: Failure) -> AbstractContextManager[None]: ...

    def opt_out(self, phone: str) -> None: ...

    def text_in(self, phone: str, body: str, *, to: str = CLINIC, media: int = 0) -> None: ...

    def unreadable(self) -> AbstractContextManager[None]: ...

    def taken(self) -> int: ...


class MemoryBench:
    def __init__(self) -> None:
        self.clock = MemoryClock(START)
        self._memory = MemoryCarrier(self.clock)

    @property
    def carrier(self) -> Carrier:
        return self._memory

    def failing(self, failure: Failure) -> AbstractContextManager[None]:
        self._memory.faults.append(failure)
        return nullcontext()

    def opt_out(self, phone: str) -> None:
        self._memory.blocked.add(phone)

    def text_in(self, phone: str, body: str, *, to: str = CLINIC, media: int = 0) -> None:
        self._memory.receive(to, phone, body, media=media)

    @contextmanager
    def unreadable(self) -> Iterator[None]:
        self._memory.unreadable = True
        yield
        self._memory.unreadable = False

    def taken(self) -> int:
        return len(self._memory.sent)


class TwinBench:
    def __init__(self) -> None:
        self.clock = MemoryClock(START)
        settings = Settings(
            account_sid=ACCOUNT,
            auth_token="token",
            api_key_sid=KEY,
            api_key_secret="secret",
            numbers=(
                Number(number=CLINIC),
                Number(number=OTHER_CLINIC),
                Number(number=IN_SERVICE, service_sid=SERVICE),
            ),
            public_base_url=CALLBACKS,
            deliver_base_url="http://127.0.0.1:9",
        )
        self.twin = Twin(settings, clock=self.clock.now)
        self.judge = Judge()
        self.server = TwinServer(self.twin, workers=0, between=self.judge.between)

    @property
    def carrier(self) -> Carrier:
        return a_carrier(self.server.base_url)

    @contextmanager
    def failing(self, failure: Failure) -> Iterator[None]:
        if failure == "no_connection":
            with self.server.refusing():
                yield
            return
        kind: AnswerKind = "429" if failure == "busy" else "500"
        self.twin.faults.answer(kind, stored=failure == "lost_after_storing")
        yield

    def opt_out(self, phone: str) -> None:
        self.twin.receive(phone, CLINIC, "STOP")

    def text_in(self, phone: str, body: str, *, to: str = CLINIC, media: int = 0) -> None:
        self.twin.receive(phone, to, body, media=(("https://api.twilio.com/m", "image/jpeg"),) * media)

    @contextmanager
    def unreadable(self) -> Iterator[None]:
        self.twin.faults.answer("503", operation="list")
        yield

    def taken(self) -> int:
        return sum(message.direction == "outbound-api" for message in self.twin.newest_first())


def a_carrier(base_url: str, *, read_timeout: float = 10.0) -> TwilioCarrier:
    return TwilioCarrier(ACCOUNT, KEY, "secret", base_url, CALLBACKS, timeouts=(3.0, read_timeout))


@pytest.fixture
def twin_bench() -> Iterator[TwinBench]:
    bench = TwinBench()
    with bench.server:
        yield bench
    assert bench.judge.wrong_calls == []


@pytest.fixture(params=["memory", "twilio"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return MemoryBench() if request.param == "memory" else request.getfixturevalue("twin_bench")


@pytest.fixture
def script() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


# --- sending ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("order", "status"), [(ORDER, "queued"), (VIA_SERVICE, "accepted")])
def test_given_a_text_when_it_is_sent_then_the_carrier_has_it(bench: Bench, order: SendOrder, status: str) -> None:
    sent = bench.carrier.send(order)
    assert (sent.outcome, sent.status, sent.code) == ("accepted", status, None)
    assert (sent.sid or "").startswith("SM")
    assert bench.taken() == 1


def test_given_two_texts_when_they_are_sent_then_each_has_its_own_sid(bench: Bench) -> None:
    assert bench.carrier.send(ORDER).sid != bench.carrier.send(ORDER).sid


def test_given_a_number_that_opted_out_when_a_text_is_sent_then_it_is_refused_with_the_code(bench: Bench) -> None:
    bench.opt_out(ANN)
    assert bench.carrier.send(ORDER) == Carried("refused", code=21610)
    assert bench.carrier.send(replace(ORDER, to=BEN)).outcome == "accepted"


@pytest.mark.parametrize("failure", ["no_connection", "busy"])
def test_given_a_call_that_surely_did_nothing_then_the_text_is_not_sent_and_may_be_repeated(
    bench: Bench, failure: Failure
) -> None:
    carrier = bench.carrier
    with bench.failing(failure):
        assert carrier.send(ORDER).outcome == "not_sent"
    assert bench.taken() == 0
    assert carrier.send(ORDER).outcome == "accepted"


def test_given_an_answer_that_is_lost_after_the_text_was_taken_then_it_is_unknown_and_can_be_found(
    bench: Bench,
) -> None:
    with bench.failing("lost_after_storing"):
        assert bench.carrier.send(ORDER).outcome == "unknown"
    bench.clock.forward(MINUTE)
    found = bench.carrier.find(ORDER, since=START)
    assert found.outcome == "found"
    assert (found.sid or "").startswith("SM")
    assert bench.taken() == 1


def test_given_a_call_that_is_lost_before_the_text_was_taken_then_it_is_unknown_and_found_absent(bench: Bench) -> None:
    with bench.failing("lost"):
        assert bench.carrier.send(ORDER).outcome == "unknown"
    assert bench.carrier.find(ORDER, since=START) == Found("absent")


# --- finding out ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [ORDER, VIA_SERVICE])
def test_given_a_text_that_was_sent_when_it_is_looked_for_then_its_sid_is_found(bench: Bench, order: SendOrder) -> None:
    sent = bench.carrier.send(order)
    assert bench.carrier.find(order, since=START).sid == sent.sid


@pytest.mark.parametrize(
    "other", [replace(ORDER, to=BEN), replace(ORDER, body="9"), replace(ORDER, sender=OTHER_CLINIC)]
)
def test_given_another_text_when_this_one_is_looked_for_then_it_is_absent(bench: Bench, other: SendOrder) -> None:
    assert bench.carrier.send(other).outcome == "accepted"
    assert bench.carrier.find(ORDER, since=START) == Found("absent")


def test_given_the_same_text_some_time_before_when_the_later_one_is_looked_for_then_it_is_absent(bench: Bench) -> None:
    bench.carrier.send(ORDER)
    bench.clock.forward(10 * MINUTE)
    assert bench.carrier.find(ORDER, since=bench.clock.now()) == Found("absent")


def test_given_clocks_a_little_apart_when_a_text_is_looked_for_then_it_is_found(bench: Bench) -> None:
    bench.carrier.send(ORDER)
    assert bench.carrier.find(ORDER, since=START + timedelta(seconds=20)).outcome == "found"


def test_given_a_text_in_when_one_like_it_out_is_looked_for_then_it_is_absent(bench: Bench) -> None:
    bench.text_in(ANN, ORDER.body)
    assert bench.carrier.find(ORDER, since=START) == Found("absent")


def test_given_lists_that_cannot_be_read_when_a_text_is_looked_for_then_nothing_is_sure(bench: Bench) -> None:
    bench.carrier.send(ORDER)
    with bench.unreadable():
        assert bench.carrier.find(ORDER, since=START) == Found("unsure")


# --- texts that came in -----------------------------------------------------------------------------------------


def test_given_texts_to_two_senders_when_those_to_one_are_listed_then_they_are_whole(bench: Bench) -> None:
    bench.text_in(ANN, "7\nthanks ¿sí? 🙂", media=2)
    bench.text_in(BEN, "", to=OTHER_CLINIC)
    [text] = bench.carrier.received(CLINIC, since=START)
    assert (text.sender, text.phone, text.body, text.received, text.media) == (
        CLINIC,
        ANN,
        "7\nthanks ¿sí? 🙂",
        START,
        2,
    )
    assert len(text.sid) == 34


def test_given_texts_of_an_hour_when_they_are_listed_since_a_moment_then_none_after_it_is_missing(bench: Bench) -> None:
    for number in range(4):
        bench.text_in(ANN, str(number))
        bench.clock.forward(15 * MINUTE)
    since = (START + 30 * MINUTE).astimezone(timezone(timedelta(hours=-7)))
    assert {text.body for text in bench.carrier.received(CLINIC, since=since)} == {"2", "3"}


def test_given_more_texts_than_a_page_holds_when_they_are_listed_then_all_come(bench: Bench) -> None:
    for number in range(120):
        bench.text_in(ANN, str(number))
    bench.carrier.send(ORDER)
    assert {text.body for text in bench.carrier.received(CLINIC, since=START)} == {str(n) for n in range(120)}


def test_given_lists_that_cannot_be_read_when_texts_are_listed_then_the_carrier_is_unavailable(bench: Bench) -> None:
    bench.text_in(ANN, "7")
    with bench.unreadable(), pytest.raises(CarrierUnavailable):
        list(bench.carrier.received(CLINIC, since=START))


# --- Twilio alone -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["500", "503", "reset", "timeout", "empty", "truncated"])
@pytest.mark.parametrize("stored", [True, False])
def test_given_an_answer_that_says_nothing_then_the_outcome_is_unknown(
    twin_bench: TwinBench, kind: AnswerKind, stored: bool
) -> None:
    twin_bench.twin.faults.answer(kind, stored=stored)
    carrier = a_carrier(twin_bench.server.base_url, read_timeout=0.2)
    assert carrier.send(ORDER).outcome == "unknown"
    assert twin_bench.taken() == stored


@pytest.mark.parametrize("kind", ["429", "500", "reset", "timeout", "empty", "truncated"])
def test_given_a_list_that_breaks_then_nothing_is_taken_from_it(twin_bench: TwinBench, kind: AnswerKind) -> None:
    carrier = a_carrier(twin_bench.server.base_url, read_timeout=0.2)
    carrier.send(ORDER)
    twin_bench.twin.faults.answer(kind, operation="list", times=2)
    assert carrier.find(ORDER, since=START) == Found("unsure")
    with pytest.raises(CarrierUnavailable):
        list(carrier.received(CLINIC, since=START))


def test_given_a_list_that_breaks_on_its_second_page_then_the_carrier_is_unavailable(twin_bench: TwinBench) -> None:
    for number in range(60):
        twin_bench.text_in(ANN, str(number))
    texts = twin_bench.carrier.received(CLINIC, since=START)
    first = next(texts)
    twin_bench.twin.faults.answer("500", operation="list")
    with pytest.raises(CarrierUnavailable) as caught:
        list(texts)
    assert first.phone == ANN
    assert caught.value.__context__ is None


def test_given_more_texts_to_a_number_than_are_looked_through_then_nothing_is_sure(twin_bench: TwinBench) -> None:
    for _ in range(201):
        twin_bench.twin.create({"To": (ANN,), "From": (CLINIC,), "Body": ("another",)})
    assert twin_bench.carrier.find(ORDER, since=START) == Found("unsure")
    twin_bench.clock.forward(10 * MINUTE)
    assert twin_bench.carrier.find(ORDER, since=twin_bench.clock.now()) == Found("absent")


TAKEN = b'{"sid": "SM%s", "status": "queued", "error_code": null}' % (b"a" * 32)
REFUSED = b'{"code": 21614, "message": "+15555550123 is no mobile number", "more_info": "", "status": 400}'
PROBLEM = b'{"type": "https://t.example/21614", "title": "Not a mobile number", "status": 400, "code": 21614}'
OVERLOADED = b'{"code": 20429, "message": "Too Many Requests", "more_info": "", "status": 429}'
JSON, HTML = "application/json", "text/html"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((201, JSON, TAKEN), Carried("accepted", f"SM{'a' * 32}", "queued")),
        ((400, JSON, REFUSED), Carried("refused", code=21614)),
        ((400, JSON, PROBLEM), Carried("refused", code=21614)),
        ((429, JSON, OVERLOADED), Carried("not_sent", code=20429)),
        ((429, HTML, b"slow down"), Carried("not_sent")),
        ((403, HTML, b"<h1>Forbidden</h1>"), Carried("unknown")),
        ((404, JSON, b'{"message": "who knows"}'), Carried("unknown")),
        ((400, JSON, b'["a list"]'), Carried("unknown")),
        ((500, JSON, REFUSED), Carried("unknown", code=21614)),
        ((502, HTML, b""), Carried("unknown")),
        ((307, HTML, b""), Carried("unknown")),
        ((200, HTML, b"<h1>Welcome</h1>"), Carried("unknown")),
        ((201, JSON, b""), Carried("unknown")),
        ((201, JSON, b"{}"), Carried("unknown")),
        ((201, JSON, b"[]"), Carried("unknown")),
        ((201, JSON, b"7"), Carried("unknown")),
        ((201, JSON, b'{"sid": "SM1"}'), Carried("unknown")),
        ((201, JSON, b'{"sid": 7}'), Carried("unknown")),
        ((201, JSON, TAKEN[:40]), Carried("unknown")),
    ],
)
def test_given_an_answer_of_any_shape_when_a_text_is_sent_then_it_is_judged_and_called_once(
    script: Scripted, answer: tuple[int, str, bytes], expected: Carried
) -> None:
    script.answers.append(answer)
    assert a_carrier(script.base_url).send(ORDER) == expected
    assert len(script.asked) == 1


def test_given_a_text_when_it_is_sent_then_the_call_carries_what_twilio_wants_and_no_auth_token(
    script: Scripted,
) -> None:
    script.answers.append((201, JSON, TAKEN))
    a_carrier(script.base_url).send(VIA_SERVICE)
    [asked] = script.asked
    assert (asked.method, asked.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    assert asked.authorization == f"Basic {b64encode(f'{KEY}:secret'.encode()).decode()}"
    assert asked.form == {
        "To": ANN,
        "From": IN_SERVICE,
        "MessagingServiceSid": SERVICE,
        "Body": ORDER.body,
        "StatusCallback": f"{CALLBACKS}/twilio/status?text=p1.2026-03-02T15:00:00.000Z.ask#rc=2&rp=ct,rt,5xx",
        "ValidityPeriod": "3600",
    }


@pytest.mark.parametrize(
    "listed",
    [
        b"[]",
        b"{}",
        b'{"messages": 7}',
        b'{"messages": [7]}',
        b'{"messages": [{"direction": "inbound"}]}',
        b'{"messages": [], "meta": {"next_page_url": "https://elsewhere.example/2010-04-01/more"}}',
        b"<h1>",
    ],
)
def test_given_a_list_of_any_shape_when_it_is_read_then_it_is_not_taken_for_an_empty_one(
    script: Scripted, listed: bytes
) -> None:
    script.answers += [(200, JSON, listed)] * 2
    assert a_carrier(script.base_url).find(ORDER, since=START) == Found("unsure")
    with pytest.raises(CarrierUnavailable):
        list(a_carrier(script.base_url).received(CLINIC, since=START))


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.twilio.com",
        "http://api.twilio.com@127.0.0.2:8080",
        "http://127.0.0.1@api.twilio.com",
        "http://127.0.0.1.twilio.example",
        "http://0.0.0.0:8080",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:8080",
        "http://127.0.0.1:port",
        "http://[::1",
        "",
    ],
)
def test_given_any_address_but_loopback_when_a_carrier_is_made_then_it_is_refused(base_url: str) -> None:
    with pytest.raises(CarrierClosed, match=r"127\.0\.0\.1"):
        a_carrier(base_url)


def test_given_an_address_with_a_name_before_it_when_a_text_is_sent_then_it_goes_to_loopback(script: Scripted) -> None:
    script.answers.append((201, JSON, TAKEN))
    carrier = a_carrier(rf"http://api.twilio.com\@127.0.0.1:{script.port}")
    assert carrier.send(ORDER).outcome == "accepted"


def test_given_settings_for_proxies_and_regions_around_it_when_a_text_is_sent_then_they_change_nothing(
    script: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("TWILIO_REGION", "au1")
    monkeypatch.setenv("TWILIO_EDGE", "sydney")
    script.answers.append((201, JSON, TAKEN))
    assert a_carrier(script.base_url).send(ORDER).outcome == "accepted"


def test_given_any_call_when_it_is_made_then_no_number_and_no_text_is_logged(
    script: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script.answers += [(400, JSON, REFUSED), (200, JSON, b"{}")]
    a_carrier(script.base_url).send(ORDER)
    a_carrier(script.base_url).find(ORDER, since=START)
    assert "5550123" not in caplog.text
    assert ORDER.body not in caplog.text


def test_given_an_order_when_no_carrier_is_configured_then_it_is_not_sent_and_nothing_is_known() -> None:
    carrier = ClosedCarrier()
    assert carrier.send(ORDER) == Carried("not_sent")
    assert carrier.find(ORDER, since=START) == Found("unsure")
    with pytest.raises(CarrierUnavailable):
        list(carrier.received(CLINIC, since=START))
