"""The rows of ``stress_test_results``, the scenarios' moves and plausibility, and of ``option_grids``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Date1D, Float1D, Float2D, Float3D, Int1D
from ..analytics.factor_returns import compounded_steps, residual_steps
from ..analytics.history import moves_as_far, window_moves
from ..analytics.reasons import Reason
from ..analytics.stress import (
    ConditionalMoves,
    band_std,
    conditional_moves,
    conditional_std,
    replay_drawdown,
)
from ..config.scenarios import Scenario
from .beyond_core import beyond_proxy_returns, proxy_betas
from .core_model import CoreModel, core_model
from .currency_stress import currency_pnl, shocked_pairs
from .inputs import Frames, Inputs
from .long_rows import Cells
from .option_stress import GRID_COLUMNS, grid_rows, options_by_session
from .symbol_betas import core_factor_returns

MOVE_COLUMNS = ["session", "scenario_id", "factor_name", "is_shocked", "move"]


@dataclass(frozen=True)
class Outcome:
    """What a scenario does to the factors on one session, and how that was found.

    ``moves`` are the core factors'; ``beyond`` (X,) those of the factors beyond the core, realised in a replay and
    zero otherwise, ``stressed`` (K,) the core's in the correlations of the worst year, NaN where there is none, and
    ``currencies`` those of shocked pairs.
    ``path`` (L, K + X) of a replay is what each of ``path_sessions`` adds to all of them. ``coverage`` is the share of
    a replay's sessions on which every core factor has a return, None of other scenarios. ``count`` of the ``windows``
    of history saw the shocked factors move as far.
    """

    moves: ConditionalMoves
    beyond: Float1D
    stressed: Float1D
    shocked: dict[int, float]
    currencies: Mapping[str, float]
    method: str  # conditional, realised or stated
    horizon: int
    count: int
    windows: int
    path: Float2D | None
    path_sessions: Date1D | None
    coverage: float | None

    def path_record(self, names: Sequence[str]) -> dict[str, list[Any]] | None:
        """The sessions of a replay and what each adds to the factors' moves, as stored; None otherwise."""
        if self.path is None or self.path_sessions is None:
            return None
        sessions = np.datetime_as_string(self.path_sessions).tolist()
        return {"sessions": sessions, "factors": list(names), "steps": self.path.tolist()}


