"""What a patient says, is called and is reached by stays in the table: nothing else that leaves a function holds it.

A rare word stands for a patient's words and name, and a rare number for a phone, through every function, with good and
bad input and with adapters that raise errors full of them.
"""

import base64
import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from aws_lambda_powertools.utilities.typing import LambdaContext
from twilio.request_validator import RequestValidator

from followup import keys
from followup.domain.errors import FollowUpError
from followup.domain.records import Consent, Mail, Patient, PatientId, PhoneLink
from followup.handlers import (
    assess_patients,
    find_missed_texts,
    page_on_call,
    read_replies,
    receive_text,
    record_delivery,
    record_mail,
    send_digests,
    send_texts,
    send_urgent,
    sweep,
)
from followup.handlers.observing import logger
from followup.ports import Queue, Work
from infra.demo.events import queue_event
from infra.demo.machine import ACCOUNT, PUBLIC_URL, TOKEN, CarrierStatus, Machine
from tests.scenario.lakeside import CLINIC, MONDAY, SENDER, chart, enrol, open_clinic, session, visit

WORD = "xylophonist-7731"
PHONE = "+12127731773"
RARE = re.compile(r"xylophonist|7731773|Xylophonist|7731-|Dr\. Rarename|rarename", re.IGNORECASE)

Handler = Callable[[dict[str, Any], LambdaContext], dict[str, Any]]

ON_QUEUES: dict[Queue, Handler] = {
    "urgent": send_urgent.lambda_handler,
    "pages": page_on_call.lambda_handler,
    "replies": read_replies.lambda_handler,
    "answers": send_texts.lambda_handler,
    "routine": send_texts.lambda_handler,
    "daily": assess_patients.lambda_handler,
    "digests": send_digests.lambda_handler,
    "missed": find_missed_texts.lambda_handler,
}


class Spill(Exception):
    """An error of an adapter or a library that quotes what it was working on."""

    def __init__(self) -> None:
        super().__init__(f"{WORD} {PHONE}")


def spilling(*_: object, **__: object) -> Any:
    raise Spill


class Everything:
    """All that leaves the functions but through the table, the carrier and the mail."""

    def __init__(self) -> None:
        self.logs = io.StringIO()
        self.errors: list[str] = []
        self.queued: list[str] = []


@pytest.fixture
def seen() -> Iterator[Everything]:
    """Every logger at its most talkative, on one stream."""
    everything = Everything()
    handler = logging.StreamHandler(everything.logs)
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    held, own = list(logger.handlers), logger.log_level
    stream = held[0].setStream(everything.logs)  # type: ignore[attr-defined]  # the logger's one stream handler
    logger.setLevel("DEBUG")
    yield everything
    held[0].setStream(stream)  # type: ignore[attr-defined]  # as above
    logger.setLevel(own)
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def machine(seen: Everything) -> Iterator[Machine]:
    with Machine(MONDAY) as running:
        open_clinic(running, looks=True)

        def watched(works: Any) -> Any:
            seen.queued.extend(f"{work.queue} {work.key.pk} {work.key.sk} {work.at}" for work in works)
            return works

        running.queues.delivery = watched
        yield running


def quinn(machine: Machine) -> PatientId:
    patient_id = enrol(machine, name=f"Quinn {WORD}", phone=PHONE, consent=Consent(WORD, WORD, MONDAY.date()))
    machine.records.commit(
        PhoneLink(phone_key=machine.service.phones.key(PHONE), clinic_id=CLINIC, patient_ids=(patient_id,))
    )
    return patient_id


def nothing_leaked(machine: Machine, seen: Everything, *, logged: bool = True) -> None:
    logs = seen.logs.getvalue()
    assert not logged or logs
    addresses = [text.order.text_id for text in machine.carrier.sent]
    spoken = [f"{key.pk} {key.sk}" for key in (keys.of(record) for record in machine.records)]
    for where, held in (
        ("log", logs),
        ("metrics", machine.output.getvalue()),
        ("errors", "\n".join(seen.errors)),
        ("queue messages", "\n".join(seen.queued)),
        ("keys", "\n".join(spoken)),
        ("callback addresses", "\n".join(addresses)),
    ):
        found = RARE.search(held)
        assert found is None, f"{where}: ...{held[max(0, found.start() - 200) : found.end() + 80]}"


