"""Which service a command works on: the local stack or a deployed one, as the environment that wiring reads."""

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from followup import wiring
from followup.domain.errors import BadInput
from followup.ports import Clock
from followup.steps.service import Service
from infra.cli.deployed_stack import DeployedStack

LOCAL_FILE: Final = Path(".local/stack.json")
"""Written by `make run` while it runs."""
NEEDED: Final = ("TABLE_NAME", "PHONE_KEY_SECRET")
"""What a stack must tell: its records, and the key that turns numbers into keys. Both are outputs of the template."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


def _no_stack() -> DeployedStack:
    raise BadInput("this service runs on no stack; say which one: --local, or --stack-name NAME")


@dataclass(frozen=True, slots=True)
class Target:
    """The service that a command works on, its clock, and how to ask for the stack that it runs on."""

    service: Service
    clock: Clock
    stack: Callable[[], DeployedStack] = _no_stack


@dataclass(frozen=True, slots=True)
class LocalStack:
    """Where the local stack is. `secrets` by their use: phone_key, api_key, auth_token."""

    endpoint_url: str
    table: str
    queues: dict[str, str]
    secrets: dict[str, str]
    clock_url: str = ""
    region: str = "us-east-1"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises BadInput: the stack does not run, or the file is not what `make run` writes."""
        try:
            stack = msgspec.json.decode(path.read_bytes(), type=cls)
        except FileNotFoundError:
            raise BadInput(f"{path}: not there; start the local stack with `make run`") from None
        except (OSError, ValueError):
            raise BadInput(f"{path}: cannot be read; start the local stack again with `make run`") from None
        for field, url in (("endpoint_url", stack.endpoint_url), ("clock_url", stack.clock_url)):
            if (url or field == "endpoint_url") and urlsplit(url).hostname not in _LOOPBACK:
                raise BadInput(f"{path}: {field}: not on this machine; start the local stack again with `make run`")
        return stack

    def save(self, path: Path = LOCAL_FILE) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")

    def environment(self) -> dict[str, str]:
        """Credentials of nobody: real ones must not travel to an emulator."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": self.region,
            "AWS_REGION": self.region,
            "TABLE_NAME": self.table,
            "CLOCK_URL": self.clock_url,
            **{f"QUEUE_{name.upper()}": url for name, url in self.queues.items()},
            **{f"{name.upper()}_SECRET": secret for name, secret in self.secrets.items()},
        }


def deployed(stack_name: str, client: Any = None) -> dict[str, str]:
    """The environment of a deployed stack, from its outputs: `TableName` becomes TABLE_NAME.

    Raises:
        BadInput: there is no such stack in this account and region, or it lacks an output.
    """
    try:
        found = (client or boto3.client("cloudformation")).describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError:
        raise BadInput(
            f"stack {stack_name}: not found in this AWS account and region; check --stack-name, AWS_PROFILE, AWS_REGION"
        ) from None
    except BotoCoreError as error:
        raise BadInput(f"stack {stack_name}: AWS cannot be asked ({type(error).__name__}); sign in to AWS") from None
    outputs = {_variable(each["OutputKey"]): each["OutputValue"] for each in found.get("Outputs", [])}
    for name in NEEDED:
        if name not in outputs:
            raise BadInput(f"stack {stack_name}: has no output for {name}; deploy this version's template.yaml")
    return {name: outputs[name] for name in NEEDED}


def connect(environment: Mapping[str, str]) -> Target:
    """The service in this environment; it becomes this process's own."""
    os.environ.update(environment)
    if "AWS_ENDPOINT_URL" in environment:
        os.environ.pop("AWS_PROFILE", None)
        os.environ.pop("AWS_SESSION_TOKEN", None)
    wiring.renew()
    return Target(wiring.service(), wiring.clock())


def _variable(output: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", output).upper()
