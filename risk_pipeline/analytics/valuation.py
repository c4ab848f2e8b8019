"""The book: what every portfolio holds and is worth as of a session, derived from lots and never rolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .arrays import Bool1D, Bool2D, Date1D, Float1D, Float2D, Int1D, Int2D
from .conversion import LEGS, PROXY, Conversion
from .holdings import Holdings
from .lot_values import LotMarket, Positions, entry_rates, value_lots
from .lots import InvestmentClass, LotRows, Lots
from .sums import sum_by


@dataclass(frozen=True)
class Accounts:
    """Portfolios, each field (P,), and their cash flows, each (F,) and sorted by date.

    Active from ``inception`` on and before ``closed`` (NaT: open). A flow is positive when paid in.
    """

    starting_equity: Float1D
    inception: Date1D
    closed: Date1D
    flow_portfolio: Int1D
    flow_date: Date1D
    flow_amount: Float1D


@dataclass(frozen=True)
class Book:
    """Positions and accounts as of D sessions; two-dimensional fields are (D, P) but for ``lot_pnl``, money in dollars.

    ``equity = cash + long_value + short_value``; cash may be negative (margin). ``flow`` is what was paid in
    after the session before. ``lot_pnl``, (D, L), is what each lot has gained since its entry, dividends included, and
    stays when it has ended; a portfolio's sum to ``cumulative_pnl``. ``is_unvalued``: open, but one of its lots can't
    be valued, so it is not active. Numbers of a portfolio that is not active mean nothing.
    """

    positions: Positions
    holdings: Holdings
    is_active: Bool2D
    is_unvalued: Bool2D
    equity: Float2D
    cash: Float2D
    long_value: Float2D
    short_value: Float2D
    private_value: Float2D
    cumulative_pnl: Float2D
    lot_pnl: Float2D
    flow: Float2D
    position_count: Int2D
    public_positions: Int2D
    option_positions: Int2D
    private_positions: Int2D
    stale_positions: Int2D

    def take(self, sessions: Int1D) -> Book:
        """Return the book of some sessions, in their order; of consecutive ones as a view."""
        first = int(sessions[0]) if len(sessions) else 0
        if np.array_equal(sessions, np.arange(first, first + len(sessions))):
            return self.part(first, first + len(sessions))
        return Book.join([self.part(row, row + 1) for row in sessions.tolist()])

    def part(self, first: int, stop: int) -> Book:
        """Return the book of consecutive sessions, as a view."""
        parts = {}
        for name in ("positions", "holdings"):
            rows = getattr(self, name)  # in the order of sessions
            part = slice(*np.searchsorted(rows.session, [first, stop]))
            fields = {field: values[part] for field, values in vars(rows).items()}
            parts[name] = replace(rows, **{**fields, "session": fields["session"] - first})
        return replace(self, **parts, **{n: v[first:stop] for n, v in vars(self).items() if n not in parts})

    @classmethod
    def join(cls, books: Sequence[Book]) -> Book:
        """Return the book of all the books' sessions, one book after the other."""
        out: dict[str, Any] = {}
        starts = np.cumsum([0, *(len(book.equity) for book in books)])[:-1].tolist()
        for name, first in vars(books[0]).items():
            values = [getattr(book, name) for book in books]
            if isinstance(first, np.ndarray):
                out[name] = np.concatenate(values)
                continue
            fields = {field: np.concatenate([getattr(one, field) for one in values]) for field in vars(first)}
            fields["session"] = np.concatenate([one.session + at for one, at in zip(values, starts, strict=True)])
            out[name] = replace(first, **fields)
        return cls(**out)

    @property
    def gross(self) -> Float2D:
        """Long less short value."""
        return self.long_value - self.short_value

    @property
    def net(self) -> Float2D:
        """Long plus short value."""
        return self.long_value + self.short_value


