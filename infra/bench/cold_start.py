"""How long a function takes to its first answer, against a handler that only makes one client of boto3.

The runtime client of Lambda runs the artifact as it was built, bytecode and all; Lambda's Runtime API and the services
that the function calls are answered on loopback. What Lambda itself needs before it starts the process is not in it.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final

from followup import keys
from followup.adapters.items import to_item
from followup.adapters.memory import MemoryPhones
from followup.adapters.memory.secrets import KEY
from followup.domain.errors import BadInput
from followup.handlers import receive_text
from infra.bench.clinic import SENDER, START, clinic_records, patient_records
from infra.bench.runtime_api import Answering, Invocation, LoopbackApi
from infra.demo.events import webhook_event
from infra.demo.machine import ACCOUNT, PUBLIC_URL, TOKEN
from infra.local.stack.packaging import libraries
from infra.local.stack.template import ROOT

BUILT: Final = ROOT / ".aws-sam" / "build" / "ReceiveTextFunction"
RUNTIME: Final = ROOT / ".venv-bench"
STARTS: Final = 9
BASELINE: Final = """import boto3

client = boto3.client("dynamodb")


def lambda_handler(event, context):
    return {}
"""

_WAIT_S = 60


@dataclass(frozen=True, slots=True)
class Started:
    """Seconds from the start of the process: to asking for the first event, and to the first answer."""

    ready: float
    answered: float


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Medians of `STARTS` starts each, taken in turns."""

    baseline: Started
    receive_text: Started
    compiled: bool

    @property
    def ratio(self) -> float:
        return self.receive_text.answered / self.baseline.answered


def missing() -> str | None:
    """What has to be made before a cold start can be measured, or none."""
    if not BUILT.is_dir():
        return "run `make build` first"
    if not (RUNTIME / "bin" / "python").exists():
        return "run `make .venv-bench/.installed` first"
    return None


def measure(starts: int = STARTS) -> ColdStart:
    """Start both functions in turns.

    Raises:
        BadInput: one of them answered with an error.
    """
    with _artifact() as artifact, LoopbackApi(_Services) as services:
        (artifact / "baseline.py").write_text(BASELINE)
        subprocess.run(
            [RUNTIME / "bin" / "python", "-m", "compileall", "-q", artifact / "baseline.py"],
            check=True,
        )
        text = json.dumps(_text()).encode()
        baseline, receive = [], []
        for _ in range(starts + 1):
            baseline.append(_start(artifact, "baseline.lambda_handler", b"{}", services.address))
            receive.append(_start(artifact, "followup.handlers.receive_text.lambda_handler", text, services.address))
        compiled = any(artifact.glob("followup/**/*.pyc"))
    return ColdStart(_median(baseline[1:]), _median(receive[1:]), compiled)


def _median(found: list[Started]) -> Started:
    return Started(median(each.ready for each in found), median(each.answered for each in found))


def _start(artifact: Path, handler: str, event: bytes, services: str) -> Started:
    invocation = Invocation(event)
    with invocation.api() as runtime:
        command = [str(RUNTIME / "bin" / "python"), "-m", "awslambdaric", handler]
        surroundings = _surroundings(artifact, runtime.address, services)
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=artifact, env=surroundings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            posted = invocation.posted.get(timeout=_WAIT_S)
            if posted.kind != "response" or json.loads(posted.body).get("statusCode", 200) != 200:
                raise BadInput(f"{handler} did not answer as it should: {posted.kind}")
            return Started(invocation.asked.get(timeout=_WAIT_S) - begun, posted.at - begun)
        finally:
            process.kill()
            process.wait()
            invocation.over.set()


def _surroundings(artifact: Path, runtime: str, services: str) -> dict[str, str]:
    return {
        "PATH": os.defpath,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_RUNTIME_API": runtime,
        "AWS_ENDPOINT_URL": f"http://{services}",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_LOG_GROUP_NAME": "bench",
        "AWS_LAMBDA_LOG_STREAM_NAME": "bench",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(artifact),
        "POWERTOOLS_SERVICE_NAME": "followup",
        "POWERTOOLS_METRICS_NAMESPACE": "FollowUp",
        "TABLE_NAME": "followup",
        "QUEUE_REPLIES": f"http://{services}/000000000000/replies.fifo",
        "PHONE_KEY_SECRET": "phone-key",
        "AUTH_TOKEN_SECRET": "auth-token",
        "TWILIO_ACCOUNT": ACCOUNT,
        "PUBLIC_URL": PUBLIC_URL,
    }


@contextmanager
def _artifact() -> Iterator[Path]:
    """The built function; where this machine has another processor than Lambda, with its own compiled parts."""
    with TemporaryDirectory(prefix="followup-bench-") as folder:
        artifact = Path(folder) / "task"
        shutil.copytree(BUILT, artifact)
        here = libraries()
        for compiled in artifact.rglob("*.so"):
            part = compiled.relative_to(artifact)
            stem = part.name.split(".")[0]
            for ours in (here / part.parent).glob(f"{stem}.*.so"):
                shutil.copy2(ours, artifact / part.parent / ours.name)
        yield artifact


def _text() -> dict[str, object]:
    """A signed webhook request: a patient answers 7."""
    patient, _ = patient_records(1, MemoryPhones(), START)
    fields = {
        "MessageSid": f"SM{1:032x}",
        "SmsSid": f"SM{1:032x}",
        "AccountSid": ACCOUNT,
        "From": patient.phone,
        "To": SENDER,
        "Body": "7",
        "NumMedia": "0",
        "NumSegments": "1",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    return webhook_event(receive_text.ROUTE, fields, public_url=PUBLIC_URL, token=TOKEN)


class _Services(Answering):
    """What the function asks of AWS on its way: two secrets, three records, one transaction, one queue."""

    def do_POST(self) -> None:  # noqa: N802 - the standard library's name
        asked = json.loads(self.body())
        operation = self.headers["X-Amz-Target"].rpartition(".")[2]
        self.answer(200, json.dumps(_answer(operation, asked)).encode(), {"Content-Type": "application/x-amz-json-1.0"})


def _answer(operation: str, asked: dict[str, object]) -> dict[str, object]:
    match operation:
        case "GetSecretValue":
            secret = {"phone-key": {"key": KEY}, "auth-token": {"primary": TOKEN}}[str(asked["SecretId"])]
            return {"SecretString": json.dumps(secret)}
        case "GetItem":
            phones = MemoryPhones()
            records = (*clinic_records(phones), *patient_records(1, phones, START))
            items = {(keys.of(record).pk, keys.of(record).sk): to_item(record) for record in records}
            key = asked["Key"]
            item = items.get((key["pk"]["S"], key["sk"]["S"])) if isinstance(key, dict) else None
            return {"Item": item} if item else {}
        case "SendMessageBatch":
            return {"Successful": [], "Failed": []}
        case _:
            return {}
