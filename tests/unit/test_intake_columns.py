import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.intake.columns import ColumnMapError, InfusionColumns, RosterColumns, ScoreColumns, read_columns

SCORES = """\
columns: {record_number: MRN, date: Date, instrument: Instrument, score: Score}
date_formats: ["%Y-%m-%d"]
instrument:
  PHQ-9: phq9
"""


def mistakes(text: str) -> tuple[str, ...]:
    with pytest.raises(ColumnMapError) as caught:
        read_columns(text.encode(), file="scores.yaml", kind=ScoreColumns)
    return caught.value.mistakes


def test_given_a_sound_map_when_it_is_read_then_words_compare_without_case_or_accents() -> None:
    columns = read_columns(SCORES.encode(), file="scores.yaml", kind=ScoreColumns)
    assert columns.instrument == {"phq-9": "phq9"}
    assert columns.wanted() == ("MRN", "Date", "Instrument", "Score")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("score: Score", "scores: Score", ("line 1, columns.score: is missing", "line 1, columns.scores: is no field")),
        ("phq9\n", "phq10\n", ("line 4, instrument.PHQ-9",)),
        ("score: Score", "score: Date", ("line 1, columns: one header feeds two fields",)),
        ("score: Score", "score: 7", ("line 1, columns.score: must be text; put it in quotes",)),
        ('["%Y-%m-%d"]', '["%d/%m/%y"]', ("line 2, date_formats: use only",)),
        ('["%Y-%m-%d"]', '["%Y-%m"]', ("line 2, date_formats: a form needs year, month and day",)),
        ('["%Y-%m-%d"]', '["%m/%d/%Y", "%d/%m/%Y"]', ("line 2, date_formats: two of the forms read the same text",)),
        ('["%Y-%m-%d"]', '["%Y-%m-%d %I:%M"]', ("line 2, date_formats: %I",)),
        ("  PHQ-9: phq9\n", "  PHQ-9: phq9\n  phq-9: mood\n", ("line 3, instrument: two spellings of one word",)),
        ("  PHQ-9: phq9\n", "  PHQ-9: phq9\n  PHQ-9: mood\n", ("line 5: found duplicate key",)),
        ("instrument:\n", "instrument: [\n", ("line ",)),
    ],
)
def test_given_a_mistake_in_a_map_then_file_line_field_and_fix_are_named(
    before: str, after: str, told: tuple[str, ...]
) -> None:
    assert before in SCORES
    found = mistakes(SCORES.replace(before, after))
    assert all(line.startswith("scores.yaml, line ") for line in found)
    for part in told:
        assert any(part in line for line in found), found


@pytest.mark.parametrize("text", ["", "just words", "- a\n- b\n", "[" * 500, "a: " + "x" * 300_000, "%", "\t"])
def test_given_something_else_than_a_column_map_then_it_is_refused_by_name(text: str) -> None:
    assert mistakes(text)[0].startswith("scores.yaml, line ")


def test_given_a_map_that_is_not_utf_8_then_the_line_is_named() -> None:
    with pytest.raises(ColumnMapError, match=r"line 2: not UTF-8"):
        read_columns(b"columns:\n  name: N\xe1me\n", file="roster.yaml", kind=RosterColumns)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_map_or_a_named_mistake(data: bytes) -> None:
    with contextlib.suppress(ColumnMapError):
        assert read_columns(data, file="infusions.yaml", kind=InfusionColumns).wanted()


def test_given_a_visit_time_without_a_time_of_day_then_the_map_is_refused() -> None:
    text = """\
columns: {visit: V, record_number: R, service: S, start: A, end: E, status: T, series: I}
time_formats: ["%Y-%m-%d"]
service: {IV: iv}
status: {Done: completed}
series: {Induction: induction}
"""
    with pytest.raises(ColumnMapError, match=r"line 2, time_formats: a form needs a time of day"):
        read_columns(text.encode(), file="infusions.yaml", kind=InfusionColumns)


def test_given_a_language_without_texts_when_a_map_names_it_then_the_languages_there_are_are_told() -> None:
    sample = (Path(__file__).parents[2] / "docs/samples/columns/roster.yaml").read_text(encoding="utf-8")
    assert "Spanish: es" in sample
    with pytest.raises(ColumnMapError, match=r"roster\.yaml, line \d+, language.*: a language in which there are no"):
        read_columns(sample.replace("Spanish: es", "Spanish: fr").encode(), file="roster.yaml", kind=RosterColumns)
