"""Where the local stack finds its interpreters and keeps what it makes."""

from pathlib import Path
from typing import Final

from followup.domain.errors import BadInput
from infra.local.stack.template import ROOT

KEPT: Final = ROOT / ".local"
"""What can be made again: installed libraries, state, logs. Not under version control."""
FUNCTIONS: Final = ROOT / "functions"
REQUIREMENTS: Final = ROOT / "requirements.txt"
UV: Final = ROOT / ".venv" / "bin" / "uv"


def stack_python() -> Path:
    """The interpreter that has MiniStack, and runs the functions under it."""
    return _python(".venv-stack")


def sam_python() -> Path:
    """The interpreter that has the SAM translator."""
    return _python(".venv-sam")


def _python(folder: str) -> Path:
    python = ROOT / folder / "bin" / "python"
    if not python.exists():
        raise BadInput(f"{folder}/bin/python is missing: run `make {folder}/.installed`")
    return python
