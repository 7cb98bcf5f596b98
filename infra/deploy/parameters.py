"""Whether the template takes these parameters: what CloudFormation would refuse, and what only a laptop can mean."""

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from infra.checklist import Check, failed, ok, skipped

FILE: Final = "samconfig.toml"
LOCAL_ONLY: Final = ("CarrierUrl", "ClockUrl")
"""Addresses on loopback: they mean something on a laptop only."""


def parameter_checks(declared: Mapping[str, Mapping[str, Any]], given: Mapping[str, str]) -> Iterator[Check]:
    """One check for each parameter that was given or must be. `declared`: the template's `Parameters`."""
    for name in given:
        if name not in declared:
            close = get_close_matches(name, declared, n=1)
            fix = f"did you mean {close[0]}?" if close else f"write one of: {', '.join(declared)}"
            yield failed(name, "is no parameter of template.yaml", f"{FILE}: {fix}")
    for name, parameter in declared.items():
        value = given.get(name)
        if value is None and "Default" not in parameter:
            fix = f"{FILE}, parameter_overrides: {name} = ... ({parameter.get('ConstraintDescription', 'a value')})"
            yield failed(name, f"is missing: {parameter.get('Description', name)}", fix)
        elif value is not None:
            yield _judged(name, value, parameter)
    if not given.get("PublicUrl"):
        told = "empty: right for the first deployment; until the second every webhook is refused"
        yield skipped("PublicUrl", told)


def _judged(name: str, value: str, parameter: Mapping[str, Any]) -> Check:
    if not _fits(value, parameter):
        expected = parameter.get("ConstraintDescription") or _expected(parameter)
        return failed(name, "does not fit", f"{FILE}: write {expected}")
    if name in LOCAL_ONLY and value:
        return failed(
            name, "is an address on loopback, which means something on a laptop only", f"{FILE}: leave it out"
        )
    if name == "PublicUrl" and value and not value.startswith("https://"):
        return failed(name, "is not on HTTPS", f"{FILE}: write the output ApiUrl, or a domain of your own")
    if name == "MailDomain" and value.endswith(".example"):
        return failed(name, "is a sample's domain", f"{FILE}: write a domain whose DNS is yours")
    return ok(name, "fits" if value else "is empty")


def _fits(value: str, parameter: Mapping[str, Any]) -> bool:
    allowed = parameter.get("AllowedValues")
    if allowed is not None and value not in map(str, allowed):
        return False
    if parameter.get("Type") == "Number":
        if not re.fullmatch(r"-?[0-9]+", value):
            return False
        number = int(value)
        return bool(parameter.get("MinValue", number) <= number <= parameter.get("MaxValue", number))
    pattern = parameter.get("AllowedPattern")
    return pattern is None or re.fullmatch(pattern, value) is not None


def _expected(parameter: Mapping[str, Any]) -> str:
    if "AllowedValues" in parameter:
        return f"one of: {', '.join(map(str, parameter['AllowedValues']))}"
    if parameter.get("Type") == "Number":
        least, most = parameter.get("MinValue"), parameter.get("MaxValue")
        return f"a whole number from {least}" + (f" to {most}" if most is not None else "")
    return f"what fits {parameter.get('AllowedPattern', 'the template')}"
