"""A list of checks as it is printed: what is well, what is not, and the fix."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal

import click

Outcome = Literal["ok", "failed", "skipped"]
_MARKS: Final[dict[Outcome, str]] = {"ok": "ok", "failed": "FAILED", "skipped": "-"}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `fix` says what to do about a failure."""

    name: str
    outcome: Outcome
    told: str
    fix: str = ""


def ok(name: str, told: str) -> Check:
    return Check(name, "ok", told)


def failed(name: str, told: str, fix: str) -> Check:
    return Check(name, "failed", told, fix)


def skipped(name: str, told: str) -> Check:
    return Check(name, "skipped", told)


def show(checks: Iterable[Check]) -> bool:
    """Print each check as soon as it is known, and say whether none failed."""
    clean = True
    for check in checks:
        click.echo(f"{_MARKS[check.outcome]:<7} {check.name}: {check.told}")
        if check.outcome == "failed":
            clean = False
            click.echo(f"        fix: {check.fix}")
    return clean
