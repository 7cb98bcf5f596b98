"""What commands print: plain lines that can be read, searched and piped."""

from collections.abc import Iterable, Sequence

import click

from followup.intake.judging import Problem


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; the last one runs on."""
    lines = [tuple(headers), *(tuple(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headers) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
        click.echo("  ".join((*cells, line[-1])).rstrip())


def problems(file: str, found: Iterable[Problem], *, err: bool = True) -> None:
    """One line for each: row, column, problem, fix."""
    for one in found:
        click.echo(f"{file}, row {one.row}, {one.column}: {one.problem}; {one.fix}", err=err)
