"""The sample clinic: applied and imported through the command line's own commands, as an operator would."""

import contextlib
import io
from pathlib import Path
from typing import Final

from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.domain.records import ClinicId
from infra.cli.clinic_file import read_clinic
from infra.cli.main import main
from infra.cli.target import Target
from infra.local.stack.places import KEPT
from infra.local.stack.template import ROOT

SAMPLES: Final = ROOT / "docs" / "samples"
CLINIC_FILE: Final = SAMPLES / "lakeside.yaml"
_WHO: Final = "make run"


def clinic() -> tuple[ClinicId, ClinicSettings]:
    """The sample clinic's id and settings, from its file."""
    return read_clinic(CLINIC_FILE)


def bring_in(target: Target, samples: Path = SAMPLES) -> None:
    """Apply the clinic, enrol its patients, record its visits, as this folder says.

    Raises:
        BadInput: a command failed, or rejected a row; the message is what it said.
    """
    clinic_id, _ = clinic()
    _run(target, "clinic", "apply", str(samples / CLINIC_FILE.name))
    for kind, table, columns in (
        ("patients", "lakeside-roster.csv", "roster.yaml"),
        ("infusions", "lakeside-infusions.csv", "infusions.yaml"),
    ):
        rejected = KEPT / Path(table).with_suffix(".rejected.csv").name
        _run(
            target,
            *(kind, "import", str(samples / table), "--columns", str(samples / "columns" / columns)),
            *("--clinic", clinic_id, "--rejected", str(rejected)),
        )


def _run(target: Target, *arguments: str) -> None:
    told = io.StringIO()
    code = 0
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        try:
            main([*arguments, "--by", _WHO], obj=lambda: target, prog_name="followup", standalone_mode=False)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    if code:
        raise BadInput(f"the sample clinic could not be brought in: {told.getvalue().strip()}")
