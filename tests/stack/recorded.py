"""The functions in this process, each in the environment that the template gives it, every call to AWS written down.

What AWS does between the functions is done here, by the template's own event sources: queues bring batches, schedules
wake the sweep, the carrier's twin calls the webhooks. AWS itself is moto, which allows everything; what the roles would
have said is evaluated on the record.
"""

import json
import os
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any, Final, get_args
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
import httpx
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from followup import content, wiring
from followup.adapters.closed_carrier import ClosedCarrier
from followup.adapters.closed_mailer import ClosedMailer
from followup.adapters.dynamo import DynamoRecords
from followup.adapters.memory import MemoryQueues
from followup.adapters.secrets import HashedPhones, StoredSecrets
from followup.adapters.sqs import SqsQueues, parse_work
from followup.domain.records import Lane
from followup.handlers.receive_text import ROUTE
from followup.ports import Queue, Work
from followup.steps.service import Service
from infra.demo.events import Context, queue_event
from infra.local.clock import PATH, LocalClock
from infra.local.clock import create_app as clock_app
from infra.local.serving import LoopbackServer
from infra.local.stack.resources import STACK_NAME, create_queues, create_table, work_queues
from infra.local.stack.template import Template
from infra.local.twin import Number, Settings, Twin, TwinServer
from tests.scenario.lakeside import MONDAY, SENDER
from tests.stack.policies import ACCOUNT, REGION, Call, Grant, Made, Resolver, grants
from tests.stack.shapes import LOG, of_type, target

FUNCTION: Final = "AWS::Lambda::Function"
MAPPING: Final = "AWS::Lambda::EventSourceMapping"
DOMAIN: Final = "lakeside.example"
PUBLIC_URL: Final = "https://texts.example"
CARRIER_ACCOUNT: Final = "AC" + "0" * 32
KEY: Final = "SK" + "0" * 32
TOKEN: Final = "0" * 32
_TRANSACTED: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


@dataclass
class Recorder:
    """Hears of every call of every client made after it was attached, with the function that is running."""

    running: str = ""
    calls: set[tuple[str, Call]] = field(default_factory=set)
    fed: set[str] = field(default_factory=set)
    """Queues, by URL, that may hold work."""
    kept_back: set[tuple[str, Queue]] = field(default_factory=set)
    """Queues that a function had work for and does not know."""
    mails: list[dict[str, str]] = field(default_factory=list)
    """The tags of each mail: what the mail service's events name it by."""
    mail_faults: list[int] = field(default_factory=list)
    """HTTP status of each of the next mails' answers: 503 after it may have been taken, 429 surely not."""

    def attach(self, session: boto3.Session) -> None:
        session.events.register("provide-client-params.*.*", self._heard)
        session.events.register("before-call.sesv2.SendEmail", self._answered)

    def queues(self, client: Any, urls: Mapping[Queue, str]) -> SqsQueues:
        """The adapter as wiring makes it, overheard."""
        recorder = self

        class Overheard(SqsQueues):
            def put(self, works: Sequence[Work]) -> int:
                recorder.kept_back.update((recorder.running, work.queue) for work in works if work.queue not in urls)
                return super().put(works)

        return Overheard(client, urls)

    def _answered(self, **_: object) -> tuple[AWSResponse, dict[str, Any]] | None:
        if not self.mail_faults:
            return None
        status = self.mail_faults.pop(0)
        return AWSResponse("", status, {}, None), {"Error": {}, "ResponseMetadata": {"HTTPStatusCode": status}}

    def _heard(self, params: dict[str, Any], model: Any, **_: object) -> None:
        found = asked(model.service_model.service_name, model.name, params)
        self.calls.update((self.running, call) for call in found)
        if model.name == "SendMessageBatch":
            self.fed.add(params["QueueUrl"])
        if model.name == "SendEmail":
            self.mails.append({tag["Name"]: tag["Value"] for tag in params["EmailTags"]})