def call(machine: Machine, seen: Everything, handler: Handler, event: dict[str, Any]) -> dict[str, Any] | None:
    """What Lambda does: an error that leaves a function is logged with its type and message."""
    try:
        return machine.call(handler, event)
    except Exception as error:  # noqa: BLE001 - whatever leaves is what Lambda logs
        seen.errors.append(f"{type(error).__name__}: {error}")
        return None


def test_given_a_leak_when_these_tests_look_then_they_see_it(machine: Machine, seen: Everything) -> None:
    nothing_leaked(machine, seen, logged=False)
    logger.info("text received", extra={"body": f"I am {WORD}"})

    with pytest.raises(AssertionError, match="log"):
        nothing_leaked(machine, seen)


# --- whole courses ------------------------------------------------------------------------------------------------


def test_given_a_course_full_of_rare_words_when_it_is_played_then_none_of_them_leaves_the_table(
    machine: Machine, seen: Everything
) -> None:
    patient_id = quinn(machine)
    visit(machine, patient_id, session(1, MONDAY - timedelta(hours=1)))
    machine.run_until(MONDAY + timedelta(hours=5))
    for words in ("1", WORD, f"{WORD} 7", "AYUDA", f"call me on {PHONE}", f"i want to die {WORD}", "STOP", "START"):
        machine.patient_writes(PHONE, SENDER, words)
        machine.run_until(machine.clock.now() + timedelta(minutes=45))
    machine.carrier.receive(SENDER, PHONE, f"{WORD} missed")
    machine.patient_writes("+12127731774", SENDER, f"stranger {WORD}, no hope left")
    machine.run_until(MONDAY + timedelta(days=2))

    assert any(WORD in text.body for text in chart(machine, patient_id).incoming)
    nothing_leaked(machine, seen)
    assert machine.failures == []


@pytest.mark.parametrize("status", ["undelivered", "delivered", "failed"])
def test_given_a_carriers_report_that_quotes_number_and_words_when_it_is_merged_then_neither_is_kept(
    machine: Machine, seen: Everything, status: str
) -> None:
    patient_id = quinn(machine)
    machine.receipts = lambda _: (CarrierStatus(status, 21610),)
    visit(machine, patient_id, session(1, MONDAY - timedelta(hours=1)))

    machine.run_until(MONDAY + timedelta(hours=5))

    nothing_leaked(machine, seen)


def test_given_mail_to_staff_when_it_is_written_then_subject_and_text_name_nobody(
    machine: Machine, seen: Everything
) -> None:
    patient_id = quinn(machine)
    visit(machine, patient_id, session(1, MONDAY - timedelta(hours=1)))
    machine.patient_writes(PHONE, SENDER, f"i want to die {WORD}")
    machine.run_until(MONDAY + timedelta(days=1))

    kinds = {sent.mail.kind for sent in machine.mailer.sent}
    assert kinds == {"page", "digest"}
    for sent in machine.mailer.sent:
        said = f"{sent.mail.subject} {sent.mail.text} {sent.mail.html} {sent.mail.mail_id}"
        assert RARE.search(said) is None
    nothing_leaked(machine, seen)


# --- adapters that raise ------------------------------------------------------------------------------------------


