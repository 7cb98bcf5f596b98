"""The carrier's webhooks: what proves where a request comes from, what is refused, and what is answered."""

import base64
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from followup import webhook, wiring
from followup.domain.errors import Refused
from followup.handlers import receive_text, record_delivery
from infra.demo.events import Context, webhook_event
from infra.demo.machine import ACCOUNT, PUBLIC_URL, TOKEN, Machine
from tests.scenario.lakeside import (
    MONDAY,
    SENDER,
    chart,
    enrol,
    open_clinic,
    outgoing,
    phone_of,
    session,
    texts,
    visit,
)

SID = "SM" + "a" * 32
PHONE = "+12125550101"
ROUTE = receive_text.ROUTE

FIELDS = {
    "ToCountry": "US",
    "ToState": "",
    "SmsMessageSid": SID,
    "NumMedia": "0",
    "ToCity": "",
    "FromZip": "",
    "SmsSid": SID,
    "FromState": "",
    "SmsStatus": "received",
    "FromCity": "",
    "Body": "hello there ",
    "FromCountry": "US",
    "To": SENDER,
    "ToZip": "",
    "NumSegments": "1",
    "MessageSid": SID,
    "AccountSid": ACCOUNT,
    "From": PHONE,
    "ApiVersion": "2010-04-01",
}
"""As the carrier sends them: in no order, geography blank but present."""


@pytest.fixture
def machine() -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=False)
        enrol(running)
        yield running


