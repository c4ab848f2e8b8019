"""Gains of lots at many sessions: the numbers of ``lot_values.value_lots``, computed cheaply for ordinary shares."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Date1D, Float1D, Float2D, Int1D
from .conversion import Conversion
from .lot_values import realised_gains, value_lots
from .lots import InvestmentClass, LotRows, Lots, SplitAdjusted


def lot_gains(
    lots: Lots,
    dates: Date1D,
    prices: SplitAdjusted,
    dividend: Float2D,
    ends: Int1D,
    *,
    volatility: Float2D,
    private_price: Float2D,
    rate: Float1D | float,
    conversion: Conversion,
) -> Float2D:
    """Return what every lot has gained since its entry at each end, (D, L) dollars, as ``value_lots`` to the last bit.

    Shares in the portfolio's currency that have a close on every session from the first end on, and no split, need no
    look-up of the last price, no ratio and no rate. Parameters are those of ``value_lots``.
    """
    out = np.empty((len(ends), len(lots.portfolio)))
    if not out.size:
        return out
    plain = _is_plain(lots, prices, ends) & ~conversion.is_foreign
    if not plain.all():
        others = lots.take(~plain)
        _, out[:, ~plain] = value_lots(
            others,
            dates,
            prices,
            dividend,
            ends,
            volatility=volatility,
            private_price=private_price[:, ~plain],
            rate=rate,
            conversion=conversion.take(~plain),
            with_greeks=False,
        )
    if plain.any():
        out[:, plain] = _share_gains(lots.take(plain), dates, prices, dividend, ends)
    return out


def _is_plain(lots: Lots, prices: SplitAdjusted, ends: Int1D) -> Bool1D:
    """Return which lots are shares without a gap or a split between the first end and the last."""
    rows = slice(int(ends.min()), int(ends.max()) + 1)
    share = lots.kind == InvestmentClass.PUBLIC
    used = np.unique(lots.symbol[share])
    whole = np.zeros(prices.close.shape[1], dtype=bool)
    split = prices.cumulative_split
    whole[used] = ~np.isnan(prices.close[rows, used]).any(axis=0) & (split[:, used] == split[0, used]).all(axis=0)
    return np.asarray(share & whole[np.maximum(lots.symbol, 0)])


def _share_gains(lots: Lots, dates: Date1D, prices: SplitAdjusted, dividend: Float2D, ends: Int1D) -> Float2D:
    rows = LotRows.of(lots, dates)
    out = realised_gains(lots, rows, prices, dividend, ends, Conversion.none(len(lots.portfolio)), lots.cost)
    held = (rows.entry[None, :] <= ends[:, None]) & (ends[:, None] < rows.end[None, :])
    value = lots.quantity * np.asarray(prices.close)[np.ix_(ends, lots.symbol)] * lots.multiplier
    return np.asarray(out + np.where(held, value - lots.cost, 0.0))
