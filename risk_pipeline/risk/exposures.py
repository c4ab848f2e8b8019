"""The rows of ``factor_exposures`` and of the tables beside it: symbols, positions, factor returns and covariance."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from ..analytics.arrays import Float3D
from ..analytics.conversion import PROXY
from ..analytics.covariance import WINDOW, FactorCovariance, factor_covariance
from ..analytics.exposures import PortfolioExposures, aggregate_exposures, model_risk
from ..analytics.factor_returns import residual_returns
from ..analytics.history import stressed_covariance
from ..analytics.position_risk import position_risk
from ..analytics.reasons import Reason
from ..analytics.stress import REVERSE_LOSS, reverse_stress
from .beyond_core import beyond_proxy_returns, proxy_betas
from .core_model import keep_model
from .currency import currency_rows
from .factor_returns import factor_return_rows
from .inputs import Frames, Inputs
from .long_rows import rows_of
from .lot_explain import lot_parts, symbol_returns
from .portfolio_fit import PortfolioFits, portfolio_fits
from .positions import position_rows
from .symbol_betas import SymbolBetas, betas_and_before, core_factor_returns
from .tail_parts import tail_parts
from .unvalued import DETAIL

COVARIANCE_COLUMNS = [
    *("session", "factor_a", "factor_b", "covariance", "correlation"),
    *("observations", "condition_number", "method", "stressed_covariance", "stressed_last"),
]


def compute_exposures(inputs: Inputs) -> Frames:
    """Compute all rows of ``factor_exposures`` for a block of sessions."""
    factors, equity = inputs.registries.factors, inputs.book.equity
    betas, before = betas_and_before(inputs)
    holdings = inputs.book.holdings
    portfolio = aggregate_exposures(holdings, betas.beta, equity)
    portfolio = _without_currencies(inputs, betas, portfolio, betas.names.index(factors.provider.name))
    fits = portfolio_fits(inputs, betas)
    covariance = factor_covariance(core_factor_returns(inputs), inputs.ends)
    core = [betas.names.index(name) for name in factors.core_names]
    beyond = [betas.names.index(name) for name in factors.beyond_names]
    specific = fits.by_factor[factors.core_names[0]].residual_volatility
    risk = model_risk(portfolio.exposure[..., core], covariance.covariance, specific)
    reverse = reverse_stress(portfolio.dollar[..., core], covariance.covariance, REVERSE_LOSS * np.maximum(equity, 0.0))
    by_position = position_risk(holdings, betas.beta[..., core], equity, fits.position_part, risk)
    contribution, move = np.full((2, *equity.shape, len(betas.names)), np.nan)
    contribution[..., core], move[..., core] = risk.factor, reverse
    with np.errstate(invalid="ignore", divide="ignore"):
        contribution[..., beyond] = portfolio.exposure[..., beyond] * fits.beyond_pull / risk.total[..., None]
    model = {
        "symbol_factor_exposures": _symbol_rows(inputs, betas),
        "factor_exposures": _portfolio_rows(inputs, betas, portfolio, fits, contribution, move),
        "factor_covariance": _covariance_rows(inputs, betas, covariance),
    }
    keep_model(inputs, model)
    return {
        **model,
        "position_values": position_rows(
            inputs,
            {"risk_contribution": by_position, **tail_parts(inputs)},
            lot_parts(inputs, symbol_returns(inputs, before)),
        ),
        "factor_returns": factor_return_rows(inputs, betas),
        "currency_exposures": currency_rows(inputs, by_position),
        "analytics_skips": pd.concat(
            [inputs.portfolio_skips("factor_exposures"), _symbol_skips(inputs, betas)], ignore_index=True
        ),
    }


def _without_currencies(
    inputs: Inputs, betas: SymbolBetas, portfolio: PortfolioExposures, vendor: int
) -> PortfolioExposures:
    """Return the exposures with the vendor's beta of instruments alone: vendors know no beta of a currency pair."""
    holdings = inputs.book.holdings
    is_pair = (holdings.leg > 0) & (holdings.leg != PROXY)
    if not is_pair.any():
        return portfolio
    instruments = holdings.take(~is_pair)
    instrument_exposure = aggregate_exposures(instruments, betas.beta[..., [vendor]], inputs.book.equity)
    columns = {name: values.copy() for name, values in vars(portfolio).items()}
    for name, values in vars(instrument_exposure).items():
        columns[name][..., vendor] = values[..., 0]
    return PortfolioExposures(**columns)


def _portfolio_rows(
    inputs: Inputs,
    betas: SymbolBetas,
    portfolio: PortfolioExposures,
    fits: PortfolioFits,
    contribution: Float3D,
    move: Float3D,
) -> pd.DataFrame:
    """Return the exposures of the portfolios, in the order of the table's key."""
    factors, equity, names = inputs.registries.factors, inputs.book.equity, betas.names
    covered = portfolio.coverage > 0
    stored = np.repeat(inputs.has_public[..., None], len(names), axis=2)
    beyond = np.isin(names, factors.beyond_names)
    stored[..., beyond] &= covered[..., beyond] & (portfolio.dollar[..., beyond] != 0.0)  # no row says: no exposure
    reason = np.full(covered.shape, None, dtype=object)
    reason[equity <= 0] = Reason.NON_POSITIVE_EQUITY.value
    reason[~covered] = Reason.TOO_SHORT.value
    vendor = names.index(factors.provider.name)
    reason[~covered[..., vendor], vendor] = Reason.NO_VENDOR_BETA.value

    def of_fits(field: str) -> Float3D:
        return np.stack([getattr(fits.by_factor[name], field) for name in names], axis=-1)

    columns = {
        "dollar_exposure": np.where(covered, portfolio.dollar, np.nan),
        "exposure": np.where(covered, portfolio.exposure, np.nan),
        "std_error": np.where(covered, of_fits("std_error"), np.nan),
        "r_squared": of_fits("r_squared"),
        "residual_volatility": of_fits("residual_volatility"),
        "recent_residual_volatility": of_fits("recent_residual_volatility"),
        "risk_contribution": contribution,
        "reverse_move": move,
        "coverage": np.nan_to_num(portfolio.coverage),
        "reason": reason,
    }
    return _by_factor(stored, {"session": inputs.sessions, "portfolio_id": inputs.portfolio_ids}, names, columns)


