"""Charles Schwab's CSV downloads: transactions of an account, and positions of one or all accounts.

Transactions have the columns ``Date, Action, Symbol, Description, Quantity, Price, Fees & Comm, Amount``, newest
first, dates with the month first, options as ``AAPL 01/19/2024 150.00 C``. Positions have a title with account and day,
and one line of cash and one of the total below them; every position is taken in on that day at that day's price.
"""

from __future__ import annotations

import re
from datetime import date
from pathlib import PurePath

from ..tabular.dates import DateError, DateStyle
from ..tabular.numbers import NumberError, NumberStyle
from ..tabular.rows import Problem, Row
from .table import Lines, Record, Table, option, plain, security
from .trades import Effect, Export, Instrument, Trade

TRANSACTIONS = {"date", "action", "symbol", "quantity", "price", "feescomm", "amount"}
_OPTION = re.compile(r"(\S+) (\d{2}/\d{2}/\d{4}) ([\d.,]+) ([CP])")
_TITLE = re.compile(r"positions for (?:account )?(.+?) as of (.+)", re.IGNORECASE)
_DAY = re.compile(r"\d{4}/\d{2}/\d{2}|\d{1,2}/\d{1,2}/\d{4}")
_MONTH_FIRST = DateStyle("month")

ACTIONS = {
    "buy": (1, Effect.EITHER),
    "reinvest shares": (1, Effect.OPEN),
    "sell": (-1, Effect.CLOSE),
    "sell short": (-1, Effect.OPEN),
    "buy to cover": (1, Effect.CLOSE),
    "cover short": (1, Effect.CLOSE),
    "buy to open": (1, Effect.OPEN),
    "sell to close": (-1, Effect.CLOSE),
    "sell to open": (-1, Effect.OPEN),
    "buy to close": (1, Effect.CLOSE),
    "expired": (1, Effect.END),
    "assigned": (1, Effect.END),
    "exchange or exercise": (1, Effect.END),
    "stock split": (1, Effect.SPLIT),
    "spin-off": (1, Effect.OPEN),
}
FREE = ("expired", "assigned", "exchange or exercise", "stock split", "spin-off")
"""Actions without a price: what they end or bring costs nothing."""
SETTLES = "was exercised for cash that the row does not tell: it settles at its intrinsic value on the expiry day"
PERCENT = (0.009, 0.0115)
"""Money of a trade over quantity times price where the price is in % of the face value; accrued interest is in it."""
PAYMENTS = ("moneylink", "wire ", "funds ", "journal", "internal transfer", "ach ", "bank transfer")


def is_transactions(cells: list[str]) -> bool:
    """Return whether a row is the header of a download of transactions."""
    return {plain(cell) for cell in cells} >= TRANSACTIONS


def is_positions(cells: list[str]) -> bool:
    """Return whether a row is the title of a download of positions."""
    return bool(_TITLE.match(cells[0]))


def account_in(name: str) -> str:
    """Return an account's name out of a title or file name: its words and the digits that Schwab shows."""
    words = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")
    return words or "schwab"


def read_transactions(file: str, lines: Lines, account: str | None) -> Export:
    """Read a download of transactions; without ``account`` it is named after the file."""
    export = Export()
    header_row = next(header_row for header_row, (_, cells) in enumerate(lines) if is_transactions(cells))
    account = account or account_in(PurePath(file).stem.split("_Transactions")[0])
    dates = {"date": _MONTH_FIRST}
    table = Table(file, lines[header_row][1], lines[header_row + 1 :], export.problems, dates)
    for record in reversed(table.records()):
        if not record.text("date").lower().startswith("transactions total"):
            _transaction(record, account, export)
    export.take_back()
    export.trades.sort(key=lambda trade: trade.day)
    return export


def _transaction(record: Record, account: str, export: Export) -> None:
    action, amount = record.text("action"), record.number("amount")
    is_cancelled = action.lower().startswith("cancel ")
    known = ACTIONS.get(action.lower().removeprefix("cancel "))
    if known is None:
        if action.lower().startswith(PAYMENTS) and not record.text("quantity"):
            day = record.day("date")
            if day is not None:
                export.flow(account, day, amount, record.table.file, record.line)
        elif record.text("quantity") and record.text("symbol"):
            record.bad("action", "moves shares and is not known: put the lot into a positions file of ours")
        else:
            export.leave_out(action or "rows without an action", amount)
        return
    sign, effect = known
    instrument = _instrument(record)
    day, quantity = record.day("date"), record.number("quantity", empty=None)
    if instrument is None or day is None or not quantity:
        return
    if is_cash_settled(instrument, effect, record.text("price"), action):
        export.notes.append(f"{record.table.file}, line {record.line}: {instrument.symbol} {SETTLES}")
        return
    price = 0.0 if action.lower() in FREE else record.number("price", empty=None)
    fees = record.number("feescomm")
    instrument = _by_its_amount(instrument, quantity * price, amount, record, export)
    quantity = quantity if effect is Effect.SPLIT else sign * abs(quantity)
    place = (record.table.file, record.line)
    ends = effect is Effect.END and not action.lower().startswith("expir")
    trade = Trade(account, day, instrument, quantity, price, fees, effect, *place, ends)
    (export.cancelled if is_cancelled else export.trades).append(trade)


