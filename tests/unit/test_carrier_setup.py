"""Setting up the carrier's side of a clinic: Twilio's own client against the twin, and a person at the console."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from followup.domain.clinic import ClinicSettings
from followup.domain.errors import BadInput, CarrierClosed, CarrierUnavailable
from infra.carrier.account import Account
from infra.carrier.wanted import FoundNumber, FoundService, by_hand, plan, to_look_at, wanted
from infra.cli.clinic_file import read_clinic
from infra.cli.deployed_stack import DeployedStack
from infra.cli.main import main
from infra.cli.target import Target
from infra.demo.machine import Machine
from infra.local.twin import Number, Settings, Twin, TwinServer

ROOT = Path(__file__).parents[2]
LAKESIDE = ROOT / "docs/samples/lakeside.yaml"
CLINIC, SETTINGS = read_clinic(LAKESIDE)
PUBLIC = "https://texts.clinic.example"
INBOUND = f"{PUBLIC}/twilio/inbound#rc=2&rp=ct,rt,5xx"
STATUS = f"{PUBLIC}/twilio/status#rc=2&rp=ct,rt,5xx"
ACCOUNT, KEY = f"AC{'1' * 32}", f"SK{'2' * 32}"
SERVICE, OTHER_SERVICE = f"MG{'3' * 32}", f"MG{'4' * 32}"
IN_SERVICE = replace(SETTINGS, messaging_service=SERVICE)
MORNING = datetime(2026, 3, 30, 13, tzinfo=UTC)

Run = Callable[..., Result]


class Secrets:
    """Secrets Manager as far as it is asked."""

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS spells it so
        assert SecretId == "api-key"
        return {"SecretString": f'{{"sid": "{KEY}", "secret": "secret"}}'}


def a_stack(carrier_url: str = "", public_url: str = PUBLIC) -> DeployedStack:
    def clients(service: str) -> Any:
        assert service == "secretsmanager"
        return Secrets()

    return DeployedStack(
        name="clinic",
        status="UPDATE_COMPLETE",
        parameters={"TwilioAccount": ACCOUNT, "PublicUrl": public_url, "CarrierUrl": carrier_url},
        outputs={"ApiKeySecret": "api-key", "ApiUrl": "https://api.example"},
        resources={},
        clients=clients,
    )


@pytest.fixture
def twin() -> Twin:
    settings = Settings(
        account_sid=ACCOUNT,
        auth_token="token",
        api_key_sid=KEY,
        api_key_secret="secret",
        numbers=(Number(number=SETTINGS.sender), Number(number="+13125550109", service_sid=SERVICE)),
        public_base_url=PUBLIC,
        deliver_base_url="http://127.0.0.1:9",
    )
    return Twin(settings, clock=lambda: MORNING)


@pytest.fixture
def server(twin: Twin) -> Iterator[TwinServer]:
    with TwinServer(twin, workers=0) as serving:
        yield serving


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """The command on a service in memory that knows this clinic."""

    def invoke(*words: str, stack: DeployedStack, service: str = "null", answer: str | None = None) -> Result:
        machine = Machine(MORNING)
        there = Target(machine.service, machine.clock, lambda: stack)
        clinic = tmp_path / "clinic.yaml"
        clinic.write_text(LAKESIDE.read_text().replace("messaging_service: null", f"messaging_service: {service}"))
        CliRunner().invoke(main, ["clinic", "apply", str(clinic)], obj=lambda: there, catch_exceptions=False)
        command = ["carrier", "setup", "--clinic", CLINIC, *words]
        return CliRunner().invoke(main, command, obj=lambda: there, input=answer, catch_exceptions=False)

    return invoke


def ours(twin: Twin) -> Number:
    found = twin.settings.number(SETTINGS.sender)
    assert found is not None
    return found


def test_given_a_number_when_a_dry_run_is_made_then_every_change_is_printed_and_none_made(
    run: Run, twin: Twin, server: TwinServer
) -> None:
    result = run("--dry-run", stack=a_stack(server.base_url))

    assert result.exit_code == 0, result.output
    assert f"sms_url: none -> {INBOUND}" in result.output
    assert f"sms_fallback_url: none -> {INBOUND}" in result.output
    assert "dry run: 2 to change, nothing was changed" in result.output
    assert ours(twin).inbound_url is None


def test_given_a_number_when_it_is_set_up_twice_then_the_second_time_changes_nothing(
    run: Run, twin: Twin, server: TwinServer
) -> None:
    first = run("--yes", stack=a_stack(server.base_url))
    second = run("--yes", stack=a_stack(server.base_url))

    assert (first.exit_code, first.output.splitlines()[-1]) == (0, "changed 2")
    assert (ours(twin).inbound_url, ours(twin).fallback_url) == (INBOUND, INBOUND)
    assert (second.exit_code, second.output.splitlines()[-1]) == (0, "unchanged")


def test_given_a_person_who_says_no_when_asked_then_nothing_is_changed(
    run: Run, twin: Twin, server: TwinServer
) -> None:
    result = run(stack=a_stack(server.base_url), answer="n\n")

    assert result.exit_code == 1
    assert "nothing was changed" in result.output
    assert ours(twin).inbound_url is None


def test_given_a_messaging_service_when_set_up_then_the_number_joins_it_and_both_addresses_stand_there(
    run: Run, twin: Twin, server: TwinServer
) -> None:
    first = run("--yes", stack=a_stack(server.base_url), service=SERVICE)
    second = run(stack=a_stack(server.base_url), service=SERVICE)

    assert first.exit_code == 0, first.output
    assert f"service {SERVICE}: add the number" in first.output
    assert f"inbound_request_url: none -> {INBOUND}" in first.output
    assert f"status_callback: none -> {STATUS}" in first.output
    assert "smart_encoding: on -> off" in first.output
    assert ours(twin).service_sid == SERVICE
    assert ours(twin).inbound_url == INBOUND
    assert second.output.splitlines()[-1] == "unchanged"


def test_given_a_number_in_a_service_that_the_clinic_does_not_name_then_the_fix_is_said_and_nothing_changed(
    run: Run, twin: Twin, server: TwinServer
) -> None:
    numbers = (Number(number=SETTINGS.sender, service_sid=OTHER_SERVICE), *twin.settings.numbers[1:])
    twin.configure(replace(twin.settings, numbers=numbers))

    result = run("--yes", stack=a_stack(server.base_url))

    assert result.exit_code == 2
    assert f"the number is in {OTHER_SERVICE}, whose settings win" in result.output
    assert ours(twin).inbound_url is None


@pytest.mark.parametrize(
    ("numbers", "service", "told"),
    [
        ((), "null", "texts.sender: the carrier's account has no such number"),
        ((Number(number=SETTINGS.sender),), SERVICE, "texts.messaging_service: the carrier's account has no such"),
    ],
)
def test_given_an_account_that_lacks_what_the_clinic_names_then_the_field_and_the_fix_are_said(
    run: Run, twin: Twin, server: TwinServer, numbers: tuple[Number, ...], service: str, told: str
) -> None:
    twin.configure(replace(twin.settings, numbers=numbers))

    result = run("--yes", stack=a_stack(server.base_url), service=service)

    assert (result.exit_code, told in result.output) == (2, True)


def test_given_a_wrong_api_key_when_the_carrier_refuses_then_the_key_is_named_and_no_number_is(
    server: TwinServer,
) -> None:
    account = Account(ACCOUNT, KEY, "wrong", server.base_url)
    with pytest.raises(CarrierUnavailable, match="is the API key this account's") as error:
        account.number(SETTINGS.sender)
    assert SETTINGS.sender not in str(error.value)
    assert error.value.__context__ is None


def test_given_a_carrier_that_is_down_when_asked_then_nothing_is_known(server: TwinServer) -> None:
    account = Account(ACCOUNT, KEY, "secret", server.base_url)
    with server.refusing(), pytest.raises(CarrierUnavailable):
        account.number(SETTINGS.sender)


@pytest.mark.parametrize("address", ["https://api.twilio.com", "http://10.0.0.1:80", ""])
def test_given_an_address_beyond_this_machine_then_the_account_is_closed(address: str) -> None:
    with pytest.raises(CarrierClosed):
        Account(ACCOUNT, KEY, "secret", address)


def test_given_a_stack_without_a_carrier_then_the_console_gets_exact_values_and_nothing_is_called(run: Run) -> None:
    result = run(stack=a_stack())

    assert result.exit_code == 0
    assert "CarrierUrl is empty" in result.output
    assert f"Active numbers > {SETTINGS.sender} > A message comes in > Webhook: {INBOUND}" in result.output
    assert f"Primary handler fails > Webhook: {INBOUND}" in result.output


def test_given_a_messaging_service_and_no_carrier_then_the_services_own_fields_are_told() -> None:
    steps = by_hand(IN_SERVICE, PUBLIC)
    assert steps[0] == f"Messaging > Services > {SERVICE} > Sender pool: holds {SETTINGS.sender}"
    assert any(step.endswith(f"Request URL: {INBOUND}") for step in steps)
    assert any(step.endswith(f"Delivery status callback: {STATUS}") for step in steps)


def test_given_the_first_deployment_when_set_up_is_tried_then_the_second_one_is_asked_for(run: Run) -> None:
    result = run(stack=a_stack(public_url=""))
    assert result.exit_code == 2
    assert 'write PublicUrl = "https://api.example" in samconfig.toml' in result.output


def test_given_what_stands_there_when_only_the_order_of_blank_values_differs_then_nothing_is_to_change() -> None:
    stands = {each.name: each.value for each in wanted(SETTINGS, PUBLIC).settings} | {"sms_application_sid": None}
    assert plan(SETTINGS, PUBLIC, FoundNumber("PN1", True, stands), None).steps == ()


def test_given_a_number_that_cannot_text_then_it_is_refused() -> None:
    with pytest.raises(BadInput, match="cannot text"):
        plan(SETTINGS, PUBLIC, FoundNumber("PN1", texts=False), None)


@pytest.mark.parametrize(
    ("settings", "service", "told"),
    [
        (SETTINGS, None, "the carrier's handling must be off"),
        (SETTINGS, None, "A2P 10DLC"),
        (replace(SETTINGS, keyword_mode="carrier"), None, "leave its handling on"),
        (replace(IN_SERVICE, keyword_mode="carrier"), FoundService(SERVICE), "take YES out"),
        (replace(SETTINGS, sender="+18335550100"), None, "the network answers STOP whatever is set"),
        (replace(SETTINGS, sender="+18335550100"), None, "30032"),
        (IN_SERVICE, FoundService(SERVICE, registered=False), "30034"),
    ],
)
def test_given_what_the_api_does_not_show_then_a_person_is_told_to_see_to_it(
    settings: ClinicSettings, service: FoundService | None, told: str
) -> None:
    assert any(told in look for look in to_look_at(settings, service))
