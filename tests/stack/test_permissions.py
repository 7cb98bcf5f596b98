"""Every function of the running stack acts under its own role, and is refused what that does not allow."""

import io
import json
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from followup.adapters.dynamo import DynamoRecords
from followup.adapters.secrets import HashedPhones, StoredSecrets
from followup.domain.clinic import ClinicSettings, DigestRecipient, OnCall, OpenHours
from followup.domain.records import (
    Clinic,
    ClinicId,
    Consent,
    Next,
    Patient,
    PatientId,
    PhoneLink,
    Plan,
    Sender,
    Session,
    ThreadId,
)
from infra.cli.target import LOCAL_FILE, LocalStack
from infra.local.stack.emulator import REGION
from infra.local.stack.local_template import localised
from infra.local.stack.permissions import EXCEPTIONS
from infra.local.stack.stack import MAIL_DOMAIN, PUBLIC_URL, Stack
from infra.local.stack.template import ROOT, Template
from infra.local.twin import Number, Settings, Twin, TwinServer
from tests.stack.shapes import ROLE, listed, of_type, statements
from tests.stack.waiting import until

SENDER, PHONE, MORNING = "+15555550102", "+15555550178", 10
CLINIC, PATIENT = ClinicId("juniper"), PatientId("p1juniper")
PROBE = """
import boto3
from botocore.exceptions import ClientError

def handler(event, context):
    who = boto3.client("sts").get_caller_identity()["Arn"]
    try:
        getattr(boto3.client(event["service"]), event["operation"])(**event["arguments"])
    except ClientError as error:
        return {"who": who, "said": error.response["Error"]["Code"]}
    return {"who": who, "said": "done"}
"""

running = pytest.mark.stack


# --- the exceptions -----------------------------------------------------------------------------------------------


def test_given_the_local_template_when_its_roles_are_compared_then_they_differ_by_the_listed_exceptions_only(
    translated: Template, tmp_path: Path
) -> None:
    local = localised(translated, libraries=tmp_path, secrets={})
    found = set()
    for name, role in of_type(translated["Resources"], ROLE).items():
        theirs = local["Resources"][name]["Properties"]
        assert theirs.keys() == role.keys()
        for deployed, changed in zip(statements(role), statements(theirs), strict=True):
            if deployed == changed:
                continue
            assert {part for part in deployed if deployed[part] != changed.get(part)} in (
                {"Action"},
                {"Resource", "Condition"},
            )
            more = set(listed(changed["Action"])) - set(listed(deployed["Action"]))
            found.add((deployed["Action"], *more, *(["anywhere"] if changed["Resource"] == "*" else [])))
    assert found == {("sqs:SendMessage", "sqs:SendMessageBatch"), ("ses:SendEmail", "anywhere")}
    assert {first for first, *_ in found} == {exception.action for exception in EXCEPTIONS}
    assert all(exception.why for exception in EXCEPTIONS)


@pytest.fixture(scope="module")
def sender_only(stack: Stack) -> Callable[[str], Any]:
    """Clients of a user who may do what the deployed template would say, and nothing else."""
    iam = stack.client("iam")
    iam.create_user(UserName="sender-only")
    queue = f"arn:aws:sqs:us-east-1:000000000000:{stack.queue_urls['urgent'].rpartition('/')[2]}"
    identity = f"arn:aws:ses:us-east-1:000000000000:identity/{MAIL_DOMAIN}"
    allowed = [("sqs:SendMessage", queue), ("ses:SendEmail", identity)]
    document = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": action, "Resource": on} for action, on in allowed],
    }
    iam.put_user_policy(UserName="sender-only", PolicyName="work", PolicyDocument=json.dumps(document))
    key = iam.create_access_key(UserName="sender-only")["AccessKey"]
    session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
    client: Any = session.client
    return lambda service: client(service, endpoint_url=stack.url)


@running
def test_given_the_emulator_when_a_batch_is_sent_without_its_exception_then_it_is_still_refused(
    stack: Stack, sender_only: Callable[[str], Any]
) -> None:
    """Fails as soon as the exception is not needed any more."""
    with pytest.raises(ClientError, match="sqs:SendMessageBatch"):
        sender_only("sqs").send_message_batch(
            QueueUrl=stack.queue_urls["urgent"], Entries=[{"Id": "1", "MessageBody": "{}"}]
        )


