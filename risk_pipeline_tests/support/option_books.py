"""Books of options on real prices as the ``Inputs`` of the computations: no database, no Dagster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from risk_pipeline.analytics.returns import returns_for_estimates
from risk_pipeline.config.factors import FactorRegistry, load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.config.scenarios import ScenarioLibrary
from risk_pipeline.risk.inputs import BookFrames, Inputs, make_inputs
from risk_pipeline.storage.price_panel import PricePanel
from risk_pipeline.storage.tables import portfolios, positions, private_marks
from risk_pipeline_tests.support.real_prices import PROXIES, real_prices

EQUITY = 1e6


@dataclass(frozen=True)
class Registries:
    """The shipped registries."""

    factors: FactorRegistry
    scenarios: ScenarioLibrary

    @classmethod
    def shipped(cls) -> Registries:
        """Load them."""
        factors = load_factors()
        return cls(factors, load_scenarios(factors))


def panel_of(closes: pd.DataFrame, split: Mapping[tuple[str, str], float] | None = None) -> PricePanel:
    """Return closes, sessions x symbols, as a panel without dividends; ``split`` is by session and symbol."""
    closes = closes.sort_index(axis=1)
    close = closes.to_numpy(dtype=float)
    factor = np.ones_like(close)
    for (day, symbol), value in (split or {}).items():
        factor[closes.index.get_loc(pd.Timestamp(day)), closes.columns.get_loc(symbol)] = value
    nothing = np.zeros_like(close)
    return PricePanel(
        dates=closes.index.to_numpy().astype("datetime64[D]"),
        symbols=tuple(closes.columns),
        close=close,
        high=np.full_like(close, np.nan),
        low=np.full_like(close, np.nan),
        dividend=nothing,
        split_factor=factor,
        returns=returns_for_estimates(close, nothing, factor),
    )


def rows_of(table: Any, rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return rows as the table's frame: every column, days as dates, what is not given missing."""
    out = pd.DataFrame(list(rows), columns=[column.name for column in table.columns])
    for column in table.columns:
        if column.type.python_type is date:
            out[column.name] = pd.to_datetime(out[column.name]).astype("datetime64[s]")
        elif column.type.python_type is float:
            out[column.name] = out[column.name].astype(float)
    return out


def lot(symbol: str, quantity: float, entry: str, price: float, **values: object) -> dict[str, object]:
    """Return a lot of the portfolio ``book``: a share, or an option where ``underlying`` is given."""
    kind = "OPTIONS" if "underlying" in values else "PUBLIC"
    named = {"portfolio_id": "book", "symbol": symbol, "investment_class": kind, "quantity": quantity}
    return {**named, "entry_date": entry, "entry_price": price, "is_deleted": False, **values}


def option_inputs(
    lots: Sequence[Mapping[str, object]],
    sessions: Sequence[str] | pd.DatetimeIndex,
    *,
    panel: PricePanel | None = None,
    symbols: Sequence[str] = (),
    **frames: pd.DataFrame,
) -> Inputs:
    """Return the inputs of a block of sessions for one portfolio, ``book``, with a million of equity."""
    if panel is None:
        panel = panel_of(
            real_prices(sorted({*PROXIES, *symbols}), last=str(max(pd.to_datetime(list(sessions))).date()))
        )
    opened = min(str(row["entry_date"]) for row in lots)
    account = {"portfolio_id": "book", "name": "Book", "currency": "USD", "inception_date": opened}
    book = BookFrames(
        portfolios=rows_of(portfolios, [{**account, "starting_equity": EQUITY}]),
        lots=rows_of(positions, [{"position_id": f"{at:04d}", **row} for at, row in enumerate(lots)]),
        flows=pd.DataFrame({"portfolio_id": [], "flow_date": pd.to_datetime([]), "amount": []}),
        profiles=pd.DataFrame(),
        quotes=pd.DataFrame({"symbol": [], "currency": [], "basis": []}),
        **{"marks": rows_of(private_marks, []), **frames},
    )
    days = [day.date() for day in pd.to_datetime(list(sessions))]
    return make_inputs(panel, days, book, Registries.shipped(), risk_free_rate=0.02)
