"""`followup patients import`, `infusions import`, `scores import`: a clinic's exports, row by row.

Good rows go in. Every other row is named with row, column, problem and fix, and comes back in a file of its own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import click

from followup import keys
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput
from followup.domain.records import ClinicId, Patient
from followup.intake.columns import AnyColumns, InfusionColumns, RosterColumns, ScoreColumns, read_columns
from followup.intake.identifiers import record_numbers
from followup.intake.infusions import read_infusions
from followup.intake.judging import Intake, Problem, rejected_rows
from followup.intake.roster import RosterRow, read_roster
from followup.intake.scores import read_scores
from followup.intake.tables import UnreadableTable
from followup.steps import enrolment
from followup.steps import imports as steps
from followup.steps.imports import Rejected, Taken
from infra.cli import printing
from infra.cli.session import REJECTED, UNUSABLE, by_option, clinic_option, guarded, read, target
from infra.cli.target import Target

T = TypeVar("T")

_WHOLE_ROW: Final = "(whole row)"
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class _Import(Generic[T]):
    """One file on its way in."""

    file: Path
    data: bytes
    intake: Intake[T]
    wanted: tuple[str, ...]
    delimiter: str
    headers: Mapping[str, str]
    """The file's header for each field."""

    def finish(self, taken: Taken, rejected: Path | None) -> int:
        """Name what was rejected, write it out, sum up; returns the exit code."""
        problems = sorted({*self.intake.problems, *(self._problem(one) for one in taken.rejected)})
        printing.problems(self.file.name, problems)
        counts = {name: number for name, number in taken.counts.items() if number}
        counts |= {"left out": self.intake.left_out} if self.intake.left_out else {}
        bad = {problem.row for problem in problems}
        told = [f"{number} {name}" for name, number in counts.items()] + [f"{len(bad)} rejected"]
        click.echo(f"{self.file.name}: {', '.join(told)}")
        if not bad:
            return 0
        rows = rejected_rows(self.data, wanted=self.wanted, delimiter=self.delimiter, problems=problems)
        path = rejected or self.file.with_suffix(".rejected.csv")
        _write_private(path, rows)
        click.echo(f"rejected rows are in {path}: correct them there and import that file")
        return REJECTED

    def _problem(self, one: Rejected) -> Problem:
        return Problem(one.row, self.headers.get(one.place, _WHOLE_ROW), one.problem, one.fix)


