from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from followup.intake.columns import ScoreColumns, read_columns
from followup.intake.judging import Intake
from followup.intake.scores import ScoreRow, read_scores

MAP = (Path(__file__).parents[2] / "docs/samples/columns/scores.yaml").read_bytes()
COLUMNS = read_columns(MAP, file="scores.yaml", kind=ScoreColumns)

SOUND = {"MRN": "R1", "Date": "2026-03-04", "Instrument": "PHQ-9", "Score": "14", "Item 9": "1"}


def read(*rows: dict[str, str]) -> Intake[ScoreRow]:
    text = "\n".join([",".join(SOUND), *(",".join((SOUND | row).values()) for row in rows)])
    return read_scores(text.encode(), COLUMNS, clinic_zone="America/New_York", known={"R1"}, today=date(2026, 4, 10))


def test_given_a_date_only_then_the_score_stands_at_noon_of_the_clinic() -> None:
    assert read({}).good == (ScoreRow("R1", "phq9", datetime(2026, 3, 4, 17, tzinfo=UTC), 14, 1),)


def test_given_a_time_then_it_is_kept() -> None:
    assert [row.at for row in read({"Date": "03/04/2026 09:30 AM"}).good] == [datetime(2026, 3, 4, 14, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("row", "column", "problem"),
    [
        ({"MRN": "R7"}, "MRN", "no enrolled patient"),
        ({"Date": "02/30/2026"}, "Date", "no such date"),
        ({"Date": "2026-04-11"}, "Date", "dated in the future"),
        ({"Date": "03/08/2026 02:30 AM"}, "Date", "no clock showed"),
        ({"Instrument": "Beck"}, "Instrument", "does not know"),
        ({"Score": "28"}, "Score", "above 27"),
        ({"Score": ""}, "Score", "blank"),
        ({"Score": "7.5"}, "Score", "not a whole number"),
        ({"Item 9": "4"}, "Item 9", "above 3"),
        ({"Score": "0"}, "Item 9", "does not fit the total"),
        ({"Score": "27"}, "Item 9", "does not fit the total"),
        ({"Instrument": "Mood", "Score": "7"}, "Item 9", "only the PHQ-9"),
    ],
)
def test_given_one_thing_wrong_then_it_is_named(row: dict[str, str], column: str, problem: str) -> None:
    intake = read(row)
    assert intake.good == ()
    assert [(one.row, one.column) for one in intake.problems] == [(2, column)]
    assert problem in intake.problems[0].problem


def test_given_no_item_9_then_the_total_goes_in_alone() -> None:
    assert [(row.total, row.item9) for row in read({"Item 9": ""}).good] == [(14, None)]


def test_given_an_instrument_that_is_not_kept_then_its_row_is_left_out_and_counted() -> None:
    intake = read({"Instrument": "gad-7", "Score": "soon"})
    assert (intake.good, intake.problems, intake.left_out) == ((), (), 1)


def test_given_a_score_twice_then_the_same_counts_once_and_another_not_at_all() -> None:
    assert len(read({}, {}).good) == 1
    clash = read({}, {"Score": "15"})
    assert (clash.good, [one.row for one in clash.problems]) == ((), [2, 3])
