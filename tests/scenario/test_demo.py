"""The demo plays the sample clinic, and an export as it comes, on the service's own functions."""

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from followup.domain.records import Incoming, Patient
from infra.cli.clinic_file import read_clinic
from infra.demo.__main__ import SAMPLE_START, main
from infra.demo.machine import Machine
from infra.demo.office import Booking
from infra.demo.play import Course, busiest, play, read

SAMPLES = Path(__file__).parents[2] / "docs" / "samples"


def course(roster: Path, infusions: Path, *, invented: bool) -> Course:
    opened = read_clinic(SAMPLES / "lakeside.yaml")
    assert len(opened) == 2
    clinic_id, settings = opened
    assert isinstance(clinic_id, str)
    columns = SAMPLES / "columns"
    return read(
        clinic_id,
        settings,
        roster,
        columns / "roster.yaml",
        infusions,
        columns / "infusions.yaml",
        date(2026, 12, 31),
        invented=invented,
    )


def played(what: Course, start: datetime, days: int) -> Machine:
    return play(what, start, timedelta(days=days), seed="one", booking=Booking(), on_day=lambda _: None)


def test_given_the_sample_clinic_when_days_are_played_then_people_are_asked_and_answer_and_nothing_fails() -> None:
    what = course(SAMPLES / "lakeside-roster.csv", SAMPLES / "lakeside-infusions.csv", invented=True)

    machine = played(what, SAMPLE_START, 5)

    assert len(what.roster.good) >= 12
    assert {row.condition for row in what.roster.good} >= {"depression", "ptsd", "pain", "bipolar"}
    assert len({row.zone for row in what.roster.good}) >= 3
    assert machine.failures == []
    assert len(machine.carrier.sent) > 40
    assert any(isinstance(record, Incoming) and record.status == "read" for record in machine.records)
    assert sum(mail.mail.kind == "digest" for mail in machine.mailer.sent) == 2 * 5


def test_given_the_same_seed_when_played_twice_then_the_same_happens() -> None:
    what = course(SAMPLES / "lakeside-roster.csv", SAMPLES / "lakeside-infusions.csv", invented=True)
    first, second = played(what, SAMPLE_START, 2), played(what, SAMPLE_START, 2)
    assert [text.order for text in first.carrier.sent] == [text.order for text in second.carrier.sent]


def test_given_an_export_of_real_people_when_played_then_no_number_or_name_of_it_is_in_the_service() -> None:
    what = course(SAMPLES / "lakeside-roster.csv", SAMPLES / "lakeside-infusions.csv", invented=False)
    machine = played(what, SAMPLE_START, 1)
    patients = [record for record in machine.records if isinstance(record, Patient)]
    assert patients
    assert all(len(patient.name) <= 3 for patient in patients)
    listed = (SAMPLES / "lakeside-roster.csv").read_text()
    assert not any(patient.phone.removeprefix("+1312") in listed.replace("-", "") for patient in patients)


def test_given_only_half_of_an_export_when_the_demo_is_asked_then_it_says_what_is_missing() -> None:
    result = CliRunner().invoke(main, ["--roster", str(SAMPLES / "lakeside-roster.csv")])
    assert result.exit_code == 2
    assert "ROSTER and INFUSIONS belong together" in result.output


@pytest.mark.skipif("FOLLOWUP_SAMPLES" not in os.environ, reason="FOLLOWUP_SAMPLES names no folder of sample exports")
def test_given_a_clinics_export_as_it_comes_when_its_busiest_days_are_played_then_nothing_fails() -> None:
    folder = Path(os.environ["FOLLOWUP_SAMPLES"])
    what = course(folder / "roster.csv", folder / "infusions.csv", invented=False)

    start = busiest(what.visits.good, timedelta(weeks=8))
    machine = played(what, start, 4)

    assert start.tzinfo is UTC
    assert len(what.roster.good) == 124
    assert machine.failures == []
    assert len(machine.carrier.sent) > 20
