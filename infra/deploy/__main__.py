"""`python -m infra.deploy`: check, then deploy."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import boto3
import click

from followup.domain.errors import BadInput
from infra.checklist import Check, show
from infra.deploy.artifact import artifact_check
from infra.deploy.config import DeployConfig, read_config
from infra.deploy.parameters import parameter_checks
from infra.deploy.surroundings import aws_checks, region_of, stack_checks, tool_checks
from infra.local.stack.template import ROOT, read_template

MISSING: Final = 1
UNUSABLE: Final = 2


@dataclass(frozen=True, slots=True)
class Surroundings:
    """This machine, as far as a deployment looks at it."""

    root: Path
    environment: Mapping[str, str]
    session: Callable[[], Any]
    run: Callable[[Sequence[str]], int]
    """Runs a command in `root`, and returns its exit code."""

    @property
    def sam(self) -> Path:
        return self.root / ".venv-sam/bin/sam"


def prerequisites(here: Surroundings, config: DeployConfig, python: str) -> Iterator[Check]:
    """Everything that is looked at before a deployment, without asking AWS."""
    template = read_template(here.root / "template.yaml")
    yield from tool_checks(here.sam, python)
    yield from aws_checks(region_of(config, here.environment, here.session), here.environment, here.session)
    yield from stack_checks(config)
    yield from parameter_checks(template["Parameters"], config.parameters)
    yield artifact_check(
        here.root / ".aws-sam/build",
        here.root / "functions/followup",
        here.root / "template.yaml",
        here.root / "requirements.txt",
        template["Resources"],
    )


def deploy(here: Surroundings, *, environment: str, python: str, check: bool) -> int:
    """Check, and unless only that was asked for, deploy. Returns the exit code.

    Raises:
        BadInput: samconfig.toml cannot be used.
    """
    config = read_config(here.root / "samconfig.toml", environment)
    if not show(prerequisites(here, config, python)):
        click.echo("Nothing was deployed.", err=True)
        return MISSING
    region = region_of(config, here.environment, here.session)
    command = [str(here.sam), "deploy", "--config-env", environment, "--region", region]
    if check:
        click.echo(f"Nothing is missing, and nothing was deployed. `make deploy` runs: {' '.join(command)}")
        return 0
    code = here.run(command)
    if code == 0:
        for line in afterwards(config):
            click.echo(line)
    return code


def afterwards(config: DeployConfig) -> tuple[str, ...]:
    """What a person does once the stack is up."""
    steps = [
        "Once the stack is up:",
        "  - fill its two secrets: docs/runbooks/secrets.md",
        "  - prove the mail domain: the three CNAME records of the output MailDnsRecords",
    ]
    if not config.parameters.get("PublicUrl"):
        steps.append("  - write the output ApiUrl into samconfig.toml as PublicUrl, and run `make deploy` again")
    else:
        steps.append(f"  - followup --stack-name {config.stack_name} carrier setup --clinic ID --dry-run")
        steps.append(f"  - followup --stack-name {config.stack_name} smoke")
    return tuple(steps)


def _run(command: Sequence[str]) -> int:
    return subprocess.run(command, check=False, cwd=ROOT).returncode


@click.command()
@click.option("--check", is_flag=True, help="Only look at what is needed; deploy nothing.")
@click.option("--config-env", default="default", show_default=True, help="Which section of samconfig.toml.")
@click.option("--python313", default="", metavar="PATH", help="Where Python 3.13 is.")
def main(check: bool, config_env: str, python313: str) -> None:
    """Check what a deployment needs, say what is missing, and deploy."""
    here = Surroundings(ROOT, os.environ, boto3.Session, _run)
    try:
        sys.exit(deploy(here, environment=config_env, python=python313, check=check))
    except BadInput as error:
        click.echo(str(error), err=True)
        sys.exit(UNUSABLE)


if __name__ == "__main__":
    main()
