"""What the risk page shows beyond the tables: positions, the path of each replay, what the proxies did."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..analytics.contributions import volatility_contributions
from ..analytics.lots import InvestmentClass
from ..reports.page_rows import BookRows
from ..storage.queries import read_table
from .core_model import read_core_model
from .inputs import Inputs
from .snapshot_rows import PRIVATE, sectors_as_of
from .symbol_betas import proxy_returns

WINDOW = 252


def book_rows(inputs: Inputs) -> BookRows:
    """Return positions, replay paths and proxy returns of a block of sessions."""
    return BookRows(positions=_positions(inputs), replays=_replays(inputs), proxies=_proxies(inputs))


def _positions(inputs: Inputs) -> pd.DataFrame:
    """Return a row per session, portfolio and name; lots of a name are added up."""
    rows, lots, book = inputs.book.positions, inputs.lots, inputs.book
    kinds = np.array([kind.name for kind in sorted(InvestmentClass)], dtype=object)
    sectors = np.array(sectors_as_of(inputs), dtype=object)
    private = lots.is_private[rows.lot]
    frame = pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype=object)[rows.session],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[lots.portfolio[rows.lot]],
            "symbol": np.array(inputs.lot_symbols, dtype=object)[rows.lot],
            "priced": np.where(private, "", np.array(inputs.panel.symbols, dtype=object)[lots.symbol[rows.lot]]),
            "kind": kinds[lots.kind[rows.lot] - min(InvestmentClass)],
            "sector": np.where(private, PRIVATE, sectors[rows.session, np.maximum(lots.symbol[rows.lot], 0)]),
            "quantity": rows.quantity,
            "price": rows.price,
            "value": rows.value,
            "is_stale": rows.is_stale,
            "contribution": np.nan,
        }
    )
    returns = np.asarray(inputs.panel.returns)
    for number, end in enumerate(inputs.ends):
        at = np.flatnonzero((rows.session == number) & ~private)
        window = returns[max(end + 1 - WINDOW, 0) : end + 1]
        if not len(at) or len(window) < WINDOW:
            continue
        lot = rows.lot[at]
        notional = (rows.delta * rows.quantity * rows.spot)[at] * lots.multiplier[lot]
        frame.loc[at, "contribution"] = volatility_contributions(
            lots.portfolio[lot], notional, window[:, lots.symbol[lot]], book.equity[number]
        )
    names = frame.groupby(["session", "portfolio_id", "symbol", "kind"], sort=True)
    out = names.agg(
        {"priced": "first", "sector": "first", "quantity": "sum", "price": "first", "value": "sum", "is_stale": "max"}
    )
    return out.assign(contribution=names["contribution"].sum(min_count=1)).reset_index()


def _replays(inputs: Inputs) -> dict[tuple[Any, str, str], list[float]]:
    """Return the running P&L of each realised replay, by session, portfolio and scenario, from the stored paths."""
    model, out = read_core_model(inputs), {}
    span: dict[str, Any] = {"first": inputs.sessions[0], "last": inputs.sessions[-1]}
    number = {pd.Timestamp(session): at for at, session in enumerate(inputs.sessions)}
    stored = read_table(inputs.db.engine, "scenario_plausibility", **span).dropna(subset=["path"])
    for row in stored[stored["session"].isin(list(number))].itertuples(index=False):
        at = number[row.session]
        for owner in np.flatnonzero(inputs.has_public[at]):
            steps = np.array(row.path["steps"]) @ model.core_dollar[at, owner]
            if not np.isnan(steps).any():
                out[inputs.sessions[at], inputs.portfolio_ids[owner], row.scenario_id] = np.cumsum(steps).tolist()
    return out


def _proxies(inputs: Inputs) -> dict[Any, dict[str, float | None]]:
    """Return what the market's and the rates' proxy returned on each session, by session."""
    symbols = (inputs.registries.factors.market.proxy, inputs.registries.factors.rates.proxy)
    series = {symbol: proxy_returns(inputs, symbol) for symbol in symbols}
    return {
        session: {symbol: None if np.isnan(values[end]) else float(values[end]) for symbol, values in series.items()}
        for session, end in zip(inputs.sessions, inputs.ends, strict=True)
    }
