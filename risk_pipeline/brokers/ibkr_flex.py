"""Interactive Brokers' Flex queries as CSV: trades, open positions, deposits and withdrawals.

A query has its sections one below the other, each with its own header; with "section code and line descriptor"
every row begins with ``HEADER`` or ``DATA`` and a code. The sections are told apart by their columns. Trades become
lots; where the query has no trades, its open positions do.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date

from ..symbols import canonical
from ..tabular.dates import DateStyle
from ..tabular.numbers import NumberError
from ..tabular.rows import Problem
from .table import Lines, Record, Table, option, plain, security
from .trades import Effect, Export, Instrument, Trade

CLASSES = {"STK": "PUBLIC", "FUND": "PUBLIC", "ETF": "PUBLIC", "BOND": "BOND", "BILL": "BOND", "FUT": "FUTURE"}
FRAMES = ("BOF", "BOA", "BOS", "EOS", "EOA", "EOF")
SUMMARIES = ("CLOSED_LOT", "WASH_SALE", "SYMBOL_SUMMARY", "ASSET_SUMMARY", "ASSET_CLASS", "SUMMARY")
DAYS = ("tradedate", "datetime", "opendatetime", "reportdate", "expiry", "settledate", "date")


def is_flex(cells: list[str]) -> bool:
    """Return whether a row is the header of a section."""
    return "clientaccountid" in {plain(cell) for cell in cells}


def read_flex(file: str, lines: Lines) -> Export:
    """Read the sections that say something about lots and cash; the others are named in a note."""
    export = Export()
    sections: dict[str, list[Record]] = {"trades": [], "positions": [], "actions": [], "cash": []}
    for table in _sections(file, lines, export.problems):
        kind = _kind({plain(name) for name in table.header})
        if kind is None:
            where = f"{file}, line {table.lines[0][0] - 1}" if table.lines else file
            shown = ", ".join(table.header[:6])
            export.notes.append(
                f"{where}: the section with the columns {shown} … is not read: it holds no trades, positions or cash"
            )
            continue
        sections[kind] += table.records()
    for record in itertools.chain(*sections.values()):
        if _fx_rate(record) == 1.0 and (currency := record.text("currencyprimary", "currency")):
            export.currencies.setdefault(record.text("clientaccountid"), currency)
    for record in _without_summaries(sections["trades"]):
        _trade(record, export)
    export.take_back()
    if sections["trades"]:
        _actions(sections["actions"], export)
    export.trades.sort(key=lambda trade: trade.day)
    if sections["trades"]:
        _compare(sections["positions"], export)
    else:
        export.is_snapshot = True
        for record in _without_summaries(sections["positions"], keep="LOT"):
            _position(record, export)
    paid = [record for record in sections["cash"] if record.text("type").lower().startswith("deposit")]
    is_several = len({record.text("currencyprimary", "currency") for record in paid}) > 1
    for record in sections["cash"]:
        _cash(record, export, is_several)
    return export


def _kind(columns: set[str]) -> str | None:
    """Return what a section with some columns holds, None if it is nothing for a book."""
    if "tradeprice" in columns:
        return "trades"
    if {"markprice", "positionvalue"} & columns and {"costbasisprice", "openprice"} & columns:
        return "positions"
    if {"quantity", "type"} <= columns:
        return "actions"
    return "cash" if {"amount", "type"} <= columns else None


def _sections(file: str, lines: Lines, problems: list[Problem]) -> list[Table]:
    tables: list[tuple[list[str], list[tuple[int, list[str]]]]] = []
    for line, row in lines:
        if row[0] in FRAMES:
            continue
        cells = row[2:] if row[0] in ("HEADER", "DATA", "TRAILER") else row
        if is_flex(cells):
            tables.append((cells, []))
        elif tables and row[0] != "TRAILER":
            tables[-1][1].append((line, cells))
    out = []
    for header, rows in tables:
        names = [plain(name) for name in header]
        columns = {name: [cells[index] for _, cells in rows if index < len(cells)] for index, name in enumerate(names)}
        dates = {name: DateStyle.of(columns[name]) for name in DAYS if name in columns}
        if "datetime" in columns and "tradedate" not in columns:
            dates["datetime"] = DateStyle.of(columns["datetime"])
        out.append(Table(file, header, rows, problems, dates))
    return out


def _without_summaries(records: list[Record], keep: str = "EXECUTION") -> list[Record]:
    """Return one level of detail: a query may repeat a trade by order, execution and closed lot."""
    levels = {record.text("levelofdetail").upper() for record in records}
    if keep in levels:
        return [record for record in records if record.text("levelofdetail").upper() == keep]
    if keep == "LOT":
        return records
    return [record for record in records if record.text("levelofdetail").upper() not in SUMMARIES]


def _instrument(record: Record) -> Instrument | None:
    kind = record.text("assetclass").upper() or "STK"
    symbol, currency = record.text("symbol"), record.text("currencyprimary", "currency")
    multiplier = record.number("multiplier", empty=1.0) or 1.0
    if kind in ("OPT", "FOP"):
        expiry, strike = record.day("expiry"), record.number("strike", empty=None)
        if not record.text("underlyingsymbol") and not symbol:
            record.bad("underlyingsymbol", "is empty: tick it in the query")
            return None
        underlying = record.text("underlyingsymbol") or symbol.split()[0]
        if expiry is None or not strike:
            return None
        contract = option(underlying, record.text("putcall") or "?", strike, expiry, multiplier)
        return Instrument(contract.symbol, {**contract.cells, "currency": currency} if currency else contract.cells)
    if kind in CLASSES:
        if CLASSES[kind] == "BOND" and multiplier == 1.0:
            multiplier = 0.01  # quantities are face values, prices in % of them
        return security(symbol, CLASSES[kind], "" if kind in ("STK", "FUND", "ETF") else repr(multiplier), currency)
    return None


def _trade(record: Record, export: Export) -> None:
    instrument = _instrument(record)
    if instrument is None:
        kind = record.text("assetclass")
        currency = record.text("currencyprimary", "currency")
        amount = record.number("netcash", "proceeds")
        export.leave_out(f"trades of {kind} ({record.text('symbol')})", amount, currency)
        return
    day, quantity = record.day("tradedate", "datetime"), record.number("quantity", empty=None)
    sold = record.text("buysell").upper().startswith("SELL")
    quantity = -abs(quantity) if sold else quantity
    effect = {"O": Effect.OPEN, "C": Effect.CLOSE}.get(record.text("opencloseindicator", "openclose"), Effect.EITHER)
    codes = set(record.text("notescodes", "notes", "code").replace(";", ",").split(","))
    is_option = instrument.cells["investment_class"] == "OPTIONS"
    if is_option and codes & {"Ep", "A", "Ex"}:
        effect = Effect.END
    if day is None or not quantity:
        return
    fees = -(_commission(record, export) + record.number("taxes"))
    price = record.number("tradeprice", empty=None)
    account = record.text("clientaccountid")
    place = (record.table.file, record.line)
    is_exercise = is_option and bool(codes & {"A", "Ex"})
    trade = Trade(account, day, instrument, quantity, price, fees, effect, *place, is_exercise)
    if "Ca" in codes or "(ca.)" in record.text("buysell").lower():  # reported again with the other sign
        side = record.text("buysell").upper()
        bought = side.startswith("BUY") if side else record.number("quantity") < 0
        export.cancelled.append(replace(trade, quantity=abs(quantity) if bought else -abs(quantity)))
    else:
        export.trades.append(trade)


def _fx_rate(record: Record) -> float:
    """Return the rate into the account's currency, 0 where the query has none."""
    try:
        return record.table.numbers.read(record.text("fxratetobase")).value
    except NumberError:
        return 0.0