def test_given_a_table_that_raises_when_a_text_comes_then_the_error_is_not_repeated(
    machine: Machine, seen: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn(machine)
    for port, method in (("records", "commit"), ("records", "get"), ("records", "chart"), ("phones", "key")):
        with monkeypatch.context() as broken:
            broken.setattr(type(getattr(machine.service, port)), method, spilling)
            answer = machine.patient_writes(PHONE, SENDER, f"i want to die {WORD}")
            assert answer["statusCode"] == 500

    nothing_leaked(machine, seen)


@pytest.mark.parametrize("port", ["records.get", "records.chart", "records.commit", "carrier.send", "mailer.send"])
@pytest.mark.parametrize("queue", list(ON_QUEUES))
def test_given_an_adapter_that_raises_when_a_step_runs_then_only_the_errors_type_is_told(
    machine: Machine, seen: Everything, monkeypatch: pytest.MonkeyPatch, queue: Queue, port: str
) -> None:
    patient_id = quinn(machine)
    visit(machine, patient_id, session(1, MONDAY - timedelta(hours=1)))
    machine.patient_writes(PHONE, SENDER, f"i want to die {WORD}")
    machine.patient_writes(PHONE, SENDER, f"{WORD}")
    due = [each for each in machine.records if each.next is not None]
    works = [Work(queue, keys.of(record), machine.clock.now()) for record in due]
    machine.clock.forward(timedelta(days=1))
    where, method = port.split(".")
    monkeypatch.setattr(type(getattr(machine.service, where)), method, spilling)

    answer = call(machine, seen, ON_QUEUES[queue], queue_event(works))

    assert answer is not None
    nothing_leaked(machine, seen)


def test_given_every_function_when_the_table_raises_then_nothing_personal_leaves_it(
    machine: Machine, seen: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    quinn(machine)
    events: list[tuple[Handler, dict[str, Any]]] = [
        (sweep.lambda_handler, {"lane": "urgent"}),
        (record_mail.lambda_handler, mail_event("lakeside", WORD)),
        (record_delivery.lambda_handler, signed(record_delivery.ROUTE, STATUS, query="text=p1.x")),
        (receive_text.lambda_handler, signed(receive_text.ROUTE, TEXT)),
    ]
    for method in ("get", "due", "commit", "chart"):
        monkeypatch.setattr(type(machine.records), method, spilling)
    for handler, event in events:
        call(machine, seen, handler, event)

    assert len(seen.errors) == 2
    nothing_leaked(machine, seen)


# --- bad input ----------------------------------------------------------------------------------------------------

TEXT = {
    "MessageSid": "SM" + "d" * 32,
    "AccountSid": ACCOUNT,
    "From": PHONE,
    "To": SENDER,
    "Body": f"I am {WORD}",
    "NumMedia": "0",
}
STATUS = {
    "MessageSid": "SM" + "d" * 32,
    "MessageStatus": "failed",
    "AccountSid": ACCOUNT,
    "From": SENDER,
    "To": PHONE,
    "ErrorCode": "21610",
    "ErrorMessage": f"{PHONE} {WORD}",
}


def signed(route: str, fields: dict[str, str], *, query: str = "", body: str | None = None) -> dict[str, Any]:
    url = f"{PUBLIC_URL}{route}" + (f"?{query}" if query else "")
    return {
        "rawQueryString": query,
        "headers": {
            "content-type": "application/x-www-form-urlencoded",
            "x-twilio-signature": RequestValidator(TOKEN).compute_signature(url, fields),
        },
        "requestContext": {"http": {"method": "POST"}},
        "body": base64.b64encode((urlencode(fields) if body is None else body).encode()).decode(),
        "isBase64Encoded": True,
    }


def mail_event(clinic: str, mail: str, kind: str = "Send") -> dict[str, Any]:
    return {
        "detail": {
            "eventType": kind,
            "mail": {"tags": {"clinic": [clinic], "mail": [mail]}, "destination": [f"{WORD}@x.example"]},
            "bounce": {"diagnosticCode": f"{WORD} {PHONE}"},
        }
    }


BAD_TEXTS = (
    {**TEXT, "From": f"rcs:{WORD}"},
    {**TEXT, "From": f"{PHONE}x"},
    {**TEXT, "MessageSid": WORD},
    {**TEXT, "AccountSid": WORD},
    {**TEXT, "To": f"whatsapp:{PHONE}"},
    {**TEXT, "OptOutType": WORD},
    {**TEXT, "NumMedia": WORD},
    {**TEXT, WORD: WORD},
)


@pytest.mark.parametrize("fields", BAD_TEXTS)
def test_given_a_webhook_out_of_form_when_it_comes_then_what_is_wrong_is_told_without_quoting_it(
    machine: Machine, seen: Everything, fields: dict[str, str]
) -> None:
    quinn(machine)

    answers = [
        call(machine, seen, receive_text.lambda_handler, signed(receive_text.ROUTE, fields)),
        call(
            machine,
            seen,
            receive_text.lambda_handler,
            signed(receive_text.ROUTE, TEXT, body=urlencode(fields) + "&x=1"),
        ),
        call(machine, seen, receive_text.lambda_handler, signed(receive_text.ROUTE, fields, body=f"{WORD}=%ff")),
    ]

    assert all(answer is not None and WORD not in json.dumps(answer) for answer in answers)
    nothing_leaked(machine, seen)


@pytest.mark.parametrize(
    "body",
    [
        f'{{"pk": "{WORD}"}}',
        f'"{WORD}"',
        WORD,
        f'{{"pk": 7, "sk": "{WORD}", "at": 1}}',
        f'{{"pk": "a", "sk": "b", "at": "{WORD}"}}',
    ],
)
@pytest.mark.parametrize("queue", ["replies", "routine", "pages"])
def test_given_a_queue_message_out_of_form_when_it_comes_then_it_is_set_aside_without_quoting_it(
    machine: Machine, seen: Everything, queue: Queue, body: str
) -> None:
    event = queue_event([Work(queue, keys.clinic(CLINIC), MONDAY)])
    event["Records"][0]["body"] = body

    answer = call(machine, seen, ON_QUEUES[queue], event)

    assert answer is not None
    assert len(answer["batchItemFailures"]) == 1
    nothing_leaked(machine, seen, logged=False)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"detail": None},
        {"detail": WORD},
        {"detail": {"mail": WORD}},
        {"detail": {"mail": {"tags": {"clinic": WORD, "mail": []}}}},
        mail_event("lakeside", "nothing", "Bounce"),
        mail_event("", ""),
    ],
)
def test_given_a_mail_event_out_of_form_when_it_comes_then_nothing_of_it_is_quoted(
    machine: Machine, seen: Everything, event: dict[str, Any]
) -> None:
    call(machine, seen, record_mail.lambda_handler, event)

    nothing_leaked(machine, seen)


