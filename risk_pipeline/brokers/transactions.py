"""A plain list of transactions, as many brokers and spreadsheets have it: one row a trade or payment.

========================  ===================================================================================
column                    meaning
========================  ===================================================================================
``date``                  of the trade (also ``trade date``)
``action``                buy, sell, short, cover, buy to open, sell to close, …, deposit, withdrawal, split (the
                          quantity is that of the shares added), expired, assigned, exercised, spin-off
``symbol``                also ``ticker``; an option by its OCC name or with the columns below
``quantity``              also ``shares``; a negative one sells
``price``                 per unit
``fees``                  optional, also ``commission``; money paid
``amount``                optional; needed for deposits and withdrawals
``portfolio_id``          optional, also ``account``
``currency``, ``multiplier``, ``investment_class``, ``underlying``, ``option_type``, ``strike``, ``expiry``  optional
========================  ===================================================================================

A sale of more than is held opens a short position, which a note says.
"""

from __future__ import annotations

from ..symbols import occ_name
from ..tabular.dates import DateStyle
from ..tabular.numbers import NumberStyle
from .schwab import ACTIONS as SCHWAB_ACTIONS
from .schwab import SETTLES, is_cash_settled
from .table import Lines, Record, Table, option, plain, security
from .trades import Effect, Export, Instrument, Trade

DAY = ("date", "tradedate", "transactiondate", "activitydate")
ACTION = ("action", "type", "side", "transactiontype", "transaction", "activity", "buysell")
SYMBOL = ("symbol", "ticker", "instrument")
QUANTITY = ("quantity", "shares", "qty", "units")
PRICE = ("price", "tradeprice", "unitprice", "priceusd")
FEES = ("fees", "commission", "commissions", "fee", "feescomm")
ACCOUNT = ("portfolioid", "account", "accountid", "accountnumber", "portfolio")
NUMBERS = (*QUANTITY, *PRICE, *FEES, "amount", "strike", "multiplier")

ACTIONS = SCHWAB_ACTIONS | {
    "bought": (1, Effect.EITHER),
    "b": (1, Effect.EITHER),
    "sell": (-1, Effect.EITHER),
    "sold": (-1, Effect.EITHER),
    "s": (-1, Effect.EITHER),
    "short": (-1, Effect.OPEN),
    "cover": (1, Effect.CLOSE),
    "exercised": (1, Effect.END),
    "exercise": (1, Effect.END),
    "assignment": (1, Effect.END),
    "expiration": (1, Effect.END),
    "split": (1, Effect.SPLIT),
    "spinoff": (1, Effect.OPEN),
    **dict.fromkeys(("reinvest", "reinvestment", "dividend reinvestment", "reinvested dividend"), (1, Effect.OPEN)),
}
FREE = (
    *("expired", "expiration", "assigned", "assignment", "exercise", "exercised", "exchange or exercise"),
    *("split", "stock split", "spin-off", "spinoff"),
)
CASH_ONLY = ("dividend", "interest", "tax", "fee")
"""Words of what moves no shares, whatever a row says of their number."""
PAYMENTS = {"deposit": 1.0, "contribution": 1.0, "withdrawal": -1.0, "withdraw": -1.0}


def is_transactions(cells: list[str]) -> bool:
    """Return whether a row is the header of such a list."""
    names = {plain(cell) for cell in cells}
    return all(names & set(group) for group in (DAY, ACTION, SYMBOL, QUANTITY, PRICE))


def read_transactions(file: str, lines: Lines, account: str | None, separator: str) -> Export:
    """Read a list; trades of one day are taken in the order of the file, reversed if its newest day stands first."""
    export = Export()
    header_row = next(header_row for header_row, (_, cells) in enumerate(lines) if is_transactions(cells))
    header, rows = lines[header_row][1], lines[header_row + 1 :]
    names = [plain(name) for name in header]
    columns = {name: [cells[place] for _, cells in rows if place < len(cells)] for place, name in enumerate(names)}
    dates = {name: DateStyle.of(columns[name]) for name in (*DAY, "expiry") if name in columns}
    numbers = NumberStyle.of({cell for name in NUMBERS for cell in columns.get(name, ())}, separator)
    table = Table(file, header, rows, export.problems, dates, numbers)
    for record in table.records():
        _transaction(record, account, export)
    days = [(trade.line, trade.day.isoformat()) for trade in export.trades]
    days += [(row.line, row.values["flow_date"]) for row in export.flows]
    if days and min(days)[1] > max(days)[1]:  # the newest stands first
        export.trades.reverse()
    export.trades.sort(key=lambda trade: trade.day)
    return export


def _transaction(record: Record, account: str | None, export: Export) -> None:
    action = record.text(*ACTION).lower().replace("_", " ")
    owner = account or record.text(*ACCOUNT) or "account"
    if action in PAYMENTS:
        day, amount = record.day(*DAY), record.number("amount", *QUANTITY, empty=None)
        if day is not None:
            export.flow(owner, day, PAYMENTS[action] * abs(amount), record.table.file, record.line)
        return
    if action not in ACTIONS:
        is_payment = any(word in action for word in CASH_ONLY)
        if record.text(*QUANTITY) and record.text(*SYMBOL) and not is_payment:
            name = next(name for name in ACTION if name in record.cells)
            record.bad(name, "is no known action: write buy, sell, short, cover, split, expired, deposit, …")
        else:
            export.leave_out(action or "rows without an action", record.number("amount"))
        return
    sign, effect = ACTIONS[action]
    instrument, day, quantity = _instrument(record), record.day(*DAY), record.number(*QUANTITY, empty=None)
    if instrument is None or day is None or not quantity:
        return
    if is_cash_settled(instrument, effect, record.text(*PRICE), action):
        export.notes.append(f"{record.table.file}, line {record.line}: {instrument.symbol} {SETTLES}")
        return
    price = record.number(*PRICE, empty=0.0 if action in FREE else None)
    quantity = quantity if effect is Effect.SPLIT else sign * abs(quantity)
    fees = abs(record.number(*FEES))
    place = (record.table.file, record.line)
    ends = effect is Effect.END and not action.startswith("expir")
    export.trades.append(Trade(owner, day, instrument, quantity, price, fees, effect, *place, ends))


def _instrument(record: Record) -> Instrument | None:
    symbol = record.text(*SYMBOL)
    currency, multiplier = record.text("currency"), record.text("multiplier")
    named = occ_name(symbol)
    size = record.number("multiplier", empty=100.0)
    if named:
        contract = option(named.underlying, named.option_type, named.strike, named.expiry, size)
    elif record.text("optiontype"):
        expiry, strike = record.day("expiry"), record.number("strike", empty=None)
        if expiry is None or not strike:
            return None
        underlying = record.text("underlying") or symbol
        contract = option(underlying, record.text("optiontype"), strike, expiry, size)
    elif symbol:
        return security(symbol, record.text("investmentclass") or "PUBLIC", multiplier, currency)
    else:
        record.bad(next(name for name in SYMBOL if name in record.cells), "symbol is empty: every trade needs one")
        return None
    return Instrument(contract.symbol, {**contract.cells, "currency": currency} if currency else contract.cells)
