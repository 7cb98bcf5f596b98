"""`followup smoke` on a stack that is well, and on one that is not."""

from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.checklist import Check
from infra.cli import smoke
from infra.cli.deployed_stack import DeployedStack
from infra.cli.target import Target
from infra.demo.machine import Machine

ACCOUNT = f"AC{'1' * 32}"
PUBLIC = "https://texts.clinic.org"
NOON = datetime(2026, 3, 30, 17, tzinfo=UTC)


class Aws:
    """The services that the smoke test asks, all well until told otherwise."""

    def __init__(self) -> None:
        self.secrets = {
            "phone": '{"key": "' + "k" * 64 + '"}',
            "token": '{"primary": "t"}',
            "key": '{"sid": "SK1", "secret": "s"}',
        }
        self.waiting: dict[str, list[int]] = {}
        self.datapoints: list[float] = [0.0]
        self.verified = self.production = True
        self.sweep_error = False

    def __call__(self, _service: str) -> "Aws":
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS spells it so
        if SecretId not in self.secrets:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": ""}}, "GetSecretValue")
        return {"SecretString": self.secrets[SecretId]}

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> Any:  # noqa: N803 - AWS spells it so
        depths = self.waiting.get(QueueUrl, [])
        return {
            "Attributes": dict.fromkeys(AttributeNames, "0") | {AttributeNames[0]: str(depths.pop(0) if depths else 0)}
        }

    def get_metric_statistics(self, **_asked: object) -> Any:
        return {"Datapoints": self.datapoints}

    def invoke(self, **_asked: object) -> Any:
        class Payload:
            def read(self) -> bytes:
                return b'{"handed_over": 0}'

        return {"Payload": Payload(), **({"FunctionError": "Unhandled"} if self.sweep_error else {})}

    def get_email_identity(self, **_asked: object) -> Any:
        return {"VerifiedForSendingStatus": self.verified}

    def get_account(self) -> Any:
        return {"ProductionAccessEnabled": self.production}


def post(url: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    assert url.startswith("https://texts.clinic.org/twilio/")
    return (200, "<Response/>") if headers.get("X-Twilio-Signature") else (403, "<Response/>")


def smoked(aws: Aws, *, public_url: str = PUBLIC, answer: smoke.Post = post) -> dict[str, Check]:
    machine = Machine(NOON)
    queues = {name: ("AWS::SQS::Queue", f"https://sqs/1/{name}") for name in ("UrgentQueue", "UrgentDeadLetters")}
    stack = DeployedStack(
        name="clinic",
        status="UPDATE_COMPLETE",
        parameters={"TwilioAccount": ACCOUNT, "PublicUrl": public_url, "MailDomain": "mail.clinic.org"},
        outputs={"PhoneKeySecret": "phone", "AuthTokenSecret": "token", "ApiKeySecret": "key", "ApiUrl": "https://api"},
        resources=queues,
        clients=aws,
    )
    there = Target(machine.service, machine.clock, lambda: stack)
    checks = smoke.checks(stack, there, post=answer, pause=lambda: None)
    return {check.name: check for check in checks if check.outcome == "failed"}


def test_given_a_stack_that_is_well_when_checked_then_nothing_fails() -> None:
    assert smoked(Aws()) == {}


def test_given_a_stack_without_its_second_deployment_then_the_webhooks_fail_with_the_address_to_write() -> None:
    found = smoked(Aws(), public_url="")
    assert found.keys() == {"webhook refuses", "webhook accepts"}
    assert 'PublicUrl = "https://api"' in found["webhook refuses"].fix


def test_given_a_webhook_that_takes_anything_then_the_check_fails() -> None:
    found = smoked(Aws(), answer=lambda *_: (200, "<Response/>"))
    assert found.keys() == {"webhook refuses"}


def test_given_an_address_that_nobody_answers_then_the_other_checks_are_still_made() -> None:
    def nobody(*_: object) -> tuple[int, str]:
        raise ConnectionError

    assert smoked(Aws(), answer=nobody).keys() == {"webhook refuses", "webhook accepts"}


@pytest.mark.parametrize("value", [None, "", "{}", '{"primary": ""}'])
def test_given_an_empty_auth_token_then_it_is_named_with_the_page_that_says_how_to_fill_it(value: str | None) -> None:
    aws = Aws()
    aws.secrets.pop("token")
    if value is not None:
        aws.secrets["token"] = value
    found = smoked(aws)
    assert found.keys() == {"auth token", "webhook accepts"}
    assert "docs/runbooks/secrets.md" in found["auth token"].fix


def test_given_no_api_key_while_the_carrier_is_closed_then_that_is_no_failure() -> None:
    aws = Aws()
    aws.secrets.pop("key")
    assert smoked(aws) == {}


def test_given_work_that_is_taken_between_two_looks_then_the_queues_are_well() -> None:
    aws = Aws()
    aws.waiting = {"https://sqs/1/UrgentQueue": [3, 0]}
    assert smoked(aws) == {}


@pytest.mark.parametrize(
    ("queue", "depths", "failed"),
    [("UrgentQueue", [3, 3, 2], "queues"), ("UrgentDeadLetters", [1], "dead letters")],
)
def test_given_work_that_stays_then_its_queue_fails(queue: str, depths: list[int], failed: str) -> None:
    aws = Aws()
    aws.waiting = {f"https://sqs/1/{queue}": depths}
    assert smoked(aws).keys() == {failed}


def test_given_lanes_that_never_report_then_the_schedules_fail() -> None:
    aws = Aws()
    aws.datapoints = []
    assert "urgent, replies, routine, daily" in smoked(aws)["schedules"].told


@pytest.mark.parametrize(("verified", "production"), [(False, True), (True, False)])
def test_given_mail_that_cannot_leave_then_it_fails(verified: bool, production: bool) -> None:
    aws = Aws()
    aws.verified, aws.production = verified, production
    assert smoked(aws).keys() == {"mail"}


def test_given_a_sweep_that_raises_then_its_log_is_named() -> None:
    aws = Aws()
    aws.sweep_error = True
    assert "/aws/lambda/clinic-sweep" in smoked(aws)["sweep"].fix