def compute_stress(inputs: Inputs) -> Frames:
    """Compute every active scenario on every portfolio, session by session."""
    model, context = core_model(inputs), _Context.of(inputs)
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    results: list[dict[str, np.ndarray]] = []
    moves, plausibility, grids = [], [], []
    for session_index, (session, options) in enumerate(zip(inputs.sessions, options_by_session(inputs), strict=True)):
        day, betas = pd.Timestamp(session), context.betas[session_index]
        grids += grid_rows(inputs, session_index, options)
        for scenario in library.active:
            outcome = _outcome(inputs, context, scenario, session_index, model)
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
                    (betas * np.nan_to_num(np.concatenate([core, outcome.beyond]))).sum(axis=1),
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
            results.append(_portfolio_rows(inputs, scenario, session_index, model, outcome, revalued, pairs))
    return {
        "stress_test_results": pd.DataFrame(
            {name: np.concatenate([rows[name] for rows in results]) for name in results[0]}, copy=False
        ),
        "scenario_factor_moves": pd.DataFrame(moves, columns=MOVE_COLUMNS),
        "scenario_plausibility": pd.DataFrame(plausibility),
        "option_grids": pd.DataFrame(grids, columns=GRID_COLUMNS),
        "analytics_skips": inputs.portfolio_skips("stress_tests"),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


@dataclass
class _Context:
    """What the scenarios of a block read of the market: factor returns, the symbols' betas, and past moves."""

    core: Float2D
    beyond: Float2D
    betas: Float3D
    _moves: dict[int, Float2D]

    @classmethod
    def of(cls, inputs: Inputs) -> _Context:
        return cls(core_factor_returns(inputs), beyond_proxy_returns(inputs), _model_betas(inputs), {})

    def moves(self, horizon: int) -> Float2D:
        """Return what the core factors moved over the sessions up to each row, (T, K)."""
        if horizon not in self._moves:
            self._moves[horizon] = window_moves(self.core, horizon)
        return self._moves[horizon]


def _outcome(inputs: Inputs, context: _Context, scenario: Scenario, session_index: int, model: CoreModel) -> Outcome:
    """Find how the factors move: realised where a replay is over and wholly covered, else from the stated shocks.

    One missing session may have been the worst, so a replay with a gap is not taken for the whole. What a replay did
    to the factors beyond the core is what it did to their proxies, less what the proxies' own exposures, of this
    session, have of it: so a proxy's replay is its own return.
    """
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    inside = _replay_rows(inputs, scenario, session_index)
    covered = None if inside is None else ~np.isnan(context.core[inside]).any(axis=1)
    coverage = None if covered is None else float(covered.mean())
    covariance, nothing = model.covariance[session_index], np.zeros(len(factors.beyond_names))
    if inside is not None and coverage == 1.0:
        steps = compounded_steps(context.core[inside])
        betas_of_proxies = proxy_betas(inputs, context.betas, session_index)
        others = np.nan_to_num(residual_steps(context.core[inside], context.beyond[inside], *betas_of_proxies))
        everything, move = np.arange(steps.shape[1]), steps.sum(axis=0)
        judged = conditional_moves(
            *(covariance, everything, move),
            horizon=len(steps),
            degrees_of_freedom=factors.degrees_of_freedom.of(len(everything)),
        )
        named = np.array([factors.core_position(shock.factor) for shock in scenario.shocks], dtype=np.int64)
        count = _count(inputs, context, session_index, named, move[named], len(steps))
        everyone, path = dict.fromkeys(everything.tolist(), 0.0), np.hstack([steps, others])
        return Outcome(
            *(judged, others.sum(axis=0), judged.move, everyone, {}, "realised", len(steps), *count),
            *(path, inputs.panel.dates[inside], coverage),
        )
    shocked = library.moves(scenario, factors)
    positions, shocks = np.array(list(shocked), dtype=np.int64), np.array(list(shocked.values()))
    core = len(covariance)
    pairs = shocked_pairs(
        inputs, scenario.currencies, session_index, context.betas[session_index, :, :core], context.core
    )
    positions = np.concatenate([positions, core + np.arange(len(pairs.moves))])
    shocks = np.concatenate([shocks, pairs.moves])
    degrees = factors.degrees_of_freedom.of(len(positions))
    calm, crisis = (
        pairs.core_alone(
            conditional_moves(
                *(pairs.extended(matrix), positions, shocks), horizon=scenario.horizon, degrees_of_freedom=degrees
            )
        )
        for matrix in (covariance, model.stressed[session_index])
    )
    method = "stated" if scenario.kind == "historical" else "conditional"
    count = _count(inputs, context, session_index, positions, shocks, scenario.horizon, pairs.returns)
    return Outcome(
        *(calm, nothing, crisis.move, shocked, scenario.currencies, method, scenario.horizon),
        *(*count, None, None, coverage),
    )


def _count(
    inputs: Inputs,
    context: _Context,
    session_index: int,
    shocked: Int1D,
    shocks: Float1D,
    horizon: int,
    pairs: Float2D | None = None,
) -> tuple[int, int]:
    """Return in how many windows of the session's history the factors, and the pairs after them, moved as far.

    And of how many.
    """
    history = inputs.registries.factors.history
    end = inputs.ends[session_index : session_index + 1]
    moves = context.moves(horizon)
    if pairs is not None and pairs.shape[1]:
        beside = np.hstack([np.zeros((len(pairs), 2)), pairs])  # beside a market and rates that stand still
        moves = np.hstack([moves, window_moves(beside, horizon)[:, 2:]])
    similar_moves = moves_as_far(moves, end, shocked, shocks, horizon=horizon, history=history)
    return int(similar_moves.count[0]), int(similar_moves.windows[0])


def _replay_rows(inputs: Inputs, scenario: Scenario, session_index: int) -> Bool1D | None:
    """Return which rows of the panel a replay takes; None if there is none to take, or it was not over."""
    if scenario.replay is None:
        return None
    first, last = (np.datetime64(day) for day in scenario.replay)
    dates = inputs.panel.dates
    inside = (dates > first) & (dates <= last)
    if last > np.datetime64(inputs.sessions[session_index]) or dates[0] > first or not inside.any():
        return None
    return np.asarray(inside)


def _portfolio_rows(
    inputs: Inputs,
    scenario: Scenario,
    session_index: int,
    model: CoreModel,
    outcome: Outcome,
    revalued: Sequence[Float1D],
    pairs: Sequence[tuple[Float1D, Float1D]],
) -> dict[str, np.ndarray]:
    """Return one row per portfolio with a market-priced position.

    ``revalued`` is what revaluing its options adds by portfolio, (P,), in the moves and in the worst year's; ``pairs``
    what shocked currency pairs gain, and what of it the core dollars hold already.
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
        direct += model.dollar.get(factor.name, np.full(inputs.book.equity.shape, np.nan))[session_index, who] * size
    further = (beyond * outcome.beyond).sum(axis=1)
    drawdown = np.full(len(who), np.nan)
    if outcome.path is not None:
        drawdown = replay_drawdown(np.hstack([safe, beyond]), outcome.path)
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
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[who],
            "scenario_id": np.full(len(who), scenario.id, dtype=object),
            "direct_pnl": direct,
            "correlated_pnl": correlated,
            "correlated_stressed_pnl": np.where(known & (not refused), stressed, np.nan),
            "correlation_effect": correlated - direct,
            "option_revaluation": np.where(np.isnan(correlated), np.nan, options),
            "currency_pnl": np.where(np.isnan(correlated), np.nan, by_pairs[0]),
            "conditional_std": conditional,
            "band_std": band_std(conditional, model.residual_volatility[session_index, who] * base, outcome.horizon),
            "registry_beta": direct / shocked,
            "implied_beta": correlated / shocked,
            "return_on_equity": correlated / base,
            "max_drawdown": drawdown,
            "exceeds_equity": np.nan_to_num(-correlated) > np.maximum(equity, 0.0),
            "coverage": np.nan_to_num(model.coverage[session_index, who]),
            "reason": reason,
        }


def _model_betas(inputs: Inputs) -> Float3D:
    """Return the stored betas of every panel symbol in the model's order, (D, N, K + X).

    NaN where there is no core beta; a factor beyond the core without a row is not taken, zero.
    """
    factors = inputs.registries.factors
    rows = inputs.stored["symbol_factor_exposures"]
    cells = Cells.of(rows, session=inputs.sessions, symbol=inputs.panel.symbols, factor_name=factors.model_names)
    out = cells.spread(rows["beta"])
    beyond = out[..., len(factors.core_names) :]
    beyond[np.isnan(beyond)] = 0.0
    return out
