import os
from collections.abc import Collection
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.intake.columns import InfusionColumns, read_columns
from followup.intake.infusions import InfusionRow, read_infusions
from followup.intake.judging import Intake

MAP = (Path(__file__).parents[2] / "docs/samples/columns/infusions.yaml").read_bytes()
COLUMNS = read_columns(MAP, file="infusions.yaml", kind=InfusionColumns)
ZONE = "America/New_York"

SOUND = {
    "Visit #": "V1",
    "MRN": "R1",
    "Service": "Ketamine IV infusion",
    "Start": "03/04/2026 01:00 PM",
    "End": "03/04/2026 01:45 PM",
    "Status": "Completed",
    "Series": "Induction",
}


def read(
    *rows: dict[str, str], zone: str = ZONE, known: Collection[str] | None = ("R1", "R2"), today: date | None = None
) -> Intake[InfusionRow]:
    text = "\r\n".join([",".join(SOUND), *(",".join((SOUND | row).values()) for row in rows)])
    return read_infusions(text.encode(), COLUMNS, clinic_zone=zone, known=known, today=today)


def found(intake: Intake[InfusionRow]) -> list[tuple[int, str]]:
    return [(problem.row, problem.column) for problem in intake.problems]


def utc(day: int, hour: int, minute: int = 0, month: int = 3) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def test_given_a_sound_row_then_its_times_are_read_on_the_clinics_clock() -> None:
    assert read({}).good == (InfusionRow("V1", "R1", "iv", utc(4, 18), utc(4, 18, 45), "completed", "induction"),)


@pytest.mark.parametrize(
    ("column", "written", "field", "value"),
    [
        ("Service", "Ketamine IM", "route", "im"),
        ("Service", "ESKETAMINE  (nasal)", "route", "nasal"),
        ("Status", "no-show", "status", "no_show"),
        ("Status", "Cancelled", "status", "cancelled"),
        ("Status", "entered in error", "status", "entered_in_error"),
        ("Status", "Scheduled", "status", "scheduled"),
        ("Series", "Booster", "series", "maintenance"),
        ("End", "", "end", None),
    ],
)
def test_given_the_clinics_words_then_they_mean_what_the_map_says(
    column: str, written: str, field: str, value: str | None
) -> None:
    assert [getattr(row, field) for row in read({column: written}).good] == [value]


@pytest.mark.parametrize(
    ("column", "written", "problem"),
    [
        ("Visit #", "", "blank"),
        ("MRN", "R7", "no enrolled patient has this record number"),
        ("MRN", "", "blank"),
        ("Service", "Massage", "a word that the column map does not know"),
        ("Service", "", "blank"),
        ("Start", "13/45/2026 10:00 AM", "no such date or time"),
        ("Start", "03/04/2026", "no such date or time"),
        ("Start", "", "blank"),
        ("End", "01/01/2020 09:00 AM", "not after the start"),
        ("End", "03/04/2026 01:00 PM", "not after the start"),
        ("End", "03/04/2026 09:01 PM", "longer than 8 hours"),
        ("End", "soon", "no such date or time"),
        ("Status", "Deceased", "a word that the column map does not know"),
        ("Series", "", "blank"),
    ],
)
def test_given_one_thing_wrong_then_it_is_named_and_the_row_comes_back(column: str, written: str, problem: str) -> None:
    intake = read({"Visit #": "V0", "MRN": "R2"}, {column: written})
    assert [row.visit for row in intake.good] == ["V0"]
    assert found(intake) == [(3, column)]
    assert problem in intake.problems[0].problem
    assert len(intake.rejected.splitlines()) == 2


def test_given_a_start_in_the_hour_skipped_in_spring_then_it_is_named_beside_what_else_is_wrong() -> None:
    row = {"Start": "03/08/2026 02:30 AM", "End": "04/10/2026 02:30 PM"}
    assert found(read(row)) == [(2, "End"), (2, "Start")]
    assert found(read(row | {"End": "03/08/2026 03:30 AM"}, zone="America/Phoenix")) == []


def test_given_the_hour_that_happens_twice_then_the_first_is_taken_and_noted() -> None:
    intake = read({"Start": "11/01/2026 01:30 AM", "End": "11/01/2026 02:30 AM"})
    assert [(row.start, row.end) for row in intake.good] == [(utc(1, 5, 30, 11), utc(1, 7, 30, 11))]
    assert [(note.row, note.column) for note in intake.notes] == [(2, "Start")]


