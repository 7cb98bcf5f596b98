"""MiniStack as a child process, on loopback only."""

import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final, Self

from followup.domain.errors import BadInput
from infra.local.stack.places import stack_python

HOST: Final = "127.0.0.1"
REGION: Final = "us-east-1"
CREDENTIALS: Final = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
"""The emulator's root key, which may do everything: for the shell around the service and the command line."""
KEEPER: Final = Path(__file__).with_name("keeper.py")
START_S: Final = 30.0
STOP_S: Final = 20.0
_PROBE_S: Final = 0.05
_INHERITED: Final = ("PATH", "HOME", "LANG", "TMPDIR")


class Emulator:
    """One MiniStack. `state_dir` keeps its log, and with `persist` also its state over an orderly stop."""

    def __init__(self, state_dir: Path, *, port: int = 0, persist: bool = False) -> None:
        self.port = port or free_port()
        self._state_dir, self._persist = state_dir, persist
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self._state_dir / "ministack.log"

    def start(self) -> Self:
        """Start it, and return when it answers.

        Raises:
            BadInput: the port is taken, or it did not come up; the message ends with its own last words.
        """
        if _answers(self.url):
            raise BadInput(f"port {self.port} is taken by another program")
        self._state_dir.mkdir(parents=True, exist_ok=True)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [stack_python(), KEEPER],
                stdin=subprocess.PIPE,  # its end is what stops MiniStack, whatever happens to this process
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,  # Ctrl-C reaches us, and we stop it in order
            )
        deadline = time.monotonic() + START_S
        while not _answers(self.url):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise BadInput(f"MiniStack did not start: {self.log.read_text(errors='replace')[-500:]}")
            time.sleep(_PROBE_S)
        return self

    def stop(self) -> None:
        """Stop it in order, so that it saves its state; then end what is left of its process group."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        try:
            os.killpg(process.pid, signal.SIGKILL)  # workers that a busy handler kept alive
        except ProcessLookupError:
            return

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        kept = {"PERSIST_STATE": "1", "S3_PERSIST": "1"} if self._persist else {}
        return {
            **inherited,
            **CREDENTIALS,
            **kept,
            "AUTH": "true",  # every function acts under its own role, and is refused what that does not allow
            "AWS_ENDPOINT_URL": self.url,
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_WARM_TTL_SECONDS": "3600",  # a clock that is stepped should not wait for cold starts
            "LOG_LEVEL": "WARNING",
            "MINISTACK_HOST": HOST,
            "MINISTACK_REGION": REGION,
            "S3_DATA_DIR": str(self._state_dir / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(self._state_dir / "state"),
        }


def free_port() -> int:
    """A port on loopback that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/_ministack/health", timeout=2):  # noqa: S310 - loopback http
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
