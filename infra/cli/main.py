"""The command `followup`."""

import click

from infra.cli.alerts import alerts
from infra.cli.carrier import carrier
from infra.cli.clinics import clinic
from infra.cli.flags import flags
from infra.cli.imports import infusions, patients, scores
from infra.cli.preview import preview
from infra.cli.read import read
from infra.cli.retry import retry
from infra.cli.session import connection
from infra.cli.simulate import simulate
from infra.cli.smoke import smoke
from infra.cli.surveys import survey


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--local", is_flag=True, help="The service that `make run` runs on this machine.")
@click.option("--stack-name", metavar="NAME", envvar="FOLLOWUP_STACK_NAME", help="A deployed CloudFormation stack.")
@click.pass_context
def main(context: click.Context, local: bool, stack_name: str | None) -> None:
    """Follow-up: check-in texts for patients of infusion clinics."""
    context.obj = context.obj or connection(local, None if local else stack_name)


main.add_command(clinic)
main.add_command(patients)
main.add_command(infusions)
main.add_command(scores)
main.add_command(preview)
main.add_command(simulate)
main.add_command(survey)
main.add_command(read)
main.add_command(retry)
main.add_command(alerts)
main.add_command(flags)
main.add_command(carrier)
main.add_command(smoke)

if __name__ == "__main__":
    main()
