"""The rows of ``stress_test_results``, ``scenario_factor_moves`` and ``scenario_plausibility``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Date1D, Float1D, Float2D, Int1D
from ..analytics.factor_returns import compounded_steps
from ..analytics.reasons import Reason
from ..analytics.stress import ConditionalMoves, conditional_moves, conditional_std, option_revaluation, replay
from ..analytics.sums import sum_by
from ..config.scenarios import Scenario, ScenarioLibrary
from .core_model import CoreModel, core_model
from .inputs import Frames, Inputs
from .symbol_betas import core_factor_returns

DAYS_A_YEAR = 365.0
MOVE_COLUMNS = ["session", "scenario_id", "factor_name", "is_shocked", "move"]


@dataclass(frozen=True)
class Outcome:
    """What a scenario does to the factors on one session, and how that was found.

    ``path`` (L, K) of a replay is what each of ``path_sessions`` adds to the core factors' moves. ``coverage`` is
    the share of a replay's sessions on which every factor has a return, None of other scenarios.
    """

    moves: ConditionalMoves
    shocked: dict[int, float]
    method: str  # conditional, realised or stated
    path: Float2D | None
    path_sessions: Date1D | None
    coverage: float | None

    @property
    def path_record(self) -> dict[str, list[Any]] | None:
        """The sessions of a replay and what each adds to the core factors' moves, as stored; None otherwise."""
        if self.path is None or self.path_sessions is None:
            return None
        return {"sessions": np.datetime_as_string(self.path_sessions).tolist(), "steps": self.path.tolist()}


