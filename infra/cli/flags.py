"""`followup flags`: what stands for people to look at, and a named person dealing with one or putting it off."""

from datetime import datetime

import click

from followup.domain import calendar
from followup.domain.errors import Missing
from followup.domain.names import initials
from followup.domain.records import ClinicId, Flag, Patient
from followup.steps import flags as steps
from followup.steps.clinics import patients_of
from infra.cli import printing
from infra.cli.session import clinic_option, guarded, stop, target
from infra.cli.target import Target

_OUTCOME_LETTERS = 200


@click.group()
def flags() -> None:
    """See flags, deal with one, or put it off."""


@flags.command("list")
@clinic_option
@guarded
def list_flags(clinic_id: ClinicId) -> None:
    """Flags that stand, with the reason and its numbers."""
    there = target()
    zone = there.service.settings(clinic_id).zone
    people = {patient.patient_id: patient for patient in patients_of(there.service, clinic_id)}
    staff = there.service.content.staff
    rows = []
    for number, flag in enumerate(steps.standing(there.service, clinic_id), start=1):
        since = calendar.local(flag.born, zone)
        who = _who(people.get(flag.patient_id))
        rows.append(
            (str(number), staff.groups[flag.group], who, flag.status, f"{since:%Y-%m-%d}", _reason(there, flag))
        )
    if not rows:
        click.echo("no flag stands")
        return
    printing.table(("no.", "group", "patient", "status", "since", "reason"), rows)


@flags.command()
@click.argument("number", type=click.IntRange(1))
@clinic_option
@click.option("--by", "who", metavar="NAME", required=True, help="Who has dealt with it.")
@click.option("--outcome", metavar="TEXT", required=True, help="What came of it.")
@guarded
def done(number: int, clinic_id: ClinicId, who: str, outcome: str) -> None:
    """The flag with this NUMBER of the list has been dealt with."""
    told = " ".join(outcome.split())
    if not told or len(told) > _OUTCOME_LETTERS:
        stop(f"--outcome: say what came of it in at most {_OUTCOME_LETTERS} letters")
    there = target()
    flag = _numbered(there, clinic_id, number)
    decision = steps.done(there.service, flag, told, who=who, now=there.clock.now())
    click.echo(f"flag {number}: {decision.reason}")


@flags.command()
@click.argument("number", type=click.IntRange(1))
@clinic_option
@click.option("--by", "who", metavar="NAME", required=True, help="Who puts it off.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), required=True, help="The day on which it comes back.")
@guarded
def snooze(number: int, clinic_id: ClinicId, who: str, until: datetime) -> None:
    """Take the flag with this NUMBER off the list until a day."""
    there = target()
    settings = there.service.settings(clinic_id)
    flag = _numbered(there, clinic_id, number)
    back = calendar.at_local(until.date(), settings.digest_at, settings.zone)
    decision = steps.snooze(there.service, flag, back, who=who, now=there.clock.now())
    click.echo(f"flag {number}: {decision.reason}")


def _numbered(there: Target, clinic_id: ClinicId, number: int) -> Flag:
    listed = list(steps.standing(there.service, clinic_id))
    if number > len(listed):
        raise Missing(f"there is no flag {number}: {len(listed)} stand; see `followup flags list`")
    return listed[number - 1]


def _who(patient: Patient | None) -> str:
    return f"{initials(patient.name)} {patient.record_number}" if patient else "unknown number"


def _reason(there: Target, flag: Flag) -> str:
    staff = there.service.content.staff
    return staff.reason(flag.rule, flag.numbers) if flag.rule in staff.reasons else staff.groups[flag.group]
