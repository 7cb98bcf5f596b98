"""Every command of the documents does what it says, as it is typed, in a copy of this folder."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from followup import keys
from followup.adapters.dynamo import DynamoRecords
from followup.domain.records import Clinic, ClinicId, Mail
from infra.local.run import Running, running
from tests.documented import NOT_RUN, ROOT, run_commands, shown_commands

FOLLOWUP: Final = ".venv/bin/followup"
INSTALLED: Final = (".venv/.installed", ".venv-stack/.installed", ".venv-sam/.installed")
SHORT: Final = {"WEEKS": "1"}
"""Plays one week where a reader plays eight."""
STUCK: Final = "digest-20260330-stuck"
TYPED: Final = {"ID": f"lakeside/{STUCK}"}
"""What a reader types in place of a word in capitals."""
SAID: Final = {
    "make help": "make",
    "make demo": "steps that failed    │ 0",
    "make demo ROSTER=roster.csv INFUSIONS=infusions.csv": "steps that failed    │ 0",
}
ENDS: Final = {"make deploy CHECK=1": 2}
"""Exit codes other than 0: nothing that a deployment needs is there."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This folder as a reader has it, installed and without its state, with exports beside the sample's."""
    copy = tmp_path_factory.mktemp("reader")
    for entry in ROOT.iterdir():
        if entry.name.startswith(".venv"):
            (copy / entry.name).symlink_to(entry)
        elif entry.is_file():
            shutil.copy(entry, copy)
    for name in ("functions", "infra", "docs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    samples = ROOT / "docs/samples"
    (copy / "roster.csv").write_bytes((samples / "lakeside-roster.csv").read_bytes())
    (copy / "infusions.csv").write_bytes((samples / "lakeside-infusions.csv").read_bytes())
    record = (samples / "lakeside-roster.csv").read_text(encoding="utf-8").splitlines()[1].split(",")[0]
    (copy / "scores.csv").write_text(f"MRN,Date,Instrument,Score,Item 9\n{record},2026-03-27,PHQ-9,12,0\n")
    return copy


def in_folder(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    nobody = {"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MAKE", "MFLAGS"))}
    surroundings = kept | nobody | SHORT | {"AWS_EC2_METADATA_DISABLED": "true"}
    return subprocess.run(  # noqa: S603 - commands of our own documents
        command, cwd=folder, env=surroundings, capture_output=True, text=True, timeout=300, check=False
    )


def test_given_every_command_shown_when_sorted_then_each_is_run_or_is_excused_with_a_reason() -> None:
    shown = shown_commands()
    run = {*run_commands("make"), *run_commands(FOLLOWUP)}
    assert set(shown) == run | set(NOT_RUN)
    beside = (f"{FOLLOWUP} --local ", f"{FOLLOWUP} read ")
    assert all(line.startswith(beside) for line in run if line.startswith(FOLLOWUP))


@pytest.mark.parametrize("line", run_commands("make"))
def test_given_a_make_command_of_the_documents_when_typed_then_it_does_what_it_says(line: str, folder: Path) -> None:
    make, *words = shlex.split(line)
    installed = [word for marker in INSTALLED for word in ("--assume-old", marker)]

    ended = in_folder([make, *installed, *words], folder)

    assert ended.returncode == ENDS.get(line, 0), ended.stderr
    assert SAID.get(line, "") in ended.stdout


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody who types beside `make run`."""

    folder: Path
    up: Running

    def types(self, line: str) -> "subprocess.CompletedProcess[str]":
        return in_folder([TYPED.get(word, word) for word in shlex.split(line)], self.folder)


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    with running(port=0, state=folder / ".local/run", stack_file=folder / ".local/stack.json", keep=False) as up:
        yield Reader(folder, up)


@pytest.mark.stack
def test_given_make_run_when_every_command_beside_it_is_typed_then_each_does_what_it_says(reader: Reader) -> None:
    records = DynamoRecords(reader.up.stack.dynamodb(), reader.up.stack.table_name)
    records.commit(a_stuck_mail(records))

    ended = {line: reader.types(line) for line in run_commands(FOLLOWUP)}

    assert {line: (one.returncode, one.stderr) for line, one in ended.items() if one.returncode} == {}
    assert all(one.stdout.strip() for one in ended.values())


def a_stuck_mail(records: DynamoRecords) -> Mail:
    """A mail that gave up, for whoever tries again."""
    clinic = records.get(keys.clinic(ClinicId("lakeside")))
    assert isinstance(clinic, Clinic)
    now = datetime(2026, 3, 30, 12, tzinfo=UTC)
    mail = Mail(
        status="planned",
        mail_id=STUCK,
        clinic_id=clinic.clinic_id,
        kind="digest",
        to=clinic.settings.digest_to[0].email,
        subject="List",
        text="List",
        html=None,
        created=now,
        stale=None,
    )
    return mail.into("stuck", "not sent", now)
