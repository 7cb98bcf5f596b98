"""What template.yaml says of functions and their roles."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest

from followup.domain import attempt, mail
from followup.domain.records import Lane
from followup.ports import Queue
from infra.local.stack.places import FUNCTIONS
from infra.local.stack.template import Template, read_template
from tests.stack.shapes import FUNCTION, LOG, ROLE, Resources, granted, listed, of_type, sources, statements, target
from tests.stack.shapes import variables as set_by

ALL = of_type(read_template()["Resources"], FUNCTION)
ROLES = of_type(read_template()["Resources"], ROLE)
SECRETS = {"PHONE_KEY_SECRET", "AUTH_TOKEN_SECRET", "API_KEY_SECRET"}
TABLE_ACTIONS = (
    "GetItem",
    "BatchGetItem",
    "PutItem",
    "UpdateItem",
    "DeleteItem",
    "ConditionCheckItem",
    "Query",
    "Scan",
)

every_function = pytest.mark.parametrize("name", ALL)


@every_function
def test_given_a_function_when_its_handler_is_looked_up_then_the_file_holds_it(name: str) -> None:
    module, _, entry = ALL[name]["Handler"].rpartition(".")
    source = FUNCTIONS / Path(*module.split(".")).with_suffix(".py")
    assert source.is_file()
    assert re.search(rf"^(def {entry}\(|{entry} = )", source.read_text(), re.MULTILINE)


def test_given_the_handlers_when_compared_with_the_template_then_each_is_deployed() -> None:
    folder = FUNCTIONS / "followup" / "handlers"
    written = {path.stem for path in folder.glob("*.py") if "lambda_handler" in path.read_text()}
    assert {function["Handler"].split(".")[2] for function in ALL.values()} == written


def test_given_the_globals_when_read_then_functions_run_the_current_python_on_arm(template: Template) -> None:
    shared = template["Globals"]["Function"]
    assert (shared["Runtime"], shared["Architectures"]) == ("python3.13", ["arm64"])
    assert not any({"Runtime", "Architectures", "CodeUri", "MemorySize"} & set(function) for function in ALL.values())


@every_function
def test_given_a_function_when_deployed_then_its_role_and_its_log_are_its_own(name: str, resources: Resources) -> None:
    function = ALL[name]
    role, log = target(function["Role"]), target(function["LoggingConfig"]["LogGroup"])
    assert sum(target(other["Role"]) == role for other in ALL.values()) == 1
    assert of_type(resources, LOG)[log]["RetentionInDays"] == {"Ref": "LogRetentionDays"}
    assert [target(each) for each in granted(ROLES[role], "logs:PutLogEvents")] == [log]
    assert resources[log]["Properties"]["LogGroupName"]["Fn::Sub"].endswith(function["FunctionName"]["Fn::Sub"])


@pytest.mark.parametrize("role", ROLES)
def test_given_a_role_when_its_statements_are_read_then_none_reaches_beyond_what_is_named(role: str) -> None:
    assert "ManagedPolicyArns" not in ROLES[role]
    for statement in statements(ROLES[role]):
        assert statement["Effect"] == "Allow"
        assert {"Sid", "Action", "Resource"} <= set(statement)
        assert not any("*" in action for action in listed(statement["Action"]))
        assert not any("*" in str(resource) for resource in listed(statement["Resource"]))


def test_given_the_translation_when_read_then_no_policy_or_role_was_added_but_the_schedules(
    translated: Template,
) -> None:
    roles = {name for name, each in translated["Resources"].items() if each["Type"] == ROLE}
    assert roles - set(ROLES) == {f"SweepFunction{lane.title()}Role" for lane in get_args(Lane)}
    for name in roles - set(ROLES):
        [statement] = statements(translated["Resources"][name]["Properties"])
        assert listed(statement["Action"]) == ["lambda:InvokeFunction"]
        assert target(statement["Resource"]) == "SweepFunction"


@every_function
def test_given_a_function_when_its_role_is_read_then_it_may_use_what_its_environment_names(name: str) -> None:
    function, environment = ALL[name], set_by(ALL[name])
    role = ROLES[target(function["Role"])]
    queues = {target(value) for variable, value in environment.items() if variable.startswith("QUEUE_")}
    assert {target(each) for each in granted(role, "sqs:SendMessage")} == queues
    assert {target(each) for each in granted(role, "sqs:ReceiveMessage")} == set(sources(function))
    secrets = {target(environment[variable]) for variable in SECRETS & set(environment)}
    assert {target(each) for each in granted(role, "secretsmanager:GetSecretValue")} == secrets
    assert bool(granted(role, "ses:SendEmail")) == ("MAIL_CONFIGURATION_SET" in environment)
    assert any(granted(role, f"dynamodb:{action}") for action in TABLE_ACTIONS) == ("TABLE_NAME" in environment)
    assert not granted(role, "dynamodb:Scan")


def test_given_the_mail_statement_when_read_then_senders_are_bound_to_the_clinics_domain() -> None:
    for role in ROLES.values():
        for statement in statements(role):
            if statement["Action"] == "ses:SendEmail":
                assert statement["Condition"] == {"StringLike": {"ses:FromAddress": {"Fn::Sub": "*@${MailDomain}"}}}


def test_given_a_key_of_ones_own_when_the_table_uses_it_then_so_may_every_role_that_uses_the_table(
    resources: Resources,
) -> None:
    users = {target(each["Role"]) for each in ALL.values() if "TABLE_NAME" in set_by(each)}
    assert {target(role) for role in resources["UseTableKeyPolicy"]["Properties"]["Roles"]} == users


def test_given_the_code_when_its_settings_are_collected_then_they_are_those_that_the_template_gives(
    template: Template,
) -> None:
    sources_read = [*(FUNCTIONS / "followup").rglob("*.py")]
    named = {name for path in sources_read for name in re.findall(r'\bsetting\("([A-Z_]+)"', path.read_text())}
    read = named | {f"QUEUE_{queue.upper()}" for queue in get_args(Queue)}
    shared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    given = shared.union(*(set_by(function) for function in ALL.values()))
    assert {name for name in given if not name.startswith("POWERTOOLS_")} == read


@pytest.mark.parametrize(
    ("name", "lease_s"),
    [
        ("SendUrgentFunction", attempt._URGENT_LEASE.total_seconds()),
        ("SendTextsFunction", attempt._LEASE.total_seconds()),
        ("PageOnCallFunction", mail._PAGE_LEASE.total_seconds()),
        ("SendDigestsFunction", mail._DIGEST_LEASE.total_seconds()),
    ],
)
def test_given_a_function_that_claims_when_it_is_cut_off_then_the_lease_still_runs(name: str, lease_s: float) -> None:
    assert ALL[name]["Timeout"] < lease_s


def test_given_the_sweep_when_its_schedules_are_read_then_each_lane_has_one_and_nothing_is_tried_again() -> None:
    schedules = [event["Properties"] for event in ALL["SweepFunction"]["Events"].values()]
    rates = {schedule["Input"]: schedule["ScheduleExpression"] for schedule in schedules}
    assert rates == {
        f'{{"lane": "{lane}"}}': "rate(5 minutes)" if lane == "daily" else "rate(1 minute)" for lane in get_args(Lane)
    }
    for schedule in schedules:
        assert schedule["RetryPolicy"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
    assert ALL["SweepFunction"]["EventInvokeConfig"] == {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}


@pytest.mark.parametrize(
    ("parameter", "refused", "taken"),
    [
        (
            "CarrierUrl",
            ("https://api.twilio.com", "http://10.0.0.1:80", "http://127.0.0.1.example:1"),
            "http://127.0.0.1:8",
        ),
        ("ClockUrl", ("http://time.example/now", "http://169.254.169.254:80/"), "http://127.0.0.1:8/now"),
        (
            "PublicUrl",
            ("http://texts.example", "https://texts.example/", "https://a.example#rc=2"),
            "https://a.example",
        ),
    ],
)
def test_given_an_address_when_it_is_not_of_its_kind_then_the_deployment_refuses_it(
    parameter: str, refused: tuple[str, ...], taken: str, template: Template
) -> None:
    rules: dict[str, Any] = template["Parameters"][parameter]
    assert rules["Default"] == ""
    assert all(re.search(rules["AllowedPattern"], value) for value in ("", taken))
    assert not any(re.search(rules["AllowedPattern"], value) for value in refused)
