"""What a deployment needs of this machine: SAM, Python as Lambda runs it, and a way into an AWS account."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from infra.checklist import Check, failed, ok
from infra.deploy.config import DeployConfig


def tool_checks(sam: Path, python: str) -> Iterator[Check]:
    """`python`: where Python 3.13 was found, empty if nowhere."""
    if os.access(sam, os.X_OK):
        yield ok("SAM", "is installed")
    else:
        yield failed("SAM", "is not installed", f"run `make {sam.parents[1].name}/.installed`")
    if python and os.access(python, os.X_OK):
        yield ok("Python 3.13", "is installed")
    else:
        fix = "install it, for example with `pyenv install 3.13`: the functions are built with what Lambda runs"
        yield failed("Python 3.13", "is not installed", fix)


def stack_checks(config: DeployConfig) -> Iterator[Check]:
    if config.stack_name:
        yield ok("stack", config.stack_name)
    else:
        yield failed("stack", "has no name", 'samconfig.toml: stack_name = "followup"')
    if "CAPABILITY_IAM" in config.capabilities:
        yield ok("capabilities", "roles may be made")
    else:
        yield failed("capabilities", "roles may not be made", 'samconfig.toml: capabilities = "CAPABILITY_IAM"')


def aws_checks(region: str, environment: Mapping[str, str], session: Callable[[], Any]) -> Iterator[Check]:
    """`session` makes a boto3 session; none of its calls here asks AWS."""
    if region:
        yield ok("region", region)
    else:
        fix = "set AWS_REGION=us-east-1, or region in samconfig.toml or in your profile"
        yield failed("region", "is not set", fix)
    if "AWS_ENDPOINT_URL" in environment:
        yield failed("endpoint", "AWS_ENDPOINT_URL points at an emulator", "run `unset AWS_ENDPOINT_URL`")
    yield _credentials(session)


def region_of(config: DeployConfig, environment: Mapping[str, str], session: Callable[[], Any]) -> str:
    """The region to deploy to, the nearest word first; empty if nobody says."""
    named = config.region or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if named:
        return named
    try:
        return session().region_name or ""
    except BotoCoreError:
        return ""


def _credentials(session: Callable[[], Any]) -> Check:
    name = "credentials"
    try:
        found = session().get_credentials()
        key = found.get_frozen_credentials().access_key if found else None
    except BotoCoreError as error:
        return failed(
            name, f"cannot be used: {type(error).__name__}", "sign in again: `aws sso login`, or see AWS_PROFILE"
        )
    if not key:
        return failed(name, "there are none", "sign in: `aws configure sso`, or set AWS_PROFILE")
    return ok(name, "are there")
