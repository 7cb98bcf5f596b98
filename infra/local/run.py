"""`python -m infra.local.run`: the whole service on this machine, with a sample clinic and pages in the browser.

Everything listens on loopback only. Ctrl-C ends all of it; records, phones and the time are there again next time.
"""

import contextlib
import os
import signal
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Final, NoReturn

import click
import httpx
import msgspec

from followup import wiring
from followup.domain.errors import BadInput, FollowUpError
from followup.domain.records import ClinicId, Lane
from followup.handlers.receive_text import ROUTE
from infra.cli.target import LOCAL_FILE, LocalStack, Target, connect
from infra.local import sample
from infra.local.assembly import Assembly, assemble
from infra.local.clock import PATH, LocalClock
from infra.local.clock import create_app as clock_app
from infra.local.due import ScannedSteps
from infra.local.flow import FunctionLogs
from infra.local.mailbox import of_emulator
from infra.local.resting import RestingPlace
from infra.local.serving import LoopbackServer
from infra.local.stack.places import KEPT
from infra.local.stack.resources import STACK_NAME
from infra.local.stack.stack import PUBLIC_URL, Stack
from infra.local.twin import Number, Settings, Twin, TwinServer

PORT: Final = 8000
OPENS: Final = datetime(2026, 3, 30, 11, 30, tzinfo=UTC)
"""The sample clinic's lists stand as of this Monday, 06:30 there: half an hour before the digest."""
INBOUND_OVERRIDES: Final = "#rc=2&rp=ct,rt,5xx"
"""Connection overrides as the webhook's URL carries them at the carrier: two retries, also after a server error."""
STATE: Final = KEPT / "run"
_RUN_ENDS_S: Final = 5.0
_DRAINS_S: Final = 15.0
"""What a worker holds when the emulator stops stays hidden for minutes next time, so it may finish first."""
_ASKED_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Running:
    """What is up: the pages' address, and whoever moves the clock."""

    url: str
    assembly: Assembly
    stack: Stack
    clock: LocalClock


class _Queued(msgspec.Struct):
    """Messages by account, region and queue; of each only that it is there."""

    messages: dict[str, dict[str, dict[str, list[msgspec.Raw]]]]


