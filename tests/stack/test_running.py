"""The service from template.yaml, running: signed webhooks in, records in the table, nothing left behind."""

import multiprocessing
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from datetime import time as clock_time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from followup import keys
from followup.adapters.dynamo import DynamoRecords
from followup.adapters.secrets import HashedPhones, StoredSecrets
from followup.domain.clinic import ClinicSettings, OnCall, OpenHours
from followup.domain.records import Clinic, ClinicId, Incoming, Receipt, Sender, ThreadId
from infra.local.run import OnStack
from infra.local.stack.emulator import Emulator, free_port
from infra.local.stack.stack import PUBLIC_URL, Stack
from infra.local.twin import Number, Settings, Twin, TwinServer
from infra.local.twin.signing import signature
from tests.stack.waiting import until

pytestmark = pytest.mark.stack

SENDER, STRANGER = "+15555550100", "+15555550177"


def call(stack: Stack, route: str, form: dict[str, str], *, token: str | None = None) -> tuple[int, str]:
    """Deliver a webhook as the carrier does, and return status and body."""
    signed = signature(token or stack.account.auth_token, f"{PUBLIC_URL}{route}", form)
    request = urllib.request.Request(  # noqa: S310 - loopback http
        f"{stack.api_url}{route}",
        data=urllib.parse.urlencode(form).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback http
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def a_text(sid: str, body: str, account: str) -> dict[str, str]:
    return {
        "MessageSid": sid,
        "AccountSid": account,
        "From": STRANGER,
        "To": SENDER,
        "Body": body,
        "NumMedia": "0",
        "FromCity": "",
    }


def start_and_wait(state_dir: Path, port: int, up: Event, over: Event) -> None:
    """What the starter does in its own process."""
    emulator = Emulator(state_dir, port=port).start()
    up.set()
    over.wait()
    emulator.stop()


@pytest.fixture(scope="module")
def records(stack: Stack) -> DynamoRecords:
    return DynamoRecords(stack.dynamodb(), stack.table_name)


@pytest.fixture(scope="module")
def phones(stack: Stack) -> HashedPhones:
    name = stack.env_for("receive_text")["PHONE_KEY_SECRET"]
    return HashedPhones(StoredSecrets(stack.client("secretsmanager"), phone_key=name).phone_key())


@pytest.fixture(scope="module")
def clinic(records: DynamoRecords, phones: HashedPhones) -> Clinic:
    settings = ClinicSettings(
        name="Cedar Clinic",
        sms_name="Cedar Clinic",
        zone="America/Denver",
        phone="555-555-0100",
        sender=SENDER,
        messaging_service=None,
        keyword_mode="carrier",
        hours=tuple(OpenHours(day, clock_time(8), clock_time(17)) for day in range(5)),
        closed_on=(),
        on_call=(OnCall("Dana Reyes", "dana@followup.example"),),
        mail_from="care@followup.example",
        digest_at=clock_time(7),
        digest_to=(),
    )
    made = Clinic(clinic_id=ClinicId("cedar"), settings=settings)
    records.commit(made, Sender(sender_key=phones.key(SENDER), clinic_id=made.clinic_id))
    return made


@pytest.fixture
def twin(stack: Stack, carrier_port: int) -> Iterator[Twin]:
    account = stack.account
    settings = Settings(
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        api_key_sid=account.api_key_sid,
        api_key_secret=account.api_key_secret,
        numbers=(Number(number=SENDER, inbound_url=f"{PUBLIC_URL}/twilio/inbound"),),
        public_base_url=PUBLIC_URL,
        deliver_base_url=stack.api_url,
    )
    with TwinServer(Twin(settings, clock=lambda: datetime.now(UTC)), port=carrier_port) as server:
        yield server.twin


@pytest.mark.usefixtures("clinic")
def test_given_a_signed_text_when_it_is_delivered_twice_then_it_is_stored_once_and_answered_without_words(
    stack: Stack, records: DynamoRecords, phones: HashedPhones
) -> None:
    sid = "SM" + "a" * 32
    form = a_text(sid, "hello there", stack.account.account_sid)
    answers = {call(stack, "/twilio/inbound", form) for _ in range(2)}
    assert answers == {(200, '<?xml version="1.0" encoding="UTF-8"?><Response/>')}
    receipt = records.get(keys.receipt(sid), consistent=True)
    assert isinstance(receipt, Receipt)
    chart = records.chart(ThreadId(f"x{phones.key(STRANGER)}"), None, consistent=True)
    assert [(text.sid, text.body) for text in chart.incoming if text.sid == sid] == [(sid, "hello there")]


@pytest.mark.usefixtures("clinic")
def test_given_a_stored_text_when_its_queue_is_read_then_it_does_not_stay_unread(
    stack: Stack, records: DynamoRecords, phones: HashedPhones
) -> None:
    sid = "SM" + "b" * 32
    call(stack, "/twilio/inbound", a_text(sid, "good morning", stack.account.account_sid))

    def read() -> Incoming | None:
        chart = records.chart(ThreadId(f"x{phones.key(STRANGER)}"), None, consistent=True)
        return next((text for text in chart.incoming if text.sid == sid and text.status != "unread"), None)

    assert until(read).next is None
    assert until(lambda: stack.queue_depths()["replies"] == 0)


@pytest.mark.usefixtures("clinic")
def test_given_a_forged_text_when_it_is_delivered_then_it_is_refused_and_nothing_is_stored(
    stack: Stack, records: DynamoRecords
) -> None:
    sid = "SM" + "c" * 32
    form = a_text(sid, "hello", stack.account.account_sid)
    status, body = call(stack, "/twilio/inbound", form, token="f" * 32)
    assert (status, body.endswith("<Response/>")) == (403, True)
    assert records.get(keys.receipt(sid), consistent=True) is None


@pytest.mark.usefixtures("clinic")
def test_given_a_phone_that_texts_danger_when_the_service_runs_then_it_is_answered_and_somebody_is_mailed(
    stack: Stack, twin: Twin
) -> None:
    twin.receive(STRANGER, SENDER, "I want to kill myself")
    answers = until(lambda: [text for text in twin.texts(STRANGER) if not text.from_patient])
    assert "988" in answers[0].body
    assert until(lambda: b"dana@followup.example" in _read(stack.mails_url))


def test_given_work_that_waits_when_the_clock_asks_then_every_queue_is_counted_as_it_counts_itself(
    stack: Stack,
) -> None:
    sqs, url = stack.client("sqs"), stack.queue_urls["digests"]
    with closing(OnStack(stack)) as functions:
        before = functions.waiting()["digests"]
        sqs.send_message(QueueUrl=url, MessageBody="{}", DelaySeconds=600)
        after = functions.waiting()["digests"]
        # What other tests left behind may still be at work, so the two are compared until they meet.
        assert until(lambda: functions.waiting() == stack.queue_depths())
        sqs.purge_queue(QueueUrl=url)
    assert after == before + 1


def test_given_the_running_sweep_when_called_then_it_reports_the_oldest_due_step(stack: Stack) -> None:
    before = time.time()
    assert stack.invoke("sweep", {"lane": "daily"}).keys() == {"handed_over"}
    lines = until(lambda: [line for line in stack.logs_of("sweep", since=before - 1) if "OldestDueSeconds" in line])
    assert '"lane":"daily"' in lines[-1].replace(" ", "")


def test_given_a_stack_whose_starter_is_killed_when_time_passes_then_nothing_is_left_running(tmp_path: Path) -> None:
    port = free_port()
    processes = multiprocessing.get_context("spawn")
    up, over = processes.Event(), processes.Event()
    starter = processes.Process(target=start_and_wait, args=(tmp_path, port, up, over), daemon=True)
    starter.start()
    assert up.wait(60)
    starter.kill()
    starter.join()
    assert until(lambda: not _answers(port))


def test_given_a_stack_that_keeps_its_state_when_it_starts_again_then_records_and_address_are_the_same(
    tmp_path: Path,
) -> None:
    receipt = Receipt(sid="SM" + "d" * 32, thread=ThreadId("p1"), expires=datetime(2031, 1, 1, tzinfo=UTC))
    with Stack.start(tmp_path, persist=True) as first:
        DynamoRecords(first.dynamodb(), first.table_name).commit(receipt)
    with Stack.start(tmp_path, persist=True, clock_url="http://127.0.0.1:9/now") as second:
        assert second.url == first.url
        assert second.env_for("sweep")["CLOCK_URL"] == "http://127.0.0.1:9/now"
        kept = DynamoRecords(second.dynamodb(), second.table_name).get(keys.of(receipt))
        assert isinstance(kept, Receipt)


def _read(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - loopback http
        content: bytes = answer.read()
        return content


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_ministack/health", timeout=2):
            return True
    except OSError:
        return False
