"""The running stack: start it, ask it, stop it."""

import json
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

import boto3
from botocore.config import Config

from followup.domain.errors import BadInput, FollowUpError
from followup.ports import Queue
from infra.local.stack.deployment import Deployed, deploy
from infra.local.stack.emulator import CREDENTIALS, REGION, Emulator
from infra.local.stack.local_template import localised, translate
from infra.local.stack.packaging import archive, libraries
from infra.local.stack.resources import STACK_NAME, work_queues

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PUBLIC_URL: Final = "https://texts.followup.example"
"""What webhooks are signed over; they travel to `Stack.api_url`."""
MAIL_DOMAIN: Final = "followup.example"
_BUCKET: Final = "followup-code"
_TEMPLATE_KEY: Final = "template.json"
_PORT_FILE: Final = "port"
_DEPTHS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


class FunctionFailed(FollowUpError):
    """A function that was invoked raised; the message holds the emulator's report of it."""


@dataclass(frozen=True, slots=True)
class LocalAccount:
    """The carrier's account on this machine. Its values open nothing anywhere else."""

    account_sid: str = "AC" + "0" * 32
    auth_token: str = field(default="0" * 32, repr=False)
    api_key_sid: str = "SK" + "0" * 32
    api_key_secret: str = field(default="0" * 32, repr=False)


class Stack:
    """The service from `template.yaml` on MiniStack. Use it as a context manager, or `start()` and `stop()`.

    With `persist`, records, secrets and queued work outlive an orderly stop; the port stays the same then, because the
    kept state names it.
    """

    account: Final = LocalAccount()

    def __init__(self, emulator: Emulator, deployed: Deployed) -> None:
        self._emulator, self._deployed = emulator, deployed
        self._lambda: Any = self.client("lambda")
        self._sqs: Any = self.client("sqs")

    @classmethod
    def start(
        cls,
        state_dir: Path,
        port: int = 0,
        *,
        carrier_url: str = "",
        clock_url: str = "",
        public_url: str = PUBLIC_URL,
        mail_domain: str = MAIL_DOMAIN,
        routine_per_minute: int = 60,
        persist: bool = False,
    ) -> Self:
        """Start MiniStack, deploy, and return when functions can be called. `port` 0 takes the kept or a free one.

        `mail_domain` is the one domain that mail may be sent from, so the clinics' `mail_from` must be in it.

        Raises:
            BadInput: something it needs is missing or wrong; the message says what, and nothing is left running.
        """
        wanted = archive()
        key = f"{sha256(wanted).hexdigest()[:16]}.zip"
        account = cls.account
        template = localised(
            translate(f"s3://{_BUCKET}/{key}"),
            libraries=libraries(),
            secrets={
                "AuthTokenSecret": json.dumps({"primary": account.auth_token}),
                "ApiKeySecret": json.dumps({"sid": account.api_key_sid, "secret": account.api_key_secret}),
            },
        )
        parameters = {
            "TwilioAccount": account.account_sid,
            "MailDomain": mail_domain,
            "PublicUrl": public_url,
            "CarrierUrl": carrier_url,
            "ClockUrl": clock_url,
            "RoutinePerMinute": str(routine_per_minute),
        }
        emulator = Emulator(state_dir, port=port or _kept_port(state_dir, persist), persist=persist).start()
        try:
            if persist:
                (state_dir / _PORT_FILE).write_text(str(emulator.port))
            s3: Any = _client(emulator, "s3")
            s3.create_bucket(Bucket=_BUCKET)
            s3.put_object(Bucket=_BUCKET, Key=key, Body=wanted)
            s3.put_object(Bucket=_BUCKET, Key=_TEMPLATE_KEY, Body=json.dumps(template).encode())
            address = f"{emulator.url}/{_BUCKET}/{_TEMPLATE_KEY}"
            return cls(emulator, deploy(_client(emulator, "cloudformation"), STACK_NAME, address, parameters))
        except BaseException:
            emulator.stop()
            raise

    def stop(self) -> None:
        """Stop everything that was started, in order; twice does no harm."""
        self._emulator.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Where AWS is."""
        return self._emulator.url

    @property
    def api_url(self) -> str:
        """Where webhooks are delivered, without a closing slash."""
        return f"{self.url}/_aws/execute-api/{self._deployed.ids['CarrierApi']}/$default"

    @property
    def table_name(self) -> str:
        return self._deployed.ids["FollowUpTable"]

    @property
    def queue_urls(self) -> dict[Queue, str]:
        return {name: self._deployed.ids[logical_id] for name, logical_id in work_queues().items()}

    @property
    def mails_url(self) -> str:
        """Where the sent mails are read, as JSON."""
        return f"{self.url}/_ministack/ses/messages"

    @property
    def queued_url(self) -> str:
        """Where the messages of all queues, waiting or in flight, are read in one call, as JSON."""
        return f"{self.url}/_ministack/sqs/messages"

    def client(self, service: str) -> Any:
        """A client of this stack's AWS, for the shell around it; the service itself makes its own."""
        return _client(self._emulator, service)

    def dynamodb(self) -> "DynamoDBClient":
        client: DynamoDBClient = self.client("dynamodb")
        return client

    def env_for(self, function: str) -> dict[str, str]:
        """The environment that a function runs in, for running its code, or the command line, in another process."""
        answer = self._lambda.get_function_configuration(FunctionName=_function_name(function))
        variables: dict[str, str] = answer["Environment"]["Variables"]
        theirs = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
        return {**theirs, **CREDENTIALS, "AWS_ENDPOINT_URL": self.url, "AWS_DEFAULT_REGION": REGION}

    def invoke(self, function: str, event: dict[str, Any]) -> Any:
        """Call a function by its handler's name (`sweep`) and return what it returns.

        Raises:
            FunctionFailed: it raised.
        """
        answer = self._lambda.invoke(FunctionName=_function_name(function), Payload=json.dumps(event).encode())
        payload = answer["Payload"].read()
        if answer.get("FunctionError"):
            raise FunctionFailed(f"{function}: {payload.decode(errors='replace')[:500]}")
        return json.loads(payload)

    def queue_depths(self) -> dict[Queue, int]:
        """Messages of each work queue that wait or are being worked on."""
        return {name: self._depth(url) for name, url in self.queue_urls.items()}

    def _depth(self, url: str) -> int:
        found = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_DEPTHS))["Attributes"]
        return sum(int(found.get(name, 0)) for name in _DEPTHS)

    def logs_of(self, function: str, *, since: float = 0.0) -> list[str]:
        """What a function has logged since then (seconds since 1970), oldest first."""
        logs = self.client("logs")
        answer = logs.filter_log_events(logGroupName=f"/aws/lambda/{_function_name(function)}")
        return [event["message"] for event in answer["events"] if event["timestamp"] >= since * 1000]


def _function_name(function: str) -> str:
    return f"{STACK_NAME}-{function.replace('_', '-')}"


def _client(emulator: Emulator, service: str) -> Any:
    factory: Any = boto3.client
    return factory(
        service,
        endpoint_url=emulator.url,
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=Config(read_timeout=90, retries={"total_max_attempts": 1}),
    )


def _kept_port(state_dir: Path, persist: bool) -> int:
    kept = state_dir / _PORT_FILE
    if not persist or not kept.exists():
        return 0
    try:
        return int(kept.read_text())
    except ValueError:
        raise BadInput(f"{kept}: expected a port number; delete the folder to start afresh") from None
