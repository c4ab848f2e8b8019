"""The rows of ``stress_test_results``, the scenarios' moves and plausibility, and of ``option_grids``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D, Float2D
from ..analytics.reasons import Reason
from ..analytics.stress import band_std, conditional_std, deepest_fall
from ..config.scenarios import Scenario
from .core_model import CoreModel, core_model
from .currency_stress import currency_pnl
from .inputs import Frames, Inputs
from .long_rows import labelled
from .option_stress import GRID_COLUMNS, grid_rows, options_by_session
from .scenario_moves import Market, Outcome, outcome_of

MOVE_COLUMNS = ["session", "scenario_id", "factor_name", "is_shocked", "move"]


def compute_stress(inputs: Inputs) -> Frames:
    """Compute every active scenario on every portfolio, session by session."""
    model, market = core_model(inputs), Market.of(inputs)
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    results: list[tuple[str, dict[str, np.ndarray]]] = []
    moves, plausibility, grids = [], [], []
    for session_index, (session, options) in enumerate(zip(inputs.sessions, options_by_session(inputs), strict=True)):
        day, betas = pd.Timestamp(session), market.betas[session_index]
        grids += grid_rows(inputs, session_index, options)
        for scenario in library.active:
            outcome = outcome_of(inputs, market, scenario, session_index, model)
            key = {"session": day, "scenario_id": scenario.id}
            plausibility.append(
                {
                    **key,
                    "method": outcome.method,
                    "mahalanobis": outcome.moves.mahalanobis,
                    "p_value": outcome.moves.p_value,
                    "one_in_days": _finite(outcome.moves.one_in_days),
                    "history_count": outcome.count,
                    "history_windows": outcome.windows,
                    "coverage": outcome.coverage,
                    "path": outcome.path_record(factors.model_names),
                    "reason": outcome.moves.reason,
                }
            )
            if outcome.moves.reason is None:
                moves += [
                    {**key, "factor_name": name, "is_shocked": k in outcome.shocked, "move": outcome.moves.move[k]}
                    for k, name in enumerate(factors.core_names)
                ]
                moves += [
                    {**key, "factor_name": name, "is_shocked": True, "move": move}
                    for name, move in zip(factors.beyond_names, outcome.beyond, strict=True)
                    if move != 0.0
                ]
            revalued = [
                options.revalued(
                    outcome.symbol_returns(betas, core),
                    library.volatility_change(
                        scenario, factors, float(np.nan_to_num(core[0])), options.scenarios.terms.volatility
                    ),
                )
                for core in (outcome.moves.move, outcome.stressed)
            ]
            pairs = [
                currency_pnl(inputs, outcome.currencies, session_index, betas[:, : len(core)], core)
                for core in (outcome.moves.move, outcome.stressed)
            ]
            replayed = _replayed(inputs, session_index, betas, outcome)
            rows = _portfolio_rows(inputs, scenario, session_index, model, outcome, revalued, pairs, *replayed)
            results.append((scenario.id, rows))
    return {
        "stress_test_results": _joined(inputs, results),
        "scenario_factor_moves": pd.DataFrame(moves, columns=MOVE_COLUMNS),
        "scenario_plausibility": pd.DataFrame(plausibility),
        "option_grids": pd.DataFrame(grids, columns=GRID_COLUMNS),
        "analytics_skips": inputs.portfolio_skips("stress_tests"),
    }


def _joined(inputs: Inputs, results: Sequence[tuple[str, dict[str, np.ndarray]]]) -> pd.DataFrame:
    """Return the rows of all scenarios of all sessions."""
    columns: dict[str, Any] = {name: np.concatenate([rows[name] for _, rows in results]) for name in results[0][1]}
    scenario = np.repeat(np.arange(len(results)), [len(rows["portfolio_id"]) for _, rows in results])
    columns["portfolio_id"] = labelled(inputs.portfolio_ids, columns["portfolio_id"])
    columns["scenario_id"] = labelled([name for name, _ in results], scenario)
    return pd.DataFrame(columns, copy=False)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _replayed(inputs: Inputs, session_index: int, betas: Float2D, outcome: Outcome) -> tuple[Float1D, Float1D]:
    """Return by portfolio what daily compounding adds to a replay, and its deepest fall, (P,): zero and NaN of another.

    A book holds its symbols through the window, and each symbol's returns compound.
    """
    portfolios = len(inputs.portfolio_ids)
    if outcome.gained is None:
        return np.zeros(portfolios), np.full(portfolios, np.nan)
    notional = inputs.book.holdings.at(session_index).notional(portfolios, len(betas))
    linear = np.nan_to_num(outcome.linear_returns(betas, outcome.moves.move))
    return notional @ (outcome.gained[-1] - linear), deepest_fall((notional @ outcome.gained.T).T)


def _portfolio_rows(
    inputs: Inputs,
    scenario: Scenario,
    session_index: int,
    model: CoreModel,
    outcome: Outcome,
    revalued: Sequence[Float1D],
    pairs: Sequence[tuple[Float1D, Float1D]],
    compounding: Float1D,
    drawdown: Float1D,
) -> dict[str, np.ndarray]:
    """Return one row per portfolio with a market-priced position.

    ``revalued`` is what revaluing its options adds by portfolio, (P,), in the moves and in the worst year's; ``pairs``
    what shocked currency pairs gain, and what of it the core dollars hold already; ``compounding`` and ``drawdown``
    are those of a replay.
    """
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    who = np.flatnonzero(inputs.has_public[session_index])
    dollars = model.core_dollar[session_index, who]
    beyond = model.beyond_dollar[session_index, who]
    known = ~np.isnan(dollars).any(axis=1)
    safe = np.nan_to_num(dollars)
    equity = inputs.book.equity[session_index, who]
    refused = outcome.moves.reason is not None
    direct, sizes = np.zeros(len(who)), []
    for shock in scenario.shocks:
        factor = factors.by_scenario_key[shock.factor]
        size = library.shock_return(scenario, shock, factors)
        if outcome.method == "realised":
            size = outcome.moves.move[factors.core_position(shock.factor)]
        sizes.append(size)
        direct += model.registry_dollar[session_index, who, factors.names.index(factor.name)] * size
    further = (beyond * outcome.beyond).sum(axis=1) + compounding[who]
    options = revalued[0][who]
    by_pairs = [(exact - held_already)[who] for exact, held_already in pairs]
    direct += pairs[0][0][who]
    correlated = np.where(
        known & (not refused), (safe * outcome.moves.move).sum(axis=1) + further + options + by_pairs[0], np.nan
    )
    stressed = (safe * outcome.stressed).sum(axis=1) + further + revalued[1][who] + by_pairs[1]
    conditional = np.where(
        known & (not refused), conditional_std(safe, np.nan_to_num(outcome.moves.covariance)), np.nan
    )
    base = np.where(equity > 0, equity, np.nan)
    is_one = len(sizes) == 1 and sizes[0] != 0.0 and not outcome.currencies
    shocked = base * sizes[0] if is_one else np.full(len(who), np.nan)
    reason = np.full(len(who), outcome.moves.reason, dtype=object)
    reason[~known] = Reason.TOO_SHORT.value
    with np.errstate(invalid="ignore"):
        return {
            "session": np.full(len(who), np.datetime64(inputs.sessions[session_index]).astype("datetime64[s]")),
            "portfolio_id": who,
            "direct_pnl": direct,
            "correlated_pnl": correlated,
            "correlated_stressed_pnl": np.where(known & (not refused), stressed, np.nan),
            "correlation_effect": correlated - direct,
            "option_revaluation": np.where(np.isnan(correlated), np.nan, options),
            "currency_pnl": np.where(np.isnan(correlated), np.nan, by_pairs[0]),
            "compounding_pnl": np.where(np.isnan(correlated), np.nan, compounding[who]),
            "conditional_std": conditional,
            "band_std": band_std(
                conditional,
                outcome.moves.tail_scale,
                model.residual_volatility[session_index, who] * base,
                model.recent_volatility[session_index, who] * base,
                outcome.horizon,
            ),
            "registry_beta": direct / shocked,
            "implied_beta": correlated / shocked,
            "return_on_equity": correlated / base,
            "max_drawdown": drawdown[who],
            "exceeds_equity": np.nan_to_num(-correlated) > np.maximum(equity, 0.0),
            "coverage": np.nan_to_num(model.coverage[session_index, who]),
            "reason": reason,
        }
