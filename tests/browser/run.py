"""`make run`, as a process of its own."""

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_ENDS_S = 60


@contextlib.contextmanager
def make_run(folder: Path) -> Iterator[str]:
    """Start what `make run` starts, with everything it keeps under `folder`; the pages' address.

    Raises:
        RuntimeError: it ended before it said an address; the message is what it said instead.
    """
    command = [sys.executable, "-m", "infra.local.run", "--port", "0", "--state", str(folder / "state")]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as own:  # noqa: S603 - ours
        try:
            yield _address(own)
        finally:
            own.send_signal(signal.SIGINT)
            own.communicate(timeout=_ENDS_S)


def _address(own: "subprocess.Popen[str]") -> str:
    said: list[str] = []
    for line in own.stdout or ():
        if found := re.search(r"http://127\.0\.0\.1:[0-9]+", line):
            return found[0]
        said.append(line)
    raise RuntimeError(f"make run did not start: {''.join(said).strip()}")
