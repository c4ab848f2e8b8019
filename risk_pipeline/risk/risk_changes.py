"""The rows of ``risk_changes``: what moved a portfolio's risk since the session before."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Bool2D, Float2D, Float3D, Int1D, Int2D
from ..analytics.conversion import PROXY
from ..analytics.exposures import aggregate_exposures
from ..analytics.holdings import Holdings
from ..analytics.lots import LotRows
from ..analytics.rolling_beta import rolling_beta
from ..analytics.valuation import Book
from .inputs import Inputs
from .portfolio_series import portfolio_forecast
from .symbol_betas import factor_returns

FORECAST = "forecast"
"""The measure that is the forecast volatility; the others are factors' names."""


def risk_changes(inputs: Inputs, book: Book, before: Book, forecasts: tuple[Float2D, Float2D, Float2D]) -> pd.DataFrame:
    """Split the change of the forecast volatility, and of the market and rates betas, since the session before.

    One thing is brought forward after the other, so the parts sum to the change: first the positions (lots and
    flows of the session at the prices before it), then the prices, last the model (the betas and
    volatilities with the session's returns in them).

    Parameters
    ----------
    book, before : at the sessions and at those before them.
    forecasts : (D, P) of the session before, of the session's holdings with returns up to the one before,
        of the session.
    """
    equity = before.equity + book.flow
    trades = _trades(inputs, book, before)
    mixed = _at_the_prices_before(inputs, book, before, trades)
    both = book.is_active & before.is_active
    yesterday = inputs.ends - 1
    forecast_before, repriced_forecast, forecast = forecasts
    moved_forecast = _forecast_of_traded(inputs, mixed, equity, trades.traded, forecast_before)
    factors = inputs.registries.factors
    longest = max(int(inputs.ends.min()) - factors.look_back, 0)  # a proxy's history reaches back much further
    symbol_returns = np.asarray(inputs.panel.returns[longest:])
    measures = {FORECAST: (forecast_before, moved_forecast, repriced_forecast, forecast)}
    for factor in (factors.market, factors.rates):
        returns = factor_returns(inputs, factor)[longest:]
        old, new = (
            rolling_beta(
                symbol_returns,
                returns,
                ends - longest,
                window=factor.window,
                min_observations=factor.min_observations,
            ).beta[..., None]
            for ends in (yesterday, inputs.ends)
        )
        measures[factor.name] = (
            _exposure(before.holdings, old, before.equity),
            _exposure(mixed, old, equity),
            _exposure(book.holdings, old, book.equity),
            _exposure(book.holdings, new, book.equity),
        )
    rows = []
    for measure, (previous, moved, repriced, current) in measures.items():
        known = both & ~np.isnan(previous) & ~np.isnan(moved) & ~np.isnan(repriced) & ~np.isnan(current)
        parts = {"by_positions": moved - previous, "by_prices": repriced - moved, "by_model": current - repriced}
        rows.append(
            inputs.frame(
                known, "portfolio_id", inputs.portfolio_ids, previous=previous, current=current, **parts
            ).assign(measure=measure)
        )
    return pd.concat(rows, ignore_index=True)


@dataclass(frozen=True)
class _Trades:
    """Which holdings (H,) were held the session before and as which row then; which portfolios (D, P) traded."""

    held: Bool1D
    row_before: Int1D
    traded: Bool2D


def _trades(inputs: Inputs, book: Book, before: Book) -> _Trades:
    """Compare the lots of each session with those of the session before; a flow counts as a trade."""
    lots, shape = inputs.lots, book.equity.shape
    key, key_before = (
        ((h.session * len(lots.portfolio) + h.lot) * (PROXY + 1)) + h.leg for h in (book.holdings, before.holdings)
    )
    held, kept = np.isin(key, key_before), np.isin(key_before, key)
    traded = book.flow != 0
    for holdings, unchanged in ((book.holdings, held), (before.holdings, kept)):
        traded = traded | (_count(holdings, ~unchanged, shape) > 0)
    return _Trades(held, np.searchsorted(key_before, key[held]), traded)


def _count(holdings: Holdings, chosen: Bool1D, shape: tuple[int, ...]) -> Int2D:
    cell = holdings.session[chosen] * shape[1] + holdings.portfolio[chosen]
    return np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)


def _at_the_prices_before(inputs: Inputs, book: Book, before: Book, trades: _Trades) -> Holdings:
    """Return the holdings with their delta-adjusted dollars of the session before.

    What they were then; of a share bought since, at the price of the session before; of an option, as now.
    """
    holdings, panel = book.holdings, inputs.panel
    price_column = inputs.lots.symbol[holdings.lot]  # a currency's money moves with the lot's price and with the rate
    row, safe_column = inputs.ends[holdings.session], np.maximum(price_column, 0)
    moved = panel.close[row, safe_column] * panel.split_factor[row, safe_column] / panel.close[row - 1, safe_column]
    moved = np.where(inputs.lots.is_option[holdings.lot] | (price_column < 0) | np.isnan(moved), 1.0, moved)
    entry = LotRows.of(inputs.lots, panel.dates).entry[holdings.lot]
    rate, before_rate = (
        inputs.conversion.rate(inputs.prices, panel_row, holdings.lot, entry)[0] for panel_row in (row, row - 1)
    )
    dollars = holdings.delta_value / (moved * np.where(np.isnan(before_rate), 1.0, rate / before_rate))
    dollars[trades.held] = before.holdings.delta_value[trades.row_before]
    return replace(holdings, delta_value=dollars)


def _forecast_of_traded(
    inputs: Inputs, mixed: Holdings, equity: Float2D, traded: Bool2D, forecast_before: Float2D
) -> Float2D:
    """Return the forecast of the mixed holdings, (D, P); where nothing was traded it is the one before."""
    out = forecast_before.copy()
    for session_index in np.flatnonzero(traded.any(axis=1)):
        rows = mixed.at(int(session_index))
        rows = rows.take(traded[session_index, rows.portfolio])
        rows = replace(rows, session=np.zeros(len(rows.symbol), dtype=np.int64))
        forecast = portfolio_forecast(inputs, rows, equity[[session_index]], inputs.ends[[session_index]] - 1)
        out[session_index, traded[session_index]] = forecast[0, traded[session_index]]
    return out


def _exposure(holdings: Holdings, betas: Float3D, equity: Float2D) -> Float2D:
    """Return the exposure on equity to one factor, (D, P); NaN where nothing has a beta."""
    aggregate = aggregate_exposures(holdings, betas, equity)
    return np.where(aggregate.coverage[..., 0] > 0, aggregate.exposure[..., 0], np.nan)