def test_given_a_sweep_for_no_lane_when_it_comes_then_the_lanes_are_named_and_the_word_is_not(
    machine: Machine, seen: Everything
) -> None:
    call(machine, seen, sweep.lambda_handler, {"lane": WORD})

    assert "lane: must be one of" in seen.errors[0]
    nothing_leaked(machine, seen, logged=False)


def test_given_a_mail_to_a_rare_name_when_it_is_sent_then_its_address_is_in_no_key_or_log(
    machine: Machine, seen: Everything
) -> None:
    clinic = machine.service.clinic(CLINIC)
    recipients = tuple(
        replace(each, name="Dr. Rarename", email="rarename@x.example") for each in clinic.settings.digest_to
    )
    machine.records.commit(replace(clinic, settings=replace(clinic.settings, digest_to=recipients)))

    machine.run_until(MONDAY + timedelta(days=1))

    assert any(isinstance(record, Mail) for record in machine.records)
    nothing_leaked(machine, seen)


def test_given_errors_raised_on_purpose_when_a_record_is_missing_then_they_name_ids_only(
    machine: Machine, seen: Everything
) -> None:
    patient_id = quinn(machine)
    patient = machine.records.get(keys.patient(patient_id))
    assert isinstance(patient, Patient)
    for attempt in (
        lambda: machine.records.commit(replace(patient, version=0)),
        lambda: machine.records.commit(patient, patient),
        lambda: machine.service.clinic(patient.clinic_id),
    ):
        try:
            attempt()
        except (FollowUpError, ValueError) as error:
            seen.errors.append(str(error))

    assert seen.errors
    nothing_leaked(machine, seen, logged=False)