def event(
    fields: Mapping[str, str] | None = None,
    *,
    body: str | bytes | None = None,
    route: str = ROUTE,
    query: str = "",
    token: str = TOKEN,
    method: str = "POST",
    content_type: str | None = "application/x-www-form-urlencoded",
    signature: str | None = None,
    encoded: bool = True,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A request that is right but for what is said. `body` overrides the fields that were signed."""
    fields = FIELDS if fields is None else fields
    url = f"{PUBLIC_URL}{route}" + (f"?{query}" if query else "")
    signed = RequestValidator(token).compute_signature(url, dict(fields)) if signature is None else signature
    raw = urlencode(fields) if body is None else body
    data = raw.encode() if isinstance(raw, str) else raw
    held = {"X-Twilio-Signature": signed, "Host": "texts.example", **(headers or {})}
    if content_type is not None:
        held["Content-Type"] = content_type
    if not signed:
        del held["X-Twilio-Signature"]
    return {
        "version": "2.0",
        "rawPath": route,
        "rawQueryString": query,
        "headers": held,
        "requestContext": {"http": {"method": method, "path": route}},
        "body": base64.b64encode(data).decode() if encoded else data.decode(),
        "isBase64Encoded": encoded,
    }


def post(request: dict[str, Any]) -> dict[str, Any]:
    handler = record_delivery if request["rawPath"] == record_delivery.ROUTE else receive_text
    answer: dict[str, Any] = handler.lambda_handler(request, Context())
    assert answer["headers"] == {"content-type": "text/xml"}
    assert answer["body"] == '<?xml version="1.0" encoding="UTF-8"?><Response/>'
    return answer


def stored(machine: Machine) -> list[str]:
    return [record.body for record in machine.records if type(record).__name__ == "Incoming"]  # type: ignore[union-attr]


# --- signatures ---------------------------------------------------------------------------------------------------

PUBLIC = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
"""The example of Twilio's own documentation and helper libraries, token 12345."""


def public_request(signature: str, *, fields: Mapping[str, str] = PUBLIC, query: str = "foo=1&bar=2") -> dict[str, Any]:
    return {
        **event(fields, signature=signature, route="/myapp.php"),
        "rawQueryString": query,
    }


@pytest.mark.parametrize("signature", ["RSOYDt4T1cUTdK1PDd93/VVr8B8=", "kvajT1Ptam85bY51eRf/AJRuM3w="])
@pytest.mark.parametrize("account", ["", "CA1234567890ABCDE"])
def test_given_the_public_vectors_when_they_are_verified_then_only_the_missing_account_is_wrong(
    signature: str, account: str
) -> None:
    with pytest.raises(Refused, match="account is not ours"):
        webhook.verified(
            public_request(signature),
            public_url="https://mycompany.com",
            route="/myapp.php",
            account=account,
            tokens=("12345",),
        )


@pytest.mark.parametrize(
    ("changed", "query", "token"),
    [
        ({**PUBLIC, "Digits": "1235"}, "foo=1&bar=2", "12345"),
        ({**PUBLIC, "Extra": ""}, "foo=1&bar=3", "12345"),
        (PUBLIC, "bar=2&foo=1", "12345"),
        (PUBLIC, "foo=1&bar=2", "12346"),
        ({k: v for k, v in PUBLIC.items() if k != "Caller"}, "foo=1&bar=2", "12345"),
    ],
)
def test_given_a_public_vector_when_anything_is_changed_then_the_signature_does_not_fit(
    changed: Mapping[str, str], query: str, token: str
) -> None:
    with pytest.raises(Refused, match="signature does not fit"):
        webhook.verified(
            public_request("RSOYDt4T1cUTdK1PDd93/VVr8B8=", fields=changed, query=query),
            public_url="https://mycompany.com",
            route="/myapp.php",
            account=ACCOUNT,
            tokens=(token,),
        )


def test_given_a_request_as_the_carrier_sends_it_when_it_comes_then_it_is_stored_and_answered_with_empty_twiml(
    machine: Machine,
) -> None:
    assert post(event())["statusCode"] == 200
    assert stored(machine) == ["hello there "]


@pytest.mark.parametrize(
    "change",
    [
        {"signature": ""},
        {"signature": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"signature": "not base64 at all é✓"},
        {"token": "another"},
        {"method": "GET"},
        {"method": "PUT"},
        {"content_type": None},
        {"content_type": "application/json"},
        {"content_type": "multipart/form-data; boundary=x"},
        {"content_type": "application/json", "body": '{"From": "+12125550101"}', "fields": {}},
        {"body": '{"From": "+12125550101"}', "fields": {}},
        {"body": ""},
        {"body": b"\xff\xfe", "fields": {}},
    ],
)
def test_given_something_is_not_the_carriers_when_a_request_comes_then_it_is_refused_and_nothing_is_stored(
    machine: Machine, change: dict[str, Any]
) -> None:
    assert post(event(change.pop("fields", None), **change))["statusCode"] == 403
    assert stored(machine) == []


@pytest.mark.parametrize(
    "fields",
    [
        {**FIELDS, "AccountSid": "AC" + "1" * 32},
        {k: v for k, v in FIELDS.items() if k != "AccountSid"},
        {k: v for k, v in FIELDS.items() if k != "MessageSid"},
        {k: v for k, v in FIELDS.items() if k != "From"},
        {k: v for k, v in FIELDS.items() if k != "Body"},
        {**FIELDS, "MessageSid": "SM123"},
        {**FIELDS, "MessageSid": "SM" + "A" * 32},
        {**FIELDS, "From": "rcs:lakeside_agent"},
        {**FIELDS, "From": f"rcs:{PHONE}"},
        {**FIELDS, "From": f"whatsapp:{PHONE}"},
        {**FIELDS, "From": "+0123"},
        {**FIELDS, "From": f"{PHONE}\n"},
        {**FIELDS, "To": f"rcs:{SENDER}"},
        {**FIELDS, "To": ""},
        {**FIELDS, **{f"X{n}": "" for n in range(300)}},
    ],
)
def test_given_a_good_signature_when_a_field_is_not_in_form_then_it_is_refused_all_the_same(
    machine: Machine, fields: Mapping[str, str]
) -> None:
    assert post(event(fields))["statusCode"] == 403
    assert stored(machine) == []


def test_given_blank_fields_when_they_are_dropped_or_added_then_only_an_added_name_changes_the_signature(
    machine: Machine,
) -> None:
    without = {name: value for name, value in FIELDS.items() if value}
    genuine = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{ROUTE}", FIELDS)

    assert post(event(without, signature=genuine))["statusCode"] == 403
    assert post(event(signature=genuine))["statusCode"] == 200


def test_given_fields_without_separators_when_they_are_split_elsewhere_then_the_request_is_refused(
    machine: Machine,
) -> None:
    """One string is signed: name and value follow each other with nothing between."""
    genuine = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{ROUTE}", FIELDS)
    joined = {**FIELDS, "Body": f"hello there From{PHONE}"}
    del joined["From"]
    cut = {**FIELDS, "Body": "hello", " there ": ""}
    moved = {**FIELDS, "AccountSid": f"{ACCOUNT}ApiVersion2010-04-01"}
    del moved["ApiVersion"]

    for fields in (joined, moved):
        assert post(event(fields, signature=genuine))["statusCode"] == 403
    assert post(event(cut, signature=genuine))["statusCode"] == 403
    assert stored(machine) == []


def test_given_one_value_split_into_two_of_its_name_when_the_signature_still_fits_then_it_is_refused(
    machine: Machine,
) -> None:
    fields = {**FIELDS, "Body": "I want to dieBodyok"}
    genuine = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{ROUTE}", fields)
    rest = {name: value for name, value in fields.items() if name != "Body"}
    split = f"{urlencode(rest)}&Body={quote_plus('I want to die')}&Body=ok"

    assert post(event(fields, body=split, signature=genuine))["statusCode"] == 403
    assert stored(machine) == []


def test_given_new_fields_of_the_carrier_when_they_are_signed_then_they_are_left_aside(machine: Machine) -> None:
    fields = {**FIELDS, "AddOns": '{"status": "ok"}', "ChannelMetadata": "", "X": "1"}

    assert post(event(fields))["statusCode"] == 200
    assert stored(machine) == ["hello there "]


def test_given_a_forged_host_when_the_signature_is_for_it_then_it_is_refused_and_headers_change_nothing(
    machine: Machine,
) -> None:
    forged = RequestValidator(TOKEN).compute_signature(f"https://evil.example{ROUTE}", FIELDS)
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}

    assert post(event(signature=forged, headers=headers))["statusCode"] == 403
    assert post(event(headers=headers))["statusCode"] == 200


