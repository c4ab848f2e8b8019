"""What made a portfolio's P&L on the session, in its month and in its year: the parts in the order of reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from math import isnan
from typing import TYPE_CHECKING, Any

import pandas as pd

from ..config.factors import load_factors
from ..risk.explain import CORE, CROSS_ASSET, CURRENCY, OPTIONS, SECTOR, SPECIFIC
from ..risk.explain_record import SESSIONS, explained_shares
from ..settings import Settings
from ..storage.explain_queries import equity_at_start, explained_sessions, linked, linked_positions

if TYPE_CHECKING:
    import sqlalchemy as sa

Row = dict[Any, Any]
LABELS = {
    SPECIFIC: "Specific",
    "dividends": "Dividends",
    "trades": "Trades",
    "marks": "Marks of private assets",
    "fees": "Fees",
    "unattributed": "Without a model",
}
MOST = 3
"""Best and worst positions of a period that are named."""
WHOLE = 1e-6
"""By how much, of their sizes, the positions' P&L may differ from the portfolio's."""
GREEKS = ("gamma", "vega", "vanna", "theta", "residual")
NEGLIGIBLE = 0.5
"""Money below this is no row of its own."""


@dataclass(frozen=True)
class Part:
    """A part of the P&L: its label, where it is stored (empty of a sum of several rows), and the money."""

    label: str
    key: str
    pnl: float


@dataclass(frozen=True)
class Contribution:
    """What a position made in a period, and that over the equity at its start; None where that is zero or less."""

    name: str
    pnl: float
    share: float | None


@dataclass(frozen=True)
class Explained:
    """The P&L of a period in parts; ``sessions`` of the ``expected`` ones are in it.

    ``contributions`` are the positions that made or lost most, the best first; none where their rows were pruned.
    ``options_delta`` is what options' delta made, ``currency`` what the pairs did: both are in the parts.
    """

    period: str
    first: date
    sessions: int
    expected: int
    parts: list[Part]
    options_delta: float
    currency: float
    contributions: list[Contribution] = field(default_factory=list)

    @property
    def total(self) -> float:
        """The P&L."""
        return sum(part.pnl for part in self.parts)


@dataclass(frozen=True)
class PnlExplained:
    """Day, month and year of a portfolio, and the explained share over the last ``sessions``, None where unknown."""

    periods: list[Explained]
    share: float | None
    sessions: int


def periods_of(session: date) -> dict[str, date]:
    """Return the first calendar day of each period that ends with a session."""
    return {
        "Day": session,
        "Month to date": session.replace(day=1),
        "Year to date": session.replace(month=1, day=1),
    }


def pnl_explained(
    engine: sa.Engine, sessions: Sequence[date], portfolios: pd.DataFrame, portfolio: str | None = None
) -> dict[tuple[date, str], PnlExplained]:
    """Return what made the P&L of each session and portfolio, of one portfolio or of all."""
    if not len(sessions):
        return {}
    calendar = Settings().sessions
    opened = {row.portfolio_id: row.inception_date.date() for row in portfolios.itertuples(index=False)}
    first = calendar.look_back_from(sessions[0], SESSIONS - 1)
    history = explained_sessions(engine, first, sessions[-1], portfolio)
    out: dict[tuple[date, str], PnlExplained] = {}
    for session in sessions:
        periods: dict[str, list[Explained]] = defaultdict(list)
        for name, begin in periods_of(session).items():
            rows = linked(engine, begin, session, portfolio)
            made = linked_positions(engine, begin, session, portfolio) if begin < session else pd.DataFrame()
            equity = equity_at_start(engine, begin, session, portfolio).set_index("portfolio_id")["equity"].to_dict()
            by_owner = _by_owner(made)
            for owner, parts in _by_owner(rows).items():
                since = max(begin, opened.get(owner, begin))
                expected = len(calendar.sessions_in_range(since, session))
                explained = _explained(name, since, expected, parts)
                contributions = _contributions(by_owner.get(owner), explained.total, equity.get(owner))
                periods[str(owner)].append(replace(explained, contributions=contributions))
        newest = history[history["session"] <= pd.Timestamp(session)]
        shares = explained_shares(newest).dropna().set_index("portfolio_id")
        for owner, found in periods.items():
            share, count = shares.loc[owner, ["explained_share", "sessions"]] if owner in shares.index else (None, 0)
            out[session, owner] = PnlExplained(found, share, int(count))
    return out


def _by_owner(rows: pd.DataFrame) -> dict[str, list[Row]]:
    """Return the rows of each portfolio; frames of a few rows each would take a hundred times as long."""
    out: dict[str, list[Row]] = defaultdict(list)
    for row in rows.to_dict("records"):
        out[str(row["portfolio_id"])].append(row)
    return out


def _explained(period: str, first: date, expected: int, rows: list[Row]) -> Explained:
    return Explained(
        period=period,
        first=first,
        sessions=max((int(row["sessions"]) for row in rows if row["kind"] == SPECIFIC), default=0),
        expected=expected,
        parts=_parts(rows, day=period == "Day"),
        options_delta=_total(row["options_pnl"] for row in rows if row["kind"] != OPTIONS),
        currency=_total(row["currency_pnl"] for row in rows),
    )


def _contributions(rows: list[Row] | None, total: float, equity: float | None) -> list[Contribution]:
    """Return the positions that made and lost most; none unless all of them together make the P&L."""
    made = [(str(row["name"]), float(row["pnl"])) for row in rows or [] if not isnan(row["pnl"])]
    size = sum(abs(pnl) for _, pnl in made)
    if rows is None or not abs(sum(pnl for _, pnl in made) - total) <= WHOLE * (size + 1.0):
        return []
    best = sorted((one for one in made if abs(one[1]) >= NEGLIGIBLE), key=lambda one: (-one[1], one[0]))
    if len(best) > 2 * MOST:
        best = best[:MOST] + best[-MOST:]
    base = equity if equity and equity > 0 else None
    return [Contribution(name, pnl, pnl / base if base else None) for name, pnl in best]


def _total(values: Iterable[float]) -> float:
    """Return the sum of what is known."""
    return float(sum(value for value in values if not isnan(value)))


def _parts(rows: list[Row], *, day: bool) -> list[Part]:
    """Return the parts: core factors in the registry's order, cross-asset, sectors together, and all else."""
    factors = load_factors()
    place = {name: number for number, name in enumerate((*factors.model_names, *GREEKS))}
    rows = sorted(rows, key=lambda row: (_order(row["kind"]), place.get(row["part"], 0), row["part"]))
    parts: list[Part] = []
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row for row in rows if row["kind"] == kind]
        if kind == SECTOR:
            parts.append(Part("Sectors", "", sum(row["pnl"] for row in of_kind)))
            continue
        for row in of_kind:
            label = factors.label(row["part"]) if kind in {CORE, CROSS_ASSET} else LABELS.get(kind)
            label = label or (f"Options, {row['part']}" if kind == OPTIONS else row["part"])
            parts.append(Part(label, f"pnl_explain.pnl:{kind}/{row['part']}" if day else "", row["pnl"]))
    return parts


def _order(kind: str) -> int:
    order = (CORE, CROSS_ASSET, SECTOR, SPECIFIC, OPTIONS, "dividends", "trades", "marks", CURRENCY, "fees")
    return order.index(kind) if kind in order else len(order)
