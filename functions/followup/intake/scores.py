"""A clinic's list of questionnaire scores."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Literal
from zoneinfo import ZoneInfo

from followup.intake.cells import fold
from followup.intake.columns import LEFT_OUT, ImportedInstrument, ScoreColumns
from followup.intake.dates import SKIPPED, read_moment
from followup.intake.identifiers import read_patient
from followup.intake.judging import Fault, Intake, Judge, unless_unreadable
from followup.intake.tables import Row, Table, read_table
from followup.intake.vocabulary import read_word

MAXIMA: Mapping[ImportedInstrument, int] = MappingProxyType({"phq9": 27, "mood": 10})
"""Highest totals; the lowest is 0. PHQ-9: nine items of 0 to 3 (Kroenke, Spitzer, Williams 2001)."""
ITEM_MAXIMUM = 3
NOON = 12
"""Clinic-local hour of a score that has a date only."""


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """A questionnaire's total. `at` is UTC; `item9` is the PHQ-9's question on thoughts of death, 0 to 3."""

    record_number: str
    instrument: ImportedInstrument
    at: datetime
    total: int
    item9: int | None


def read_scores(
    data: bytes, columns: ScoreColumns, *, clinic_zone: str, known: Collection[str] | None, today: date
) -> Intake[ScoreRow]:
    """Judge a list of scores. `known` as for infusions; `today` is the clinic's date, no score is later."""
    zone = ZoneInfo(clinic_zone)
    return unless_unreadable(lambda: _judge(data, columns, zone, known, today))


def read_score(text: str, maximum: int) -> int | Fault:
    """A whole number from 0 to the maximum."""
    fix = f"give a whole number from 0 to {maximum}"
    if not text:
        return Fault("blank", fix)
    if not re.fullmatch(r"[0-9]{1,4}", text):
        return Fault("not a whole number", fix)
    return int(text) if int(text) <= maximum else Fault(f"above {maximum}", fix)


def _judge(
    data: bytes, columns: ScoreColumns, zone: ZoneInfo, known: Collection[str] | None, today: date
) -> Intake[ScoreRow]:
    table = read_table(data, wanted=columns.wanted(), delimiter=columns.delimiter)
    judge = Judge(table)
    rows: dict[int, ScoreRow | None] = {}
    left_out = 0
    for row in table.rows:
        if row.shape is not None:
            continue
        if columns.instrument.get(fold(table.cell(row, columns.columns.instrument))) == LEFT_OUT:
            left_out += 1
        else:
            rows[row.number] = _read(row, table, columns, judge, zone, known, today)
    keys = {n: (row.record_number, row.instrument, row.at) for n, row in rows.items() if row is not None}
    judge.name_repeated(rows, keys, columns.columns.score)
    return judge.intake(rows, left_out=left_out)


def _read(
    row: Row,
    table: Table,
    columns: ScoreColumns,
    judge: Judge,
    zone: ZoneInfo,
    known: Collection[str] | None,
    today: date,
) -> ScoreRow | None:
    headers = columns.columns
    record_number = judge.take(row, headers.record_number, read_patient(table.cell(row, headers.record_number), known))
    instrument: ImportedInstrument | Literal["left_out"] | None = judge.take(
        row, headers.instrument, read_word(table.cell(row, headers.instrument), columns.instrument, "instrument")
    )
    moment = judge.take(
        row,
        headers.date,
        read_moment(table.cell(row, headers.date), columns.date_formats, zone, hour_if_none=NOON),
    )
    if moment is not None and moment.skipped:
        judge.name(row.number, headers.date, SKIPPED)
    if moment is not None and moment.first.astimezone(zone).date() > today:
        judge.name(row.number, headers.date, Fault("dated in the future", "correct the date of the score"))
    if instrument is None or instrument == LEFT_OUT:
        return None
    total = judge.take(row, headers.score, read_score(table.cell(row, headers.score), MAXIMA[instrument]))
    item9 = _item9(row, table, headers.item9, judge, instrument, total)
    if record_number is None or moment is None or total is None or not judge.accepts(row.number):
        return None
    return ScoreRow(record_number, instrument, moment.first, total, item9)


def _item9(
    row: Row, table: Table, header: str | None, judge: Judge, instrument: ImportedInstrument, total: int | None
) -> int | None:
    if header is None or not (text := table.cell(row, header)):
        return None
    if instrument != "phq9":
        judge.name(
            row.number, header, Fault("only the PHQ-9 has an item 9", "leave it blank, or correct the instrument")
        )
        return None
    item9 = judge.take(row, header, read_score(text, ITEM_MAXIMUM))
    if item9 is not None and total is not None and not 0 <= total - item9 <= MAXIMA["phq9"] - ITEM_MAXIMUM:
        judge.name(row.number, header, Fault("does not fit the total", "correct item 9 or the score"))
    return item9
