"""What importers of all brokers make of an export, before it becomes lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from ..tabular.rows import Problem, Row, RowSet
from ..tabular.text import printable


class Effect(StrEnum):
    """What a trade does to a position."""

    OPEN = "open"
    CLOSE = "close"
    EITHER = "either"
    """Closes what is open on the other side, and opens what is left."""
    END = "end"
    """Closes as many units, on whichever side they are: an expiry, an exercise, an assignment."""
    SPLIT = "split"
    """Changes the number of shares, which cost nothing more."""


@dataclass(frozen=True)
class Instrument:
    """What is traded; cells of a position by column, as text."""

    symbol: str
    cells: Mapping[str, str]

    @property
    def key(self) -> tuple[str, ...]:
        """Identity of the instrument."""
        return (self.symbol, *(self.cells.get(name, "") for name in ("underlying", "option_type", "strike", "expiry")))


@dataclass(frozen=True)
class Trade:
    """A purchase (positive) or sale (negative quantity) at a price per unit; ``fees`` are money paid."""

    account: str
    day: date
    instrument: Instrument
    quantity: float
    price: float
    fees: float
    effect: Effect
    file: str
    line: int
    is_exercise: bool = False
    """Whether an option ends because it was exercised or assigned, which its shares at the strike are the worth of."""


_REASONS = {
    ("dividend", "in lieu", "capital gain"): "dividends come with the prices",
    ("tax", "fee", "commission", "interest", "charge"): (
        "the book has no place for costs and interest of an account, so equity is apart by their sum; "
        "a row of flows.csv brings it in line"
    ),
    ("trades of cash", "forex", "currency"): (
        "cash is kept in the portfolio's currency, and a purchase in another is converted at the rate of its day"
    ),
}


def why_left_out(kind: str) -> str:
    """Return why rows of a kind are not taken over."""
    said = kind.lower()
    return next(
        (why for words, why in _REASONS.items() if any(word in said for word in words)),
        "the book has no such thing; state what it did as a position or a flow",
    )


@dataclass
class Export:
    """What a broker's file holds."""

    trades: list[Trade] = field(default_factory=list)
    positions: list[Row] = field(default_factory=list)
    """Lots that the file states as such, in our format."""
    flows: list[Row] = field(default_factory=list)
    portfolios: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left_out: dict[str, tuple[int, float]] = field(default_factory=dict)
    """What was not taken over: kind of row -> how many and the sum of their amounts."""
    cancelled: list[Trade] = field(default_factory=list)
    """Trades that were reported and taken back, as they were reported."""
    currencies: dict[str, str] = field(default_factory=dict)
    """Account -> its base currency, where the file says it."""
    is_snapshot: bool = False
    """Whether the trades are open positions of a day, which no other export may add to."""

    @property
    def accounts(self) -> set[str]:
        """The accounts that the trades are of."""
        return {trade.account for trade in self.trades}

    def take_back(self) -> None:
        """Remove the trades that were cancelled; one that the file doesn't have is a problem."""
        for cancelled in self.cancelled:
            same = [trade for trade in self.trades if _is_same(trade, cancelled) and trade.day <= cancelled.day]
            if same:
                self.trades.remove(max(same, key=lambda trade: trade.day))
            else:
                value = f"{cancelled.quantity:g} {cancelled.instrument.symbol}"
                remedy = "cancels a trade that the file does not have: export from an earlier day"
                self.problems.append(Problem(cancelled.file, cancelled.line, "quantity", value, remedy))

    def leave_out(self, kind: str, amount: float, currency: str = "") -> None:
        """Count a row that is not taken over; amounts of several currencies are not added up."""
        kind = f"{kind} in {currency}" if currency else kind
        count, total = self.left_out.get(kind, (0, 0.0))
        self.left_out[kind] = (count + 1, total + amount)

    def flow(self, account: str, day: date, amount: float, file: str, line: int) -> None:
        """Add a payment into (positive) or out of an account."""
        cells = {"portfolio_id": account, "flow_date": day.isoformat(), "amount": repr(amount)}
        self.flows.append(Row(file, line, cells))

    def row_sets(self, lots: list[Row], file: str) -> list[RowSet]:
        """Return everything in our import format; what a note quotes of the file is harmless to a terminal."""
        notes = [printable(note) for note in self.notes]
        for kind, (count, total) in self.left_out.items():
            said = f"{count} × {printable(kind)}, {total:,.2f} in all"
            notes.append(f"{file}: not taken over: {said}: {why_left_out(kind)}")
        return [
            RowSet("portfolios", self.portfolios, notes=notes, currencies=self.currencies),
            RowSet("positions", [*self.positions, *lots]),
            RowSet("flows", self.flows),
        ]


def _is_same(trade: Trade, other: Trade) -> bool:
    """Return whether two trades are of as much of one instrument at one price in one account."""
    return (trade.account, trade.instrument.key, trade.quantity, trade.price) == (
        *(other.account, other.instrument.key),
        *(other.quantity, other.price),
    )
