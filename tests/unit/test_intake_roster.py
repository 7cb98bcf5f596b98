import os
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.domain.records import Condition, Consent
from followup.intake.columns import RosterColumns, read_columns
from followup.intake.judging import Intake
from followup.intake.roster import RosterRow, read_roster

MAP = (Path(__file__).parents[2] / "docs/samples/columns/roster.yaml").read_bytes()
COLUMNS = read_columns(MAP, file="roster.yaml", kind=RosterColumns)
UNDECLARED = COLUMNS.model_copy(update={"consent": COLUMNS.consent.model_copy(update={"declaration": None})})
STRICT = COLUMNS.model_copy(update={"language": COLUMNS.language.model_copy(update={"blank": None})})
TODAY = date(2026, 4, 10)

SOUND = {
    "MRN": "R1",
    "Patient Name": '"Rivas, Inés"',
    "DOB": "1979-10-31",
    "Cell": "312.555.0121",
    "Pref. Language": "Spanish",
    "Time Zone": "America/Chicago",
    "Dx Code": "F33.2",
    "Dx": "TRD",
    "SMS Consent": "Y",
    "Consent Date": "03/02/2026",
    "PHQ9 intake": "17",
    "Notes": "",
}


def csv_of(*rows: dict[str, str]) -> bytes:
    return "\n".join([",".join(SOUND), *(",".join((SOUND | row).values()) for row in rows)]).encode()


def read(*rows: dict[str, str], columns: RosterColumns = COLUMNS, today: date = TODAY) -> Intake[RosterRow]:
    return read_roster(csv_of(*rows), columns, clinic_zone="America/New_York", today=today)


def found(intake: Intake[RosterRow]) -> list[tuple[int, str]]:
    return [(problem.row, problem.column) for problem in intake.problems]


def test_given_a_sound_row_then_every_field_is_read() -> None:
    intake = read({})
    assert intake.problems == ()
    assert intake.rejected == b""
    assert intake.good == (
        RosterRow(
            record_number="R1",
            name="Inés Rivas",
            born=date(1979, 10, 31),
            phone="+13125550121",
            language="es",
            zone="America/Chicago",
            zone_assumed=False,
            condition="depression",
            consent=Consent("Text message consent", "2026-01", date(2026, 3, 2)),
            phq9_intake=17,
        ),
    )


@pytest.mark.parametrize(
    "written",
    [
        "3125550121",
        "(312) 555-0121",
        "1 312 555 0121",
        "+13125550121",
        "'+13125550121",
        "312\u2011555\u20110121",
        "312\u00a0555\u00a00121",
        "３１２5550121",
    ],
)
def test_given_a_number_as_people_write_it_then_it_becomes_e164(written: str) -> None:
    assert [row.phone for row in read({"Cell": written}).good] == ["+13125550121"]


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("", "no phone number"),
        ("(312) 555-01", "too few digits"),
        ("312-555-01211", "too many digits"),
        ("+44 7700 900123", "another country"),
        ("+1 416 555 0121", "another country"),
        ("+1 787 555 0121", "another country"),
        ("800-555-0199", "toll-free"),
        ("900-555-0199", "not a number that can be texted"),
        ("555-555-0121", "not a number that can be texted"),
        ("911", "too few digits"),
        ("312-555-HELP", "not one plain phone number"),
        ("312-555-0121 x4", "not one plain phone number"),
        ("312-555-0121/0122", "not one plain phone number"),
        ("1.3125550121E+10", "not one plain phone number"),
        ("-", "not a phone number"),
    ],
)
def test_given_a_number_that_cannot_be_texted_then_the_row_is_rejected(written: str, problem: str) -> None:
    intake = read({"Cell": written})
    assert intake.good == ()
    assert [(one.row, one.column) for one in intake.problems] == [(2, "Cell")]
    assert problem in intake.problems[0].problem