def _commission(record: Record, export: Export) -> float:
    """Return the commission of a trade in the trade's currency."""
    commission, rate = record.number("ibcommission", "commission"), _fx_rate(record)
    own, paid_in = record.text("currencyprimary", "currency"), record.text("ibcommissioncurrency")
    if commission and own and paid_in and paid_in != own:
        if paid_in != export.currencies.get(record.text("clientaccountid")) or not rate:
            record.bad("ibcommissioncurrency", f"is another than {own}, and no rate is beside it: tick FXRateToBase")
            return 0.0
        return commission / rate
    return commission


SPLITS = ("FS", "RS", "SD", "FI")
"""Corporate actions that change the number of shares and cost nothing: splits and stock dividends."""
SPIN_OFF = "SO"


def _actions(records: list[Record], export: Export) -> None:
    """Take over splits and spin-offs; what else moves shares is a problem. A reverse split books ``XYZ.OLD`` out."""
    splits: dict[tuple[str, date, str], tuple[float, Record]] = {}
    for record in _without_summaries(records, keep="DETAIL"):
        kind, quantity = record.text("type").upper(), record.number("quantity")
        account, symbol = record.text("clientaccountid"), canonical(record.text("symbol")).removesuffix(".OLD")
        day = record.day("datetime", "reportdate", "date") if quantity else None
        if day is None:
            continue
        if kind in SPLITS:
            total, _ = splits.get((account, day, symbol), (0.0, record))
            splits[account, day, symbol] = (total + quantity, record)
        elif kind == SPIN_OFF:
            currency, place = record.text("currencyprimary", "currency"), (record.table.file, record.line)
            share = security(symbol, currency=currency)
            export.trades.append(Trade(account, day, share, quantity, 0.0, 0.0, Effect.EITHER, *place))
        else:
            record.bad("type", "moves shares and is not known: import the open positions alone, or positions of ours")
    for (account, day, symbol), (quantity, record) in splits.items():
        place = (record.table.file, record.line)
        if quantity:
            export.trades.append(Trade(account, day, security(symbol), quantity, 0.0, 0.0, Effect.SPLIT, *place))


