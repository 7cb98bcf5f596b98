"""A clinic's visit list: which rows are infusions, when they were, and what became of them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from followup.domain.records import Series, SessionStatus
from followup.intake.cells import fold
from followup.intake.columns import NOT_AN_INFUSION, InfusionColumns, Route
from followup.intake.dates import SKIPPED, Moment, read_moment, shown
from followup.intake.identifiers import read_identifier, read_patient
from followup.intake.judging import Fault, Intake, Judge, unless_unreadable
from followup.intake.tables import Row, Table, read_table
from followup.intake.vocabulary import read_word


@dataclass(frozen=True, slots=True)
class InfusionRow:
    """An infusion visit. Times are UTC; `end` is None where the clinic gave none."""

    visit: str
    record_number: str
    route: Route
    start: datetime
    end: datetime | None
    status: SessionStatus
    series: Series


def read_infusions(
    data: bytes,
    columns: InfusionColumns,
    *,
    clinic_zone: str,
    known: Collection[str] | None,
    today: date | None,
) -> Intake[InfusionRow]:
    """Judge a visit list.

    `known` holds the record numbers of enrolled patients, in capitals as the roster gives them; None leaves the
    comparison to the caller. A visit marked completed after `today` (the clinic's date) is named; None says that the
    file is played, not followed.
    """
    zone = ZoneInfo(clinic_zone)
    return unless_unreadable(lambda: _judge(data, columns, zone, known, today))


def _judge(
    data: bytes, columns: InfusionColumns, zone: ZoneInfo, known: Collection[str] | None, today: date | None
) -> Intake[InfusionRow]:
    table = read_table(data, wanted=columns.wanted(), delimiter=columns.delimiter)
    judge = Judge(table)
    reader = _InfusionReader(table, columns, judge, zone, today)
    rows: dict[int, InfusionRow | None] = {}
    left_out = 0
    for row in table.rows:
        if row.shape is not None:
            continue
        if columns.service.get(fold(table.cell(row, columns.columns.service))) == NOT_AN_INFUSION:
            left_out += 1
        else:
            rows[row.number] = reader.read(row, known)
    judge.name_repeated(rows, reader.visits, columns.columns.visit)
    _note_overlaps(rows, judge, columns)
    return judge.intake(rows, left_out=left_out)


class _InfusionReader:
    """Reads rows one by one and keeps the visit numbers, which must differ."""

    def __init__(
        self, table: Table, columns: InfusionColumns, judge: Judge, zone: ZoneInfo, today: date | None
    ) -> None:
        self._table, self._columns, self._judge = table, columns, judge
        self._zone, self._today = zone, today
        self.visits: dict[int, str] = {}

    def read(self, row: Row, known: Collection[str] | None) -> InfusionRow | None:
        """The visit in a row, or None where something is wrong with it."""
        headers, judge = self._columns.columns, self._judge

        def cell(header: str) -> str:
            return self._table.cell(row, header)

        visit = judge.take(row, headers.visit, read_identifier(cell(headers.visit)))
        if visit is not None:
            self.visits[row.number] = visit
        record_number = judge.take(row, headers.record_number, read_patient(cell(headers.record_number), known))
        route: Route | Literal["not_an_infusion"] | None = judge.take(
            row, headers.service, read_word(cell(headers.service), self._columns.service, "service")
        )
        status: SessionStatus | None = judge.take(
            row, headers.status, read_word(cell(headers.status), self._columns.status, "status")
        )
        series: Series | None = judge.take(
            row, headers.series, read_word(cell(headers.series), self._columns.series, "series")
        )
        start = self._moment(row, headers.start)
        end = self._end(row, start) if cell(headers.end) else None
        if start is not None and status == "completed":
            self._name_if_to_come(row, start)
        if (
            visit is None
            or record_number is None
            or route is None
            or route == NOT_AN_INFUSION
            or status is None
            or series is None
            or start is None
            or not judge.accepts(row.number)
        ):
            return None
        return InfusionRow(visit, record_number, route, start.first, end, status, series)

    def _moment(self, row: Row, header: str) -> Moment | None:
        forms = self._columns.time_formats
        moment = self._judge.take(row, header, read_moment(self._table.cell(row, header), forms, self._zone))
        if moment is not None and moment.skipped:
            self._judge.name(row.number, header, SKIPPED)
        if moment is not None and moment.second is not None:
            self._judge.note(row.number, header, TWICE)
        return moment

    def _end(self, row: Row, start: Moment | None) -> datetime | None:
        header = self._columns.columns.end
        end = self._moment(row, header)
        if end is None or start is None:
            return None
        last = end.first
        if last <= start.first and end.second is not None:
            # Both lie in the hour that happens twice: the visit ended in its second run.
            last = end.second
        forms = shown(self._columns.time_formats)
        if last <= start.first:
            self._judge.name(row.number, header, Fault("not after the start", f"correct start or end, as {forms}"))
        elif last - start.first > timedelta(hours=self._columns.longest_session_hours):
            longest = f"longer than {self._columns.longest_session_hours:g} hours"
            self._judge.name(row.number, header, Fault(longest, f"correct start or end, as {forms}"))
        return last

    def _name_if_to_come(self, row: Row, start: Moment) -> None:
        if self._today is not None and start.first.astimezone(self._zone).date() > self._today:
            fault = Fault("completed on a day still to come", "mark it scheduled, or correct its start")
            self._judge.name(row.number, self._columns.columns.status, fault)


def _note_overlaps(rows: Mapping[int, InfusionRow | None], judge: Judge, columns: InfusionColumns) -> None:
    """Two visits of a patient at one time both go in, since texts are capped by the day, but one may be a mistake."""
    held = sorted(
        (row.record_number, row.start, row.end or row.start + timedelta(minutes=1), number)
        for number, row in rows.items()
        if row is not None and row.status in ("scheduled", "completed") and judge.accepts(number)
    )
    before: tuple[str, datetime, int] | None = None
    for record_number, start, end, number in held:
        if before is None or before[0] != record_number:
            before = (record_number, end, number)
            continue
        _, latest_end, earlier = before
        if start < latest_end:
            told = f"at the same time as the visit in row {earlier}"
            judge.note(number, columns.columns.start, Fault(told, "cancel one of them if it is a mistake"))
        if end > latest_end:
            before = (record_number, end, number)


TWICE = Fault("this hour happens twice in autumn; taken as its first run", "correct it if the visit was an hour later")
