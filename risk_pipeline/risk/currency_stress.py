"""Effects of shocked currency pairs: exact on the pairs, by covariance on the core factors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..analytics.arrays import Float1D, Float2D
from ..analytics.reasons import Reason
from ..analytics.stress import ConditionalMoves
from ..analytics.sums import sum_by
from ..currencies import conventional, pair_currencies
from .inputs import Inputs

WINDOW = 252
"""Sessions over which what the core factors leave of the pairs is measured."""
LEAST = 60


@dataclass(frozen=True)
class ShockedPairs:
    """Pairs that a scenario shocks on one session, and their covariance with the core factors.

    ``moves`` (S,) are the shocks, ``returns`` (T, S) the pairs' over the panel, ``betas`` (S, K) to the core factors,
    ``residual`` (S, S) the daily covariance of what these leave: NaN, with ``reason``, where a pair lacks prices.
    """

    moves: Float1D
    returns: Float2D
    betas: Float2D
    residual: Float2D
    reason: Reason | None = None

    def extended(self, covariance: Float2D) -> Float2D:
        """Return the covariance of the core factors and the pairs, (K + S, K + S)."""
        if not len(self.moves):
            return covariance
        cross = self.betas @ covariance
        return np.block([[covariance, cross.T], [cross, cross @ self.betas.T + self.residual]])

    def core_alone(self, moves: ConditionalMoves) -> ConditionalMoves:
        """Return the moves of the core factors among those of all."""
        if not len(self.moves):
            return moves
        core = self.betas.shape[1]
        covariance = moves.covariance[:core, :core]
        return replace(moves, move=moves.move[:core], covariance=covariance, reason=self.reason or moves.reason)


def shocked_pairs(
    inputs: Inputs, shocks: Mapping[str, float], session_index: int, betas: Float2D, factor_returns: Float2D
) -> ShockedPairs:
    """Find the shocked pairs of one session.

    ``betas`` (N, K) are the symbols' to the core factors, ``factor_returns`` (T, K) these factors'.
    """
    moves = np.array(list(shocks.values()), dtype=float)
    if not all(symbol in inputs.column for symbol in shocks):
        absent = np.full((len(factor_returns), len(moves)), np.nan)
        nothing = np.full((len(moves), betas.shape[1]), np.nan)
        return ShockedPairs(moves, absent, nothing, np.full((len(moves),) * 2, np.nan), Reason.MISSING_DATA)
    columns = [inputs.column[symbol] for symbol in shocks]
    returns, pair_betas = np.asarray(inputs.panel.returns[:, columns]), betas[columns]
    if not len(moves):
        return ShockedPairs(moves, returns, pair_betas, np.zeros((0, 0)))
    end = inputs.ends[session_index]
    rows = slice(max(end + 1 - WINDOW, 0), end + 1)
    left = returns[rows] - factor_returns[rows] @ pair_betas.T
    left = left[np.isfinite(left).all(axis=1)]
    if len(left) < LEAST:
        return ShockedPairs(moves, returns, pair_betas, np.full((len(moves),) * 2, np.nan), Reason.TOO_SHORT)
    centred = left - left.mean(axis=0)
    residual = (centred[:, :, None] * centred[:, None, :]).sum(axis=0) / (len(left) - 1)
    return ShockedPairs(moves, returns, pair_betas, residual)


def currency_pnl(
    inputs: Inputs, shocks: Mapping[str, float], session_index: int, betas: Float2D, move: Float1D
) -> tuple[Float1D, Float1D]:
    """Return by portfolio (P,) what the shocked pairs gain, exactly, and what their core betas say of it already.

    ``betas`` (N, K) are the symbols', ``move`` (K,) the core factors'. The inverse of a pair gains ``1/(1+s) - 1``.
    """
    portfolios = len(inputs.portfolio_ids)
    if not shocks:
        return np.zeros(portfolios), np.zeros(portfolios)
    holdings = inputs.book.holdings.at(session_index)
    legs = {
        column: conventional(symbol)
        for column, symbol in enumerate(inputs.panel.symbols)
        if pair_currencies(symbol) is not None
    }
    is_shocked = [column for column, leg in legs.items() if leg.symbol in shocks]
    rows = holdings.take(np.isin(holdings.symbol, is_shocked))
    leg_of = [legs[column] for column in rows.symbol.tolist()]
    size = np.array([shocks[leg.symbol] for leg in leg_of], dtype=float)
    written = np.array([leg.power for leg in leg_of], dtype=float)
    used = inputs.conversion.power[rows.lot, np.maximum(rows.leg - 1, 0)].astype(float)
    power = np.where(rows.leg > 0, used, written)
    money = np.where(rows.leg > 0, rows.delta_value * used, rows.delta_value)
    exact = money * ((1.0 + size) ** power - 1.0)
    linear = rows.delta_value * np.nan_to_num((betas[rows.symbol] * move).sum(axis=1))
    return sum_by(rows.portfolio, exact, portfolios), sum_by(rows.portfolio, linear, portfolios)
