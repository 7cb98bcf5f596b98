"""One patient's whole course from the command line, on the service's own functions."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from infra.cli.main import main

LAKESIDE = Path(__file__).parents[2] / "docs/samples/lakeside.yaml"


def simulated(*words: object) -> Result:
    return CliRunner().invoke(main, ["simulate", *(str(word) for word in words)], catch_exceptions=False)


def opened(result: Result, kind: str) -> list[str]:
    """Local times of the texts of this kind."""
    return re.findall(rf"^(\w{{3}} \d{{4}}-\d\d-\d\d \d\d:\d\d)  >  {kind} ", result.output, re.MULTILINE)


def test_given_a_patient_who_answers_all_when_simulated_then_every_text_stands_with_time_segments_and_cost() -> None:
    result = simulated("--weeks", 14, "--language", "es", "--condition", "pain")
    assert result.exit_code == 0
    assert opened(result, "baseline") == ["Thu 2026-03-05 11:37"]
    assert len(opened(result, "reminder")) + len(opened(result, "next_day")) >= 6
    assert len(opened(result, "day_7")) == len(opened(result, "day_14")) == 1
    surveys = opened(result, "weekly") + opened(result, "day_7") + opened(result, "day_14")
    assert {when[:3] for when in surveys} <= {"Mon", "Tue", "Wed", "Thu"}
    assert all("10:00" <= when[-5:] < "13:00" for when in surveys)
    assert "¿" in result.output
    assert re.search(r"^\d+ texts, \d+ segments, \d+\.\d\d USD", result.output, re.MULTILINE)


def test_given_a_silent_patient_when_simulated_then_nothing_is_answered_and_the_same_is_asked() -> None:
    result = simulated("--weeks", 8, "--answers", "silent")
    assert result.exit_code == 0
    assert "  <  " not in result.output
    assert len(opened(result, "day_14")) == 1


def test_given_a_patient_who_relapses_when_simulated_then_phq9_confirms_it_and_staff_are_shown_why() -> None:
    result = simulated("--weeks", 18, "--answers", "relapses", "--baseline")
    assert result.exit_code == 0
    assert opened(result, "survey")
    assert "shown to staff" in result.output
    assert "rule_a" in result.output


def test_given_a_clinic_that_says_how_to_come_prepared_when_simulated_then_its_reminders_say_so(tmp_path: Path) -> None:
    own = tmp_path / "clinic.yaml"
    own.write_text(LAKESIDE.read_text() + '\npreparation: {en: "Please do not eat for 6 hours before."}\n')
    result = simulated("--weeks", 3, "--clinic-file", own)
    assert "to take you home. Please do not eat for 6 hours before." in result.output


@pytest.mark.parametrize(("option", "value"), [("--language", "tlh"), ("--condition", "hay fever"), ("--weeks", 0)])
def test_given_something_unknown_when_simulated_then_the_option_is_named(option: str, value: object) -> None:
    result = CliRunner().invoke(main, ["simulate", option, str(value)])
    assert result.exit_code == 2
    assert option in result.output
