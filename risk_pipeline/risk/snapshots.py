"""The rows of ``portfolio_snapshots``, ``sector_exposures`` and ``position_correlations``."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.arrays import Float2D, Int1D
from ..analytics.concentration import concentration, sector_exposure
from ..analytics.sums import sum_by
from .diversification import portfolio_diversification
from .inputs import Frames, Inputs
from .liquidity import portfolio_liquidity
from .performance import portfolio_performance
from .positions import option_greeks
from .unvalued import unvalued_rows

UNMAPPED = "Unmapped"
PRIVATE = "Private"


def compute_snapshots(inputs: Inputs) -> Frames:
    """Compute the snapshots of a block of sessions from the book and the tables written before."""
    before, book = inputs.before, inputs.book
    # also before a portfolio opens: lots that it brings with them gained what they gained before that day
    pnl = book.equity - before.equity - book.flow
    invested = before.equity + book.flow  # flows arrive at the start of the session
    with np.errstate(invalid="ignore", divide="ignore"):
        daily_return = np.where(invested > 0, pnl / invested, np.nan)
    cell, lot = _positions(inputs)
    diversification, correlations = portfolio_diversification(inputs)
    shares = concentration(cell, inputs.lots.name[lot], book.positions.value, book.equity.shape)
    snapshots = inputs.frame(
        book.is_active,
        "portfolio_id",
        inputs.portfolio_ids,
        nav=book.equity,
        cash=book.cash,
        long_value=book.long_value,
        short_value=book.short_value,
        gross=book.gross,
        net=book.net,
        private_value=book.private_value,
        daily_pnl=pnl,
        daily_return=daily_return,
        cumulative_pnl=book.cumulative_pnl,
        flow=book.flow,
        **vars(portfolio_performance(inputs)),
        is_opening=book.is_active & ~before.is_active,
        positions=book.position_count,
        public_positions=book.public_positions,
        option_positions=book.option_positions,
        private_positions=book.private_positions,
        stale_positions=book.stale_positions,
        herfindahl=shares.herfindahl,
        effective_positions=shares.effective_positions,
        **diversification,
        top_3=shares.top_3,
        top_10=shares.top_10,
        **_greeks(inputs, cell),
        **portfolio_liquidity(inputs),
        has_public=inputs.has_public,
    )
    snapshots = _with_analytics(inputs, snapshots)
    return {
        "portfolio_snapshots": snapshots.drop(columns="has_public"),
        "sector_exposures": _sector_rows(inputs),
        "position_correlations": correlations,
        "analytics_skips": _without_snapshot(inputs),
    }


def _greeks(inputs: Inputs, cell: Int1D) -> dict[str, Float2D]:
    """Return the sums of the options' greeks by portfolio, (D, P); NaN of one without options."""
    shape = inputs.book.equity.shape
    options = np.flatnonzero(inputs.lots.is_option[inputs.book.positions.lot])
    has_options = np.bincount(cell[options], minlength=inputs.book.equity.size) > 0
    return {
        name: np.where(has_options, sum_by(cell[options], values[options], has_options.size), np.nan).reshape(shape)
        for name, values in option_greeks(inputs).items()
    }


def _without_snapshot(inputs: Inputs) -> pd.DataFrame:
    """Return the skip rows of portfolios without a snapshot; one that holds nothing with a market price has one."""
    unvalued = unvalued_rows(inputs, "portfolio_snapshots")
    return inputs.portfolio_skips("portfolio_snapshots").iloc[:0] if unvalued is None else unvalued


def _with_analytics(inputs: Inputs, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Add exposures, volatility and the worst scenario, and say which analytic is missing."""
    factors, stored = inputs.registries.factors, inputs.stored
    key = ["session", "portfolio_id"]
    names = [factors.market.name, factors.provider.name, factors.rates.name]
    exposures = stored["factor_exposures"]
    wide = exposures.set_index([*key, "factor_name"])["exposure"].unstack().reindex(columns=names)
    wide.columns = pd.Index(["market_beta", "provider_beta", "ir_beta"])
    market = exposures[exposures["factor_name"] == factors.market.name].set_index(key)
    numbers = [
        "realised_21",
        "realised_63",
        "forecast",
        "trend",
        "percentile",
        "var_95",
        "var_99",
        "es_95",
        "es_99",
    ]
    volatility = stored["portfolio_volatility"].set_index(key)
    worst = stored["worst_scenarios"].set_index(key)
    out = (
        snapshots.join(wide, on=key)
        .join(market["coverage"], on=key)
        .join(volatility[numbers], on=key)
        .join(
            worst[["scenario_id", "correlated_pnl"]].rename(
                columns={"scenario_id": "worst_scenario", "correlated_pnl": "worst_scenario_pnl"}
            ),
            on=key,
        )
    )
    expected = {
        "factor_exposures": len(factors.names),
        "volatility": 1,
        "stress_tests": len(inputs.registries.scenarios.active),
    }
    missing = pd.Series("", index=out.index)
    rows = pd.MultiIndex.from_frame(out[key])
    for analytic, least in expected.items():
        counts = stored["rows_by_portfolio"][analytic]
        absent = out["has_public"].to_numpy() & (counts.reindex(rows).fillna(0).to_numpy() < least)
        missing[absent] += f"{analytic} "
    missing = missing.str.strip()
    return out.assign(is_complete=missing == "", missing=missing.where(missing != "", None))


def _positions(inputs: Inputs) -> tuple[Int1D, Int1D]:
    """Return each position's cell among sessions and portfolios, and its lot."""
    rows = inputs.book.positions
    return rows.session * len(inputs.portfolio_ids) + inputs.lots.portfolio[rows.lot], rows.lot


def _sector_rows(inputs: Inputs) -> pd.DataFrame:
    """Net and gross by sector; what has no profile is in a bucket of its own, so shares sum to one."""
    cell, lot = _positions(inputs)
    sectors = sectors_as_of(inputs)
    names = sorted({*(name for row in sectors for name in row), UNMAPPED, PRIVATE})
    code = {name: index for index, name in enumerate(names)}
    coded = np.array([[code[name] for name in row] for row in sectors], dtype=np.int64)
    sector = np.where(
        inputs.lots.is_private[lot],
        code[PRIVATE],
        coded[inputs.book.positions.session, np.maximum(inputs.lots.symbol[lot], 0)],
    )
    exposure = sector_exposure(cell, sector, inputs.book.positions.value, inputs.book.equity.shape)
    return pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype="datetime64[s]")[exposure.session],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[exposure.portfolio],
            "sector": np.array(names, dtype=object)[exposure.sector],
            "net": exposure.net,
            "gross": exposure.gross,
            "gross_share": exposure.gross_share,
        }
    )


def sectors_as_of(inputs: Inputs) -> list[list[str]]:
    """Return the sector of each panel symbol as of each session."""
    known = inputs.profiles_as_of("sector")
    return [[UNMAPPED if name is None else name for name in row] for row in known]
