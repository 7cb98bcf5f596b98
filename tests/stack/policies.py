"""What roles of a translated template allow: the statements they use, evaluated as AWS evaluates them.

Only what the template says is understood (Allow, Action, Resource, Condition with StringLike and StringEquals); any
other element is an error, so that nothing is ever allowed by having been passed over.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from infra.local.stack.template import Template
from tests.stack.shapes import listed, statements

ACCOUNT: Final = "123456789012"
REGION: Final = "us-east-1"
PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "followup",
    "AWS::URLSuffix": "amazonaws.com",
}
_UNDERSTOOD: Final = {"Sid", "Effect", "Action", "Resource", "Condition"}
_PLACEHOLDER: Final = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True)
class Made:
    """A resource that exists: what `!Ref` and what `!GetAtt` give for it."""

    ref: str
    arn: str


class Resolver:
    """Turns CloudFormation's expressions into the texts that a deployment would put in their place."""

    def __init__(self, template: Template, parameters: Mapping[str, str], made: Mapping[str, Made]) -> None:
        defaults = {name: str(each.get("Default", "")) for name, each in template["Parameters"].items()}
        self._conditions: Mapping[str, Any] = template["Conditions"]
        self._values = {**PSEUDO, **defaults, **parameters, **{name: each.ref for name, each in made.items()}}
        self._made = made

    def text(self, value: Any) -> str | None:
        """The text, or None for `AWS::NoValue`. Raises ValueError for an expression that the template does not use."""
        match value:
            case {"Ref": "AWS::NoValue"}:
                return None
            case {"Ref": name}:
                return self._values[name]
            case {"Fn::GetAtt": [name, "Arn" | "Id"]}:
                return self._made[name].arn
            case {"Fn::Sub": str(pattern)}:
                return _PLACEHOLDER.sub(lambda found: self._named(found[1]), pattern)
            case {"Fn::If": [condition, then, otherwise]}:
                return self.text(then if self._holds(self._conditions[condition]) else otherwise)
            case str() | int():
                return str(value)
        raise ValueError(f"not understood: {value}")

    def _named(self, name: str) -> str:
        return self._made[name.removesuffix(".Arn")].arn if name.endswith(".Arn") else self._values[name]

    def _holds(self, condition: Any) -> bool:
        match condition:
            case {"Fn::Not": [inner]}:
                return not self._holds(inner)
            case {"Fn::Equals": [one, other]}:
                return self.text(one) == self.text(other)
        raise ValueError(f"not understood: {condition}")


@dataclass(frozen=True, slots=True)
class Grant:
    """One action on one resource that a role allows, while every condition holds (operator, key, pattern)."""

    action: str
    resource: str
    conditions: tuple[tuple[str, str, str], ...] = ()

    def allows(self, call: "Call") -> bool:
        return (
            self.action.lower() == call.action.lower()
            and _like(self.resource)(call.resource)
            and all(
                _HOLDS[operator](pattern, dict(call.context).get(key)) for operator, key, pattern in self.conditions
            )
        )


@dataclass(frozen=True, slots=True)
class Call:
    """What AWS asks of a role's policies for (a part of) one call; `context` holds condition keys."""

    action: str
    resource: str
    context: tuple[tuple[str, str], ...] = ()


def grants(role: Mapping[str, Any], resolver: Resolver) -> Iterator[Grant]:
    """Everything that a role's own policies allow.

    Raises:
        ValueError: a statement says something that this evaluation does not understand.
    """
    for statement in statements(role):
        unknown = set(statement) - _UNDERSTOOD
        if unknown or statement["Effect"] != "Allow":
            raise ValueError(f"statement {statement['Sid']}: not understood: {unknown or statement['Effect']}")
        conditions = tuple(
            (operator, key, str(resolver.text(pattern)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, pattern in keys.items()
        )
        if any(operator not in _HOLDS for operator, _, _ in conditions):
            raise ValueError(f"statement {statement['Sid']}: not understood: {conditions}")
        for action in listed(statement["Action"]):
            for resource in listed(statement["Resource"]):
                yield Grant(action, str(resolver.text(resource)), conditions)


@cache
def _like(pattern: str) -> Callable[[str], bool]:
    """IAM's wildcards: `*` for any characters, `?` for one."""
    expression = re.compile("".join({"*": ".*", "?": "."}.get(each, re.escape(each)) for each in pattern), re.DOTALL)
    return lambda value: expression.fullmatch(value) is not None


def _equals(pattern: str, value: str | None) -> bool:
    return value == pattern


def _matches(pattern: str, value: str | None) -> bool:
    return value is not None and _like(pattern)(value)


_HOLDS: Final[Mapping[str, Callable[[str, str | None], bool]]] = {"StringEquals": _equals, "StringLike": _matches}
