"""`followup simulate`: one patient's whole course, text by text, without a deployment."""

import logging
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import get_args

import click

from followup import content
from followup.domain import calendar
from followup.domain.clinic import ClinicSettings
from followup.domain.records import Condition
from followup.domain.segments import count
from infra.cli import printing
from infra.cli.clinic_file import read_clinic
from infra.cli.preview import PRICE
from infra.cli.session import guarded

SAMPLE = Path(__file__).parents[2] / "docs" / "samples" / "lakeside.yaml"
STARTS = date(2026, 3, 2)
ANSWERS = ("all", "some", "silent", "relapses")


@click.command()
@click.option("--condition", type=click.Choice(get_args(Condition)), default="depression", show_default=True)
@click.option("--language", metavar="TAG", default="en", show_default=True, help="One that patients are texted in.")
@click.option("--from", "starts", type=click.DateTime(["%Y-%m-%d"]), help="Day of enrolment; visits start a week on.")
@click.option("--weeks", type=click.IntRange(1, 104), default=26, show_default=True)
@click.option("--sessions", type=click.IntRange(1, 12), default=6, show_default=True, help="Infusions in the series.")
@click.option("--every", "every_days", type=click.IntRange(1, 14), default=3, show_default=True, help="Days apart.")
@click.option("--maintenance", type=click.IntRange(7, 365), help="Days between later infusions; none if left out.")
@click.option("--answers", type=click.Choice(ANSWERS), default="all", show_default=True)
@click.option("--baseline", is_flag=True, help="The clinic gave a PHQ-9 at intake, so none is asked before.")
@click.option("--clinic-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=SAMPLE)
@click.option("--price", type=click.FloatRange(0, 10), default=PRICE, show_default=True, help="US dollars a segment.")
@guarded
def simulate(
    condition: Condition,
    language: str,
    starts: datetime | None,
    weeks: int,
    sessions: int,
    every_days: int,
    maintenance: int | None,
    answers: str,
    baseline: bool,
    clinic_file: Path,
    price: float,
) -> None:
    """Play one invented patient's course on this machine and print every text, with its segments and cost."""
    known = content.load().texts.languages
    if language not in known:
        raise click.UsageError(f"--language: write one of: {', '.join(known)}")
    _, settings = read_clinic(clinic_file)
    os.environ.setdefault("POWERTOOLS_LOG_LEVEL", "CRITICAL")  # read when the functions are imported, which is now
    from infra.cli.simulation import Answers, Scenario, play

    pattern: Answers = next(each for each in get_args(Answers) if each == answers)
    scenario = Scenario(
        condition=condition,
        language=language,
        starts=starts.date() if starts else STARTS,
        weeks=weeks,
        sessions=sessions,
        every_days=every_days,
        maintenance_every_days=maintenance,
        answers=pattern,
        baseline_known=baseline,
    )
    with _quiet():
        played = play(scenario, settings)
    printing.table(
        ("local time", "", "text", "seg", "USD", "wording"),
        [_row(line.at, line.kind, line.body, settings, price) for line in played.lines],
    )
    ours = [line for line in played.lines if line.kind is not None]
    segments = sum(count(line.body).segments for line in ours)
    opened = Counter(line.kind for line in ours if line.kind != "answer")
    click.echo("conversations: " + ", ".join(f"{number} {kind}" for kind, number in sorted(opened.items())))
    for at, kind, reason in played.skipped:
        click.echo(f"not asked: {_local(at, settings)} {kind}: {reason}")
    for at, rule in played.flags:
        click.echo(f"shown to staff: {_local(at, settings)} {rule}")
    click.echo(f"{len(ours)} texts, {segments} segments, {segments * price:.2f} USD (estimate at {price:g} a segment)")


def _row(at: datetime, kind: str | None, body: str, settings: ClinicSettings, price: float) -> tuple[str, ...]:
    if kind is None:
        return (_local(at, settings), "<", "", "", "", body)
    segments = count(body).segments
    return (_local(at, settings), ">", kind, str(segments), f"{segments * price:.4f}", body)


def _local(at: datetime, settings: ClinicSettings) -> str:
    return f"{calendar.local(at, settings.zone):%a %Y-%m-%d %H:%M}"


@contextmanager
def _quiet() -> Iterator[None]:
    """The functions' log lines stay out of the terminal while they run."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
