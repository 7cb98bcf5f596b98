"""Brings the stack in MiniStack in step with a template: creates it, or updates the one that was kept."""

import time
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from followup.domain.errors import BadInput

WAIT_S: Final = 60.0
_PROBE_S: Final = 0.1
_NOTHING_TO_DO: Final = "No updates are to be performed"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What CloudFormation made: physical ids by logical id, and the outputs."""

    ids: dict[str, str]
    outputs: dict[str, str]


def deploy(client: Any, name: str, template_url: str, parameters: dict[str, str]) -> Deployed:
    """Create or update the stack from a template in S3 (it is too long to be sent along), and wait for it.

    Raises:
        BadInput: it did not come up; the message names the resource that failed and why.
    """
    arguments: Any = {
        "StackName": name,
        "TemplateURL": template_url,
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        "Capabilities": ["CAPABILITY_IAM"],
    }
    if _exists(client, name):
        try:
            client.update_stack(**arguments)
        except ClientError as error:
            if _NOTHING_TO_DO not in str(error):
                raise
    else:
        client.create_stack(**arguments)
    return _finished(client, name)


def _exists(client: Any, name: str) -> bool:
    try:
        client.describe_stacks(StackName=name)
    except ClientError:
        return False
    return True


def _finished(client: Any, name: str) -> Deployed:
    deadline = time.monotonic() + WAIT_S
    while True:
        [stack] = client.describe_stacks(StackName=name)["Stacks"]
        status = stack["StackStatus"]
        if not status.endswith("IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise BadInput(f"stack {name} is still {status} after {WAIT_S:.0f} s")
        time.sleep(_PROBE_S)
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        raise BadInput(f"stack {name}: {status}: {_first_failure(client, name)}")
    resources = client.describe_stack_resources(StackName=name)["StackResources"]
    return Deployed(
        ids={each["LogicalResourceId"]: each.get("PhysicalResourceId", "") for each in resources},
        outputs={each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])},
    )


def _first_failure(client: Any, name: str) -> str:
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    failed = [event for event in events if "FAILED" in event.get("ResourceStatus", "")]
    if not failed:
        return "no resource is named"
    first = failed[-1]
    return f"{first.get('LogicalResourceId')}: {first.get('ResourceStatusReason')}"
