"""Reading a template: its resources by type, and where their references point."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

Resources = dict[str, dict[str, Any]]

FUNCTION: Final = "AWS::Serverless::Function"
QUEUE: Final = "AWS::SQS::Queue"
ALARM: Final = "AWS::CloudWatch::Alarm"
ROLE: Final = "AWS::IAM::Role"
LOG: Final = "AWS::Logs::LogGroup"


def of_type(resources: Resources, kind: str) -> dict[str, dict[str, Any]]:
    """Properties by logical id."""
    return {name: each["Properties"] for name, each in resources.items() if each["Type"] == kind}


def target(reference: Any) -> str:
    """The logical id that a `!Ref` or `!GetAtt` points to."""
    found: str = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def statements(role: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in role["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def granted(role: Mapping[str, Any], action: str) -> list[Any]:
    """The resources that a role may use with this action."""
    return [
        resource
        for statement in statements(role)
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    ]


def variables(function: Mapping[str, Any]) -> dict[str, Any]:
    """The environment that the function sets for itself."""
    found: dict[str, Any] = function["Environment"]["Variables"]
    return found


def sources(function: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Its queues' event sources, by the queue's logical id."""
    events = [event["Properties"] for event in function["Events"].values() if event["Type"] == "SQS"]
    return {target(event["Queue"]): event for event in events}