@running
def test_given_the_emulator_when_mail_is_sent_without_its_exception_then_it_is_still_refused(
    sender_only: Callable[[str], Any],
) -> None:
    """Fails as soon as the exception is not needed any more."""
    with pytest.raises(ClientError, match="ses:SendEmail"):
        sender_only("sesv2").send_email(
            FromEmailAddress=f"care@{MAIL_DOMAIN}",
            Destination={"ToAddresses": [f"dana@{MAIL_DOMAIN}"]},
            Content={"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
        )


# --- what a function is refused -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def attempt(stack: Stack) -> Callable[[str, str, str, dict[str, Any]], dict[str, str]]:
    """Makes one call to AWS from a function that has another function's role."""
    functions, archive = stack.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("probe.py", PROBE)
    roles: dict[str, str] = {}

    def attempt(function: str, service: str, operation: str, arguments: dict[str, Any]) -> dict[str, str]:
        name = f"probe-{function}"
        if function not in roles:
            roles[function] = functions.get_function_configuration(FunctionName=f"followup-{function}")["Role"]
            functions.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Handler="probe.handler",
                Role=roles[function],
                Timeout=20,
                Code={"ZipFile": archive.getvalue()},
            )
        event = {"service": service, "operation": operation, "arguments": arguments}
        answer = json.loads(functions.invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())
        assert roles[function].rpartition("/")[2] in answer["who"], answer
        return {"said": answer["said"]}

    return attempt


@running
def test_given_a_function_when_it_tries_what_its_role_does_not_say_then_it_is_refused(
    stack: Stack, attempt: Callable[[str, str, str, dict[str, Any]], dict[str, str]]
) -> None:
    table, item = {"TableName": stack.table_name}, {"pk": {"S": "x"}, "sk": {"S": "x"}}
    secret = {"SecretId": stack.env_for("receive_text")["PHONE_KEY_SECRET"]}
    tokens = {"SecretId": stack.env_for("receive_text")["AUTH_TOKEN_SECRET"]}
    daily = {"QueueUrl": stack.queue_urls["daily"], "MessageBody": "{}"}
    mail = {
        "FromEmailAddress": f"care@{MAIL_DOMAIN}",
        "Destination": {"ToAddresses": [f"dana@{MAIL_DOMAIN}"]},
        "Content": {"Simple": {"Subject": {"Data": "x"}, "Body": {"Text": {"Data": "x"}}}},
    }
    tried: list[tuple[str, str, str, dict[str, Any]]] = [
        ("sweep", "dynamodb", "put_item", table | {"Item": item}),
        ("sweep", "dynamodb", "scan", table),
        ("sweep", "secretsmanager", "get_secret_value", secret),
        ("read-replies", "secretsmanager", "get_secret_value", secret),
        ("read-replies", "sqs", "send_message", daily),
        ("read-replies", "sesv2", "send_email", mail),
        ("read-replies", "dynamodb", "delete_item", table | {"Key": item}),
        ("page-on-call", "secretsmanager", "get_secret_value", tokens),
        ("page-on-call", "s3", "list_buckets", {}),
    ]
    said = {(function, service, call): attempt(function, service, call, how) for function, service, call, how in tried}
    assert {key: each for key, each in said.items() if "AccessDenied" not in each["said"]} == {}


@running
def test_given_a_function_when_it_does_what_its_role_says_then_it_is_let(
    stack: Stack, attempt: Callable[[str, str, str, dict[str, Any]], dict[str, str]]
) -> None:
    """The counterpart: the refusals come from the roles, not from a probe that can do nothing."""
    key = {"pk": {"S": "x"}, "sk": {"S": "x"}}
    secret = {"SecretId": stack.env_for("receive_text")["PHONE_KEY_SECRET"]}
    assert (
        attempt("read-replies", "dynamodb", "get_item", {"TableName": stack.table_name, "Key": key})["said"] == "done"
    )
    assert attempt("page-on-call", "secretsmanager", "get_secret_value", secret)["said"] == "done"


@running
def test_given_the_running_functions_when_their_roles_are_listed_then_each_has_its_own(stack: Stack) -> None:
    functions = stack.client("lambda").list_functions()["Functions"]
    roles = [each["Role"] for each in functions if each["FunctionName"].startswith("followup-")]
    assert len(set(roles)) == len(roles) == 11


# --- a day under enforced roles -----------------------------------------------------------------------------------


@pytest.fixture
def twin(stack: Stack, carrier_port: int) -> Iterator[Twin]:
    account = stack.account
    settings = Settings(
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        api_key_sid=account.api_key_sid,
        api_key_secret=account.api_key_secret,
        numbers=(Number(number=SENDER, keywords="service", inbound_url=f"{PUBLIC_URL}/twilio/inbound"),),
        public_base_url=PUBLIC_URL,
        deliver_base_url=stack.api_url,
    )
    with TwinServer(Twin(settings, clock=lambda: datetime.now(UTC)), port=carrier_port) as server:
        yield server.twin


