"""`make deploy`: what is missing is said with its fix, and nothing runs before nothing is missing."""

import os
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import pytest
from botocore.exceptions import ProfileNotFound

from followup.domain.errors import BadInput
from infra.checklist import Check
from infra.cli.main import main
from infra.deploy.__main__ import Surroundings, deploy, prerequisites
from infra.deploy.config import DeployConfig, read_config
from infra.deploy.parameters import parameter_checks
from infra.local.stack.template import read_template

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs/deploy.md"
ACCOUNT = f"AC{'1' * 32}"
GOOD = {"TwilioAccount": ACCOUNT, "MailDomain": "mail.clinic.org", "PublicUrl": "https://texts.clinic.org"}


class Frozen:
    access_key = "AKIA"


class Credentials:
    def get_frozen_credentials(self) -> Frozen:
        return Frozen()


class Session:
    """A boto3 session that is signed in."""

    region_name = "us-east-2"

    def get_credentials(self) -> Credentials | None:
        return Credentials()


class SignedOut(Session):
    def get_credentials(self) -> None:
        return None


def no_profile() -> Session:
    raise ProfileNotFound(profile="clinic")


def write_config(root: Path, parameters: Mapping[str, str], region: str = "") -> None:
    lines = ["version = 0.1", "[default.deploy.parameters]", 'stack_name = "clinic"', 'capabilities = "CAPABILITY_IAM"']
    lines += [f'region = "{region}"'] if region else []
    lines += ["[default.deploy.parameters.parameter_overrides]"]
    (root / "samconfig.toml").write_text(
        "\n".join(lines + [f'{name} = "{value}"' for name, value in parameters.items()])
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout in which everything is ready to be deployed; its code is one file."""
    for name in ("template.yaml", "requirements.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
        os.utime(tmp_path / name, (1, 1))
    write_config(tmp_path, GOOD)
    sam = tmp_path / ".venv-sam/bin/sam"
    sam.parent.mkdir(parents=True)
    sam.write_text("#!/bin/sh\n")
    sam.chmod(0o755)
    code = tmp_path / "functions/followup/wiring.py"
    code.parent.mkdir(parents=True)
    code.write_text("x = 1\n")
    built = tmp_path / ".aws-sam/build"
    for name, resource in read_template()["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            shutil.copytree(code.parent, built / name / "followup")
            for library in ("boto3", "msgspec", "twilio"):
                (built / name / library).mkdir()
    (built / "template.yaml").write_text("{}")
    return tmp_path


class Runs:
    """Runs nothing, and remembers what it was given."""

    def __init__(self, code: int = 0) -> None:
        self.commands: list[Sequence[str]] = []
        self._code = code

    def __call__(self, command: Sequence[str]) -> int:
        self.commands.append(command)
        return self._code


def around(
    root: Path,
    *,
    session: Callable[[], Any] = Session,
    environment: Mapping[str, str] | None = None,
    run: Callable[[Sequence[str]], int] | None = None,
) -> Surroundings:
    return Surroundings(root, environment or {}, session, run or Runs())


def failures(here: Surroundings, python: str | None = None) -> dict[str, Check]:
    config = read_config(here.root / "samconfig.toml")
    found = prerequisites(here, config, str(here.sam) if python is None else python)
    return {check.name: check for check in found if check.outcome == "failed"}


def test_given_everything_when_deployed_then_sam_runs_with_the_environment_and_region(root: Path) -> None:
    runs = Runs()
    here = around(root, run=runs)
    assert deploy(here, environment="default", python=str(here.sam), check=False) == 0
    assert runs.commands == [[str(here.sam), "deploy", "--config-env", "default", "--region", "us-east-2"]]


def test_given_everything_when_only_checked_then_the_command_is_said_and_nothing_runs(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = Runs()
    here = around(root, run=runs)
    assert deploy(here, environment="default", python=str(here.sam), check=True) == 0
    assert "--config-env default --region us-east-2" in capsys.readouterr().out
    assert runs.commands == []


def test_given_a_first_deployment_when_it_is_up_then_the_second_one_is_asked_for(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_config(root, {name: value for name, value in GOOD.items() if name != "PublicUrl"})
    here = around(root)
    assert deploy(here, environment="default", python=str(here.sam), check=False) == 0
    assert "as PublicUrl, and run `make deploy` again" in capsys.readouterr().out


def test_given_a_deployment_that_fails_then_its_exit_code_is_kept_and_nothing_is_told_to_follow(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    here = around(root, run=Runs(code=3))
    assert deploy(here, environment="default", python=str(here.sam), check=False) == 3
    assert "Once the stack is up" not in capsys.readouterr().out


def test_given_something_missing_when_deployed_then_nothing_runs(root: Path) -> None:
    runs = Runs()
    here = around(root, session=SignedOut, run=runs)
    assert deploy(here, environment="default", python=str(here.sam), check=False) == 1
    assert runs.commands == []


def test_given_no_sam_and_no_python_then_both_are_named_with_their_fix(root: Path) -> None:
    (root / ".venv-sam/bin/sam").unlink()
    found = failures(around(root), python="")
    assert found.keys() == {"SAM", "Python 3.13"}
    assert found["SAM"].fix == "run `make .venv-sam/.installed`"


@pytest.mark.parametrize(
    ("session", "told"), [(SignedOut, "there are none"), (no_profile, "cannot be used: ProfileNotFound")]
)
def test_given_no_way_into_aws_then_the_fix_is_to_sign_in(root: Path, session: Callable[[], Any], told: str) -> None:
    check = failures(around(root, session=session, environment={"AWS_REGION": "us-east-1"}))["credentials"]
    assert (check.told, "sign in" in check.fix) == (told, True)


def test_given_no_region_anywhere_then_it_is_asked_for(root: Path) -> None:
    assert failures(around(root, session=no_profile)).keys() == {"credentials", "region"}


@pytest.mark.parametrize("region", ["", "us-west-2"])
def test_given_a_region_in_the_file_then_it_wins_over_the_surroundings(root: Path, region: str) -> None:
    write_config(root, GOOD, region)
    runs = Runs()
    here = around(root, environment={"AWS_REGION": "us-east-1"}, run=runs)
    deploy(here, environment="default", python=str(here.sam), check=False)
    assert runs.commands[0][-1] == (region or "us-east-1")


def test_given_an_emulators_address_in_the_environment_then_it_has_to_go(root: Path) -> None:
    assert failures(around(root, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})).keys() == {"endpoint"}


def edit_code(root: Path) -> None:
    (root / "functions/followup/wiring.py").write_text("x = 2\n")


def add_code(root: Path) -> None:
    (root / "functions/followup/more.py").write_text("")


def drop_function(root: Path) -> None:
    shutil.rmtree(root / ".aws-sam/build/SweepFunction")


def drop_library(root: Path) -> None:
    (root / ".aws-sam/build/SweepFunction/twilio").rmdir()


def touch_template(root: Path) -> None:
    os.utime(root / "template.yaml", (2**33, 2**33))


@pytest.mark.parametrize("spoil", [edit_code, add_code, drop_function, drop_library, touch_template])
def test_given_an_artifact_that_is_not_this_code_then_a_build_is_asked_for(
    root: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(root)
    found = failures(around(root))
    assert found.keys() == {"artifact"}
    assert found["artifact"].fix == "run `make build`"


def test_given_compiled_python_in_an_artifact_then_it_is_still_this_code(root: Path) -> None:
    (root / ".aws-sam/build/SweepFunction/followup/wiring.pyc").write_bytes(b"")
    assert failures(around(root)) == {}


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("TwilioAccount", "SK1", "does not fit"),
        ("MailDomain", "followup.example", "is a sample's domain"),
        ("MailDomain", "Clinic.org", "does not fit"),
        ("PublicUrl", "https://texts.clinic.org/", "does not fit"),
        ("PublicUrl", "http://127.0.0.1:8000", "is not on HTTPS"),
        ("CarrierUrl", "http://127.0.0.1:8000", "is an address on loopback"),
        ("ClockUrl", "http://127.0.0.1:8000/clock", "is an address on loopback"),
        ("RoutinePerMinute", "many", "does not fit"),
        ("RoutinePerMinute", "0", "does not fit"),
        ("LogRetentionDays", "91", "does not fit"),
        ("PublicURL", "https://texts.clinic.org", "is no parameter of template.yaml"),
    ],
)
def test_given_a_parameter_that_cannot_be_meant_then_it_is_refused_with_the_fix(
    name: str, value: str, told: str
) -> None:
    checks = parameter_checks(read_template()["Parameters"], {**GOOD, name: value})
    [failure] = [check for check in checks if check.outcome == "failed"]
    assert failure.name == name
    assert told in failure.told
    assert failure.fix.startswith("samconfig.toml: ")


def test_given_no_parameters_then_those_without_a_default_are_asked_for() -> None:
    checks = list(parameter_checks(read_template()["Parameters"], {}))
    assert [check.name for check in checks if check.outcome == "failed"] == ["TwilioAccount", "MailDomain"]


@pytest.mark.parametrize(
    ("text", "told"),
    [("version = ", "is not valid TOML"), ("version = 0.1", r"has no \[default.deploy.parameters\]")],
)
def test_given_a_file_that_cannot_be_used_then_the_fix_is_said(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "samconfig.toml").write_text(text)
    with pytest.raises(BadInput, match=told):
        read_config(tmp_path / "samconfig.toml")


def test_given_the_committed_file_when_read_then_only_what_a_deployer_knows_is_missing() -> None:
    config = read_config(ROOT / "samconfig.toml")
    assert (config.stack_name, config.capabilities, dict(config.parameters)) == ("followup", ("CAPABILITY_IAM",), {})


def test_given_the_guide_when_it_shows_a_command_then_there_is_one() -> None:
    text = GUIDE.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)", text, re.MULTILINE)) <= targets
    shown = re.findall(r"^\.venv/bin/followup (.+)$", text, re.MULTILINE)
    assert len(shown) >= 3
    for line in shown:
        words = line.partition(" #")[0].replace("--stack-name followup", "").split()
        command: click.Command = main
        context = click.Context(main, obj=lambda: None)
        while isinstance(command, click.Group):
            found = command.get_command(context, words.pop(0))
            assert found is not None, line
            command = found
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


def test_given_the_guide_when_it_names_a_parameter_or_output_then_the_template_has_it() -> None:
    template = read_template()
    known = {*template["Parameters"], *template["Outputs"]}
    named = set(re.findall(r"`([A-Z][a-z]+(?:[A-Z][A-Za-z]*)+)`", GUIDE.read_text()))
    assert {"PublicUrl", "MailDomain", "ApiUrl"} <= named <= known


def test_given_the_guides_costs_when_added_up_then_the_sums_are_right() -> None:
    rows = re.findall(r"^\| (?!\*)[^|]+ \| ([0-9.]+) \| ([0-9.]+) \| ([0-9.]+) \|$", GUIDE.read_text(), re.MULTILINE)
    sums = re.search(r"\*\*Sum\*\* \| \*\*([0-9.]+)\*\* \| \*\*([0-9.]+)\*\* \| \*\*([0-9.]+)\*\*", GUIDE.read_text())
    assert sums is not None
    assert len(rows) > 9
    for column, total in enumerate(sums.groups()):
        assert sum(float(row[column]) for row in rows) == pytest.approx(float(total), abs=0.02)


def test_given_a_stack_that_is_named_when_its_config_is_bare_then_name_and_capability_are_asked_for(root: Path) -> None:
    bare = DeployConfig("", (), "us-east-1", GOOD)
    here = around(root)
    found = [check for check in prerequisites(here, bare, str(here.sam)) if check.outcome == "failed"]
    assert [check.name for check in found] == ["stack", "capabilities"]
