"""CSV as practice software and spreadsheets write it: bytes in, rows with the numbers that a spreadsheet shows."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from followup.domain.errors import BadInput
from followup.intake.cells import clean, fold

MAX_BYTES = 20_000_000
"""About 200,000 rows. A larger file is more likely the wrong one."""
MAX_COLUMNS = 200

REJECTED_HEADERS = ("problem", "fix")
MISSING_CELL = "(cell missing in the export)"
"""Stands in a rejected row for a cell that it never had, so that sent back uncorrected it is rejected again."""
SURPLUS_HEADER = re.compile(r"cell too many \d+")
FORMULA_START = frozenset("=+-@\t\r\n＝＋－＠")
"""A cell that starts so is run by spreadsheets (OWASP, "CSV Injection"); a quote in front stops that."""


class UnreadableTable(BadInput):
    """The file as a whole cannot be read. The message says where and what to do, and repeats no cell."""

    def __init__(self, row: int, column: str, problem: str, fix: str) -> None:
        super().__init__(f"row {row}, {column}: {problem}; {fix}")
        self.row, self.column, self.problem, self.fix = row, column, problem, fix


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a file. Line breaks inside quotes do not count, blank lines do, as in a spreadsheet."""

    number: int
    cells: tuple[str, ...] = field(repr=False)
    shape: str | None = None
    """What is wrong with the number of cells, if anything."""


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows without the blank ones. `places` says where each wanted header stands."""

    headers: tuple[str, ...] = field(repr=False)
    rows: tuple[Row, ...]
    places: Mapping[str, int]
    delimiter: str

    def cell(self, row: Row, header: str) -> str:
        """The cleaned cell of a wanted column; empty where the row is too short."""
        place = self.places[header]
        return clean(row.cells[place]) if place < len(row.cells) else ""


def read_table(data: bytes, *, wanted: Iterable[str], delimiter: str = ",") -> Table:
    """Read CSV bytes that must hold the wanted headers, in any order, once each; others are kept but not looked at.

    Raises `UnreadableTable` for what makes the whole file doubtful: not UTF-8, broken quotes, headers missing.
    """
    numbered = [(number, cells) for number, cells in _records(_text(data), delimiter) if any(map(clean, cells))]
    if not numbered:
        raise UnreadableTable(1, "(whole file)", "the file has no rows", "export it again with its header row")
    (header_row, headers), *body = numbered
    headers = _without_trailing_blanks(headers)
    # A file of rejected rows comes back corrected: what was added to it is no longer part of it.
    width = len(headers) - (len(REJECTED_HEADERS) if tuple(headers[-2:]) == REJECTED_HEADERS else 0)
    if width > MAX_COLUMNS:
        raise UnreadableTable(header_row, "(whole file)", "too many columns", f"leave at most {MAX_COLUMNS}")
    places = _places(headers[:width], list(wanted), header_row, delimiter)
    own = sum(1 for header in headers[:width] if not SURPLUS_HEADER.fullmatch(header))
    return Table(
        headers=tuple(headers[:own]),
        rows=tuple(_row(number, cells, own=own, width=width, full=len(headers)) for number, cells in body),
        places=places,
        delimiter=delimiter,
    )


def write_rejected(table: Table, reasons: Mapping[int, tuple[Sequence[str], Sequence[str]]]) -> bytes:
    """The rows with these numbers as they came, with their problems and fixes; safe to open in a spreadsheet."""
    rows = [row for row in table.rows if row.number in reasons]
    if not rows:
        return b""
    surplus = max(0, max(len(row.cells) for row in rows) - len(table.headers))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=table.delimiter, lineterminator="\r\n")
    added = (*(f"cell too many {place}" for place in range(1, surplus + 1)), *REJECTED_HEADERS)
    writer.writerow((*map(_harmless, table.headers), *added))
    for row in rows:
        problems, fixes = reasons[row.number]
        padding = [MISSING_CELL] * (len(table.headers) - len(row.cells))
        padding += [""] * (len(table.headers) + surplus - len(row.cells) - len(padding))
        told = (" | ".join(problems), " | ".join(fixes))
        writer.writerow([_harmless(cell) for cell in (*row.cells, *padding, *told)])
    # The mark in front makes spreadsheets read accents as they are.
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UnreadableTable(
            1, "(whole file)", f"larger than {MAX_BYTES // 1_000_000} MB", "export a shorter period, or split it"
        )
    save_as = 'save it as "CSV UTF-8"'
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in data:
        raise UnreadableTable(1, "(whole file)", "not UTF-8 text: UTF-16, or not a CSV file", save_as)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data[: error.start].count(b"\n") + 1
        raise UnreadableTable(row, "(whole file)", "not UTF-8 text, perhaps Windows-1252", save_as) from None


def _records(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    records: list[tuple[int, list[str]]] = []
    try:
        for cells in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True):
            records.append((len(records) + 1, [_as_it_was(cell) for cell in cells]))
    except csv.Error:
        raise UnreadableTable(
            len(records) + 1,
            "(whole file)",
            "quotes are broken here, or a cell is far too long, so the rows after it cannot be told apart",
            "close every quote and double those inside a quoted cell, or export the file again",
        ) from None
    return records


def _places(headers: Sequence[str], wanted: Sequence[str], row: int, delimiter: str) -> dict[str, int]:
    folded = [fold(header) for header in headers]
    missing = [header for header in wanted if fold(header) not in folded]
    if missing:
        fix = "correct the header row, or the header's name in the column map"
        only = headers[0] if len(headers) == 1 else ""
        for other, word in ((",", "commas"), (";", "semicolons"), ("\t", "tabs")):
            if other != delimiter and fold(missing[0]) in [fold(part) for part in only.split(other)]:
                fix = f"the file is separated by {word}: set `delimiter` in the column map"
        raise UnreadableTable(row, ", ".join(missing), "no such header in the file", fix)
    for header in wanted:
        if folded.count(fold(header)) > 1:
            raise UnreadableTable(row, header, "the header stands there twice", "rename or take out one of the columns")
    return {header: folded.index(fold(header)) for header in wanted}


def _row(number: int, cells: list[str], *, own: int, width: int, full: int) -> Row:
    # Only the file's own columns and surplus cells that hold something are the row; the rest was added by us.
    kept = _without_trailing_blanks(cells[:width] + cells[full:], keep=own)
    if len(kept) > own:
        return Row(number, tuple(kept), "more cells than the header has")
    if len(kept) < own or MISSING_CELL in kept:
        return Row(number, tuple(kept), "fewer cells than the header has")
    return Row(number, tuple(kept))


def _without_trailing_blanks(cells: list[str], *, keep: int = 0) -> list[str]:
    end = len(cells)
    while end > keep and not clean(cells[end - 1]):
        end -= 1
    return cells[:end]


def _harmless(cell: str) -> str:
    return f"'{cell}" if _starts_formula(cell) else cell


def _as_it_was(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _starts_formula(cell[1:]) else cell


def _starts_formula(cell: str) -> bool:
    return cell[:1] in FORMULA_START or cell.lstrip(" ")[:1] in FORMULA_START