def open_for_the_day(stack: Stack) -> DynamoRecords:
    """A clinic whose morning it is, with a digest that is due and a patient whose infusion ended a day ago."""
    now = datetime.now(UTC)
    east = (MORNING - now.hour + 11) % 24 - 11  # hours that are to be added to UTC, from -11 to 12
    zone = f"Etc/GMT{-east:+d}"
    settings = ClinicSettings(
        name="Juniper Clinic",
        sms_name="Juniper Clinic",
        zone=zone,
        phone="555-555-0102",
        sender=SENDER,
        messaging_service=None,
        keyword_mode="service",
        hours=tuple(OpenHours(day, clock_time(8), clock_time(17)) for day in range(7)),
        closed_on=(),
        on_call=(OnCall("Kim Lee", f"kim@{MAIL_DOMAIN}"),),
        mail_from=f"juniper@{MAIL_DOMAIN}",
        digest_at=clock_time(7),
        digest_to=(DigestRecipient("Dr. Day", f"day@{MAIL_DOMAIN}"),),
    )
    records = DynamoRecords(stack.dynamodb(), stack.table_name)
    name = stack.env_for("receive_text")["PHONE_KEY_SECRET"]
    phones = HashedPhones(StoredSecrets(stack.client("secretsmanager"), phone_key=name).phone_key())
    session = Session(
        session_id="v1",
        start=now - timedelta(hours=25),
        end=now - timedelta(hours=24),
        status="completed",
        series="induction",
        route="iv",
    )
    patient = Patient(
        status="active",
        patient_id=PATIENT,
        clinic_id=CLINIC,
        record_number="R1",
        name="Quinn Example",
        phone=PHONE,
        language="en",
        zone=zone,
        born=date(1980, 1, 1),
        condition="depression",
        consent=Consent("texts", "2", date(2026, 1, 5)),
        next=Next("assess", now, "daily"),
    )
    records.commit(
        Clinic(clinic_id=CLINIC, settings=settings, next=Next("make_digest", now, "daily")),
        Sender(sender_key=phones.key(SENDER), clinic_id=CLINIC, next=Next("look", now, "replies")),
        patient,
        PhoneLink(phone_key=phones.key(PHONE), clinic_id=CLINIC, patient_ids=(PATIENT,)),
        Plan(patient_id=PATIENT, clinic_id=CLINIC, sessions=(session,), next=Next("extend", now, "daily")),
    )
    return records


@running
def test_given_enforced_roles_when_a_day_passes_then_texts_answers_alerts_and_mails_go_through(
    stack: Stack, twin: Twin
) -> None:
    began = time.time()
    records = open_for_the_day(stack)

    def heard() -> list[str]:
        return [text.body for text in twin.texts(PHONE) if not text.from_patient]

    def mailed() -> str:
        with urllib.request.urlopen(stack.mails_url, timeout=10) as answer:  # noqa: S310 - loopback http
            mails: str = answer.read().decode()
        return mails

    stack.invoke("sweep", {"lane": "daily"})
    stack.invoke("sweep", {"lane": "replies"})
    until(lambda: len(heard()) == 1)
    until(lambda: records.chart(ThreadId(PATIENT), None).texts[0].status == "delivered")
    assert until(lambda: f"day@{MAIL_DOMAIN}" in mailed())

    twin.receive(PHONE, SENDER, "7")
    assert "side effects" in until(lambda: heard()[1:])[0]
    twin.receive(PHONE, SENDER, "I want to kill myself")
    assert "988" in until(lambda: heard()[2:])[0]
    assert until(lambda: f"kim@{MAIL_DOMAIN}" in mailed())

    assert refusals(stack, began) == []


def refusals(stack: Stack, since: float) -> list[str]:
    """Lines of any function's log that tell of something that did not work."""
    functions = stack.client("lambda").list_functions()["Functions"]
    names = [each["FunctionName"].removeprefix("followup-") for each in functions]
    words = ("AccessDenied", "ClientError", "not authorized", "step failed", "function failed")
    return [
        line
        for name in names
        if not name.startswith("probe-")
        for line in stack.logs_of(name, since=since)
        if any(word in line for word in words)
    ]


@running
def test_given_enforced_roles_when_the_command_line_is_used_locally_then_it_works_with_the_root_key(
    stack: Stack, tmp_path: Path
) -> None:
    LocalStack(
        endpoint_url=stack.url,
        table=stack.table_name,
        queues={str(queue): url for queue, url in stack.queue_urls.items()},
        secrets={"phone_key": stack.env_for("receive_text")["PHONE_KEY_SECRET"]},
    ).save(tmp_path / LOCAL_FILE)
    followup = Path(sys.executable).with_name("followup")
    command = [followup, "--local", "clinic", "apply", ROOT / "docs" / "samples" / "lakeside.yaml"]
    done = subprocess.run(  # noqa: S603 - our own command, on files of our own
        [str(part) for part in command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
