"""`followup retry`: set a stuck text or mail going again."""

import click

from followup.domain.errors import BadInput
from followup.domain.records import ClinicId
from followup.steps import retry as steps
from infra.cli import printing
from infra.cli.session import by_option, guarded, target


@click.command()
@click.argument("stuck_id", metavar="ID", required=False)
@click.option("--clinic", "clinic_id", metavar="CLINIC", help="Without ID: list what is stuck at this clinic.")
@by_option
@guarded
def retry(stuck_id: str | None, clinic_id: str | None, who: str) -> None:
    """Set a text or mail going again that gave up after its tries."""
    if bool(stuck_id) == bool(clinic_id):
        raise BadInput("say which one: retry ID; or list what is stuck: retry --clinic CLINIC")
    there = target()
    if stuck_id:
        decision = steps.retry(there.service, stuck_id, who=who, now=there.clock.now())
        click.echo(f"{stuck_id}: {decision.reason}")
        return
    known = there.service.clinic(ClinicId(str(clinic_id)))
    rows = [
        (one.retry_id, one.kind, f"{one.since:%Y-%m-%d %H:%M}Z", one.reason)
        for one in steps.stuck(there.service, known.clinic_id)
    ]
    if not rows:
        click.echo("nothing is stuck")
        return
    printing.table(("id", "what", "since", "reason"), rows)