def asked(service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
    """What AWS asks of the caller's policies for a call. One of a kind not known here is asked for as it is, on `*`."""
    match service, operation:
        case "dynamodb", "TransactWriteItems":
            for each in params["TransactItems"]:
                [(kind, item)] = each.items()
                yield Call(f"dynamodb:{_TRANSACTED[kind]}", _table(item["TableName"]))
        case "dynamodb", "BatchGetItem" | "BatchWriteItem":
            for name in params["RequestItems"]:
                yield Call(f"dynamodb:{operation}", _table(name))
        case "dynamodb", _ if "TableName" in params:
            index = f"/index/{params['IndexName']}" if "IndexName" in params else ""
            yield Call(f"dynamodb:{operation}", _table(params["TableName"]) + index)
        case "sqs", _ if "QueueUrl" in params:
            name = params["QueueUrl"].rpartition("/")[2]
            yield Call(f"sqs:{operation.removesuffix('Batch')}", _arn("sqs", name))
        case "secretsmanager", "GetSecretValue":
            yield Call("secretsmanager:GetSecretValue", params["SecretId"])
        case "sesv2", "SendEmail":
            sender = params["FromEmailAddress"]
            context = (("ses:FromAddress", sender),)
            yield Call("ses:SendEmail", _arn("ses", f"identity/{sender.partition('@')[2]}"), context)
            if "ConfigurationSetName" in params:
                yield Call("ses:SendEmail", _arn("ses", f"configuration-set/{params['ConfigurationSetName']}"), context)
        case _:
            yield Call(f"{service}:{operation}", "*")


def _table(name: str) -> str:
    return _arn("dynamodb", f"table/{name}")


def _arn(service: str, name: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{name}"


class Played:
    """The service on moto. Time moves by `pass_`; patients text through `twin`."""

    def __init__(
        self, template: Template, made: Mapping[str, Made], clock: LocalClock, urls: Mapping[str, str]
    ) -> None:
        self.clock, self.recorder = clock, Recorder()
        self._resources: dict[str, dict[str, Any]] = template["Resources"]
        self.resolver = Resolver(
            template,
            {
                "TwilioAccount": CARRIER_ACCOUNT,
                "MailDomain": DOMAIN,
                "PublicUrl": PUBLIC_URL,
                "CarrierUrl": urls["carrier"],
                "ClockUrl": urls["clock"],
            },
            made,
        )
        self.functions = of_type(self._resources, FUNCTION)
        self.grants: dict[str, frozenset[Grant]] = {
            name: frozenset(grants(self._resources[target(each["Role"])]["Properties"], self.resolver))
            for name, each in self.functions.items()
        }
        self._sources = {
            target(each["EventSourceArn"]): target(each["FunctionName"])
            for each in of_type(self._resources, MAPPING).values()
        }
        self._urls = {queue: made[logical_id].ref for queue, logical_id in work_queues().items()}
        self._settings = {name for each in self.functions.values() for name in each["Environment"]["Variables"]}
        self._containers: dict[str, dict[str, Any]] = {}
        self._shell = boto3.Session()
        self._sqs: Any = self._shell.client("sqs")
        self.records = DynamoRecords(self._shell.client("dynamodb"), made["FollowUpTable"].ref)
        secrets = StoredSecrets(self._shell.client("secretsmanager"), phone_key=made["PhoneKeySecret"].ref)
        self.service = Service(
            records=self.records,
            carrier=ClosedCarrier(),
            mailer=ClosedMailer(),
            queues=MemoryQueues(),
            phones=HashedPhones(secrets.phone_key()),
            content=content.load(),
            token=lambda: "f" * 32,
        )
        """The records from outside of any function, as the command line has them."""

    def call(self, function: str, event: Mapping[str, Any]) -> Any:
        """Run a function, by its logical id, in a container of its own."""
        properties = self.functions[function]
        variables = properties["Environment"]["Variables"]
        environment = {
            name: text for name, value in variables.items() if (text := self.resolver.text(value)) is not None
        }
        module, _, entry = properties["Handler"].rpartition(".")
        around = {name: value for name, value in os.environ.items() if name not in self._settings}
        with (
            patch.dict(os.environ, around | environment, clear=True),
            patch.multiple(wiring, **self._container(function)),
        ):
            self.recorder.running = function
            try:
                return getattr(import_module(module), entry)(dict(event), Context())
            finally:
                self.recorder.running = ""

    def _container(self, function: str) -> dict[str, Any]:
        """What the function's own container holds: wiring's clients and secrets, made once and for this function."""
        if function not in self._containers:
            cached = {name: each for name, each in vars(wiring).items() if hasattr(each, "cache_clear")}
            made = {name: cache(each.__wrapped__) for name, each in cached.items()}
            self._containers[function] = {**made, "SqsQueues": self.recorder.queues}
        return self._containers[function]

    def sweep(self) -> None:
        for lane in get_args(Lane):
            self.call("SweepFunction", {"lane": lane})

    def lose_work(self) -> None:
        """Every message on every queue is lost."""
        for url in self._urls.values():
            self._sqs.purge_queue(QueueUrl=url)
        self.recorder.fed.clear()

    def settle(self, twin: Twin) -> None:
        """Let queues and webhooks run dry."""
        while self.recorder.fed or twin.deliver_pending():
            for queue, url in self._urls.items():
                if url in self.recorder.fed:
                    self._work(queue, url)

    def pass_(self, time: timedelta, twin: Twin) -> None:
        """Time passes, and then everything that is due is done."""
        self.clock.pass_(time)
        self.sweep()
        self.settle(twin)

    def _work(self, queue: Queue, url: str) -> None:
        """The function on this queue takes one batch."""
        messages = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        if not messages:
            self.recorder.fed.discard(url)
            return
        works = [Work(queue, *parse_work(message["Body"])) for message in messages]
        answer = self.call(self._sources[work_queues()[queue]], queue_event(works))
        assert answer == {"batchItemFailures": []}
        for message in messages:
            self._sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])

    def webhook(self, request: httpx.Request) -> httpx.Response:
        """The HTTP API in front of the two functions that the carrier calls."""
        parts = urlsplit(str(request.url))
        inbound = parts.path == ROUTE
        event = {
            "rawPath": parts.path,
            "rawQueryString": parts.query,
            "headers": dict(request.headers),
            "requestContext": {"http": {"method": request.method, "path": parts.path}},
            "body": b64encode(request.content).decode(),
            "isBase64Encoded": True,
        }
        answer = self.call("ReceiveTextFunction" if inbound else "RecordDeliveryFunction", event)
        return httpx.Response(answer["statusCode"], text=answer["body"], headers=answer["headers"])


