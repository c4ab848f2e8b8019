"""Gains of lots at many sessions: the numbers of ``lot_values.value_lots``, computed cheaply for ordinary shares."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Float2D, Int1D
from .lot_values import LotMarket, realised_gains, value_lots
from .lots import InvestmentClass, LotRows, Lots, SplitAdjusted


def lot_gains(lots: Lots, market: LotMarket) -> Float2D:
    """Return what every lot has gained since its entry at each end, (D, L) dollars, as ``value_lots`` to the last bit.

    Shares in the portfolio's currency that have a close on every session from the first end on, and no split, need no
    look-up of the last price, no ratio and no rate.
    """
    out = np.empty((len(market.ends), len(lots.portfolio)))
    if not out.size:
        return out
    plain = _is_plain(lots, market.prices, market.ends) & ~market.conversion.is_foreign
    if not plain.all():
        _, out[:, ~plain] = value_lots(lots.take(~plain), market.take(~plain), with_greeks=False)
    if plain.any():
        out[:, plain] = _share_gains(lots.take(plain), market.take(plain))
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


def _share_gains(lots: Lots, market: LotMarket) -> Float2D:
    rows, ends = LotRows.of(lots, market.dates), market.ends
    out = realised_gains(lots, rows, market, lots.cost)
    held = (rows.entry[None, :] <= ends[:, None]) & (ends[:, None] < rows.end[None, :])
    value = lots.quantity * np.asarray(market.prices.close)[np.ix_(ends, lots.symbol)] * lots.multiplier
    return np.asarray(out + np.where(held, value - lots.cost, 0.0))