def compute_stress(inputs: Inputs) -> Frames:
    """Compute every active scenario on every portfolio, session by session."""
    model = core_model(inputs)
    symbol_betas = _core_betas(inputs)
    returns = core_factor_returns(inputs)
    library = inputs.registries.scenarios
    results: list[dict[str, np.ndarray]] = []
    moves, plausibility = [], []
    for number, (session, options) in enumerate(zip(inputs.sessions, _options(inputs), strict=True)):
        day = pd.Timestamp(session)
        for scenario in library.active:
            outcome = _outcome(inputs, library, scenario, number, model, returns)
            key = {"session": day, "scenario_id": scenario.id}
            plausibility.append(
                {
                    **key,
                    "method": outcome.method,
                    "mahalanobis": outcome.moves.mahalanobis,
                    "p_value": outcome.moves.p_value,
                    "one_in_days": _finite(outcome.moves.one_in_days),
                    "coverage": outcome.coverage,
                    "path": outcome.path_record,
                    "reason": outcome.moves.reason,
                }
            )
            if outcome.moves.reason is None:
                moves += [
                    {
                        **key,
                        "factor_name": name,
                        "is_shocked": k in outcome.shocked,
                        "move": outcome.moves.move[k],
                    }
                    for k, name in enumerate(inputs.registries.factors.core_names)
                ]
            moved = (symbol_betas[number] * np.nan_to_num(outcome.moves.move)).sum(axis=1)
            results.append(_portfolio_rows(inputs, library, scenario, number, model, outcome, options.revalued(moved)))
    return {
        "stress_test_results": pd.DataFrame(
            {name: np.concatenate([rows[name] for rows in results]) for name in results[0]}, copy=False
        ),
        "scenario_factor_moves": pd.DataFrame(moves, columns=MOVE_COLUMNS),
        "scenario_plausibility": pd.DataFrame(plausibility),
        "analytics_skips": inputs.portfolio_skips("stress_tests"),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _outcome(
    inputs: Inputs, library: ScenarioLibrary, scenario: Scenario, number: int, model: CoreModel, returns: Float2D
) -> Outcome:
    """Find how the factors move: realised where a replay is over and wholly covered, else from the stated shocks.

    One missing session may have been the worst, so a replay with a gap is not taken for the whole.
    """
    inside = _replay_rows(inputs, scenario, number)
    covered = None if inside is None else ~np.isnan(returns[inside]).any(axis=1)
    coverage = None if covered is None else float(covered.mean())
    covariance = model.covariance[number]
    if inside is not None and coverage == 1.0:
        path = compounded_steps(returns[inside])
        everything = np.arange(path.shape[1])
        judged = conditional_moves(
            *(covariance, everything, path.sum(axis=0)),
            horizon=len(path),
            degrees_of_freedom=inputs.registries.factors.degrees_of_freedom.of(len(everything)),
        )
        everyone = dict.fromkeys(everything.tolist(), 0.0)
        return Outcome(judged, everyone, "realised", path, inputs.panel.dates[inside], coverage)
    shocked = library.moves(scenario, inputs.registries.factors)
    positions, shocks = np.array(list(shocked), dtype=np.int64), np.array(list(shocked.values()))
    conditional = conditional_moves(
        *(covariance, positions, shocks),
        horizon=scenario.horizon,
        degrees_of_freedom=inputs.registries.factors.degrees_of_freedom.of(len(positions)),
    )
    method = "stated" if scenario.kind == "historical" else "conditional"
    return Outcome(conditional, shocked, method, None, None, coverage)


def _replay_rows(inputs: Inputs, scenario: Scenario, number: int) -> Bool1D | None:
    """Return which rows of the panel a replay takes; None if there is none to take, or it was not over."""
    if scenario.replay is None:
        return None
    first, last = (np.datetime64(day) for day in scenario.replay)
    dates = inputs.panel.dates
    inside = (dates > first) & (dates <= last)
    if last > np.datetime64(inputs.sessions[number]) or dates[0] > first or not inside.any():
        return None
    return np.asarray(inside)


def _portfolio_rows(
    inputs: Inputs,
    library: ScenarioLibrary,
    scenario: Scenario,
    number: int,
    model: CoreModel,
    outcome: Outcome,
    revalued: Float1D,
) -> dict[str, np.ndarray]:
    """Return one row per portfolio with a market-priced position; ``revalued`` is by portfolio (P,)."""
    factors = inputs.registries.factors
    who = np.flatnonzero(inputs.has_public[number])
    dollars = model.core_dollar[number, who]
    known = ~np.isnan(dollars).any(axis=1)
    safe = np.nan_to_num(dollars)
    equity = inputs.book.equity[number, who]
    refused = outcome.moves.reason is not None
    direct = np.zeros(len(who))
    for shock in scenario.shocks:
        factor = factors.by_scenario_key[shock.factor]
        size = library.shock_return(scenario, shock, factors)
        if outcome.method == "realised":
            size = outcome.moves.move[factors.core_position(shock.factor)]
        direct += model.dollar.get(factor.name, np.full(inputs.book.equity.shape, np.nan))[number, who] * size
    linear = (safe * outcome.moves.move).sum(axis=1)
    drawdown = np.full(len(who), np.nan)
    if outcome.path is not None:
        drawdown = replay(safe, outcome.path).max_drawdown
    options = revalued[who]
    correlated = np.where(known & (not refused), linear + options, np.nan)
    reason = np.full(len(who), outcome.moves.reason, dtype=object)
    reason[~known] = Reason.TOO_SHORT.value
    with np.errstate(invalid="ignore"):
        return {
            "session": np.full(len(who), np.datetime64(inputs.sessions[number]).astype("datetime64[s]")),
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[who],
            "scenario_id": np.full(len(who), scenario.id, dtype=object),
            "direct_pnl": direct,
            "correlated_pnl": correlated,
            "correlation_effect": correlated - direct,
            "option_revaluation": np.where(np.isnan(correlated), np.nan, options),
            "conditional_std": np.where(
                known & (not refused),
                conditional_std(safe, np.nan_to_num(outcome.moves.covariance)),
                np.nan,
            ),
            "return_on_equity": correlated / np.where(equity > 0, equity, np.nan),
            "max_drawdown": drawdown,
            "exceeds_equity": np.nan_to_num(-correlated) > np.maximum(equity, 0.0),
            "coverage": np.nan_to_num(model.coverage[number, who]),
            "reason": reason,
        }


def _core_betas(inputs: Inputs) -> np.ndarray:
    """Return the stored core betas of every panel symbol, (D, N, K); NaN where there is none."""
    names = pd.Index(inputs.registries.factors.core_names)
    rows = inputs.stored["symbol_factor_exposures"]
    out = np.full((len(inputs.sessions), len(inputs.panel.symbols), len(names)), np.nan)
    day = pd.DatetimeIndex(np.array(inputs.sessions, dtype="datetime64[s]")).get_indexer(
        pd.DatetimeIndex(rows["session"]).astype("datetime64[s]")
    )
    symbol = pd.Index(inputs.panel.symbols).get_indexer(rows["symbol"])
    factor = names.get_indexer(rows["factor_name"])
    keep = (day >= 0) & (symbol >= 0) & (factor >= 0)
    out[day[keep], symbol[keep], factor[keep]] = rows["beta"].to_numpy(dtype=float)[keep]
    return out


@dataclass(frozen=True)
class _Options:
    """The options held on a session, each array (n,), and how many portfolios there are."""

    symbol: Int1D
    portfolio: Int1D
    terms: tuple[Float1D, Float1D, Float1D, float, Float1D, Bool1D, Float1D]
    portfolios: int

    def revalued(self, symbol_returns: Float1D) -> Float1D:
        """Return, by portfolio (P,), what revaluing its options adds to their delta; NaN returns are zero."""
        extra = option_revaluation(*self.terms, np.nan_to_num(symbol_returns[self.symbol]))
        return sum_by(self.portfolio, extra, self.portfolios)


def _options(inputs: Inputs) -> Iterator[_Options]:
    """Yield the options held on each session."""
    rows, lots, rate = inputs.book.positions, inputs.lots, inputs.risk_free_rate
    held = np.flatnonzero(lots.is_option[rows.lot])
    for number, end in enumerate(inputs.ends):
        at = held[rows.session[held] == number]
        lot = rows.lot[at]
        ratio = rows.quantity[at] / lots.quantity[lot]
        terms = (
            rows.spot[at],
            lots.strike[lot] / ratio,
            (lots.expiry[lot] - inputs.panel.dates[end]).astype(np.int64) / DAYS_A_YEAR,
            rate,
            rows.volatility[at],
            lots.is_call[lot],
            rows.quantity[at] * lots.multiplier[lot] * rows.rate[at],
        )
        yield _Options(lots.symbol[lot], lots.portfolio[lot], terms, len(inputs.portfolio_ids))