def _position(record: Record, export: Export) -> None:
    instrument = _instrument(record)
    if instrument is None:
        export.leave_out(f"positions of {record.text('assetclass')}", record.number("positionvalue"))
        return
    opened, reported = record.text("opendatetime"), record.text("reportdate")
    day = record.day("opendatetime", "reportdate")
    price = record.number("openprice", "costbasisprice", "markprice", empty=None)
    if not opened and reported:  # a sum over lots of several days: its gain counts from the day of the report
        price = record.number("markprice", empty=None)
        export.notes.append(
            f"{record.table.file}, line {record.line}: {instrument.symbol} has no opening date: taken in on the day of "
            "the report, at that day's price; tick the lots in the query to have them"
        )
    if day is not None:
        quantity = record.number("quantity", "position", empty=None)
        export.trades.append(
            Trade(
                record.text("clientaccountid"),
                day,
                instrument,
                quantity,
                price,
                0.0,
                Effect.OPEN,
                record.table.file,
                record.line,
            )
        )


def _compare(records: list[Record], export: Export) -> None:
    """Note a problem where trades don't sum to the open positions: older trades are missing."""
    stated: dict[tuple[str, str], tuple[float, Record]] = {}
    level = {record.text("levelofdetail").upper() for record in records}
    for record in records:
        if "SUMMARY" in level and record.text("levelofdetail").upper() != "SUMMARY":
            continue
        instrument = _instrument(record)
        if instrument is not None:
            key = (record.text("clientaccountid"), instrument.symbol)
            total, _ = stated.get(key, (0.0, record))
            stated[key] = (total + record.number("quantity", "position"), record)
    for (account, symbol), (quantity, record) in stated.items():
        traded = sum(
            trade.quantity for trade in export.trades if (trade.account, trade.instrument.symbol) == (account, symbol)
        )
        if abs(traded - quantity) > 1e-6 * max(1.0, abs(quantity)):
            remedy = (
                f"is {quantity:g} as an open position, but the trades sum to {traded:g}: export trades from an earlier "
                "day, or the open positions alone"
            )
            export.problems.append(Problem(record.table.file, record.line, "symbol", canonical(symbol), remedy))


def _cash(record: Record, export: Export, is_several: bool) -> None:
    kind, amount = record.text("type"), record.number("amount", empty=None)
    if record.text("levelofdetail").upper() == "SUMMARY":
        return
    currency = record.text("currencyprimary", "currency")
    if not kind.lower().startswith("deposit"):
        export.leave_out(kind or "rows without a type", amount, currency)
        return
    day: date | None = record.day("datetime", "settledate", "reportdate", "date")
    if day is not None:
        if is_several and not record.text("fxratetobase"):
            record.bad("fxratetobase", "is needed where payments are in several currencies: tick it in the query")
        amount *= record.number("fxratetobase", empty=1.0)
        export.flow(record.text("clientaccountid"), day, amount, record.table.file, record.line)