def _by_its_amount(instrument: Instrument, worth: float, amount: float, record: Record, export: Export) -> Instrument:
    """Return an instrument as the money of its trade shows it: a bond's price is in % of its face value."""
    multiplier = float(instrument.cells.get("multiplier") or 1.0)
    ratio = abs(amount / (worth * multiplier)) if worth and amount else 1.0
    if multiplier == 1.0 and PERCENT[0] < ratio < PERCENT[1]:
        place = f"{record.table.file}, line {record.line}"
        export.notes.append(f"{place}: {instrument.symbol} is taken for a bond: its price is in % of the face value")
        return security(instrument.symbol, "BOND", "0.01")
    if not 0.5 < ratio < 2.0:
        column = "amount" if "amount" in record.cells else "marketvalue"
        record.bad(column, "is not quantity × price: put the lot into a positions file of ours, with its multiplier")
    return instrument


def is_cash_settled(instrument: Instrument, effect: Effect, price: str, action: str) -> bool:
    """Return whether an option on an index was exercised: no shares are delivered, and the row has no price of it."""
    is_exercise = effect is Effect.END and not action.lower().startswith("expir")
    return is_exercise and not price and instrument.cells.get("exercise") == "european"


def _instrument(record: Record) -> Instrument | None:
    symbol = record.text("symbol")
    match = _OPTION.fullmatch(symbol)
    if match:
        try:
            expiry, strike = _MONTH_FIRST.read(match[2]), NumberStyle(".").read(match[3]).value
        except (DateError, NumberError):
            record.bad("symbol", "is no option: write AAPL 01/19/2024 150.00 C")
            return None
        return option(match[1], match[4], strike, expiry)
    if not symbol:
        record.bad("symbol", "symbol is empty: every trade needs one")
        return None
    return security(symbol)


def read_positions(file: str, lines: Lines, account: str | None) -> Export:
    """Read a download of positions, of one account or of all."""
    export, owner, day, header = Export(is_snapshot=True), account or "schwab", None, None
    for line, cells in lines:
        title = _TITLE.match(cells[0])
        if title:
            owner, header = account or account_in(title[1]), None
            day = _title_day(file, line, title[2], export)
        elif plain(cells[0]) == "symbol":
            header = [cell.split(" (")[1].rstrip(")") if " (" in cell else cell for cell in cells]
        elif header is not None and day is not None:
            _position(Record(_table(file, header, export), line, _cells(header, cells)), owner, day, export)
    return export


def _title_day(file: str, line: int, text: str, export: Export) -> date | None:
    match = _DAY.search(text)
    try:
        return _MONTH_FIRST.read(match[0]) if match else None
    except DateError as error:
        export.problems.append(Problem(file, line, "", text, str(error)))
        return None


def _table(file: str, header: list[str], export: Export) -> Table:
    return Table(file, header, [], export.problems)


def _cells(header: list[str], cells: list[str]) -> dict[str, str]:
    return dict(zip([plain(name) for name in header], cells, strict=False))


def _position(record: Record, owner: str, day: date, export: Export) -> None:
    first = record.text("symbol").lower()
    if first.startswith("cash"):
        return
    if first.endswith("total"):
        equity = record.number("marketvalue", empty=None)
        cells = {
            "portfolio_id": owner,
            "name": owner,
            "inception_date": day.isoformat(),
            "starting_equity": repr(equity),
            "currency": "USD",
        }
        export.portfolios.append(Row(record.table.file, record.line, cells))
        return
    instrument = _instrument(record)
    if instrument is None:
        return
    kind = record.text("securitytype").lower()
    if "fixed income" in kind or "bond" in kind:
        instrument = security(instrument.symbol, "BOND", "0.01")
    quantity, price = record.number("quantity", empty=None), record.number("price", empty=None)
    instrument = _by_its_amount(instrument, quantity * price, record.number("marketvalue", "mktval"), record, export)
    export.trades.append(
        Trade(owner, day, instrument, quantity, price, 0.0, Effect.OPEN, record.table.file, record.line)
    )