def test_given_an_end_that_reads_before_the_start_as_the_clock_went_back_then_it_is_the_second_run() -> None:
    intake = read({"Start": "11/01/2026 01:45 AM", "End": "11/01/2026 01:15 AM"})
    assert [(row.start, row.end) for row in intake.good] == [(utc(1, 5, 45, 11), utc(1, 6, 15, 11))]


def test_given_a_consultation_then_it_is_left_out_and_counted_whatever_else_it_holds() -> None:
    intake = read({}, {"Visit #": "V2", "Service": "Consult", "MRN": "R7", "Start": "soon"})
    assert (len(intake.good), intake.left_out, intake.problems) == (1, 1, ())


def test_given_a_visit_twice_and_the_same_then_the_first_goes_in_and_the_second_is_named() -> None:
    intake = read({}, {"Status": "completed "})
    assert len(intake.good) == 1
    assert [(one.row, one.problem) for one in intake.problems] == [(3, "given twice, the same as row 2")]


def test_given_a_visit_twice_and_not_the_same_then_neither_goes_in() -> None:
    assert found(read({}, {"Status": "Cancelled"})) == [(2, "Visit #"), (3, "Visit #")]
    assert found(read({}, {"Start": "soon"})) == [(2, "Visit #"), (3, "Start"), (3, "Visit #")]


def test_given_a_bad_visit_twice_and_the_same_then_it_is_not_said_to_differ() -> None:
    assert [one.problem for one in read({"MRN": "R7"}, {"MRN": "R7"}).problems] == [
        "no enrolled patient has this record number",
        "no enrolled patient has this record number",
        "given twice, the same as row 2",
    ]


def test_given_two_visits_of_a_patient_at_one_time_then_both_go_in_with_a_note() -> None:
    intake = read({}, {"Visit #": "V2", "Start": "03/04/2026 01:30 PM", "End": ""}, {"Visit #": "V3", "MRN": "R2"})
    assert len(intake.good) == 3
    assert [(note.row, note.problem) for note in intake.notes] == [(3, "at the same time as the visit in row 2")]
    assert read({}, {"Visit #": "V2", "Status": "Cancelled"}).notes == ()


def test_given_a_visit_completed_on_a_day_to_come_then_it_is_named_unless_the_file_is_played() -> None:
    assert found(read({}, today=date(2026, 3, 3))) == [(2, "Status")]
    assert found(read({}, today=date(2026, 3, 4))) == []
    assert found(read({"Status": "Scheduled"}, today=date(2026, 3, 3))) == []


def test_given_no_list_of_patients_then_record_numbers_are_left_to_the_caller() -> None:
    assert len(read({"MRN": "R7"}, known=None).good) == 1


CELLS = st.sampled_from(
    [*SOUND.values(), "", "Consult", "11/01/2026 01:30 AM", "03/08/2026 02:30 AM", "12/31/9999 11:00 PM"]
)


@given(st.lists(st.lists(CELLS | st.text(max_size=6), min_size=6, max_size=8), max_size=6))
def test_any_cells_give_the_same_intake_twice_and_every_visit_once(rows: list[list[str]]) -> None:
    data = "\n".join([",".join(SOUND), *(",".join(row) for row in rows)]).encode("utf-8", "replace")
    first = read_infusions(data, COLUMNS, clinic_zone=ZONE, known=None, today=None)
    assert read_infusions(data, COLUMNS, clinic_zone=ZONE, known=None, today=None) == first
    assert len({row.visit for row in first.good}) == len(first.good)


@pytest.mark.skipif("FOLLOWUP_SAMPLES" not in os.environ, reason="FOLLOWUP_SAMPLES names no folder of sample exports")
def test_given_the_sample_export_then_exactly_these_rows_are_rejected() -> None:
    data = (Path(os.environ["FOLLOWUP_SAMPLES"]) / "infusions.csv").read_bytes()
    intake = read_infusions(data, COLUMNS, clinic_zone=ZONE, known=None, today=date(2026, 11, 22))
    assert (len(intake.good), intake.left_out) == (821, 24)
    assert found(intake) == [(13, "End"), (42, "Start"), (57, "Visit #"), (72, "End"), (72, "Start")]