@pytest.mark.parametrize("name", ["x-twilio-signature", "X-Twilio-Signature", "X-TWILIO-SIGNATURE"])
@pytest.mark.parametrize("encoded", [True, False])
def test_given_plain_or_base64_bodies_and_any_case_of_headers_when_a_request_comes_then_it_is_taken(
    machine: Machine, name: str, encoded: bool
) -> None:
    request = event(encoded=encoded, content_type="application/x-www-form-urlencoded; charset=UTF-8")
    request["headers"] = {
        (name if key == "X-Twilio-Signature" else key): value for key, value in request["headers"].items()
    }

    assert post(request)["statusCode"] == 200


def test_given_a_body_that_is_not_base64_when_it_says_so_then_it_is_refused(machine: Machine) -> None:
    for body in ("%%%", "Zm9v=bar", "é"):
        assert post({**event(), "body": body})["statusCode"] == 403


@pytest.mark.parametrize("encoded", [True, False])
def test_given_a_body_over_the_limit_when_it_comes_then_it_is_refused_unread(machine: Machine, encoded: bool) -> None:
    fields = {**FIELDS, "Extra": "x" * 40_000}

    assert post(event(fields, encoded=encoded))["statusCode"] == 403


def test_given_two_thousand_fields_when_they_come_then_the_request_is_refused(machine: Machine) -> None:
    assert post(event(body="&".join(f"f{n}=1" for n in range(2_000))))["statusCode"] == 403


@pytest.mark.parametrize("body", ["Body=%ff%fe", "Body=%c3%28", "Body=%ed%a0%80"])
def test_given_invalid_utf8_in_a_field_when_it_comes_then_it_is_refused_and_not_repaired(
    machine: Machine, body: str
) -> None:
    rest = urlencode({name: value for name, value in FIELDS.items() if name != "Body"})

    assert post(event(body=f"{rest}&{body}"))["statusCode"] == 403


def test_given_a_token_rotation_when_both_tokens_are_known_then_either_signature_is_taken(machine: Machine) -> None:
    wiring.give(wiring.Wired(machine.service, machine.clock, ("new", "old")))

    assert post(event(token="new"))["statusCode"] == 200
    assert post(event({**FIELDS, "MessageSid": "SM" + "b" * 32}, token="old"))["statusCode"] == 200
    assert post(event({**FIELDS, "MessageSid": "SM" + "c" * 32}, token="older"))["statusCode"] == 403


