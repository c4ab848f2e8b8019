"""Trades of a what-if from a CSV file, read as strictly as an import; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from ..symbols import canonical, occ_name
from ..tabular import excel
from ..tabular.numbers import NumberStyle
from ..tabular.rows import Problem, ProblemsError
from ..tabular.text import UnreadableError, decode, first_line, is_total, separator, split_rows
from .import_cells import Cell, Styles
from .import_columns import FILE_COLUMNS, column_names
from .import_rows import position_row

REQUIRED = ("symbol", "quantity")
KNOWN = {*FILE_COLUMNS["positions"].all, "price"} - {
    "entry_date",
    "entry_price",
    "exit_date",
    "exit_price",
    "exit_fees",
}

NO_PORTFOLIO = "no portfolio is named: add the column portfolio_id, or give --portfolio"


class TradesRefused(ProblemsError):
    """A file of trades with problems."""


def read_trades(
    path: Path, session: date, portfolio: str | None, price_of: Callable[[str], float | None]
) -> list[dict[str, Any]]:
    """Return trades of a CSV or Excel file as rows of ``positions`` entered on a session.

    A missing price is the session's close. Columns are ``symbol``, ``quantity`` (negative: sold), and where needed
    ``price``, ``portfolio_id``, ``investment_class``, and those of options as in a positions file.

    Raises
    ------
    TradesRefused
        With every problem, by file, line and column.
    """
    sign, lines = _lines(path)
    header = column_names(lines[0][1]) if lines else []
    lacking = [name for name in REQUIRED if name not in header]
    unknown = [name[:40] for name in header if name not in KNOWN]
    if lacking or unknown:
        what = f"lacks {', '.join(lacking)}" if lacking else f"has no use for {', '.join(unknown)}"
        remedy = f"{what}: write symbol, quantity and, where needed, price, portfolio_id, investment_class"
        raise TradesRefused([Problem(path.name, 1, "", ",".join(header)[:80], remedy)])
    problems: list[Problem] = []
    numbers = NumberStyle.of({cell for _, cells in lines[1:] for cell in cells}, sign)
    rows = []
    for line, row in lines[1:]:
        cells = row + [""] * (len(header) - len(row)) if sign == " " else row  # a sheet's rows end with a filled cell
        if is_total(cells):
            continue
        if len(cells) != len(header):
            remedy = f"has {len(cells)} fields where the header has {len(header)}"
            problems.append(Problem(path.name, line, "", "", remedy))
            continue
        values = _completed(dict(zip(header, cells, strict=True)), session, portfolio, price_of)
        bad: list[tuple[str, str, str]] = []
        if not values["entry_price"]:
            bad.append(("price", "", f"{values['symbol'][:40]} has no price on {session}: give one"))
            values["entry_price"] = "0"
        rows.append(position_row(Cell(values, line, bad, Styles(numbers))))
        places = {"entry_price": "price"}
        if not values["portfolio_id"] and "portfolio_id" not in header:
            bad = [(name, value, NO_PORTFOLIO if name == "portfolio_id" else text) for name, value, text in bad]
        problems += [Problem(path.name, line, places.get(name, name), *rest) for name, *rest in bad]
    if problems:
        raise TradesRefused(problems)
    return rows


def _lines(path: Path) -> tuple[str, list[tuple[int, list[str]]]]:
    """Return the sign between cells, a blank of a sheet, and the rows with their line numbers."""
    content = path.read_bytes()
    try:
        if excel.is_excel(content):
            return " ", next((rows for _, rows in excel.sheets(content)), [])
        text, _ = decode(content)
        sign = separator(first_line(text))
        return sign, list(split_rows(text, sign))
    except UnreadableError as error:
        raise TradesRefused([Problem(path.name, error.line, "", "", str(error))]) from None


def _completed(
    values: dict[str, str], session: date, portfolio: str | None, price_of: Callable[[str], float | None]
) -> dict[str, str]:
    """Return the fields of a positions file that the fields of a trade stand for."""
    symbol = values["symbol"].strip()
    values["investment_class"] = values.get("investment_class") or ("OPTIONS" if occ_name(symbol) else "PUBLIC")
    values["portfolio_id"] = values.get("portfolio_id") or portfolio or ""
    price = values.pop("price", "")
    if not price and values["investment_class"].upper() not in ("OPTION", "OPTIONS", "PRIVATE"):
        close = price_of(canonical(symbol.upper()))
        price = "" if close is None else repr(close)
    return {**values, "entry_date": session.isoformat(), "entry_price": price}
