"""What rejected rows of a patient list mean for those who are enrolled already."""

from datetime import date
from pathlib import Path

import pytest

from followup.intake.columns import RosterColumns, read_columns
from followup.intake.identifiers import record_numbers
from followup.intake.judging import Intake, Problem, Stop, rejected_rows
from followup.intake.roster import RosterRow, read_roster

MAP = (Path(__file__).parents[2] / "docs/samples/columns/roster.yaml").read_bytes()
COLUMNS = read_columns(MAP, file="roster.yaml", kind=RosterColumns)
HEADER = "MRN,Patient Name,DOB,Cell,Pref. Language,Time Zone,Dx Code,Dx,SMS Consent,Consent Date,PHQ9 intake,Notes"
SOUND = "{0},Inés Rivas,1979-10-31,312-555-01{1},Spanish,America/Chicago,F33.2,TRD,Y,03/02/2026,17,"


def csv_of(*rows: str) -> bytes:
    return "\n".join((HEADER, *rows)).encode()


def read(*rows: str, columns: RosterColumns = COLUMNS) -> Intake[RosterRow]:
    return read_roster(csv_of(*rows), columns, clinic_zone="America/New_York", today=date(2026, 4, 10))


@pytest.mark.parametrize(
    ("old", "new", "because"),
    [
        (",Y,", ",N,", "consent_refused"),
        (",Y,", ",,", "no_consent"),
        (",Y,", ",maybe,", "no_consent"),
        ("1979", "2015", "under_age"),
        ("17,", "17,Deceased", "deceased"),
    ],
)
def test_given_a_row_that_speaks_against_texting_then_it_says_why(old: str, new: str, because: str) -> None:
    assert [(stop.record_number, stop.because) for stop in read(SOUND.format("R1", 21).replace(old, new)).stops] == [
        ("R1", because)
    ]


def test_given_several_reasons_then_the_weightiest_is_told_once() -> None:
    row = SOUND.format("R1", 21).replace(",Y,", ",N,") + "Deceased"
    assert read(row, row).stops == (Stop("R1", "consent_refused"),)


def test_given_two_people_on_one_number_then_each_is_told_with_the_other() -> None:
    intake = read(SOUND.format("R1", 21), SOUND.format("R2", 21), SOUND.format("R3", 22))
    assert intake.stops == (Stop("R1", "shared_number", ("R2",)), Stop("R2", "shared_number", ("R1",)))


def test_given_one_patient_listed_twice_then_their_number_is_not_shared() -> None:
    assert read(SOUND.format("R1", 21), SOUND.format("R1", 21)).stops == ()


@pytest.mark.parametrize(("old", "new"), [("312-555", "312"), ("F33.2", "Z99"), ("17,", "99,"), ("03/02/2026", "soon")])
def test_given_a_row_that_is_only_badly_written_then_nobody_is_stopped(old: str, new: str) -> None:
    intake = read(SOUND.format("R1", 21).replace(old, new))
    assert intake.problems
    assert intake.stops == ()


def test_given_a_map_without_declaration_then_it_says_nothing_about_patients() -> None:
    undeclared = COLUMNS.model_copy(update={"consent": COLUMNS.consent.model_copy(update={"declaration": None})})
    intake = read(SOUND.format("R1", 21), columns=undeclared)
    assert intake.problems
    assert intake.stops == ()


def test_given_good_rows_then_their_places_are_known() -> None:
    intake = read(SOUND.format("R1", 21), "R2", SOUND.format("R3", 22))
    assert [(number, row.record_number) for number, row in zip(intake.rows, intake.good, strict=True)] == [
        (2, "R1"),
        (4, "R3"),
    ]


def test_given_more_turns_out_wrong_later_then_those_rows_come_back_too() -> None:
    data = csv_of(SOUND.format("R1", 21), SOUND.format("R2", 22))
    back = rejected_rows(data, wanted=COLUMNS.wanted(), delimiter=",", problems=[Problem(3, "Cell", "taken", "change")])
    assert b"R2" in back
    assert b"R1" not in back
    assert b"Cell: taken" in back


def test_given_a_file_then_its_record_numbers_can_be_looked_up_first() -> None:
    data = csv_of(SOUND.format("r1", 21), SOUND.format("R2", 22), SOUND.format("", 23))
    assert record_numbers(data, header="MRN", delimiter=",") == {"R1", "R2"}