@pytest.mark.parametrize(
    ("column", "written", "problem"),
    [
        ("MRN", "", "blank"),
        ("MRN", "R#1", "not a plain number"),
        ("Patient Name", " \u200b", "no name"),
        ("Patient Name", "123", "no name"),
        ("DOB", "", "blank"),
        ("DOB", "02/30/1980", "no such date"),
        ("DOB", "1879-10-31", "no such date in our time"),
        ("DOB", "1901-10-31", "no likely date of birth"),
        ("DOB", "2027-01-01", "no likely date of birth"),
        ("DOB", "04/11/2008", "under 18"),
        ("Pref. Language", "Tagalog", "a language in which there are no texts"),
        ("Time Zone", "US/Moon", "unknown time zone"),
        ("Time Zone", "UTC", "unknown time zone"),
        ("Time Zone", "Etc/GMT+5", "unknown time zone"),
        ("Dx Code", "", "no diagnosis code"),
        ("Dx Code", "E11.9", "a diagnosis code that the column map does not know"),
        ("SMS Consent", "", "no consent recorded"),
        ("SMS Consent", "N", "consent refused"),
        ("SMS Consent", "maybe", "neither a yes nor a no"),
        ("Consent Date", "", "blank"),
        ("Consent Date", "04/11/2026", "dated in the future"),
        ("Consent Date", "03/02/1996", "given before the patient was 18"),
        ("PHQ9 intake", "31", "above 27"),
        ("PHQ9 intake", "-1", "not a whole number"),
        ("PHQ9 intake", "high", "not a whole number"),
        ("Notes", "DECEASED 2026-02", "says that the patient has died"),
        ("Notes", "Falleció en marzo", "says that the patient has died"),
        ("Dx", "TRD (passed away)", "says that the patient has died"),
    ],
)
def test_given_one_thing_wrong_then_it_is_named_and_the_row_comes_back(column: str, written: str, problem: str) -> None:
    intake = read({}, {"MRN": "R2", "Cell": "3125550122", column: written})
    assert [row.record_number for row in intake.good] == ["R1"]
    assert found(intake) == [(3, column)]
    assert problem in intake.problems[0].problem
    assert intake.problems[0].fix
    assert intake.rejected.decode("utf-8-sig").splitlines()[0].endswith("Notes,problem,fix")
    assert len(intake.rejected.decode("utf-8-sig").splitlines()) == 2


def test_given_several_things_wrong_in_a_row_then_all_are_named() -> None:
    intake = read({"DOB": "02/30/1980", "Cell": "911", "SMS Consent": "", "PHQ9 intake": "28", "Notes": "died"})
    assert found(intake) == [(2, "Cell"), (2, "DOB"), (2, "Notes"), (2, "PHQ9 intake"), (2, "SMS Consent")]


def test_given_a_yes_without_the_clinics_declaration_then_it_does_not_count() -> None:
    intake = read({}, columns=UNDECLARED)
    assert found(intake) == [(2, "SMS Consent")]
    assert "form and version" in intake.problems[0].fix


def test_given_the_eighteenth_birthday_then_the_patient_is_an_adult() -> None:
    assert read({"DOB": "04/10/2008", "Consent Date": "04/10/2026"}).problems == ()


def test_given_a_birthday_on_29_february_then_18_comes_on_1_march() -> None:
    row = {"DOB": "02/29/2008", "Consent Date": "02/28/2026"}
    assert found(read(row, today=date(2026, 2, 28))) == [(2, "DOB")]
    assert found(read(row | {"Consent Date": "03/01/2026"}, today=date(2026, 3, 1))) == []


@pytest.mark.parametrize(
    ("code", "condition"),
    [
        ("F33.2", "depression"),
        ("f32.9", "depression"),
        ("F31.81", "bipolar"),
        ("F43.10", "ptsd"),
        ("F41.1", "anxiety"),
        ("F42.2", "ocd"),
        ("G89.4", "pain"),
        (" M79.7 ", "pain"),
    ],
)
def test_given_a_diagnosis_code_then_its_beginning_decides(code: str, condition: Condition) -> None:
    assert [row.condition for row in read({"Dx Code": code}).good] == [condition]


def test_given_a_blank_zone_then_the_clinics_is_taken_and_marked() -> None:
    (row,) = read({"Time Zone": ""}).good
    assert (row.zone, row.zone_assumed) == ("America/New_York", True)


@pytest.mark.parametrize(
    ("written", "zone"), [("Eastern", "America/New_York"), ("EST", "America/New_York"), ("us/hawaii", "US/Hawaii")]
)
def test_given_an_alias_or_another_case_then_the_zone_is_known(written: str, zone: str) -> None:
    assert [(row.zone, row.zone_assumed) for row in read({"Time Zone": written}).good] == [(zone, False)]


def test_given_a_blank_language_then_it_counts_only_as_declared() -> None:
    assert [row.language for row in read({"Pref. Language": ""}).good] == ["en"]
    assert found(read({"Pref. Language": ""}, columns=STRICT)) == [(2, "Pref. Language")]


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ('"  Rivas ,  Inés  "', "Inés Rivas"),
        ('"Núñez\u200b, 🦋"', "🦋 Núñez"),
        ('"O\'Neil, Quinn"', "Quinn O'Neil"),
        ("Quinn O'Neil", "Quinn O'Neil"),
        ('"Smith, John, Jr"', "John Smith Jr"),
        ("Ine\u0301s", "Inés"),
    ],
)
def test_given_a_name_with_spare_and_invisible_signs_then_it_is_cleaned(written: str, name: str) -> None:
    assert [row.name for row in read({"Patient Name": written}).good] == [name]


