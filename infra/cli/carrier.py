"""`followup carrier setup`: the carrier's side of a clinic, changed where it can be, told to a person where not."""

import click

from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput, CarrierUnavailable
from followup.domain.records import ClinicId
from infra.cli.deployed_stack import DeployedStack
from infra.cli.session import REJECTED, clinic_option, guarded, stop, target


@click.group()
def carrier() -> None:
    """Set up the carrier's side of a clinic."""


@carrier.command()
@clinic_option
@click.option("--dry-run", is_flag=True, help="Only print what would change.")
@click.option("--yes", is_flag=True, help="Do not ask before changing anything.")
@guarded
def setup(clinic_id: ClinicId, dry_run: bool, yes: bool) -> None:
    """Point the clinic's number, or its Messaging Service, at this service's webhooks.

    Every change is printed first. Run again, it changes nothing. A stack without a carrier changes nothing either: it
    prints what a person sets in the carrier's console.
    """
    there = target()
    settings, stack = there.service.settings(clinic_id), there.stack()
    if not stack.public_url:
        raise BadInput(
            f"PublicUrl is empty, and the carrier's signatures cover it: write PublicUrl ="
            f' "{stack.outputs.get("ApiUrl", "")}" in samconfig.toml, run `make deploy`, then this again'
        )
    if stack.carrier_url:
        _at_carrier(stack, settings, dry_run=dry_run, yes=yes)
    else:
        _by_hand(stack, settings)


def _at_carrier(stack: DeployedStack, settings: ClinicSettings, *, dry_run: bool, yes: bool) -> None:
    # Twilio's client takes a while to import, and no other command needs it.
    from infra.carrier import wanted
    from infra.carrier.account import Account

    key = stack.secrets().api_key()
    account = Account(stack.account, key.sid, key.secret, stack.carrier_url)
    service_sid = settings.messaging_service

    def compared() -> tuple[wanted.FoundNumber, wanted.FoundService | None, wanted.Plan]:
        number = account.number(settings.sender)
        service = None if service_sid is None else account.service(service_sid)
        return number, service, wanted.plan(settings, stack.public_url, number, service)

    number, service, plan = compared()
    for step in plan.steps:
        click.echo(step)
    _look_at(wanted.to_look_at(settings, service))
    if not plan.steps:
        click.echo("unchanged")
        return
    if dry_run:
        click.echo(f"dry run: {len(plan.steps)} to change, nothing was changed")
        return
    if not (yes or click.confirm(f"Make these {len(plan.steps)} changes?")):
        stop("nothing was changed", REJECTED)
    account.carry_out(plan, number)
    if compared()[2].steps:
        raise CarrierUnavailable("the carrier does not show every change")
    click.echo(f"changed {len(plan.steps)}")


def _by_hand(stack: DeployedStack, settings: ClinicSettings) -> None:
    from infra.carrier import wanted

    click.echo(
        f"Stack {stack.name} has no carrier (CarrierUrl is empty): nothing is changed from here, no text leaves."
    )
    click.echo(f"In the carrier's console, account {stack.account}, set exactly:")
    for step in wanted.by_hand(settings, stack.public_url):
        click.echo(f"  {step}")
    _look_at(wanted.to_look_at(settings))


def _look_at(looks: tuple[str, ...]) -> None:
    for look in looks:
        click.echo(f"see to: {look}")
