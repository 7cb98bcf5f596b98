"""What becomes of a row: it goes in, or it is named with row, column, problem and fix. Nothing in between."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from followup.domain.enrolment import Reason
from followup.intake.tables import Row, Table, UnreadableTable, read_table, write_rejected

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a cell cannot be taken, and what to do about it. Fixed phrases: a cell's content is never repeated."""

    problem: str
    fix: str


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at one place of a file. `row` counts as a spreadsheet does: the header is row 1."""

    row: int
    column: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A rejected row that also speaks about somebody who may be enrolled already: their texts must stop."""

    record_number: str
    because: Reason
    others: tuple[str, ...] = ()
    """Record numbers of the other patients that the file gives the same phone number to."""


@dataclass(frozen=True, slots=True)
class Intake(Generic[T]):
    """A file, judged. The same bytes always give the same intake."""

    good: tuple[T, ...] = field(repr=False)
    problems: tuple[Problem, ...] = ()
    """Why rows were rejected, by row; a row may have several."""
    notes: tuple[Problem, ...] = ()
    """Worth a look; their rows went in."""
    left_out: int = 0
    """Rows that are not about what this file is read for (a consultation among the infusions)."""
    rejected: bytes = field(default=b"", repr=False)
    """The rejected rows as they came, as CSV with the columns "problem" and "fix"; empty if there are none."""
    unreadable: bool = False
    """The file as a whole could not be read; `problems` says why."""
    rows: tuple[int, ...] = ()
    """Where the good rows stand, in their order."""
    stops: tuple[Stop, ...] = ()
    """What rejected rows mean for those of them who are enrolled already, one for each record number."""


class Judge:
    """Collects what is wrong with the rows of one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._problems: set[Problem] = set()
        self._notes: set[Problem] = set()
        self._refused: set[int] = set()
        for row in table.rows:
            if row.shape is not None:
                self.name(row.number, "(whole row)", Fault(row.shape, SHAPE_FIX))

    def take(self, row: Row, column: str, read: T | Fault) -> T | None:
        """What was read; a fault is named and becomes None."""
        if isinstance(read, Fault):
            self.name(row.number, column, read)
            return None
        return read

    def name(self, row: int, column: str, fault: Fault) -> None:
        """The row does not go in, and this is why."""
        self._problems.add(Problem(row, column, fault.problem, fault.fix))
        self._refused.add(row)

    def note(self, row: int, column: str, fault: Fault) -> None:
        """The row goes in, but somebody should look at this."""
        self._notes.add(Problem(row, column, fault.problem, fault.fix))

    def name_shared(self, keys: Mapping[int, Hashable], column: str, problem: str, fix: str) -> None:
        """Name every row whose key another row has too. `problem` ends before the list of the other rows."""
        for rows in _groups(keys):
            for row in rows:
                others = [other for other in rows if other != row]
                self.name(row, column, Fault(f"{problem} {rows_text(others)}", fix))

    def name_repeated(self, rows: Mapping[int, T | None], key: Mapping[int, Hashable], column: str) -> None:
        """Of equal rows with one key the first stays and the others are named; if they differ, all are named."""
        cells = {row.number: row.cells for row in self._table.rows}
        for same in _groups(key):
            first = same[0]
            # Rows that could not be read are equal if they came equal.
            if all(cells[row] == cells[first] or (rows[row] is not None and rows[row] == rows[first]) for row in same):
                for row in same[1:]:
                    self.name(row, column, Fault(f"given twice, the same as row {first}", REPEATED_FIX))
                continue
            for row in same:
                others = [other for other in same if other != row]
                self.name(row, column, Fault(f"given twice and not the same, see {rows_text(others)}", CLASH_FIX))

    def accepts(self, row: int) -> bool:
        """Whether nothing was said against this row so far."""
        return row not in self._refused

    def intake(self, rows: Mapping[int, T | None], *, left_out: int = 0, stops: tuple[Stop, ...] = ()) -> Intake[T]:
        """The rows that nothing was said against, and what was said about the others."""
        problems = tuple(sorted(self._problems))
        accepted = {number: row for number, row in sorted(rows.items()) if row is not None and self.accepts(number)}
        return Intake(
            good=tuple(accepted.values()),
            problems=problems,
            notes=tuple(sorted(note for note in self._notes if self.accepts(note.row))),
            left_out=left_out,
            rejected=write_rejected(self._table, _told(problems)),
            rows=tuple(accepted),
            stops=stops,
        )


def rejected_rows(data: bytes, *, wanted: Iterable[str], delimiter: str, problems: Iterable[Problem]) -> bytes:
    """The rejected rows of a file that was read before, when more turned out wrong than the file itself shows."""
    return write_rejected(read_table(data, wanted=wanted, delimiter=delimiter), _told(sorted(set(problems))))


def _told(problems: Iterable[Problem]) -> dict[int, tuple[list[str], list[str]]]:
    told: dict[int, tuple[list[str], list[str]]] = {}
    for found in problems:
        reasons, fixes = told.setdefault(found.row, ([], []))
        reasons.append(f"{found.column}: {found.problem}")
        fixes.append(f"{found.column}: {found.fix}")
    return told


SHAPE_FIX = "check for a comma or a line break outside quotes, and give every cell of the row"
REPEATED_FIX = "leave this row out of the file; the first one counts"
CLASH_FIX = "keep the row that is right and leave the others out"


def unless_unreadable(judge: Callable[[], Intake[T]]) -> Intake[T]:
    """The intake, or one that says why the whole file cannot be read."""
    try:
        return judge()
    except UnreadableTable as error:
        found = (Problem(error.row, error.column, error.problem, error.fix),)
        return Intake(good=(), problems=found, unreadable=True)


def rows_text(rows: Sequence[int]) -> str:
    """`row 4`, `rows 4, 9`; of many only the first five."""
    listed = ", ".join(str(row) for row in rows[:5]) + (" and more" if len(rows) > 5 else "")
    return f"row {listed}" if len(rows) == 1 else f"rows {listed}"


def _groups(keys: Mapping[int, Hashable]) -> Iterable[list[int]]:
    groups: dict[Hashable, list[int]] = {}
    for row, key in sorted(keys.items()):
        groups.setdefault(key, []).append(row)
    return [rows for rows in groups.values() if len(rows) > 1]
