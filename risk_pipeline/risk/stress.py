"""The rows of ``stress_test_results``, the scenarios' moves and plausibility, and of ``option_grids``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D, Float2D
from ..analytics.reasons import Reason
from ..analytics.stress import band_std, conditional_std, deepest_fall
from ..analytics.sums import weighted_sums
from ..config.factors import FactorRegistry
from ..config.scenarios import Scenario
from .core_model import CoreModel, core_model
from .currency_stress import currency_pnl
from .inputs import Frames, Inputs
from .long_rows import labelled
from .option_stress import GRID_COLUMNS, SessionOptions, grid_rows, options_by_session
from .scenario_moves import Market, Outcome, outcome_of

MOVE_COLUMNS = ["session", "scenario_id", "factor_name", "is_shocked", "move"]


def compute_stress(inputs: Inputs) -> Frames:
    """Compute every active scenario on every portfolio, session by session."""
    model, market = core_model(inputs), Market.of(inputs)
    scenarios = sorted(inputs.registries.scenarios.active, key=lambda scenario: scenario.id)
    results: list[dict[str, np.ndarray]] = []
    moves, plausibility, grids = [], [], []
    for session_index, (session, options) in enumerate(zip(inputs.sessions, options_by_session(inputs), strict=True)):
        grids += grid_rows(inputs, session_index, options)
        outcomes = [outcome_of(inputs, market, scenario, session_index, model) for scenario in scenarios]
        for scenario, outcome in zip(scenarios, outcomes, strict=True):
            key = {"session": pd.Timestamp(session), "scenario_id": scenario.id}
            plausibility.append(key | _plausibility(inputs.registries.factors, outcome))
            moves += [key | move for move in _moves(inputs.registries.factors, outcome)]
        betas = market.betas[session_index]
        results.append(_portfolio_rows(inputs, scenarios, session_index, model, betas, options, outcomes))
    return {
        "stress_test_results": _joined(inputs, scenarios, results),
        "scenario_factor_moves": pd.DataFrame(moves, columns=MOVE_COLUMNS),
        "scenario_plausibility": pd.DataFrame(plausibility),
        "option_grids": pd.DataFrame(grids, columns=GRID_COLUMNS),
        "analytics_skips": inputs.portfolio_skips("stress_tests"),
    }


def _plausibility(factors: FactorRegistry, outcome: Outcome) -> dict[str, Any]:
    return {
        "method": outcome.method,
        "mahalanobis": outcome.moves.mahalanobis,
        "p_value": outcome.moves.p_value,
        "one_in_days": outcome.moves.one_in_days if np.isfinite(outcome.moves.one_in_days) else None,
        "history_count": outcome.count,
        "history_windows": outcome.windows,
        "coverage": outcome.coverage,
        "path": outcome.path_record(factors.model_names),
        "reason": outcome.moves.reason,
    }


def _moves(factors: FactorRegistry, outcome: Outcome) -> list[dict[str, Any]]:
    """Return the move of each core factor, and of those beyond it that move; none of a scenario that was refused."""
    if outcome.moves.reason is not None:
        return []
    core = [
        {"factor_name": name, "is_shocked": k in outcome.shocked, "move": outcome.moves.move[k]}
        for k, name in enumerate(factors.core_names)
    ]
    beyond = zip(factors.beyond_names, outcome.beyond, strict=True)
    return core + [{"factor_name": name, "is_shocked": True, "move": move} for name, move in beyond if move != 0.0]


def _joined(inputs: Inputs, scenarios: Sequence[Scenario], results: Sequence[dict[str, np.ndarray]]) -> pd.DataFrame:
    """Return the rows of all sessions, with texts in place of their places."""
    columns: dict[str, Any] = {name: np.concatenate([rows[name] for rows in results]) for name in results[0]}
    columns["portfolio_id"] = labelled(inputs.portfolio_ids, columns["portfolio_id"])
    columns["scenario_id"] = labelled([scenario.id for scenario in scenarios], columns["scenario_id"])
    columns["reason"] = labelled([reason.value for reason in Reason], columns["reason"])
    return pd.DataFrame(columns, copy=False)


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


def _revalued(
    inputs: Inputs,
    scenarios: Sequence[Scenario],
    outcomes: Sequence[Outcome],
    moves: Float2D,
    betas: Float2D,
    options: SessionOptions,
) -> Float2D:
    """Return what revaluing its options adds to each portfolio, (S, P), where the core factors move by (S, K)."""
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    model_moves = np.nan_to_num(np.hstack([moves, np.array([outcome.beyond for outcome in outcomes])]))
    returns = weighted_sums(model_moves, betas[options.symbol].T)
    for own, outcome in zip(returns, outcomes, strict=True):
        if outcome.gained is not None:
            own[:] = outcome.gained[-1, options.symbol]
    changes = [
        library.volatility_change(scenario, factors, float(market), options.scenarios.terms.volatility)
        for scenario, market in zip(scenarios, model_moves[:, 0], strict=True)
    ]
    return options.revalued(np.nan_to_num(returns), np.array(changes))


def _pairs_pnl(
    inputs: Inputs, session_index: int, outcomes: Sequence[Outcome], moves: Float2D, betas: Float2D
) -> tuple[Float2D, Float2D]:
    """Return what shocked currency pairs gain, (S, P), and what of it the core dollars don't hold already."""
    gained = [
        currency_pnl(inputs, outcome.currencies, session_index, betas[:, : len(move)], move)
        for outcome, move in zip(outcomes, moves, strict=True)
    ]
    exact, linear = np.array(gained).swapaxes(0, 1)
    return exact, exact - linear