def _symbol_rows(inputs: Inputs, betas: SymbolBetas) -> pd.DataFrame:
    """Return the betas of the symbols in use, in the order of the table's key."""
    stored = inputs.symbols_in_use[..., None] & ~np.isnan(betas.beta)
    beyond = np.isin(betas.names, inputs.registries.factors.beyond_names)
    stored[..., beyond] &= betas.beta[..., beyond] != 0.0  # no row says: not taken
    axes: dict[str, Sequence[object]] = {"session": inputs.sessions, "symbol": list(inputs.panel.symbols)}
    return _by_factor(stored, axes, betas.names, betas.fields())


def _by_factor(
    stored: np.ndarray, axes: dict[str, Sequence[object]], names: Sequence[str], columns: dict[str, np.ndarray]
) -> pd.DataFrame:
    """Return the rows of arrays whose last axis is that of the factors, in the order of the factors' names."""
    order = np.array(sorted(range(len(names)), key=names.__getitem__))
    return rows_of(stored, {**axes, "factor_name": names}, columns, order)


def _symbol_skips(inputs: Inputs, betas: SymbolBetas) -> pd.DataFrame:
    """Name the symbols in use that lack an estimate, and of which factors.

    Of a proxy beyond the core without a price these are the factors that are left out.
    """
    factors = inputs.registries.factors
    names = [name for name in betas.names if name not in {factors.provider.name, *factors.beyond_names}]
    missing = np.isnan(betas.of(names))
    missing &= inputs.symbols_in_use[..., None]
    without = np.asarray(missing.any(axis=-1))
    left_out = dict(zip(factors.beyond_proxies, factors.beyond_names, strict=True))
    symbols = list(inputs.panel.symbols)
    lacking, reasons = [], []
    for day, column in zip(*np.nonzero(without), strict=True):
        end = inputs.ends[day]
        window = inputs.panel.returns[max(end + 1 - factors.look_back, 0) : end + 1, column]
        lost = [left_out[symbols[column]]] if symbols[column] in left_out else []
        lacking.append(", ".join([*lost, *np.array(names)[missing[day, column]]])[:DETAIL])
        reasons.append((Reason.MISSING_DATA if np.isnan(window).all() else Reason.TOO_SHORT).value)
    skips = inputs.frame(without, "entity", symbols)
    return skips.assign(analytic="factor_exposures", entity_type="symbol", reason=reasons, detail=lacking)


def _covariance_rows(inputs: Inputs, betas: SymbolBetas, core: FactorCovariance) -> pd.DataFrame:
    """Return the core's matrix, in calm and in the worst year, and those of the blocks beside it."""
    factors = inputs.registries.factors
    returns = core_factor_returns(inputs)
    stressed = stressed_covariance(returns, inputs.ends, history=factors.history)
    beyond, model_betas = beyond_proxy_returns(inputs), betas.of(factors.model_names)
    blocks = (len(factors.cross_asset), len(factors.beyond_names))
    rows = []
    for session_index, (session, end) in enumerate(zip(inputs.sessions, inputs.ends.tolist(), strict=True)):
        last = inputs.panel.dates[stressed.last[session_index]].item() if stressed.last[session_index] >= 0 else None
        rows.append(
            _block_rows(session, factors.core_names, core, session_index).assign(
                stressed_covariance=stressed.covariance[session_index][np.triu_indices(len(factors.core_names))],
                stressed_last=pd.Timestamp(last),
            )
            if not np.isnan(core.covariance[session_index]).any()
            else pd.DataFrame(columns=COVARIANCE_COLUMNS)
        )
        window = slice(max(end + 1 - WINDOW, 0), end + 1)
        others = residual_returns(returns[window], beyond[window], *proxy_betas(inputs, model_betas, session_index))
        for first, stop in ((0, blocks[0]), blocks):
            known = first + np.flatnonzero(~np.isnan(others[:, first:stop]).all(axis=0))
            if len(known):
                block = factor_covariance(others[:, known], np.array([len(others) - 1]))
                rows.append(_block_rows(session, [factors.beyond_names[index] for index in known], block, 0))
    rows = [frame for frame in rows if len(frame)]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COVARIANCE_COLUMNS)


def _block_rows(session: date, names: Sequence[str], estimate: FactorCovariance, row: int) -> pd.DataFrame:
    """Return the rows of one matrix of a session; none where it could not be estimated."""
    if np.isnan(estimate.covariance[row]).any():
        return pd.DataFrame(columns=COVARIANCE_COLUMNS)
    first, second = np.triu_indices(len(names))
    return pd.DataFrame(
        {
            "session": pd.Timestamp(session),
            "factor_a": np.array(names, dtype=object)[first],
            "factor_b": np.array(names, dtype=object)[second],
            "covariance": estimate.covariance[row][first, second],
            "correlation": estimate.correlation[row][first, second],
            "observations": estimate.observations[row],
            "condition_number": estimate.condition_number[row],
            "method": "shrunk" if estimate.shrunk[row] else "ewma",
            "stressed_covariance": np.nan,
            "stressed_last": pd.NaT,
        }
    )
