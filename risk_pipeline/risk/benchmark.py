"""The rows of ``benchmark_risk`` and ``active_exposures``: portfolios against their benchmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool2D, Float2D, Float3D
from ..analytics.holdings import constant_weight_returns
from ..analytics.performance import performance
from ..analytics.reasons import Reason
from ..analytics.tracking import WINDOW, tracking_history, tracking_model
from ..analytics.valuation import active_accounts
from .active_positions import ActivePositions, active_positions, position_rows
from .benchmark_weights import Benchmarks, weighted_returns
from .inputs import Frames, Inputs
from .long_rows import Cells
from .performance import first_row
from .snapshots import sectors_as_of
from .symbol_betas import core_factor_returns

FACTOR, SECTOR = "factor", "sector"
KEY = ["session", "portfolio_id"]
PARTS = [*KEY, "kind", "name", "own", "benchmark", "active", "risk_contribution"]
NUMBERS = (
    *("tracking_error", "beta", "correlation", "model_tracking_error", "factor_part", "specific_part"),
    *("volatility_regime", "coverage"),
)
PERIODS = ("1m", "3m", "ytd", "1y", "inception")
COLUMNS = [*KEY, "benchmark", *NUMBERS, *(f"relative_{period}" for period in PERIODS), "reason"]
LEAST_COVERAGE = 0.8
"""Share of gross, and of the benchmark's weight, that must have betas for the factor model's tracking error."""


@dataclass(frozen=True)
class ActiveRisk:
    """Exposures ``own`` and ``benchmark`` (D, Q, K), the factors' parts of the model's tracking error, ``numbers``.

    These are (D, Q) by their column in ``benchmark_risk``. ``positions`` are ordered by session and portfolio.
    """

    own: Float3D
    benchmark: Float3D
    contribution: Float3D
    numbers: dict[str, Float2D]
    positions: list[ActivePositions]


def active_risk(inputs: Inputs, benchmarks: Benchmarks, betas: Float3D, covariance: Float3D) -> ActiveRisk:
    """Measure today's holdings on equity against the benchmark's weights of the session.

    Parameters
    ----------
    betas : (D, N, K) of the symbols to the core factors. covariance : (D, K, K) of their daily returns.
    """
    book, who, factors = inputs.book, benchmarks.portfolio, core_factor_returns(inputs)
    shape = (len(inputs.ends), len(who))
    own, other, contribution = (np.full((*shape, betas.shape[2]), np.nan) for _ in range(3))
    numbers = {name: np.full(shape, np.nan) for name in NUMBERS}
    positions: list[ActivePositions] = []
    for day, end in enumerate(inputs.ends.tolist()):
        window = slice(max(end + 1 - WINDOW, 0), end + 1)
        returns = np.asarray(inputs.panel.returns[window])
        notional = book.holdings.at(day).notional(book.equity.shape[1], returns.shape[1])[who]
        equity = np.where(book.equity[day, who] > 0, book.equity[day, who], np.nan)
        weights = benchmarks.weights(inputs.panel.dates[end])
        mine = constant_weight_returns(notional, returns, equity).returns
        theirs = weighted_returns(weights, returns)
        beta = np.nan_to_num(betas[day])
        has_beta = ~np.isnan(betas[day]).any(axis=1)
        given = np.where(np.diff(weights.indptr) > 0, 1.0, np.nan)
        own[day] = (notional @ beta) / equity[:, None]
        other[day] = (weights @ beta) * given[:, None]
        gross = np.asarray(abs(notional).sum(axis=1)).ravel() / equity + np.asarray(abs(weights).sum(axis=1)).ravel()
        with np.errstate(invalid="ignore", divide="ignore"):
            covered = (abs(notional) @ has_beta.astype(float) / equity + abs(weights) @ has_beta.astype(float)) / gross
        enough = np.where(covered >= LEAST_COVERAGE, 1.0, np.nan)[:, None]
        history = tracking_history(mine, theirs)
        model = tracking_model((own[day] - other[day]) * enough, covariance[day], mine - theirs, factors[window])
        contribution[day] = model.contribution
        split = (model.total, model.factor, model.specific, model.regime)
        found = (*vars(history).values(), *split, covered * given)
        for values, column in zip(found, numbers.values(), strict=True):
            column[day] = values
        shares = notional.multiply(1.0 / equity[:, None]).tocsr()
        positions += active_positions(day, shares, weights, returns, beta, factors[window], model)
    return ActiveRisk(own, other, contribution, numbers, positions)


def compute_benchmark(inputs: Inputs) -> Frames:
    """Compare the portfolios that have a benchmark with it, on the sessions of a block.

    Betas, covariance, returns and sectors are those that earlier assets stored.
    """
    benchmarks = Benchmarks.of(inputs)
    names = list(inputs.registries.factors.core_names)
    who = benchmarks.portfolio
    if not len(who):
        return {"benchmark_risk": pd.DataFrame(columns=COLUMNS), "active_exposures": pd.DataFrame(columns=PARTS)}
    stored = inputs.stored
    symbols = stored["symbol_factor_exposures"]
    of_symbols = Cells.of(symbols, session=inputs.sessions, symbol=list(inputs.panel.symbols), factor_name=names)
    betas = of_symbols.spread(symbols["beta"])
    covariances = stored["factor_covariance"]
    pairs = Cells.of(covariances, session=inputs.sessions, factor_a=names, factor_b=names)
    half = pairs.spread(covariances["covariance"])
    risk = active_risk(inputs, benchmarks, betas, np.where(np.isnan(half), half.swapaxes(1, 2), half))
    ids = [inputs.portfolio_ids[row] for row in who]
    is_active = inputs.book.is_active[:, who]
    rows = inputs.frame(
        is_active,
        "portfolio_id",
        ids,
        benchmark=np.broadcast_to(benchmarks.name, is_active.shape),
        **risk.numbers,
        **_relative_returns(inputs, benchmarks, ids),
        reason=_reasons(inputs, benchmarks, risk),
    )
    parts = [
        inputs.frame(
            is_active & ~np.isnan(risk.benchmark[..., k]),
            "portfolio_id",
            ids,
            own=risk.own[..., k],
            benchmark=risk.benchmark[..., k],
            active=risk.own[..., k] - risk.benchmark[..., k],
            risk_contribution=risk.contribution[..., k],
        ).assign(kind=FACTOR, name=name)
        for k, name in enumerate(names)
    ]
    return {
        "benchmark_risk": rows,
        "active_exposures": pd.concat(
            [*parts, *_positions(inputs, risk, is_active, ids), *_sector_rows(inputs, benchmarks, ids)],
            ignore_index=True,
        ),
    }


def _positions(inputs: Inputs, risk: ActiveRisk, is_active: Bool2D, ids: list[str]) -> list[pd.DataFrame]:
    found = [one for one in risk.positions if is_active[one.session, one.portfolio] and not np.isnan(one.own).any()]
    return [position_rows(found, inputs.sessions, ids, inputs.panel.symbols)] if found else []


def _reasons(inputs: Inputs, benchmarks: Benchmarks, risk: ActiveRisk) -> np.ndarray:
    """Return why a row lacks its tracking errors, (D, Q), None where it has both."""
    shape = risk.numbers["tracking_error"].shape
    reason = np.full(shape, None, dtype=object)
    lacks = np.isnan(risk.numbers["tracking_error"]) | np.isnan(risk.numbers["model_tracking_error"])
    reason[lacks] = Reason.TOO_SHORT.value
    reason[lacks & ~inputs.has_public[:, benchmarks.portfolio]] = Reason.NO_PUBLIC_POSITIONS.value
    reason[lacks & (inputs.book.equity[:, benchmarks.portfolio] <= 0)] = Reason.NON_POSITIVE_EQUITY.value
    reason[lacks & np.isnan(risk.benchmark[..., 0])] = Reason.NO_BENCHMARK_WEIGHTS.value
    reason[:, ~benchmarks.is_compared] = benchmarks.refused[~benchmarks.is_compared]
    return reason


def _relative_returns(inputs: Inputs, benchmarks: Benchmarks, ids: list[str]) -> dict[str, Float2D]:
    """Return by period the portfolio's return less the benchmark's, (D, Q)."""
    first, dates = first_row(inputs), inputs.panel.dates
    rows = np.arange(first, int(inputs.ends.max()) + 1)
    years = dates[inputs.ends].astype("datetime64[Y]").astype("datetime64[D]")
    theirs = performance(
        benchmarks.daily_returns(rows),
        active_accounts(inputs.accounts, dates[rows])[:, benchmarks.portfolio],
        inputs.ends - first,
        np.maximum(np.searchsorted(dates, years) - first, 0),
        risk_free_rate=0.0,
    )
    snapshots = inputs.stored["portfolio_snapshots"]
    cells = Cells.of(snapshots, session=inputs.sessions, portfolio_id=ids)
    names = {period: f"return_{period}" for period in PERIODS}
    return {f"relative_{p}": cells.spread(snapshots[name]) - getattr(theirs, name) for p, name in names.items()}


def _sector_rows(inputs: Inputs, benchmarks: Benchmarks, ids: list[str]) -> list[pd.DataFrame]:
    """Return the net weight of each sector in the portfolio and in the benchmark, of NAV."""
    held, known = inputs.stored["sector_exposures"], sectors_as_of(inputs)
    names = sorted({*held["sector"], *(name for row in known for name in row)})
    cells = Cells.of(held, session=inputs.sessions, portfolio_id=ids, sector=names)
    equity = inputs.book.equity[:, benchmarks.portfolio]
    own = cells.spread(held["net"], fill=0.0) / np.where(equity > 0, equity, np.nan)[..., None]
    other = np.zeros(own.shape)
    place = {name: number for number, name in enumerate(names)}
    given = np.zeros(equity.shape, dtype=bool)
    for day, end in enumerate(inputs.ends.tolist()):
        weights = benchmarks.weights(inputs.panel.dates[end]).tocoo()
        sector = np.array([place[name] for name in known[day]], dtype=np.int64)
        np.add.at(other[day], (weights.row, sector[weights.col]), weights.data)
        given[day] = np.bincount(weights.row, minlength=len(ids)) > 0
    return [
        inputs.frame(
            inputs.book.is_active[:, benchmarks.portfolio]
            & given
            & ~np.isnan(own[..., k])
            & ((own[..., k] != 0.0) | (other[..., k] != 0.0)),
            "portfolio_id",
            ids,
            own=own[..., k],
            benchmark=other[..., k],
            active=own[..., k] - other[..., k],
        ).assign(kind=SECTOR, name=name, risk_contribution=np.nan)
        for k, name in enumerate(names)
    ]
