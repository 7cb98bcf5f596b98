"""`followup clinic apply`."""

from pathlib import Path

import click

from followup.steps import clinics
from infra.cli.clinic_file import read_clinic
from infra.cli.session import by_option, guarded, target


@click.group()
def clinic() -> None:
    """Create a clinic, or change its settings."""


@clinic.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@by_option
@guarded
def apply(file: Path, who: str) -> None:
    """Bring a clinic to what FILE (YAML) says. Applied again it changes nothing."""
    clinic_id, settings = read_clinic(file)
    there = target()
    decision = clinics.apply(there.service, clinic_id, settings, who=who, now=there.clock.now())
    click.echo(f"clinic {clinic_id}: {decision.reason}")