def _portfolio_rows(
    inputs: Inputs,
    scenarios: Sequence[Scenario],
    session_index: int,
    model: CoreModel,
    betas: Float2D,
    options: SessionOptions,
    outcomes: Sequence[Outcome],
) -> dict[str, np.ndarray]:
    """Return a row for each portfolio with a market-priced position and each scenario, in this order.

    Of texts the places: of the portfolio, the scenario, the reason. Arrays are (S, P) until they are flattened.
    """
    who = np.flatnonzero(inputs.has_public[session_index])
    dollars = model.core_dollar[session_index, who]
    is_known = ~np.isnan(dollars).any(axis=1)
    safe = np.nan_to_num(dollars).T
    equity = inputs.book.equity[session_index, who]
    base = np.where(equity > 0, equity, np.nan)
    calm, crisis, beyond = (
        np.array(each) for each in zip(*((o.moves.move, o.stressed, o.beyond) for o in outcomes), strict=True)
    )
    compounding, drawdown = (
        np.array(each)[:, who]
        for each in zip(*(_replayed(inputs, session_index, betas, outcome) for outcome in outcomes), strict=True)
    )
    further = compounding + weighted_sums(beyond, model.beyond_dollar[session_index, who].T)
    by_options, in_crisis = (
        _revalued(inputs, scenarios, outcomes, moves, betas, options)[:, who] for moves in (calm, crisis)
    )
    exact, by_pairs = (pnl[:, who] for pnl in _pairs_pnl(inputs, session_index, outcomes, calm, betas))
    _, pairs_in_crisis = (pnl[:, who] for pnl in _pairs_pnl(inputs, session_index, outcomes, crisis, betas))
    sizes = [_sizes(inputs, scenario, outcome) for scenario, outcome in zip(scenarios, outcomes, strict=True)]
    direct = exact.copy()
    for row, shocks in enumerate(sizes):
        for place, size in shocks:
            direct[row] += model.registry_dollar[session_index, who, place] * size
    only = [_only_shock(shocks, outcome) for shocks, outcome in zip(sizes, outcomes, strict=True)]
    shocked = base * np.array(only)[:, None]
    has_result = is_known & np.array([[outcome.moves.reason is None] for outcome in outcomes])
    correlated = np.where(has_result, weighted_sums(calm, safe) + further + by_options + by_pairs, np.nan)
    stressed = weighted_sums(crisis, safe) + further + in_crisis + pairs_in_crisis
    open_left = [conditional_std(safe.T, np.nan_to_num(outcome.moves.covariance)) for outcome in outcomes]
    conditional = np.where(has_result, np.array(open_left), np.nan)
    places = {None: -1} | {reason: place for place, reason in enumerate(Reason)}
    why = np.array([[places[outcome.moves.reason]] for outcome in outcomes])
    with np.errstate(invalid="ignore"):
        columns = {
            "direct_pnl": direct,
            "correlated_pnl": correlated,
            "correlated_stressed_pnl": np.where(has_result, stressed, np.nan),
            "correlation_effect": correlated - direct,
            "option_revaluation": np.where(np.isnan(correlated), np.nan, by_options),
            "currency_pnl": np.where(np.isnan(correlated), np.nan, by_pairs),
            "compounding_pnl": np.where(np.isnan(correlated), np.nan, compounding),
            "conditional_std": conditional,
            "band_std": band_std(
                conditional,
                np.array([[outcome.moves.tail_scale] for outcome in outcomes]),
                model.residual_volatility[session_index, who] * base,
                model.recent_volatility[session_index, who] * base,
                np.array([[outcome.horizon] for outcome in outcomes]),
            ),
            "registry_beta": direct / shocked,
            "implied_beta": correlated / shocked,
            "return_on_equity": correlated / base,
            "max_drawdown": np.where(is_known, drawdown, np.nan),
            "exceeds_equity": np.nan_to_num(-correlated) > np.maximum(equity, 0.0),
            "coverage": np.broadcast_to(np.nan_to_num(model.coverage[session_index, who]), correlated.shape),
            "reason": np.where(is_known, why, places[Reason.TOO_SHORT]),
        }
    day = np.datetime64(inputs.sessions[session_index]).astype("datetime64[s]")
    return {
        "session": np.full(len(who) * len(outcomes), day),
        "portfolio_id": np.repeat(who, len(outcomes)),
        "scenario_id": np.tile(np.arange(len(outcomes)), len(who)),
        **{name: values.T.ravel() for name, values in columns.items()},
    }


def _sizes(inputs: Inputs, scenario: Scenario, outcome: Outcome) -> list[tuple[int, float]]:
    """Return each shock's place in the registry and its size: what was realised in a replay, else what is stated."""
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    found = []
    for shock in scenario.shocks:
        if outcome.method == "realised":
            size = float(outcome.moves.move[factors.core_position(shock.factor)])
        else:
            size = library.shock_return(scenario, shock, factors)
        found.append((factors.names.index(factors.by_scenario_key[shock.factor].name), size))
    return found


def _only_shock(shocks: Sequence[tuple[int, float]], outcome: Outcome) -> float:
    """Return the size of a scenario's only shock, by which a beta can be told; NaN of another."""
    is_one = len(shocks) == 1 and shocks[0][1] != 0.0 and not outcome.currencies
    return shocks[0][1] if is_one else np.nan
