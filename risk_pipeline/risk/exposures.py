"""The rows of ``factor_exposures`` and of the tables beside it: symbols, positions, factor returns and covariance."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.covariance import FactorCovariance, factor_covariance
from ..analytics.exposures import PortfolioExposures, aggregate_exposures, model_risk
from ..analytics.position_risk import position_risk
from ..analytics.reasons import Reason
from ..analytics.stress import REVERSE_LOSS, reverse_stress
from .currency import currency_rows
from .factor_returns import factor_return_rows
from .inputs import Frames, Inputs
from .portfolio_fit import portfolio_fits
from .positions import position_rows
from .symbol_betas import SymbolBetas, core_factor_returns, symbol_betas
from .unvalued import DETAIL

COVARIANCE_COLUMNS = [
    *("session", "factor_a", "factor_b", "covariance", "correlation"),
    *("observations", "condition_number", "method"),
]


def compute_exposures(inputs: Inputs) -> Frames:
    """Compute all rows of ``factor_exposures`` for a block of sessions."""
    betas = symbol_betas(inputs)
    holdings = inputs.book.holdings
    portfolio = aggregate_exposures(holdings, betas.beta, betas.std_error, inputs.book.equity)
    vendor = betas.names.index(inputs.registries.factors.provider.name)
    portfolio = _without_currencies(inputs, betas, portfolio, vendor)
    fits, residual = portfolio_fits(inputs)
    covariance = factor_covariance(core_factor_returns(inputs), inputs.ends)
    core = inputs.registries.factors.core_names
    columns = [betas.names.index(name) for name in core]
    risk = model_risk(portfolio.exposure[..., columns], covariance.covariance, fits[core[0]].residual_volatility)
    reverse = reverse_stress(
        portfolio.dollar[..., columns], covariance.covariance, REVERSE_LOSS * np.maximum(inputs.book.equity, 0.0)
    )
    by_position = position_risk(holdings, betas.beta[..., columns], inputs.book.equity, residual, risk)
    nothing = np.full(inputs.book.equity.shape, np.nan)
    rows = []
    for k, name in enumerate(betas.names):
        covered = portfolio.coverage[..., k] > 0
        reason = np.full(covered.shape, None, dtype=object)
        reason[inputs.book.equity <= 0] = Reason.NON_POSITIVE_EQUITY.value
        is_vendor = name == inputs.registries.factors.provider.name
        reason[~covered] = (Reason.NO_VENDOR_BETA if is_vendor else Reason.TOO_SHORT).value
        rows.append(
            inputs.frame(
                inputs.has_public,
                "portfolio_id",
                inputs.portfolio_ids,
                dollar_exposure=np.where(covered, portfolio.dollar[..., k], np.nan),
                exposure=np.where(covered, portfolio.exposure[..., k], np.nan),
                std_error=np.where(covered, portfolio.std_error[..., k], np.nan),
                r_squared=fits[name].r_squared,
                residual_volatility=fits[name].residual_volatility,
                risk_contribution=risk.factor[..., core.index(name)] if name in core else nothing,
                reverse_move=reverse[..., core.index(name)] if name in core else nothing,
                coverage=np.nan_to_num(portfolio.coverage[..., k]),
                reason=reason,
            ).assign(factor_name=name)
        )
    return {
        "symbol_factor_exposures": _symbol_rows(inputs, betas),
        "factor_exposures": pd.concat(rows, ignore_index=True),
        "factor_covariance": _covariance_rows(inputs, covariance),
        "position_values": position_rows(inputs, by_position),
        "factor_returns": factor_return_rows(inputs),
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
    if not (holdings.leg > 0).any():
        return portfolio
    own = aggregate_exposures(
        holdings.take(holdings.leg == 0), betas.beta[..., [vendor]], betas.std_error[..., [vendor]], inputs.book.equity
    )
    columns = {name: values.copy() for name, values in vars(portfolio).items()}
    for name, values in vars(own).items():
        columns[name][..., vendor] = values[..., 0]
    return PortfolioExposures(**columns)


def _symbol_rows(inputs: Inputs, betas: SymbolBetas) -> pd.DataFrame:
    symbols = list(inputs.panel.symbols)
    rows = []
    for k, name in enumerate(betas.names):
        present = inputs.symbols_in_use & ~np.isnan(betas.beta[..., k])
        columns = {field: array[..., k] for field, array in betas.fields().items()}
        rows.append(inputs.frame(present, "symbol", symbols, **columns).assign(factor_name=name))
    return pd.concat(rows, ignore_index=True)


def _symbol_skips(inputs: Inputs, betas: SymbolBetas) -> pd.DataFrame:
    """Name the symbols in use that lack an estimate, and of which factors."""
    names = [name for name in betas.names if name != inputs.registries.factors.provider.name]
    missing = np.isnan(betas.beta[..., [betas.names.index(name) for name in names]])
    missing &= inputs.symbols_in_use[..., None]
    without = np.asarray(missing.any(axis=-1))
    lacking = [", ".join(np.array(names)[row])[:DETAIL] for row in missing[without]]
    skips = inputs.frame(without, "entity", list(inputs.panel.symbols))
    return skips.assign(
        analytic="factor_exposures", entity_type="symbol", reason=Reason.TOO_SHORT.value, detail=lacking
    )


def _covariance_rows(inputs: Inputs, estimate: FactorCovariance) -> pd.DataFrame:
    names = list(inputs.registries.factors.core_names)
    first, second = np.triu_indices(len(names))
    rows = []
    for number, session in enumerate(inputs.sessions):
        if np.isnan(estimate.covariance[number]).any():
            continue
        rows.append(
            pd.DataFrame(
                {
                    "session": pd.Timestamp(session),
                    "factor_a": np.array(names, dtype=object)[first],
                    "factor_b": np.array(names, dtype=object)[second],
                    "covariance": estimate.covariance[number][first, second],
                    "correlation": estimate.correlation[number][first, second],
                    "observations": estimate.observations[number],
                    "condition_number": estimate.condition_number[number],
                    "method": "shrunk" if estimate.shrunk[number] else "ewma",
                }
            )
        )
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=COVARIANCE_COLUMNS)
