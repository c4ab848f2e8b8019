"""Trades to lots by FIFO, shorts included."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..tabular.rows import Problem, Row
from .trades import Effect, Trade

DUST = 1e-9
"""A quantity below this part of a trade is the rounding of its sums."""


@dataclass
class _Open:
    """What is left of an opening trade, in units of today; ``ratio`` of them were one unit at the entry."""

    trade: Trade
    quantity: float
    ratio: float = 1.0


def lots_of(trades: Sequence[Trade], problems: list[Problem], notes: list[str]) -> list[Row]:
    """Return lots as rows of our positions file; trades in the order in which they happened.

    A trade is divided over the lots that it closes, and its fees with it. Quantities and entry prices are in units of
    the entry date, exit prices in those of the exit date, as valuation wants them.
    """
    books: dict[tuple[str, ...], deque[_Open]] = {}
    lots: list[tuple[_Open, float, Trade | None, float]] = []
    for trade in trades:
        book = books.setdefault((trade.account, *trade.instrument.key), deque())
        if trade.effect is Effect.SPLIT:
            _split(book, trade, problems)
            continue
        left = trade.quantity
        if trade.effect is Effect.END:
            left = abs(left) * (-1 if book and book[0].quantity > 0 else 1)
        closes = trade.effect is not Effect.OPEN
        while closes and book and abs(left) > DUST * abs(trade.quantity) and book[0].quantity * left < 0:
            first = book[0]
            taken = min(abs(first.quantity), abs(left)) * (1 if first.quantity > 0 else -1)
            lots.append((first, taken, trade, abs(taken / trade.quantity)))
            first.quantity -= taken
            left += taken
            if abs(first.quantity) <= DUST * abs(taken):
                book.popleft()
        if abs(left) <= DUST * abs(trade.quantity):
            continue
        if trade.effect in (Effect.CLOSE, Effect.END):
            remedy = "closes more than the file has opened: export from an earlier day, or import positions instead"
            value = f"{trade.quantity:g} {trade.instrument.symbol}"
            problems.append(Problem(trade.file, trade.line, "quantity", value, remedy))
            continue
        if trade.effect is Effect.EITHER and left < 0:
            notes.append(
                f"{trade.file}, line {trade.line}: sells {-left:g} {trade.instrument.symbol} more than were held: "
                "taken as a short sale"
            )
        book.append(_Open(trade, left))
    lots += [(rest, rest.quantity, None, 0.0) for book in books.values() for rest in book]
    lots.sort(key=lambda lot: (lot[0].trade.day, lot[0].trade.line))
    return [_row(lot_number, *lot) for lot_number, lot in enumerate(lots, 1)]


def _split(book: deque[_Open], trade: Trade, problems: list[Problem]) -> None:
    held = sum(lot.quantity for lot in book)
    if not held or held + trade.quantity == 0 or (held + trade.quantity) / held <= 0:
        remedy = "is a split of shares that the file has not bought: export from an earlier day"
        problems.append(Problem(trade.file, trade.line, "quantity", f"{trade.quantity:g}", remedy))
        return
    ratio = (held + trade.quantity) / held
    for lot in book:
        lot.quantity *= ratio
        lot.ratio *= ratio


def _row(lot_number: int, lot: _Open, taken: float, exit_trade: Trade | None, share_of_exit: float) -> Row:
    """Return a lot of ``taken`` units of today; ``share_of_exit`` of the closing trade's fees are its own."""
    entry, quantity = lot.trade, taken / lot.ratio
    cells = {
        "position_id": f"{entry.account}:{lot_number:06d}"[-64:],
        "portfolio_id": entry.account,
        "symbol": entry.instrument.symbol,
        **entry.instrument.cells,
        "quantity": repr(quantity),
        "entry_date": entry.day.isoformat(),
        "entry_price": repr(entry.price),
        "fees": repr(entry.fees * abs(quantity / entry.quantity)),
    }
    if exit_trade is not None:
        day = exit_trade.day
        expiry = entry.instrument.cells.get("expiry")
        if expiry:  # brokers book an expiry on the next business day
            day = min(day, date.fromisoformat(expiry))
        cells |= {
            "exit_date": day.isoformat(),
            "exit_price": repr(exit_trade.price),
            "exit_fees": repr(exit_trade.fees * share_of_exit),
        }
    return Row(entry.file, entry.line, cells)
