"""No number is cut on a narrow terminal; a column that is left out is named."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.table import Table

from risk_pipeline.cli.fitting import print_table

NUMBERS = ("27,159,425", "−6,607,941", "195,664")


def printed(width: int, *, is_terminal: bool = True, least: tuple[str, ...] = ()) -> str:
    out = io.StringIO()
    table = Table("Portfolio", "Scenario")
    for name in ("NAV", "P&L", "Day"):
        table.add_column(name, justify="right")
    table.add_row("family", "financial_crisis_2008", *NUMBERS)
    print_table(Console(file=out, width=width, force_terminal=is_terminal, color_system=None), table, least)
    return out.getvalue()


@pytest.mark.parametrize("width", range(52, 100))
def test_every_number_is_whole_or_its_column_is_named_as_left_out(width):
    text = printed(width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    left_out = text.partition("Left out")[2]
    for head, number in zip(("NAV", "P&L", "Day"), NUMBERS, strict=True):
        assert (number in text) != (head in left_out)
    assert bool(left_out) == (width < 73)


def test_what_matters_least_is_left_out_first():
    text = printed(70, least=("NAV",))
    assert "NAV" in text.partition("Left out")[2]
    assert NUMBERS[0] not in text
    assert NUMBERS[2] in text


def test_what_is_no_terminal_gets_the_width_that_it_needs():
    text = printed(40, is_terminal=False)
    assert all(number in text for number in (*NUMBERS, "financial_crisis_2008"))
    assert "Left out" not in text