def test_given_a_shared_key_header_when_the_signature_is_another_algorithms_then_it_is_refused(
    machine: Machine,
) -> None:
    sha256 = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{ROUTE}", FIELDS, "HMAC_SHA256")
    headers = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}

    assert post(event(signature=sha256, headers=headers))["statusCode"] == 403


@pytest.mark.parametrize("port", ["", ":443"])
def test_given_the_carrier_signs_with_or_without_the_port_when_it_comes_then_both_are_taken(
    machine: Machine, port: str
) -> None:
    signature = RequestValidator(TOKEN).compute_signature(f"{PUBLIC_URL}{port}{ROUTE}", FIELDS)

    assert post(event(signature=signature))["statusCode"] == 200


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=200),
    st.dictionaries(st.text(max_size=30), st.text(max_size=60), max_size=6),
    st.sampled_from(["POST", "GET", ""]),
    st.booleans(),
)
def test_given_any_request_when_it_is_not_signed_then_it_is_refused_and_never_breaks(
    body: str, headers: dict[str, str], method: str, encoded: bool
) -> None:
    os.environ |= {"PUBLIC_URL": PUBLIC_URL, "TWILIO_ACCOUNT": ACCOUNT}
    request = {
        "rawQueryString": body[:20],
        "headers": {**headers, "Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": body[:28]},
        "requestContext": {"http": {"method": method}},
        "body": body,
        "isBase64Encoded": encoded,
    }

    with pytest.raises(Refused):
        webhook.verified(request, public_url=PUBLIC_URL, route=ROUTE, account=ACCOUNT, tokens=(TOKEN,))


# --- content ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["", " ", "línea uno\nlínea dos 🙂", "a+b&c=d%20", "😀" * 700, "x" * 1600, "\x00\x07", "<Response>"]
)
def test_given_any_words_when_they_come_then_they_are_stored_as_they_are_and_never_answered_in_the_response(
    machine: Machine, body: str
) -> None:
    assert post(event({**FIELDS, "Body": body}))["statusCode"] == 200
    assert stored(machine) == [body]


def test_given_a_photo_without_words_when_it_comes_then_it_is_stored_with_its_count(machine: Machine) -> None:
    fields = {
        **FIELDS,
        "Body": "",
        "NumMedia": "2",
        "MessageSid": "MM" + "a" * 32,
        "MediaUrl0": "https://api.twilio.com/x",
        "MediaContentType0": "image/jpeg",
    }

    assert post(event(fields))["statusCode"] == 200
    machine.settle()
    patient = next(iter(chart(machine, _only(machine)).incoming))
    assert (patient.media, patient.status) == (2, "read")


def _only(machine: Machine) -> Any:
    return next(record.patient_id for record in machine.records if type(record).__name__ == "Patient")  # type: ignore[union-attr]


@pytest.mark.parametrize("count", ["", "x", "-1", "999", "٣", "1.5"])
def test_given_a_strange_media_count_when_it_comes_then_the_text_is_taken_without_it(
    machine: Machine, count: str
) -> None:
    assert post(event({**FIELDS, "NumMedia": count}))["statusCode"] == 200


def test_given_a_text_longer_than_the_carrier_joins_when_it_comes_then_it_is_cut_and_still_screened(
    machine: Machine,
) -> None:
    assert post(event({**FIELDS, "Body": "I want to kill myself " + "x" * 5_000}))["statusCode"] == 200
    machine.settle()

    assert len(stored(machine)[0]) == 1600
    assert len(chart(machine, _only(machine)).alerts) == 1


def test_given_the_store_fails_after_verification_when_a_text_comes_then_500_asks_the_carrier_to_try_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("hello there")

    monkeypatch.setattr(machine.records, "commit", failing)

    assert post(event())["statusCode"] == 500


def test_given_a_number_that_is_not_one_of_ours_when_a_text_comes_then_it_is_answered_and_not_stored(
    machine: Machine,
) -> None:
    assert post(event({**FIELDS, "To": "+13125559999"}))["statusCode"] == 200
    assert stored(machine) == []


# --- status callbacks ---------------------------------------------------------------------------------------------


def sent_text(machine: Machine) -> str:
    quinn = _only(machine)
    visit(machine, quinn, session(1, MONDAY - timedelta(hours=1)))
    machine.receipts = lambda _: ()
    machine.run_until(MONDAY + timedelta(hours=5))
    (text,) = outgoing(machine, quinn)
    return text.text_id


