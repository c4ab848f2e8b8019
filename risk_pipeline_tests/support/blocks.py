"""Inputs of a block of sessions straight from prices and lots: what an asset reads, without a run or a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from risk_pipeline.analytics.returns import total_returns
from risk_pipeline.config.factors import load_factors
from risk_pipeline.config.scenario_file import load_scenarios
from risk_pipeline.risk.inputs import BookFrames, Frames, Inputs, make_inputs
from risk_pipeline.storage.price_panel import PricePanel

LOT = {
    "investment_class": "PUBLIC",
    "exit_date": pd.NaT,
    "exit_price": np.nan,
    "underlying": None,
    "option_type": None,
    "strike": np.nan,
    "expiry": pd.NaT,
    "implied_volatility": np.nan,
    "multiplier": np.nan,
    "currency": None,
    "fees": np.nan,
    "exit_fees": np.nan,
    "exercise": None,
    "proxy": None,
    "proxy_beta": np.nan,
}
DAYS = ("entry_date", "exit_date", "expiry")


class LoadedRegistries:
    """The registries as they are shipped."""

    factors = load_factors()
    scenarios = load_scenarios(load_factors(), None)


def lot(portfolio: str, symbol: str, quantity: float, entry_date: str, entry_price: float, **more: object) -> dict:
    """Return one lot as the tables hold it."""
    given = {"quantity": quantity, "entry_date": entry_date, "entry_price": entry_price}
    return {"portfolio_id": portfolio, "symbol": symbol, **LOT, **given, **more}


def block(
    prices: pd.DataFrame,
    sessions: Sequence[date],
    lots: Sequence[dict],
    *,
    dividend: pd.DataFrame | None = None,
    split: pd.DataFrame | None = None,
    marks: Sequence[tuple[str, str, float]] = (),
    flows: Sequence[tuple[str, str, float]] = (),
    sectors: dict[str, str] | None = None,
    equity: float = 1_000_000.0,
    inception: str = "2014-01-02",
    stored: Frames | None = None,
) -> Inputs:
    """Return the inputs of sessions: ``prices`` are closes, sessions x symbols; every lot's portfolio is in dollars."""
    prices = prices[sorted(prices.columns)]
    close = prices.to_numpy(dtype=float)
    cash, shares = (
        np.full(close.shape, empty) if frame is None else frame.reindex_like(prices).fillna(empty).to_numpy()
        for frame, empty in ((dividend, 0.0), (split, 1.0))
    )
    panel = PricePanel(
        dates=prices.index.to_numpy().astype("datetime64[D]"),
        symbols=tuple(prices.columns),
        close=close,
        high=np.full(close.shape, np.nan),
        low=np.full(close.shape, np.nan),
        dividend=cash,
        split_factor=shares,
        returns=total_returns(close, cash, shares),
    )
    frame = pd.DataFrame(lots).assign(position_id=[f"l{number:04}" for number in range(len(lots))])
    for name in DAYS:
        frame[name] = pd.to_datetime(frame[name]).astype("datetime64[s]")
    frame = frame.sort_values(["portfolio_id", "position_id"], ignore_index=True)
    ids = sorted(frame["portfolio_id"].unique())
    profiles = pd.DataFrame(list((sectors or {}).items()), columns=["symbol", "sector"])
    profiles = profiles.assign(as_of=pd.Timestamp("2000-01-03"), vendor_beta=np.nan, name=None)
    book = BookFrames(
        portfolios=pd.DataFrame(
            {
                "portfolio_id": ids,
                "name": ids,
                "currency": "USD",
                "inception_date": pd.Timestamp(inception),
                "closed_date": pd.Series(pd.NaT, index=range(len(ids)), dtype="datetime64[s]"),
                "starting_equity": equity,
            }
        ),
        lots=frame,
        flows=_dated(flows, ["portfolio_id", "flow_date", "amount"]),
        marks=_dated(marks, ["symbol", "mark_date", "price"]),
        profiles=profiles,
        quotes=pd.DataFrame(columns=["symbol", "currency", "basis"]),
    )
    return make_inputs(panel, list(sessions), book, LoadedRegistries, risk_free_rate=0.04, stored=stored)


def _dated(rows: Sequence[tuple], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=columns)
    frame[columns[1]] = pd.to_datetime(frame[columns[1]]).astype("datetime64[s]")
    return frame
