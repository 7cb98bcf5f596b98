"""Where MiniStack asks a role for more than AWS does, and is given it.

Functions run under their own roles from `template.yaml` here too, and what a role does not allow is refused. The
emulator's checks differ from AWS's in the places below. Only the local translation grants them: the deployed template
is never widened, and what an exception gives away here (the mail statement's resources and sender) is proven on the
recorded calls in the tests.
"""

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class EmulatorException:
    """What a statement that allows `action` says besides, on MiniStack only."""

    action: str
    why: str
    also: tuple[str, ...] = ()
    """Actions that are granted beside it, on the same resources."""
    anywhere: bool = False
    """Whether it holds on every resource and without conditions."""


EXCEPTIONS: Final = (
    EmulatorException(
        action="sqs:SendMessage",
        why="sending a batch is an action of its own there; on AWS sqs:SendMessage covers it",
        also=("sqs:SendMessageBatch",),
    ),
    EmulatorException(
        action="ses:SendEmail",
        why="mail is checked against the resource * there, and ses:FromAddress is never filled in",
        anywhere=True,
    ),
)


def excepted(role: dict[str, Any]) -> dict[str, Any]:
    """A role of the translated template as MiniStack needs it; one that no exception concerns stays as it is."""
    policies = [
        {**policy, "PolicyDocument": _excepted_document(policy["PolicyDocument"])}
        for policy in role["Properties"].get("Policies", [])
    ]
    if not policies:
        return role
    return {**role, "Properties": {**role["Properties"], "Policies": policies}}


def _excepted_document(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "Statement": [_excepted_statement(statement) for statement in document["Statement"]]}


def _excepted_statement(statement: dict[str, Any]) -> dict[str, Any]:
    action = statement["Action"]
    actions: list[str] = action if isinstance(action, list) else [action]
    for exception in EXCEPTIONS:
        if exception.action not in actions:
            continue
        if exception.also:
            statement = {**statement, "Action": [*actions, *exception.also]}
        if exception.anywhere:
            statement = {name: value for name, value in statement.items() if name != "Condition"} | {"Resource": "*"}
    return statement
