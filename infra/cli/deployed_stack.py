"""A stack as CloudFormation knows it: its parameters, outputs and resources."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from followup.adapters.secrets import StoredSecrets
from followup.domain.errors import BadInput

Clients = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class DeployedStack:
    """What was deployed. `resources`: type and physical id by logical id; `clients` makes AWS clients by service."""

    name: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]
    resources: Mapping[str, tuple[str, str]]
    clients: Clients
    emulator: str = ""
    """Where AWS is, for the stack on this machine."""

    @classmethod
    def read(cls, name: str, clients: Clients = boto3.client, *, emulator: str = "") -> Self:
        """Raises BadInput: there is no such stack in this account and region, or AWS cannot be asked."""
        try:
            client = clients("cloudformation")
            [stack] = client.describe_stacks(StackName=name)["Stacks"]
            pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
            resources = {
                each["LogicalResourceId"]: (each["ResourceType"], each.get("PhysicalResourceId", ""))
                for page in pages
                for each in page["StackResourceSummaries"]
            }
        except ClientError:
            raise BadInput(
                f"stack {name}: not found in this AWS account and region; check --stack-name, AWS_PROFILE, AWS_REGION"
            ) from None
        except BotoCoreError as error:
            raise BadInput(f"stack {name}: AWS cannot be asked ({type(error).__name__}); sign in to AWS") from None
        return cls(
            name=name,
            status=stack["StackStatus"],
            parameters={each["ParameterKey"]: each["ParameterValue"] for each in stack.get("Parameters", [])},
            outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
            resources=resources,
            clients=clients,
            emulator=emulator,
        )

    @property
    def public_url(self) -> str:
        """What webhooks are signed over; empty before the second deployment."""
        return self.parameters.get("PublicUrl", "")

    @property
    def carrier_url(self) -> str:
        """Empty: the carrier is closed."""
        return self.parameters.get("CarrierUrl", "")

    @property
    def account(self) -> str:
        return self.parameters.get("TwilioAccount", "")

    @property
    def webhooks_at(self) -> str:
        """Where webhooks are delivered: at the public address; on this machine the emulator plays it."""
        if not self.emulator:
            return self.public_url
        return f"{self.emulator}/_aws/execute-api/{self.resources['CarrierApi'][1]}/$default"

    def of_type(self, kind: str) -> dict[str, str]:
        """Physical ids of the resources of a type, by logical id."""
        return {logical: physical for logical, (each, physical) in self.resources.items() if each == kind}

    def secrets(self) -> StoredSecrets:
        return StoredSecrets(
            self.clients("secretsmanager"),
            api_key=self.outputs.get("ApiKeySecret", ""),
            auth_tokens=self.outputs.get("AuthTokenSecret", ""),
            phone_key=self.outputs.get("PhoneKeySecret", ""),
        )
