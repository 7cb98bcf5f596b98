"""`make demo`: eight weeks of a clinic, played on the service's own functions without a browser."""

import logging
import os
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from followup.domain.errors import BadInput

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"
SAMPLE_START = datetime(2026, 3, 23, tzinfo=UTC)
WEEKS = 8


@click.command()
@click.option("--clinic", type=click.Path(exists=True, path_type=Path), default=SAMPLES / "lakeside.yaml")
@click.option("--roster", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--roster-columns", type=click.Path(exists=True, path_type=Path), default=SAMPLES / "columns/roster.yaml")
@click.option("--infusions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--infusion-columns", type=click.Path(exists=True, path_type=Path), default=SAMPLES / "columns/infusions.yaml"
)
@click.option("--from", "start", type=click.DateTime(["%Y-%m-%d"]), help="First day; else the busiest weeks.")
@click.option("--seed", default="one", help="Draws other people for the same patients.")
@click.option("--weeks", type=click.IntRange(1, 52), default=WEEKS)
def main(
    clinic: Path,
    roster: Path | None,
    roster_columns: Path,
    infusions: Path | None,
    infusion_columns: Path,
    start: datetime | None,
    seed: str,
    weeks: int,
) -> None:
    """Play a clinic's weeks and print what happened. Numbers and names of an export are rewritten while reading."""
    if (roster is None) != (infusions is None):
        raise click.UsageError("ROSTER and INFUSIONS belong together: give both, or neither for the sample clinic")
    # Imported once the environment is set: the functions' loggers read it.
    from infra.cli.clinic_file import read_clinic
    from infra.demo import play, report
    from infra.demo.office import Booking

    console = Console()
    opened = read_clinic(clinic)
    if not isinstance(opened[0], str):
        raise click.UsageError("\n".join(str(problem) for problem in opened))
    clinic_id, settings = opened
    own = roster is None
    try:
        course = play.read(
            clinic_id,
            settings,
            roster or SAMPLES / "lakeside-roster.csv",
            roster_columns,
            infusions or SAMPLES / "lakeside-infusions.csv",
            infusion_columns,
            date(2026, 12, 31) if own else datetime.now(UTC).date(),
            invented=own,
        )
        length = timedelta(weeks=weeks)
        begins = SAMPLE_START if own else play.busiest(course.visits.good, length)
        first = start.replace(tzinfo=UTC) if start else begins
    except BadInput as error:
        raise click.UsageError(str(error)) from None
    left_out = len(course.roster.problems)
    console.print(
        f"{settings.sms_name}: {len(course.roster.good)} patients, {len(course.visits.good)} visits, "
        f"{weeks} weeks from {first:%B %d, %Y}"
        + (f"; {left_out} problems in the list keep patients out" if left_out else "")
    )
    columns = (TextColumn("day"), MofNCompleteColumn(), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("days", total=length.days)
        machine = play.play(
            course,
            first,
            length,
            seed=seed,
            booking=Booking() if own else None,
            on_day=lambda day: progress.update(bar, completed=day),
        )
    report.show(machine, clinic_id, console)
    if machine.failures:
        sys.exit(1)


def quiet() -> None:
    """Keep the functions' log lines out of the terminal: this process shows a table instead."""
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")
    logging.disable(logging.CRITICAL)


if __name__ == "__main__":
    quiet()
    main()
