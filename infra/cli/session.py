"""What every command shares: the service it works on, who runs it, and how it ends when something is wrong.

Exit codes: 0 all is done; 1 something was rejected, or it broke off midway; 2 the input is of no use, nothing was done.
"""

import getpass
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import Any, Final, NoReturn, ParamSpec, TypeVar

import click
from botocore.exceptions import BotoCoreError, ClientError

from followup.domain.errors import BadInput, FollowUpError, Missing
from infra.cli.deployed_stack import DeployedStack
from infra.cli.target import LOCAL_FILE, LocalStack, Target, connect, deployed
from infra.local.stack.resources import STACK_NAME

REJECTED: Final = 1
UNUSABLE: Final = 2

P = ParamSpec("P")
R = TypeVar("R")
Connect = Callable[[], Target]


def connection(local: bool, stack_name: str | None) -> Connect:
    """How to reach the service that the options name; nothing is asked of it yet."""

    def reach() -> Target:
        if local == bool(stack_name):
            raise click.UsageError("say which service: --local, or --stack-name NAME")
        if not local:
            name = str(stack_name)
            return replace(connect(deployed(name)), stack=lambda: DeployedStack.read(name))
        here = LocalStack.load(LOCAL_FILE)
        return replace(
            connect(here.environment()), stack=lambda: DeployedStack.read(STACK_NAME, emulator=here.endpoint_url)
        )

    return reach


def target() -> Target:
    """The service that this command works on."""
    reach: Connect = click.get_current_context().obj
    return reach()


def stop(message: str, code: int = UNUSABLE) -> NoReturn:
    """End with this message."""
    click.echo(message, err=True)
    raise SystemExit(code)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """What goes wrong on purpose ends the command in a sentence, not in a traceback."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (BadInput, Missing) as error:
            stop(str(error))
        except FollowUpError as error:
            stop(f"{error}; what was done so far stays, run the command again", REJECTED)
        except ClientError as error:
            told = error.response.get("Error", {}).get("Code", "unknown")
            stop(f"AWS refused: {told}; what was done so far stays, run the command again", REJECTED)
        except BotoCoreError as error:
            told = type(error).__name__
            stop(f"AWS cannot be reached: {told}; what was done so far stays, run the command again", REJECTED)

    return run


def read(path: Path) -> bytes:
    """Raises BadInput: the file cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); check its name and who may read it") from None


def os_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        raise click.UsageError("say who you are: --by NAME") from None


def clinic_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--clinic", "clinic_id", metavar="ID", required=True, help="The clinic's id in its file.")(
        function
    )


def by_option(function: Callable[..., Any]) -> Callable[..., Any]:
    return click.option("--by", "who", metavar="NAME", default=os_user, help="Who does it; you, if left out.")(function)