def test_given_one_record_number_twice_then_neither_goes_in_and_both_are_named() -> None:
    intake = read({}, {"MRN": "R9", "Cell": "3125550122"}, {"MRN": "r1", "Cell": "3125550123"})
    assert [row.record_number for row in intake.good] == ["R9"]
    assert [(one.row, one.problem) for one in intake.problems] == [
        (2, "the same record number as in row 4"),
        (4, "the same record number as in row 2"),
    ]


def test_given_two_people_on_one_number_then_both_are_held_back_even_if_one_is_rejected_anyway() -> None:
    assert found(read({}, {"MRN": "R2", "Cell": "+1 312 555 0121"})) == [(2, "Cell"), (3, "Cell")]
    assert found(read({}, {"MRN": "R2", "Notes": "deceased"})) == [(2, "Cell"), (3, "Cell"), (3, "Notes")]


def test_given_a_formula_in_a_note_then_the_row_goes_in_and_in_a_rejected_row_it_is_harmless() -> None:
    note = {"Notes": '"=HYPERLINK(""http://example.invalid"",""x"")"'}
    assert len(read(note).good) == 1
    assert "\"'=HYPERLINK(" in read(note | {"SMS Consent": "N"}).rejected.decode()


def test_given_the_rejected_rows_corrected_then_they_go_in_without_touching_the_added_columns() -> None:
    first = read({"Cell": "+13125550121", "SMS Consent": "N"})
    again = read_roster(first.rejected.replace(b",N,", b",Y,"), COLUMNS, clinic_zone="America/New_York", today=TODAY)
    assert again.good == read({}).good


def test_given_a_file_that_cannot_be_read_then_the_intake_says_so() -> None:
    intake = read_roster(b"MRN\nR1\n", COLUMNS, clinic_zone="America/New_York", today=TODAY)
    assert intake.unreadable
    assert (intake.good, intake.rejected) == ((), b"")
    assert intake.problems[0].problem == "no such header in the file"


def test_names_numbers_and_notes_appear_in_no_problem_and_no_representation() -> None:
    secret = {
        "Patient Name": "Xyzzy",
        "Cell": "312-555-0177x",
        "Notes": "Xyzzy died",
        "DOB": "Xyzzy",
        "Dx Code": "Xyzzy",
    }
    intake = read({"Patient Name": "Xyzzy", "MRN": "R7"}, secret, secret)
    assert "Xyzzy" not in repr(intake)
    assert "0177" not in repr(intake)
    assert "Xyzzy" not in repr(intake.good)
    assert b"Xyzzy" in intake.rejected


CELLS = st.sampled_from([*SOUND.values(), "", "N", "R2", "=1", "'", "\u200b", "99/99/9999", "0001-01-01", "9999-12-31"])


@given(st.lists(st.lists(CELLS | st.text(max_size=8), min_size=10, max_size=14), max_size=6))
def test_any_cells_give_the_same_intake_twice_and_every_row_is_good_or_named(rows: list[list[str]]) -> None:
    text = "\n".join([",".join(SOUND), *(",".join(row) for row in rows)])
    data = text.encode("utf-8", "replace")
    first = read_roster(data, COLUMNS, clinic_zone="America/New_York", today=TODAY)
    assert read_roster(data, COLUMNS, clinic_zone="America/New_York", today=TODAY) == first
    assert len({row.phone for row in first.good}) == len({row.record_number for row in first.good}) == len(first.good)
    back = read_roster(first.rejected, COLUMNS, clinic_zone="America/New_York", today=TODAY)
    assert not first.rejected or not back.unreadable


@given(st.binary(max_size=400))
def test_any_bytes_give_an_intake(data: bytes) -> None:
    intake = read_roster(data, COLUMNS, clinic_zone="America/New_York", today=TODAY)
    assert intake.good == ()


@pytest.mark.skipif("FOLLOWUP_SAMPLES" not in os.environ, reason="FOLLOWUP_SAMPLES names no folder of sample exports")
def test_given_the_sample_export_then_exactly_these_rows_are_rejected() -> None:
    data = (Path(os.environ["FOLLOWUP_SAMPLES"]) / "roster.csv").read_bytes()
    intake = read_roster(data, COLUMNS, clinic_zone="America/New_York", today=date(2026, 11, 22))
    assert len(intake.good) == 124
    assert found(intake) == [
        (5, "Cell"),
        (11, "Cell"),
        (17, "SMS Consent"),
        (18, "SMS Consent"),
        (25, "Time Zone"),
        (32, "DOB"),
        (33, "PHQ9 intake"),
        (39, "Cell"),
        (40, "Cell"),
        (45, "MRN"),
        (46, "MRN"),
        (53, "Cell"),
        (54, "DOB"),
        (72, "Pref. Language"),
        (79, "Notes"),
        (85, "Cell"),
    ]
