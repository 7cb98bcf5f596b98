import contextlib
import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from followup.intake.tables import MAX_BYTES, Table, UnreadableTable, read_table, write_rejected

WANTED = ("A", "B")


def table(data: bytes, delimiter: str = ",") -> Table:
    return read_table(data, wanted=WANTED, delimiter=delimiter)


def refusal(data: bytes, delimiter: str = ",") -> UnreadableTable:
    with pytest.raises(UnreadableTable) as caught:
        table(data, delimiter)
    return caught.value


def rejected(read: Table) -> bytes:
    return write_rejected(read, {row.number: (["A: wrong"], ["A: right it"]) for row in read.rows})


def test_given_a_mark_blank_lines_and_line_breaks_in_quotes_then_rows_count_as_a_spreadsheet_shows_them() -> None:
    read = table(b'\xef\xbb\xbf b ,A\r\n\r\n"one\r\nline",1\r\n,\r\n"say ""x""",2\r\n')
    assert [(row.number, read.cell(row, "A"), read.cell(row, "B")) for row in read.rows] == [
        (3, "1", "one line"),
        (5, "2", 'say "x"'),
    ]


def test_given_rows_of_another_length_then_each_says_so_and_spare_commas_do_not_count() -> None:
    read = table(b"A,B\n1\n1,2,3\n1,2,,\n")
    assert [row.shape for row in read.rows] == [
        "fewer cells than the header has",
        "more cells than the header has",
        None,
    ]


@pytest.mark.parametrize(
    ("data", "row", "column", "problem"),
    [
        (b"", 1, "(whole file)", "no rows"),
        (b"\n,,\n", 1, "(whole file)", "no rows"),
        (b"A,C\n1,2\n", 1, "B", "no such header"),
        (b"\nC,D\n1,2\n", 2, "A, B", "no such header"),
        (b"A,B,a\n1,2,3\n", 1, "A", "stands there twice"),
        ("A,B\n1,ñ\n".encode("cp1252"), 2, "(whole file)", "not UTF-8"),
        ("A,B\n1,2\n".encode("utf-16"), 1, "(whole file)", "UTF-16"),
        ("A,B\n1,2\n".encode("utf-16-le"), 1, "(whole file)", "UTF-16"),
        (b'A,B\n1,2\n3,"4\n5,6\n', 3, "(whole file)", "quotes are broken"),
        (b'A,B\n1,2\n3,"4"x\n5,6\n', 3, "(whole file)", "quotes are broken"),
        (b"A,B\n1," + b"x" * 200_000, 2, "(whole file)", "far too long"),
        (b"A,B" + b",x" * 300, 1, "(whole file)", "too many columns"),
        (b" " * (MAX_BYTES + 1), 1, "(whole file)", "larger than 20 MB"),
    ],
)
def test_given_a_file_that_cannot_be_read_then_the_place_is_named(
    data: bytes, row: int, column: str, problem: str
) -> None:
    error = refusal(data)
    assert (error.row, error.column) == (row, column)
    assert problem in error.problem
    assert error.fix


def test_given_another_separator_then_the_fix_says_which() -> None:
    assert "semicolons" in refusal(b"A;B\n1;2\n").fix
    assert "tabs" in refusal(b"A\tB\n1\t2\n").fix
    assert table(b"A;B\n1;2\n", ";").rows[0].cells == ("1", "2")


def test_given_cells_that_a_spreadsheet_would_run_then_the_rejected_file_holds_them_harmless() -> None:
    cells = ["=1+1", "+1 312 555 0121", "-2", "@sum", "\tx", "＝1", "  =1", "plain", "O'Neil", "it's -1"]
    out = io.StringIO()
    csv.writer(out).writerows([["A", "B"], *([cell, "x"] for cell in cells)])
    data = rejected(table(out.getvalue().encode()))
    written = [row[0] for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""))][1:]
    assert written == [f"'{cell}" for cell in cells[:7]] + cells[7:]


def test_given_a_header_that_is_a_formula_then_it_is_harmless_too() -> None:
    assert rejected(table(b"A,B,=x\n1,2,3\n")).startswith(b"\xef\xbb\xbfA,B,'=x,problem,fix\r\n")


def test_given_rows_of_a_wrong_length_when_they_come_back_uncorrected_then_they_are_rejected_again() -> None:
    first = table(b"A,B\n1\n1,2,3\n")
    again = table(rejected(first))
    assert [row.shape for row in again.rows] == [row.shape for row in first.rows]
    assert rejected(again) == rejected(first)


def test_given_the_clinics_own_column_named_problem_then_it_stays() -> None:
    assert table(b"A,B,Problem,Fix\n1,2,3,4\n").headers == ("A", "B", "Problem", "Fix")


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1), st.text("'=+-@ x")
        ),
        max_size=5,
    )
)
def test_rejected_rows_come_back_as_they_were(rows: list[tuple[str, str]]) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([WANTED, *rows])
    first = table(out.getvalue().encode())
    data = rejected(first)
    if first.rows:
        assert [row.cells for row in table(data).rows] == [row.cells for row in first.rows]
        assert rejected(table(data)) == data


@given(st.binary(max_size=300) | st.text('A,B"\n\r;\t =\u200b', max_size=80).map(lambda text: b"A,B\n" + text.encode()))
def test_any_bytes_are_a_table_or_a_named_refusal(data: bytes) -> None:
    with contextlib.suppress(UnreadableTable):
        assert all(row.number > 1 for row in table(data).rows)
