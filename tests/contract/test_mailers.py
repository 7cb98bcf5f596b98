"""What every mailer promises, with SES played in process."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto.ses.models import ses_backends

from followup.adapters.aws import client_config
from followup.adapters.memory import MemoryMailer
from followup.adapters.ses import SesMailer
from followup.domain.records import ClinicId, Mail
from followup.ports import Mailer
from tests.contract.samples import NOW

if TYPE_CHECKING:
    from mypy_boto3_sesv2 import SESV2Client

SENDER, SET = "followup@clinic.example", "followup"
DIGEST = Mail(
    mail_id="2026-03-05T14:00Z.digest/1",
    clinic_id=ClinicId("c1"),
    kind="digest",
    to="doctor@clinic.example",
    subject="Today: 1 patient – señora",
    text="One patient is due.",
    html="<p>One patient is due.</p>",
    created=NOW,
    stale=None,
    status="claimed",
)

Failure = Literal["refused", "not_sent", "lost"]
FAILURES = {
    "refused": (400, "MessageRejected"),
    "not_sent": (429, "TooManyRequestsException"),
    "lost": (500, "InternalServiceError"),
}
HOST = "https://email.us-east-1.amazonaws.com"


class Bench(Protocol):
    @property
    def mailer(self) -> Mailer: ...

    def failing(self, failure: Failure) -> None: ...

    def sent(self) -> list[tuple[str, str, str]]:
        """Sender, recipient and subject of what went out."""
        ...


class MemoryBench:
    def __init__(self) -> None:
        self._memory = MemoryMailer()

    @property
    def mailer(self) -> Mailer:
        return self._memory

    def failing(self, failure: Failure) -> None:
        self._memory.faults.append(failure)

    def sent(self) -> list[tuple[str, str, str]]:
        return [(out.sender, out.mail.to, out.mail.subject) for out in self._memory.sent]


def answering(status: int, error: str) -> Callable[..., AWSResponse]:
    """The answer of SES, whatever became of the mail."""

    def answer(**_: Any) -> AWSResponse:
        response = AWSResponse(HOST, status, {"x-amzn-errortype": error}, None)
        response._content = b'{"message": "doctor@clinic.example"}'
        return response

    return answer


def breaking(error: Exception) -> Callable[..., None]:
    def fail(**_: Any) -> None:
        raise error

    return fail


class SesBench:
    def __init__(self) -> None:
        self.client: SESV2Client = boto3.client("sesv2", config=client_config(attempts=1))
        self.client.create_email_identity(EmailIdentity=SENDER)
        self.calls: list[Any] = []
        self.client.meta.events.register("before-call.sesv2.SendEmail", self._note)

    def _note(self, params: Any, **_: Any) -> None:
        self.calls.append(params)

    @property
    def mailer(self) -> Mailer:
        return SesMailer(self.client, SET)

    def on_send(self, fault: Callable[..., Any]) -> None:
        self.client.meta.events.register_first("before-send.sesv2.SendEmail", fault)

    def failing(self, failure: Failure) -> None:
        status, code = FAILURES[failure]
        metadata = {"HTTPStatusCode": status}
        spoilt = AWSResponse(HOST, status, {}, None), {"Error": {"Code": code}, "ResponseMetadata": metadata}
        self.client.meta.events.register("before-call.sesv2.SendEmail", lambda **_: spoilt)

    def sent(self) -> list[tuple[str, str, str]]:
        messages: list[Any] = ses_backends["123456789012"]["us-east-1"].sent_messages
        return [(out.source, out.destinations["ToAddresses"][0], out.subject) for out in messages]


@pytest.fixture
def ses_bench(aws: None) -> SesBench:
    return SesBench()


@pytest.fixture(params=["memory", "ses"])
def bench(request: pytest.FixtureRequest) -> Bench:
    return MemoryBench() if request.param == "memory" else request.getfixturevalue("ses_bench")


@pytest.mark.parametrize("mail", [DIGEST, replace(DIGEST, html=None)])
def test_given_a_mail_when_it_is_sent_then_it_goes_out_once(bench: Bench, mail: Mail) -> None:
    assert bench.mailer.send(mail, sender=SENDER).outcome == "sent"
    assert bench.sent() == [(SENDER, DIGEST.to, DIGEST.subject)]


@pytest.mark.parametrize(
    ("failure", "outcome"), [("refused", "refused"), ("not_sent", "not_sent"), ("lost", "unknown")]
)
def test_given_a_mailer_that_fails_when_a_mail_is_sent_then_the_outcome_says_what_is_known(
    bench: Bench, failure: Failure, outcome: str
) -> None:
    bench.failing(failure)
    assert bench.mailer.send(DIGEST, sender=SENDER).outcome == outcome
    assert bench.sent() == []


def test_given_an_answer_that_is_lost_after_sending_then_the_outcome_is_unknown() -> None:
    mailer = MemoryMailer()
    mailer.faults.append("lost_after_sending")
    assert mailer.send(DIGEST, sender=SENDER).outcome == "unknown"
    assert len(mailer.sent) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (answering(400, "ThrottlingException"), "not_sent"),
        (answering(403, "AccessDeniedException"), "refused"),
        (answering(400, "SendingPausedException"), "refused"),
        (answering(503, "ServiceUnavailable"), "unknown"),
        (breaking(ConnectTimeoutError(endpoint_url=HOST)), "not_sent"),
        (breaking(EndpointConnectionError(endpoint_url=HOST)), "not_sent"),
        (breaking(ReadTimeoutError(endpoint_url=HOST)), "unknown"),
        (breaking(ConnectionClosedError(endpoint_url=HOST)), "unknown"),
    ],
)
def test_given_an_error_of_ses_when_a_mail_is_sent_then_it_is_judged_and_called_once(
    ses_bench: SesBench, fault: Callable[..., Any], outcome: str
) -> None:
    ses_bench.on_send(fault)
    assert ses_bench.mailer.send(DIGEST, sender=SENDER).outcome == outcome
    assert len(ses_bench.calls) == 1


def test_given_a_mail_when_it_is_sent_then_both_parts_its_set_and_its_id_go_along(ses_bench: SesBench) -> None:
    ses_bench.mailer.send(DIGEST, sender=SENDER)
    [call] = ses_bench.calls
    body = call["body"].decode()
    for part in (
        '"Text": {"Data": "One patient is due.", "Charset": "UTF-8"}',
        '"Html": {"Data": "<p>One patient is due.</p>", "Charset": "UTF-8"}',
        '"EmailTags": [{"Name": "clinic", "Value": "c1"}, {"Name": "mail", "Value": "2026-03-05T14_00Z_digest_1"}]',
        '"ConfigurationSetName": "followup"',
    ):
        assert part in body