class OnStack:
    """The functions on the emulator, as the driver needs them. Close it when nobody asks any more."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._http = httpx.Client(trust_env=False, timeout=_ASKED_S)
        self._queues = {_name(url): str(queue) for queue, url in stack.queue_urls.items()}

    def sweep(self, lane: Lane) -> None:
        self._stack.invoke("sweep", {"lane": lane})

    def waiting(self) -> dict[str, int]:
        """All queues as they stand at one moment, in one call: while the clock waits, little else is asked as often."""
        answer = msgspec.json.decode(self._http.get(self._stack.queued_url).content, type=_Queued)
        regions = [queues for account in answer.messages.values() for queues in account.values()]
        held = {_name(url): messages for queues in regions for url, messages in queues.items()}
        return {queue: len(held[name]) for name, queue in self._queues.items()}

    def close(self) -> None:
        self._http.close()


def _name(queue_url: str) -> str:
    return queue_url.rpartition("/")[2]


def _silent(_words: str) -> None:
    pass


@contextlib.contextmanager
def running(
    *,
    port: int = PORT,
    state: Path = STATE,
    stack_file: Path = LOCAL_FILE,
    fresh: bool = False,
    keep: bool = True,
    samples: Path = sample.SAMPLES,
    say: Callable[[str], None] = _silent,
) -> Iterator[Running]:
    """Everything, until the context is left; with `keep` it goes on from there next time, unless that is `fresh`.

    `samples` is the folder with the patients and visits that a fresh one begins with.

    Raises:
        BadInput: something is missing or wrong, or another one runs already; nothing is left running.
        OSError: no port to be had.
    """
    _only_one(stack_file)
    place = RestingPlace(state)
    if fresh or not keep:
        place.forget()
    kept = place.time()
    clinic_id, settings = sample.clinic()
    clock = LocalClock(kept or OPENS)
    number = Number(
        number=settings.sender,
        service_sid=settings.messaging_service,
        keywords=settings.keyword_mode,
        inbound_url=f"{PUBLIC_URL}{ROUTE}{INBOUND_OVERRIDES}",
    )
    with contextlib.ExitStack() as stop:
        stop.enter_context(_own_environment())
        clock_server = stop.enter_context(LoopbackServer(clock_app(clock), name="clock"))
        twin = Twin(_account(number, f"http://127.0.0.1:{clock_server.port}"), clock=clock.now)
        if kept is not None:
            place.wake(twin)
        if keep:
            stop.callback(lambda: place.rest(twin, clock.now()))  # once the emulator has stopped and saved its own
        carrier = stop.enter_context(TwinServer(twin, workers=2))
        say("Starting the service from template.yaml …")
        clock_url = f"{clock_server.url}{PATH}"
        stack = Stack.start(state, carrier_url=carrier.base_url, clock_url=clock_url, persist=keep)
        stop.callback(stack.stop)
        twin.configure(_account(number, stack.api_url))
        target = _connect(stack, clock_url, stack_file)
        stop.callback(stack_file.unlink, missing_ok=True)
        if kept is None:
            say("Bringing in the sample clinic …")
            sample.bring_in(target, samples)
        with _pages(stack, target, twin, clock, clinic_id, port, place, keep=keep) as up:
            yield up


@contextlib.contextmanager
def _pages(
    stack: Stack,
    target: Target,
    twin: Twin,
    clock: LocalClock,
    clinic_id: ClinicId,
    port: int,
    place: RestingPlace,
    *,
    keep: bool,
) -> Iterator[Running]:
    with contextlib.closing(OnStack(stack)) as functions:
        assembly = assemble(
            clock=clock,
            steps=ScannedSteps(stack.dynamodb(), stack.table_name),
            twin=twin,
            service=target.service,
            running=functions,
            mails=of_emulator(stack.mails_url, clock),
            flow=FunctionLogs(stack.client("logs"), STACK_NAME, clock, since=datetime.now(UTC)),
            clinics=(clinic_id,),
            began=OPENS,
        )
        assembly.resume(place.visit())
        with LoopbackServer(assembly.app, port=port, or_next=True, name="pages") as pages:
            try:
                yield Running(pages.url, assembly, stack, clock)
            finally:
                assembly.close(_RUN_ENDS_S)
                if keep:
                    _drain(functions, _DRAINS_S)
                    place.keep(assembly.visit())


@contextlib.contextmanager
def _own_environment() -> Iterator[None]:
    """This process talks to the stack by its environment while it runs, and afterwards as it did before."""
    before = dict(os.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        wiring.renew()


def _drain(functions: OnStack, within_s: float) -> None:
    """Wait until no queue holds anything, but not for a carrier that never answers."""
    ends = monotonic() + within_s
    while monotonic() < ends and any(functions.waiting().values()):
        Event().wait(0.1)


def _account(number: Number, deliver: str) -> Settings:
    account = Stack.account
    return Settings(
        account_sid=account.account_sid,
        auth_token=account.auth_token,
        api_key_sid=account.api_key_sid,
        api_key_secret=account.api_key_secret,
        numbers=(number,),
        public_base_url=PUBLIC_URL,
        deliver_base_url=deliver,
    )


def _connect(stack: Stack, clock_url: str, stack_file: Path) -> Target:
    """This process's own way to the records, and the file that `followup --local` finds them by."""
    told = LocalStack(
        endpoint_url=stack.url,
        table=stack.table_name,
        queues={str(queue): url for queue, url in stack.queue_urls.items()},
        secrets={"phone_key": stack.env_for("receive_text")["PHONE_KEY_SECRET"]},
        clock_url=clock_url,
    )
    told.save(stack_file)
    return connect(told.environment())


def _only_one(stack_file: Path) -> None:
    """Two stacks would write over each other's state."""
    if not stack_file.exists():
        return
    try:
        endpoint = LocalStack.load(stack_file).endpoint_url
        urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=2).close()  # noqa: S310 - loopback, checked
    except (BadInput, OSError):
        return  # what is left of one that was killed
    raise BadInput(f"the local stack runs already (see {stack_file}); end it with Ctrl-C in its terminal")


@click.command()
@click.option("--port", default=PORT, show_default=True, help="Of the pages; the next free one if it is taken.")
@click.option("--fresh", is_flag=True, help="Forget what was kept, and begin with the sample clinic again.")
@click.option("--state", default=STATE, type=click.Path(path_type=Path), help="Where everything is kept.")
def main(port: int, fresh: bool, state: Path) -> None:
    """Run the whole service on this machine, with a sample clinic and pages in the browser."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        with running(port=port, state=state, fresh=fresh, say=_tell) as up:
            _tell(f"\n  {up.url}\n\nOpen it in a browser. Ctrl-C ends everything.")
            _until_interrupted()
            _tell("Stopping …")
    except KeyboardInterrupt:
        sys.exit(130)  # while it was starting
    except (FollowUpError, OSError) as error:
        click.echo(str(error), err=True)
        sys.exit(1)


def _interrupt(*_signal: object) -> NoReturn:
    """End once, and in order: whoever presses Ctrl-C twice must not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _until_interrupted() -> None:
    with contextlib.suppress(KeyboardInterrupt):
        Event().wait()


def _tell(words: str) -> None:
    print(words, flush=True)  # at once, also into a pipe


if __name__ == "__main__":
    main()
