"""The clinic's own numbers for patients and visits."""

import re
from collections.abc import Collection

from followup.intake.judging import Fault
from followup.intake.tables import read_table

PLAIN = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,39}")


def read_identifier(text: str) -> str | Fault:
    """A record or visit number in capitals: people type it in either case and mean the same."""
    if not text:
        return Fault("blank", "give the number that the clinic's records have")
    plain = text.upper()
    if not PLAIN.fullmatch(plain):
        return Fault("not a plain number", "use at most 40 letters A-Z, digits, dots, dashes or underscores")
    return plain


def read_patient(text: str, known: Collection[str] | None) -> str | Fault:
    """A record number that must be among the known ones (in capitals), unless None says not to compare."""
    record_number = read_identifier(text)
    if isinstance(record_number, str) and known is not None and record_number not in known:
        return Fault("no enrolled patient has this record number", "correct it, or import the patient first")
    return record_number


def record_numbers(data: bytes, *, header: str, delimiter: str) -> frozenset[str]:
    """The record numbers that stand in a file, so that the enrolled ones among them can be looked up first.

    Raises `UnreadableTable`.
    """
    table = read_table(data, wanted=(header,), delimiter=delimiter)
    found = (read_identifier(table.cell(row, header)) for row in table.rows)
    return frozenset(number for number in found if isinstance(number, str))
