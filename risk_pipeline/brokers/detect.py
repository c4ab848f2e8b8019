"""Which broker's export a file is, and reading it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..tabular import excel
from ..tabular.currencies import HUNDREDTHS, HUNDREDTHS_WRITTEN
from ..tabular.rows import Problem, ProblemsError, Row, RowSet
from ..tabular.text import UnreadableError, decode, first_line, separator, split_rows
from . import ibkr_flex, schwab, transactions
from .deliveries import delivery_notes
from .fifo import lots_of
from .formats import Format
from .overlaps import overlaps
from .table import Lines
from .trades import Export

MOST_LINES_ABOVE = 12
"""Maximum lines of title above a header."""


def format_of(lines: Lines) -> Format:
    """Return the format by the first rows; ``OURS`` where they are no broker's."""
    for _, cells in lines[:MOST_LINES_ABOVE]:
        if ibkr_flex.is_flex(cells):
            return Format.IBKR_FLEX
        if schwab.is_positions(cells) or schwab.is_transactions(cells):
            return Format.SCHWAB
        if transactions.is_transactions(cells):
            return Format.TRANSACTIONS
    return Format.OURS


def read_exports(paths: Sequence[Path], format_: Format, account: str | None = None) -> tuple[list[RowSet], list[Path]]:
    """Return the rows of brokers' exports, and the files that are none.

    Parameters
    ----------
    wanted : the format of all files, or ``AUTO``.
    account : the portfolio that the exports belong to; without it the account that they name.

    Raises
    ------
    ProblemsError
        With every problem of every export.
    """
    exports: list[tuple[str, Export]] = []
    rest: list[Path] = []
    problems: list[Problem] = []
    for path in dict.fromkeys(path.resolve() for path in paths):
        try:
            lines, sign = _lines(path) if format_ is not Format.OURS else ([], ",")
        except UnreadableError as error:
            if format_ is Format.AUTO:
                rest.append(path)  # the import of our own format reports what is wrong with it
            else:
                problems.append(Problem(path.name, error.line, "", "", str(error)))
            continue
        kind = format_of(lines)
        if Format.OURS in (kind, format_):
            if format_ in (Format.AUTO, Format.OURS):
                rest.append(path)
            else:
                problems.append(Problem(path.name, 1, "", "", f"is no export of the format {format_}"))
            continue
        if format_ not in (Format.AUTO, kind):
            problems.append(Problem(path.name, 1, "", "", f"looks like {kind}, not like {format_}"))
            continue
        exports.append((path.name, _read(path.name, lines, kind, account, sign)))
    row_sets = _row_sets(exports, problems)
    if problems:
        raise ProblemsError(sorted(problems, key=lambda problem: (problem.file, problem.line)))
    return row_sets, rest


def _row_sets(exports: Sequence[tuple[str, Export]], problems: list[Problem]) -> list[RowSet]:
    """Return the rows of all exports; trades of an account may go on from one file to the next."""
    problems += overlaps(exports)
    groups: list[list[tuple[str, Export]]] = []
    for one in exports:
        group = next((group for group in groups if any(one[1].accounts & other.accounts for _, other in group)), [])
        groups += [] if group else [group]
        group.append(one)
    row_sets: list[RowSet] = []
    for group in groups:
        trades = sorted((trade for _, export in group for trade in export.trades), key=lambda trade: trade.day)
        first = group[0][1]
        first.notes += delivery_notes(trades)
        # of overlapping files lots would count twice, and their problems would be about that
        lots = [] if problems else lots_of(trades, first.problems, first.notes)
        for name, export in group:
            row_sets += export.row_sets(lots if export is first else [], name)
    problems += [problem for _, export in exports for problem in export.problems]
    return row_sets


def _lines(path: Path) -> tuple[Lines, str]:
    content = path.read_bytes()
    if excel.is_excel(content):
        return next((rows for _, rows in excel.sheets(content)), []), " "
    text, _ = decode(content)
    # the title above a table has no separators: take the sign of the line that has the most of them
    lines = text.splitlines()[:MOST_LINES_ABOVE]
    sign = separator(max(lines, key=lambda line: max(map(line.count, ",;\t|")), default=first_line(text)))
    return list(split_rows(text, sign)), sign


def _read(file: str, lines: Lines, kind: Format, account: str | None, sign: str) -> Export:
    if kind is Format.IBKR_FLEX:
        return ibkr_flex.read_flex(file, lines)
    if kind is Format.TRANSACTIONS:
        return transactions.read_transactions(file, lines, account, sign)
    if any(schwab.is_positions(cells) for _, cells in lines[:MOST_LINES_ABOVE]):
        return schwab.read_positions(file, lines, account)
    return schwab.read_transactions(file, lines, account)


def missing_portfolios(row_sets: Sequence[RowSet], known: set[str], equity: float | None) -> RowSet:
    """Return a row for each portfolio of the exports that is neither stored nor in a file, and a note about each.

    It begins on the day of its first lot or payment, with the equity given or none.
    """
    named = known | {row.values["portfolio_id"] for rows in row_sets if rows.kind == "portfolios" for row in rows.rows}
    firsts: dict[str, tuple[str, Row]] = {}
    for rows in row_sets:
        for row in rows.rows:
            owner = row.values["portfolio_id"]
            day = row.values.get("entry_date") or row.values.get("flow_date") or ""
            if owner not in named and day and (owner not in firsts or day < firsts[owner][0]):
                firsts[owner] = (day, row)
    made = RowSet("portfolios", [])
    for owner, (day, row) in firsts.items():
        currencies = {
            row.values["currency"]
            for rows in row_sets
            for row in rows.rows
            if row.values["portfolio_id"] == owner and row.values.get("currency")
        }
        cells = {"portfolio_id": owner, "name": owner, "inception_date": day, "starting_equity": repr(equity or 0.0)}
        own = next((rows.currencies[owner] for rows in row_sets if owner in rows.currencies), None)
        currencies = {HUNDREDTHS.get(HUNDREDTHS_WRITTEN.get(currency, currency), currency) for currency in currencies}
        if own or len(currencies) == 1:
            cells["currency"] = own or currencies.pop()
        made.rows.append(Row(row.file, row.line, cells))
        said = (
            f"with {equity:,.2f}" if equity is not None else "with nothing but its payments; --equity says what it had"
        )
        made.notes.append(f"{row.file}: portfolio {owner} is new: it begins on {day} {said}")
    return made