def value_book(lots: Lots, accounts: Accounts, market: LotMarket, *, is_refused: Bool1D | None = None) -> Book:
    """Value all portfolios at the sessions of a market.

    Equity is starting equity plus flows plus, over every lot since its entry, what it is worth or was sold
    for, less what it cost, plus dividends held through; so profit and loss telescopes over any gap, and
    running a date again changes nothing. A lot counts from its entry, also where that is before inception. What was
    paid, received and earned in another currency is converted at the rate of its own day.

    Parameters
    ----------
    is_refused : (L,) lots whose price can't be right. A portfolio that has held one, or one without an exchange rate,
        is not active from that lot's entry on.
    """
    ends, owners, rows = market.ends, len(accounts.starting_equity), LotRows.of(lots, market.dates)
    entry_rate = entry_rates(lots, rows, market.prices, market.conversion)
    unknown = np.isnan(entry_rate) if is_refused is None else np.isnan(entry_rate) | is_refused
    since = np.full(owners, len(market.dates))
    np.minimum.at(since, lots.portfolio[unknown], rows.entry[unknown])
    is_open, is_unknown = active_accounts(accounts, market.dates[ends]), since[None, :] <= ends[:, None]
    is_active = is_open & ~is_unknown
    position, gained = value_lots(lots, market)
    session, lot = position.session, position.lot
    cell = session * owners + lots.portfolio[lot]

    def total(values: Float1D) -> Float2D:
        return sum_by(cell, values, is_active.size).reshape(len(ends), owners)

    pnl = np.stack([sum_by(lots.portfolio, of_lots, owners) for of_lots in gained])
    paid_in, flow = paid_by(accounts, market.dates, ends)
    equity = accounts.starting_equity + paid_in + pnl
    long_value = total(np.where(position.value > 0, position.value, 0.0))
    short_value = total(np.where(position.value < 0, position.value, 0.0))
    kind = lots.kind[lot]
    shown = is_active[session, lots.portfolio[lot]]
    positions = Positions(**{name: getattr(position, name)[shown] for name in vars(position)})
    return Book(
        positions=positions,
        holdings=_holdings(lots, positions, market.conversion),
        is_active=is_active,
        is_unvalued=is_open & is_unknown,
        equity=equity,
        cash=equity - (long_value + short_value),
        long_value=long_value,
        short_value=short_value,
        private_value=total(np.where(kind == InvestmentClass.PRIVATE, position.value, 0.0)),
        cumulative_pnl=pnl,
        lot_pnl=gained,
        flow=flow,
        position_count=total(np.ones(len(lot))).astype(np.int64),
        public_positions=total(1.0 * (kind == InvestmentClass.PUBLIC)).astype(np.int64),
        option_positions=total(1.0 * (kind == InvestmentClass.OPTIONS)).astype(np.int64),
        private_positions=total(1.0 * (kind == InvestmentClass.PRIVATE)).astype(np.int64),
        stale_positions=total(position.is_stale.astype(np.float64)).astype(np.int64),
    )


def active_accounts(accounts: Accounts, days: Date1D) -> Bool2D:
    """Return whether each portfolio is open on each day, (D, P)."""
    opened = accounts.inception[None, :] <= days[:, None]
    closed = ~np.isnat(accounts.closed) & (accounts.closed <= days[:, None])
    return np.asarray(opened & ~closed)


def _holdings(lots: Lots, positions: Positions, conversion: Conversion) -> Holdings:
    """Return each market-priced position as a holding, and those in another currency as holdings of the pairs too.

    A private asset with a proxy is one of the proxy, at its value times the assumed beta.
    """
    notional = positions.delta * (positions.quantity * positions.spot * lots.multiplier[positions.lot] * positions.rate)
    parts = [(lots.kind[positions.lot] != InvestmentClass.PRIVATE, 0, lots.symbol, positions.value, notional)]
    for leg in range(LEGS):
        column = conversion.column[:, leg]
        money = positions.value * conversion.power[positions.lot, leg]
        parts.append((column[positions.lot] >= 0, leg + 1, column, np.zeros(len(money)), money))
    if lots.proxy is not None and lots.proxy_beta is not None:
        followed = lots.is_private & (lots.proxy >= 0)
        money = positions.value * np.where(followed, lots.proxy_beta, 0.0)[positions.lot]
        parts.append((followed[positions.lot], PROXY, lots.proxy, np.zeros(len(money)), money))
    position_rows = np.concatenate([np.flatnonzero(chosen) for chosen, *_ in parts])
    lot = positions.lot[position_rows]
    leg_of = np.concatenate([np.full(chosen.sum(), leg) for chosen, leg, *_ in parts])
    order = np.lexsort((leg_of, lot, positions.session[position_rows]))
    return Holdings(
        session=positions.session[position_rows][order],
        portfolio=lots.portfolio[lot][order],
        symbol=np.concatenate([symbol[positions.lot[chosen]] for chosen, _, symbol, *_ in parts])[order],
        lot=lot[order],
        leg=leg_of[order],
        value=np.concatenate([value[chosen] for chosen, _, _, value, _ in parts])[order],
        delta_value=np.concatenate([dollars[chosen] for chosen, *_, dollars in parts])[order],
    )


def paid_by(accounts: Accounts, dates: Date1D, ends: Int1D) -> tuple[Float2D, Float2D]:
    """Return what was paid in up to each end, and of it what was paid in after the session before, (D, P) each."""
    until = np.stack([_flows(accounts, day) for day in dates[ends]])
    before = np.stack([_flows(accounts, dates[row - 1] if row else dates[0]) for row in ends])
    return until, until - before


def _flows(accounts: Accounts, day: np.datetime64) -> Float1D:
    paid = accounts.flow_date <= day
    return sum_by(accounts.flow_portfolio[paid], accounts.flow_amount[paid], len(accounts.starting_equity))
