"""Tables on a narrow terminal: some columns are left out and named, and no number is cut."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.measure import Measurement

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

UNBOUNDED = 10_000
KEPT = 2
"""First columns that are never left out."""


def print_table(console: Console, table: Table, least: Sequence[str] = ()) -> None:
    """Print a table with every number in one piece.

    A terminal that is too narrow leaves columns out, those of ``least`` first and then from the right; a line below
    names them. What is no terminal gets the width that it needs.
    """
    for column in table.columns:
        column.no_wrap = column.no_wrap or column.justify == "right"
    if not console.is_terminal:
        console.width = max(console.width, _needed(console, table))
    left_out = []
    while _needed(console, table) > console.width and len(table.columns) > KEPT:
        column = _least(table, least)
        table.columns.remove(column)
        left_out.append(str(column.header) or "the last column")
    console.print(table)
    if left_out:
        text = f"Left out on a terminal of {console.width} columns: {', '.join(reversed(left_out))}."
        console.print(text, style="dim", highlight=False, markup=False)


def _needed(console: Console, table: Table) -> int:
    """Return the least width of a table that is drawn as all here are: a border and two spaces beside each column."""
    return sum(_width(console, column) + 3 for column in table.columns) + 1


def _width(console: Console, column: Column) -> int:
    cells = [console.render_str(cell) if isinstance(cell, str) else cell for cell in (column.header, *column.cells)]
    measured = [Measurement.get(console, console.options.update(max_width=UNBOUNDED), cell) for cell in cells]
    return max(one.maximum if column.no_wrap else one.minimum for one in measured)


def _least(table: Table, least: Sequence[str]) -> Column:
    named = {str(column.header): column for column in table.columns[KEPT:]}
    return next((named[name] for name in least if name in named), table.columns[-1])