def status_fields(machine: Machine, status: str, **more: str) -> dict[str, str]:
    sid = machine.carrier.sent[-1].sid
    return {
        "MessageSid": sid,
        "SmsSid": sid,
        "MessageStatus": status,
        "SmsStatus": status,
        "AccountSid": ACCOUNT,
        "From": SENDER,
        "To": PHONE,
        "ApiVersion": "2010-04-01",
        **more,
    }


def test_given_a_status_callback_when_it_is_signed_over_its_query_then_the_text_is_delivered(machine: Machine) -> None:
    text_id = sent_text(machine)

    answer = post(event(status_fields(machine, "delivered"), route=record_delivery.ROUTE, query=f"text={text_id}"))

    assert answer["statusCode"] == 200
    assert outgoing(machine, _only(machine))[0].status == "delivered"


def test_given_a_status_callback_when_its_query_is_another_then_it_is_refused(machine: Machine) -> None:
    text_id = sent_text(machine)
    request = event(status_fields(machine, "delivered"), route=record_delivery.ROUTE, query=f"text={text_id}")

    assert post({**request, "rawQueryString": f"text={text_id}x"})["statusCode"] == 403
    assert post({**request, "rawQueryString": ""})["statusCode"] == 403


@pytest.mark.parametrize(
    "query", ["", "text=", "text=nobody", "text=p1.garbage", "text=.", "other=1", "text=%F0%9F", "text=a%00b"]
)
def test_given_a_status_callback_for_no_text_of_ours_when_it_comes_then_it_changes_nothing(
    machine: Machine, query: str
) -> None:
    sent_text(machine)
    before = list(machine.records)

    assert (
        post(event(status_fields(machine, "delivered"), route=record_delivery.ROUTE, query=query))["statusCode"] == 200
    )
    assert list(machine.records) == before


@pytest.mark.parametrize("status", ["on_the_moon", "read", "partially_delivered", "receiving"])
def test_given_a_status_that_we_do_not_know_when_it_comes_then_the_callback_is_taken(
    machine: Machine, status: str
) -> None:
    text_id = sent_text(machine)

    answer = post(event(status_fields(machine, status), route=record_delivery.ROUTE, query=f"text={text_id}"))

    assert answer["statusCode"] == 200


@pytest.mark.parametrize("status", ["", "DELIVERED", "x" * 40, "a b"])
def test_given_a_status_out_of_form_when_it_comes_then_it_is_refused(machine: Machine, status: str) -> None:
    text_id = sent_text(machine)

    answer = post(event(status_fields(machine, status), route=record_delivery.ROUTE, query=f"text={text_id}"))

    assert answer["statusCode"] == 403


@pytest.mark.parametrize("code", ["", "abc", "30003", "9999999999", "-1"])
def test_given_any_error_code_when_a_text_failed_then_the_callback_is_taken(machine: Machine, code: str) -> None:
    text_id = sent_text(machine)
    fields = status_fields(machine, "undelivered", ErrorCode=code)

    assert post(event(fields, route=record_delivery.ROUTE, query=f"text={text_id}"))["statusCode"] == 200
    assert outgoing(machine, _only(machine))[0].status == "undelivered"


def test_given_the_store_fails_when_a_callback_comes_then_500_asks_the_carrier_to_try_again(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text_id = sent_text(machine)

    def failing(*_: object, **__: object) -> None:
        raise RuntimeError("hello there")

    monkeypatch.setattr(machine.records, "get", failing)

    answer = post(event(status_fields(machine, "delivered"), route=record_delivery.ROUTE, query=f"text={text_id}"))
    assert answer["statusCode"] == 500


def test_given_the_demos_own_requests_when_they_are_compared_then_they_are_signed_like_these(machine: Machine) -> None:
    made = webhook_event(ROUTE, FIELDS, public_url=PUBLIC_URL, token=TOKEN)

    assert post(made)["statusCode"] == 200
    assert texts(machine, _only(machine)) == []
    assert phone_of(machine, _only(machine)) == PHONE
    assert replace(chart(machine, _only(machine)).incoming[0], version=0).received == datetime(
        2026, 3, 2, 15, tzinfo=UTC
    )