@contextmanager
def playing(template: Template) -> Iterator[tuple[Played, Twin]]:
    """The service and its carrier, on a Monday morning, with empty records."""
    clock = LocalClock(MONDAY)
    settings = Settings(
        account_sid=CARRIER_ACCOUNT,
        auth_token=TOKEN,
        api_key_sid=KEY,
        api_key_secret=TOKEN,
        numbers=(Number(number=SENDER, keywords="service", inbound_url=f"{PUBLIC_URL}{ROUTE}"),),
        public_base_url=PUBLIC_URL,
        deliver_base_url="http://127.0.0.1:9",
    )
    held: list[Played] = []
    transport = httpx.MockTransport(lambda request: held[0].webhook(request))
    twin = Twin(settings, clock=clock.now, transport=transport)
    with (
        mock_aws(),
        LoopbackServer(clock_app(clock), name="clock") as clock_server,
        TwinServer(twin, workers=0) as carrier,
    ):
        urls = {"carrier": carrier.base_url, "clock": f"{clock_server.url}{PATH}"}
        played = Played(template, _make(template), clock, urls)
        held.append(played)
        session = boto3.Session()
        played.recorder.attach(session)
        with patch.object(boto3, "DEFAULT_SESSION", session):
            yield played, twin


def _make(template: Template) -> dict[str, Made]:
    """The template's resources that functions touch, made in moto."""
    resources = template["Resources"]
    table = create_table(boto3.client("dynamodb"))
    made = {"FollowUpTable": Made(table, _table(table))}
    urls = create_queues(boto3.client("sqs"))
    for queue, logical_id in work_queues().items():
        made[logical_id] = Made(urls[queue], _arn("sqs", urls[queue].rpartition("/")[2]))
    secrets = boto3.client("secretsmanager")
    for logical_id, value in (
        ("PhoneKeySecret", {"key": "k" * 64}),
        ("AuthTokenSecret", {"primary": TOKEN}),
        ("ApiKeySecret", {"sid": KEY, "secret": TOKEN}),
    ):
        arn = secrets.create_secret(Name=logical_id, SecretString=json.dumps(value))["ARN"]
        made[logical_id] = Made(arn, arn)
    mail: Any = boto3.client("sesv2")
    mail.create_email_identity(EmailIdentity=DOMAIN)
    mail.create_configuration_set(ConfigurationSetName=f"{STACK_NAME}-mail")
    made["MailConfigurationSet"] = Made(f"{STACK_NAME}-mail", "")
    for logical_id in of_type(resources, LOG):
        made[logical_id] = Made(logical_id, _arn("logs", f"log-group:{logical_id}:*"))
    return made
