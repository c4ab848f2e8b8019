"""What the risk page shows beyond the tables: positions, their gains, the path of each replay, what the proxies did."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...analytics.lots import InvestmentClass
from ...reports.page_rows import BookRows
from ...risk.core_model import core_model
from ...risk.inputs import Frames, Inputs
from ...risk.snapshots import PRIVATE, sectors_as_of
from ...risk.symbol_betas import proxy_returns
from ...storage.queries import read_table
from ..resources import Registries
from .inputs import read_core_model

if TYPE_CHECKING:
    import sqlalchemy as sa


def book_rows(inputs: Inputs) -> BookRows:
    """Return positions, gains, replay paths and proxy returns of a block of sessions."""
    return BookRows(
        positions=_positions(inputs), gains=_gains(inputs), replays=_replays(inputs), proxies=_proxies(inputs)
    )


def read_report_inputs(engine: sa.Engine, registries: Registries, first: date, last: date) -> Frames:
    """Read the core model, the stored parts of each position and the paths of the replays."""
    return {
        **read_core_model(engine, registries, first, last),
        **{
            name: read_table(engine, name, first=first, last=last)
            for name in ("position_values", "scenario_plausibility")
        },
    }


def _positions(inputs: Inputs) -> pd.DataFrame:
    """Return a row per session, portfolio and name; lots of a name are added up."""
    rows, lots = inputs.book.positions, inputs.lots
    kinds = np.array([kind.name for kind in sorted(InvestmentClass)], dtype=object)
    sectors = np.array(sectors_as_of(inputs), dtype=object)
    private = lots.is_private[rows.lot]
    frame = pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype=object)[rows.session],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[lots.portfolio[rows.lot]],
            "symbol": np.array(names_of_lots(inputs), dtype=object)[rows.lot],
            "priced": np.where(private, "", np.array(inputs.panel.symbols, dtype=object)[lots.symbol[rows.lot]]),
            "kind": kinds[lots.kind[rows.lot] - min(InvestmentClass)],
            "sector": np.where(private, PRIVATE, sectors[rows.session, np.maximum(lots.symbol[rows.lot], 0)]),
            "quantity": rows.quantity,
            "price": rows.price,
            "value": rows.value,
            "is_stale": rows.is_stale,
            "marked": _marked(inputs),
            "contribution": _risk_contributions(inputs),
        }
    )
    names = frame.groupby(["session", "portfolio_id", "symbol", "kind"], sort=True)
    out = names.agg(
        {
            "priced": "first",
            "sector": "first",
            "quantity": "sum",
            "price": "first",
            "value": "sum",
            "is_stale": "max",
            "marked": "first",
        }
    )
    return out.assign(contribution=names["contribution"].sum(min_count=1)).reset_index()


def _risk_contributions(inputs: Inputs) -> np.ndarray:
    """Return the stored Euler part of each position; NaN where there is none."""
    rows = inputs.book.positions
    stored = inputs.stored["position_values"]
    parts = stored.set_index(["session", "position_id"])["risk_contribution"]
    sessions = np.array(inputs.sessions, dtype="datetime64[s]")[rows.session]
    wanted = pd.MultiIndex.from_arrays([sessions, np.array(inputs.position_ids, dtype=object)[rows.lot]])
    return parts.reindex(wanted).to_numpy(dtype=float)


def names_of_lots(inputs: Inputs) -> list[str]:
    """Return what the page calls each lot: its symbol, and an option by its terms."""
    lots, panel = inputs.lots, inputs.panel
    names = list(inputs.lot_symbols)
    for lot in np.flatnonzero(lots.is_option):
        right = "call" if lots.is_call[lot] else "put"
        expiry: date = lots.expiry[lot].item()
        names[lot] = f"{panel.symbols[lots.symbol[lot]]} {lots.strike[lot]:g} {right} {expiry:%-d %b %Y}"
    return names


def _marked(inputs: Inputs) -> np.ndarray:
    """Return the date of the mark that values each private position; None of others, and where there is no mark."""
    rows, lots = inputs.book.positions, inputs.lots
    name, day, _ = inputs.marks
    marks = {at: np.sort(day[name == at]) for at in np.unique(name).tolist()}
    out = np.full(len(rows.lot), None, dtype=object)
    for at in np.flatnonzero(lots.is_private[rows.lot]):
        own = marks.get(int(lots.name[rows.lot[at]]), day[:0])
        known = own[own <= np.datetime64(inputs.sessions[rows.session[at]])]
        out[at] = known[-1].item() if len(known) else None
    return out


def _gains(inputs: Inputs) -> dict[tuple[Any, str], dict[tuple[str, str], float]]:
    """Return the session's P&L of each name by session and portfolio, what was sold on it included."""
    book, before, lots = inputs.book, inputs.value(inputs.ends - 1), inputs.lots
    gained = book.lot_pnl - np.where(before.is_active[:, lots.portfolio], before.lot_pnl, 0.0)
    session, lot = np.nonzero((gained != 0.0) & book.is_active[:, lots.portfolio])
    kinds, called = {kind.value: kind.name for kind in InvestmentClass}, names_of_lots(inputs)
    out: dict[tuple[Any, str], dict[tuple[str, str], float]] = {}
    for day, at, amount in zip(session.tolist(), lot.tolist(), gained[session, lot].tolist(), strict=True):
        names = out.setdefault((inputs.sessions[day], inputs.portfolio_ids[lots.portfolio[at]]), {})
        name = called[at], kinds[lots.kind[at]]
        names[name] = names.get(name, 0.0) + amount
    return out


def _replays(inputs: Inputs) -> dict[tuple[Any, str, str], list[float]]:
    """Return the running P&L of each realised replay, by session, portfolio and scenario, from the stored paths."""
    model, out = core_model(inputs), {}
    number = {pd.Timestamp(session): at for at, session in enumerate(inputs.sessions)}
    stored = inputs.stored["scenario_plausibility"].dropna(subset=["path"])
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
