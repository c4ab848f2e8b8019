"""The rows of ``pnl_explain``: what made each portfolio's P&L of the session."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Float1D, Float2D, Float3D
from ..analytics.conversion import LEGS, PROXY
from ..analytics.sums import sum_by
from ..currencies import conventional, pair_currencies, risk_name
from .inputs import Frames, Inputs
from .long_rows import labelled, rows_of
from .lot_explain import LotParts, SymbolReturns, lot_parts, symbol_returns
from .symbol_betas import betas_before
from .unvalued import unvalued_rows

Label = tuple[str, str]
"""Kind and name of a part."""
Amounts = tuple[Float2D, Float2D, Float2D]
"""Money of a part, (D, P), how much of it options' delta made, and how much currency pairs."""

ANALYTIC = "pnl_explain"
CORE, CROSS_ASSET, SECTOR, SPECIFIC, OPTIONS, CURRENCY = (
    *("core", "cross_asset", "sector", "specific", "options", "currency"),
)
FACTOR_KINDS = (CORE, CROSS_ASSET, SECTOR)
"""Kinds of the parts that are a factor's, whose name is the part's."""
SPECIFIC_PART = (SPECIFIC, "specific")
PARTS = {
    "specific": SPECIFIC_PART,
    "gamma": (OPTIONS, "gamma"),
    "vega": (OPTIONS, "vega"),
    "vanna": (OPTIONS, "vanna"),
    "theta": (OPTIONS, "theta"),
    "residual": (OPTIONS, "residual"),
    "dividends": ("dividends", "dividends"),
    "trades": ("trades", "trades"),
    "marks": ("marks", "marks"),
    "fees": ("fees", "fees"),
    "unattributed": ("unattributed", "unattributed"),
}
"""Kind and name of each part of a lot's P&L that is no factor's and no currency pair's."""


def compute_explain(inputs: Inputs) -> Frames:
    """Split the P&L of every portfolio on every session of a block; the rows of one sum to its snapshot's.

    The parts that are nothing have no row, but for the specific one, which every portfolio has.
    """
    returns = symbol_returns(inputs, betas_before(inputs))
    parts = lot_parts(inputs, returns)
    shape = inputs.book.equity.shape
    cell = parts.session * shape[1] + inputs.lots.portfolio[parts.lot]
    amounts = {**_factor_amounts(inputs, returns), **_currency_amounts(inputs, parts, cell)}
    nothing = np.zeros(shape)
    for name, label in PARTS.items():
        money = _by_portfolio(getattr(parts, name), cell, shape)
        amounts[label] = (money, money if label[0] == OPTIONS else nothing, nothing)
    delta = _by_portfolio(parts.specific * inputs.lots.is_option[parts.lot], cell, shape)
    amounts[SPECIFIC_PART] = (amounts[SPECIFIC_PART][0], delta, nothing)
    unvalued = unvalued_rows(inputs, ANALYTIC)
    skips = inputs.portfolio_skips(ANALYTIC).iloc[:0] if unvalued is None else unvalued
    return {"pnl_explain": _rows(inputs, amounts), "analytics_skips": skips}


def _rows(inputs: Inputs, amounts: dict[Label, Amounts]) -> pd.DataFrame:
    """Return the rows of all parts, in the order of the table's key."""
    kinds, names = zip(*sorted(amounts), strict=True)
    money, of_options, of_currency = (
        np.stack([amounts[label][k] for label in sorted(amounts)], axis=-1) for k in range(3)
    )
    stored = (money != 0) | (of_options != 0) | (of_currency != 0) | (np.array(kinds) == SPECIFIC)
    stored &= inputs.book.is_active[..., None]
    axes: dict[str, Sequence[object]]
    axes = {"session": inputs.sessions, "portfolio_id": inputs.portfolio_ids, "kind": kinds}
    rows = rows_of(stored, axes, {"pnl": money, "options_pnl": of_options, "currency_pnl": of_currency})
    return rows.assign(part=labelled(names, np.nonzero(stored)[-1]))


def _by_portfolio(values: Float1D, cell: np.ndarray, shape: tuple[int, ...]) -> Float2D:
    return sum_by(cell, values, shape[0] * shape[1]).reshape(shape)


def _factor_amounts(inputs: Inputs, returns: SymbolReturns) -> dict[Label, Amounts]:
    """Return ``x_k(d−1)·f_k(d)`` of every factor of the model."""
    factors, holdings = inputs.registries.factors, inputs.before.holdings
    modelled = ~np.isnan(returns.explained[holdings.session, holdings.symbol])
    modelled &= holdings.leg != PROXY  # a private asset's P&L is its marks'
    option = inputs.lots.is_option[holdings.lot] & (holdings.leg == 0)
    chosen = (modelled, modelled & option, modelled & (holdings.leg > 0))
    money, of_options, of_currency = (_factor_pnl(inputs, returns, rows) for rows in chosen)
    kinds = [CORE] * len(factors.core_names) + [CROSS_ASSET] * len(factors.cross_asset)
    kinds += [SECTOR] * (len(factors.model_names) - len(kinds))
    return {
        (kind, name): (money[..., k], of_options[..., k], of_currency[..., k])
        for k, (kind, name) in enumerate(zip(kinds, factors.model_names, strict=True))
    }


def _factor_pnl(inputs: Inputs, returns: SymbolReturns, chosen: Bool1D) -> Float3D:
    """Return what each factor made of some of the holdings of the session before, (D, P, K)."""
    holdings = inputs.before.holdings.take(chosen)
    days, owners = inputs.book.equity.shape
    cell = holdings.session * owners + holdings.portfolio
    out = np.empty((days, owners, returns.factor.shape[1]))
    for k in range(out.shape[2]):
        beta = returns.beta[holdings.session, holdings.symbol, k]
        dollars = _by_portfolio(holdings.delta_value * beta, cell, (days, owners))
        out[..., k] = np.where(dollars != 0.0, dollars * returns.factor[:, [k]], 0.0)
    return out


def _currency_amounts(inputs: Inputs, parts: LotParts, cell: np.ndarray) -> dict[Label, Amounts]:
    """Return what the factors leave of each currency pair's P&L."""
    shape = inputs.book.equity.shape
    own = inputs.lots.symbol[parts.lot]
    by_pair: dict[str, Float2D] = {}
    for leg in range(LEGS):
        column = inputs.conversion.column[parts.lot, leg]
        if leg == 0:  # foreign cash is a position in the pair itself, in the portfolio's currency
            column = np.where(column < 0, own, column)
        used = parts.currency[:, leg] != 0.0
        for symbol_index in np.unique(column[used]):
            symbol = inputs.panel.symbols[symbol_index]
            name = risk_name(conventional(symbol).symbol if pair_currencies(symbol) else symbol)
            money = np.where(column == symbol_index, parts.currency[:, leg], 0.0)
            by_pair[name] = by_pair.get(name, np.zeros(shape)) + _by_portfolio(money, cell, shape)
    nothing = np.zeros(shape)
    return {(CURRENCY, name): (money, nothing, money) for name, money in by_pair.items()}
