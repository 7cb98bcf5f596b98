"""`followup survey request`: a clinician wants a PHQ-9 of a patient now."""

import click

from followup.domain import calendar
from followup.domain.records import ClinicId
from followup.steps import surveys
from infra.cli.session import by_option, clinic_option, guarded, stop, target


@click.group()
def survey() -> None:
    """Surveys that the protocol does not ask by itself."""


@survey.command()
@click.argument("record_number", metavar="RECORD")
@clinic_option
@by_option
@guarded
def request(record_number: str, clinic_id: ClinicId, who: str) -> None:
    """Have the patient with this record number asked PHQ-9 at the next time at which surveys start."""
    there = target()
    now = there.clock.now()
    at = surveys.request(there.service, clinic_id, record_number.strip().upper(), who=who, now=now)
    if at is None:
        stop("no survey was planned: the patient gets no texts at present; see `followup preview`")
    zone = there.service.settings(clinic_id).zone
    click.echo(f"PHQ-9 will be asked on {calendar.local(max(at, now), zone):%a %Y-%m-%d %H:%M %Z}")