def _options(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the three imports take."""
    for option in (
        by_option,
        click.option(
            "--rejected",
            type=click.Path(dir_okay=False, writable=True, path_type=Path),
            help="Where rejected rows go; FILE.rejected.csv if left out.",
        ),
        clinic_option,
        click.option(
            "--columns",
            required=True,
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="The column map (YAML) that says how FILE is read.",
        ),
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
    ):
        function = option(function)
    return function


@click.group()
def patients() -> None:
    """Enrol patients."""


@click.group()
def infusions() -> None:
    """Record infusion visits."""


@click.group()
def scores() -> None:
    """Enter questionnaire scores."""


@patients.command("import")
@_options
@guarded
def import_patients(file: Path, columns: Path, clinic_id: ClinicId, rejected: Path | None, who: str) -> None:
    """Import a clinic's patient list (CSV). The same list again changes nothing."""
    there, settings, now = _open(clinic_id, file, rejected)
    kept, how = _columns(columns, RosterColumns)
    _same_declaration(how, columns, settings)
    data = read(file)
    intake = read_roster(data, how, clinic_zone=settings.zone, today=calendar.local(now, settings.zone).date())
    _readable(file, intake)
    taken = steps.patients(there.service, clinic_id, intake, who=who, now=now)
    printing.problems(file.name, _assumed_zones(intake, how, settings, taken), err=False)
    printing.problems(file.name, intake.notes, err=False)
    raise SystemExit(_Import(file, data, intake, how.wanted(), how.delimiter, kept).finish(taken, rejected))


@infusions.command("import")
@_options
@guarded
def import_infusions(file: Path, columns: Path, clinic_id: ClinicId, rejected: Path | None, who: str) -> None:
    """Import a clinic's visit list (CSV). Visits that it does not mention stay as they are."""
    there, settings, now = _open(clinic_id, file, rejected)
    kept, how = _columns(columns, InfusionColumns)
    data = read(file)
    known = _known(there, clinic_id, file, data, how.columns.record_number, how.delimiter)
    today = calendar.local(now, settings.zone).date()
    intake = read_infusions(data, how, clinic_zone=settings.zone, known=known, today=today)
    _readable(file, intake)
    printing.problems(file.name, intake.notes, err=False)
    taken = steps.infusions(there.service, clinic_id, intake, who=who, now=now)
    raise SystemExit(_Import(file, data, intake, how.wanted(), how.delimiter, kept).finish(taken, rejected))


@scores.command("import")
@_options
@guarded
def import_scores(file: Path, columns: Path, clinic_id: ClinicId, rejected: Path | None, who: str) -> None:
    """Import questionnaire scores (CSV). A stored score is never written over."""
    there, settings, now = _open(clinic_id, file, rejected)
    kept, how = _columns(columns, ScoreColumns)
    data = read(file)
    known = _known(there, clinic_id, file, data, how.columns.record_number, how.delimiter)
    today = calendar.local(now, settings.zone).date()
    intake = read_scores(data, how, clinic_zone=settings.zone, known=known, today=today)
    _readable(file, intake)
    printing.problems(file.name, intake.notes, err=False)
    taken = steps.scores(there.service, clinic_id, intake, who=who, now=now)
    raise SystemExit(_Import(file, data, intake, how.wanted(), how.delimiter, kept).finish(taken, rejected))


def _open(clinic_id: ClinicId, file: Path, rejected: Path | None) -> tuple[Target, ClinicSettings, datetime]:
    if rejected is not None and rejected.resolve() == file.resolve():
        raise BadInput("--rejected: is the file to import itself; name another one")
    there = target()
    return there, there.service.settings(clinic_id), there.clock.now()


def _columns(path: Path, kind: type[AnyColumns]) -> tuple[dict[str, str], AnyColumns]:
    columns = read_columns(read(path), file=path.name, kind=kind)
    named = columns.columns.model_dump()
    return {field: header for field, header in named.items() if header is not None}, columns


def _same_declaration(columns: RosterColumns, path: Path, settings: ClinicSettings) -> None:
    """A "yes" in the file must mean the form and version that the clinic declared."""
    declared, own = columns.consent.declaration, settings.consent
    if declared is not None and own is not None and (declared.form, declared.version) != (own.form, own.form_version):
        raise BadInput(
            f"{path.name}, consent.declaration: another form or version than the clinic declares; correct it here, or "
            "in the clinic's file and apply that first"
        )


def _readable(file: Path, intake: Intake[Any]) -> None:
    if intake.unreadable:
        printing.problems(file.name, intake.problems)
        click.echo(f"{file.name}: nothing was imported", err=True)
        raise SystemExit(UNUSABLE)


def _known(there: Target, clinic_id: ClinicId, file: Path, data: bytes, header: str, delimiter: str) -> frozenset[str]:
    """The record numbers of the file whose patients are enrolled."""
    try:
        named = sorted(record_numbers(data, header=header, delimiter=delimiter))
    except UnreadableTable as error:
        raise BadInput(f"{file.name}, {error}; nothing was imported") from None
    at = [keys.patient(enrolment.patient_id(there.service, clinic_id, number)) for number in named]
    found = (
        record
        for start in range(0, len(at), _AT_ONCE)
        for record in there.service.records.get_many(at[start : start + _AT_ONCE])
    )
    return frozenset(record.record_number for record in found if isinstance(record, Patient))


def _assumed_zones(
    intake: Intake[RosterRow], columns: RosterColumns, settings: ClinicSettings, taken: Taken
) -> Iterable[Problem]:
    """Rows without a time zone: a patient who lives elsewhere would be texted at odd hours."""
    refused = {one.row for one in taken.rejected}
    told = f"blank, taken as the clinic's ({settings.zone})"
    for number, row in zip(intake.rows, intake.good, strict=True):
        if row.zone_assumed and number not in refused:
            yield Problem(number, columns.columns.zone, told, "give the patient's own if it is another")


def _write_private(path: Path, data: bytes) -> None:
    """Rejected rows are as personal as the export: only their owner may read them."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(data)
