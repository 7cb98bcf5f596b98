"""The smoke test against the service from template.yaml, running."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from followup.adapters.dynamo import DynamoRecords
from infra.checklist import Check
from infra.cli import smoke
from infra.cli.deployed_stack import DeployedStack
from infra.cli.target import Target
from infra.demo.machine import Machine
from infra.local.stack.resources import STACK_NAME
from infra.local.stack.stack import Stack

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def there(stack: Stack) -> Target:
    machine = Machine(datetime.now(UTC))
    records = DynamoRecords(stack.dynamodb(), stack.table_name)
    return Target(replace(machine.service, records=records), machine.clock)


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> DeployedStack:
    return DeployedStack.read(STACK_NAME, stack.client, emulator=stack.url)


def outcomes(checks: Iterator[Check]) -> dict[str, str]:
    return {check.name: check.outcome for check in checks}


def nothing() -> None:
    pass


def test_given_the_running_stack_when_it_is_checked_then_nothing_fails(deployed: DeployedStack, there: Target) -> None:
    found = outcomes(smoke.checks(deployed, there, post=smoke.deliver, pause=nothing))

    assert {name for name, outcome in found.items() if outcome != "ok"} == {"schedules"}
    assert found["schedules"] == "skipped"


def test_given_a_public_address_that_is_not_the_signed_one_when_checked_then_the_webhook_check_fails(
    deployed: DeployedStack, there: Target
) -> None:
    wrong = replace(deployed, parameters={**deployed.parameters, "PublicUrl": "https://elsewhere.example"})
    found = outcomes(smoke.checks(wrong, there, post=smoke.deliver, pause=nothing))

    assert found["webhook accepts"] == "failed"
    assert found["webhook refuses"] == "ok"
