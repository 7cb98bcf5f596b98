"""`followup alerts`: what is open, and a named person taking or closing one."""

import click

from followup import keys
from followup.domain import calendar
from followup.domain.records import Alert, ClinicId, Patient, PatientId
from followup.steps import alerts as steps
from infra.cli import printing
from infra.cli.session import clinic_option, guarded, stop, target
from infra.cli.target import Target

OUTCOME_LETTERS = 200


@click.group()
def alerts() -> None:
    """See, take and close alerts."""


@alerts.command("list")
@clinic_option
@guarded
def list_alerts(clinic_id: ClinicId) -> None:
    """Alerts that are not closed, the gravest first, and whom to phone."""
    there = target()
    zone = there.service.settings(clinic_id).zone
    rows = []
    for key in there.service.records.listed(keys.open_of(clinic_id)):
        alert = there.service.records.get(key)
        if isinstance(alert, Alert) and alert.status != "closed":
            opened = calendar.local(alert.opened, zone)
            level = alert.level.replace("_", " ").upper()
            who, number = _whom(there, alert)
            when = f"{opened:%Y-%m-%d %H:%M %Z}"
            rows.append((alert.code, level, alert.status, when, who, number, alert.rule, alert.owner or ""))
    if not rows:
        click.echo("no alert is open")
        return
    printing.table(("code", "level", "status", "opened", "patient", "phone", "rule", "taken by"), rows)


@alerts.command()
@click.argument("code")
@clinic_option
@click.option("--by", "who", metavar="NAME", required=True, help="Who takes it.")
@guarded
def acknowledge(code: str, clinic_id: ClinicId, who: str) -> None:
    """Take the alert with this CODE: it is yours until it is closed."""
    there = target()
    alert = steps.by_code(there.service, clinic_id, code)
    decision = steps.acknowledge(there.service, alert, who, there.clock.now())
    click.echo(f"alert {code}: {decision.reason}")


@alerts.command()
@click.argument("code")
@clinic_option
@click.option("--by", "who", metavar="NAME", required=True, help="Who closes it.")
@click.option("--outcome", metavar="TEXT", required=True, help="What came of it.")
@guarded
def close(code: str, clinic_id: ClinicId, who: str, outcome: str) -> None:
    """Close the alert with this CODE, saying what came of it."""
    told = " ".join(outcome.split())
    if not told or len(told) > OUTCOME_LETTERS:
        stop(f"--outcome: say what came of it in at most {OUTCOME_LETTERS} letters")
    there = target()
    alert = steps.by_code(there.service, clinic_id, code)
    steps.close(there.service, alert, who, told, there.clock.now())
    click.echo(f"alert {code}: closed")


def _whom(there: Target, alert: Alert) -> tuple[str, str]:
    """Record number and phone number; a stranger has only the number that wrote."""
    patient = there.service.records.get(keys.patient(PatientId(alert.thread)))
    if isinstance(patient, Patient):
        return patient.record_number, patient.phone
    wrote = there.service.records.chart(alert.thread, None).incoming
    return "unknown number", wrote[-1].phone if wrote else ""
