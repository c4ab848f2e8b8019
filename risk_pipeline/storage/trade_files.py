"""Trades of a what-if from a CSV file, read as strictly as an import; nothing is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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
from .import_rows import asset_class, position_row

REQUIRED = ("symbol", "quantity")
KNOWN = {*FILE_COLUMNS["positions"].all, "price"} - {
    "entry_date",
    "entry_price",
    "exit_date",
    "exit_price",
    "exit_fees",
}

FAR = 20.0
"""A price so many times the close, or so small a part of it, is in another unit."""
NO_PORTFOLIO = "no portfolio is named: add the column portfolio_id, or give --portfolio"


class TradesRefused(ProblemsError):
    """A file of trades with problems."""


Held = Callable[[str, str], Mapping[str, Any]]
"""Returns the class and the terms of what a portfolio holds under a symbol, by column of ``positions``; none if not."""


def read_trades(
    path: Path, session: date, portfolio: str | None, price_of: Callable[[str], float | None], held: Held
) -> list[dict[str, Any]]:
    """Return trades of a CSV or Excel file as rows of ``positions`` entered on a session.

    A missing price is the session's close. Columns are ``symbol``, ``quantity`` (negative: sold), and where needed
    ``price``, ``portfolio_id``, ``investment_class``, and those of options as in a positions file. Class and terms of
    what the portfolio holds need not be given, and can't be others.

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
    for line, line_cells in lines[1:]:
        short = len(header) - len(line_cells) if sign == " " else 0  # a sheet's rows end with a filled cell
        cells = line_cells + [""] * short
        if is_total(cells):
            continue
        if len(cells) != len(header):
            remedy = f"has {len(cells)} fields where the header has {len(header)}"
            problems.append(Problem(path.name, line, "", "", remedy))
            continue
        written = dict(zip(header, cells, strict=True))
        own = _same(held(written.get("portfolio_id") or portfolio or "", written["symbol"].strip()), written)
        values = _completed({**{name: _text(term) for name, term in own.items()}, **_given(written)}, session, price_of)
        values.setdefault("portfolio_id", portfolio or "")
        bad: list[tuple[str, str, str]] = []
        if not values["entry_price"]:
            bad.append(("price", "", f"{values['symbol'][:40]} has no price on {session}: give one"))
            values["entry_price"] = "0"
        row = position_row(Cell(values, line, bad, Styles(numbers)))
        rows.append(row)
        if row["investment_class"] == "PUBLIC" and written.get("price") and not written.get("currency"):
            bad += _far_price(written, row["entry_price"], price_of(canonical(written["symbol"].strip().upper())))
        others = [name for name in own if name != "implied_volatility" and row[name] not in (None, own[name])]
        bad += [(name, written.get(name, ""), f"is {own[name]} of what is held: leave it empty") for name in others]
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


def _far_price(written: Mapping[str, str], price: float | None, close: float | None) -> list[tuple[str, str, str]]:
    """Return the problem of a price in another unit than the close: what is quoted in pence is held in pounds."""
    if not price or not close or 1.0 / FAR < price / close < FAR:
        return []
    remedy = (
        f"is {price / close:.3g} times the close, {close:g}: name its unit in a column currency, such as GBX for pence"
    )
    return [("price", written["price"], remedy)]


def _same(own: Mapping[str, Any], written: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the terms of what is held if the trade is in it: an option may have the name of a share."""
    kind = written.get("investment_class", "")
    return own if not kind or asset_class(kind) == own.get("investment_class") else {}


def _given(written: Mapping[str, str]) -> dict[str, str]:
    """Return the fields of a line that are not blank; its symbol and its quantity in any case."""
    return {name: text for name, text in written.items() if text.strip() or name in REQUIRED}


def _text(term: object) -> str:
    """Return a term as a file may write it: a number so that no style of numbers reads another."""
    return f"{term:.16e}" if isinstance(term, float) else str(term)


def _completed(values: dict[str, str], session: date, price_of: Callable[[str], float | None]) -> dict[str, str]:
    """Return the fields of a positions file that the fields of a trade stand for."""
    symbol = values["symbol"].strip()
    values.setdefault("investment_class", "OPTIONS" if occ_name(symbol) else "PUBLIC")
    price = values.pop("price", "")
    if not price and values["investment_class"].upper() not in ("OPTION", "OPTIONS", "PRIVATE"):
        close = price_of(canonical(symbol.upper()))
        price = "" if close is None else _text(close)
    return {**values, "entry_date": session.isoformat(), "entry_price": price}
