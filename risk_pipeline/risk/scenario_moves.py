"""How the factors move in a scenario on one session, and what that does to every symbol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..analytics.arrays import Bool1D, Date1D, Float1D, Float2D, Float3D, Int1D
from ..analytics.factor_returns import compounded_returns, compounded_steps, residual_returns, residual_steps
from ..analytics.history import HistoryCount, moves_as_far, window_moves
from ..analytics.stress import ConditionalMoves, conditional_moves
from ..config.scenarios import Scenario
from .beyond_core import beyond_proxy_returns, proxy_betas
from .core_model import CoreModel, model_betas
from .currency_stress import shocked_pairs
from .inputs import Inputs
from .symbol_betas import core_factor_returns


@dataclass(frozen=True)
class Outcome:
    """What a scenario does to the factors on one session, and how that was found.

    ``moves`` are the core factors'; ``beyond`` (X,) those of the factors beyond the core, realised in a replay and
    zero otherwise, ``stressed`` (K,) the core's in the correlations of the worst year, NaN where there is none, and
    ``currencies`` those of shocked pairs.
    ``path`` (L, K + X) of a replay is what each of ``path_sessions`` adds to all of them, ``gained`` (L, N) what every
    symbol had gained by then, its daily returns compounded. ``coverage`` is the share of
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
    gained: Float2D | None
    coverage: float | None

    def linear_returns(self, betas: Float2D, move: Float1D) -> Float1D:
        """Return betas times moves, (N,); NaN where a symbol has no beta."""
        return np.asarray((betas * np.nan_to_num(np.concatenate([move, self.beyond]))).sum(axis=1))

    def path_record(self, names: Sequence[str]) -> dict[str, list[Any]] | None:
        """The sessions of a replay and what each adds to the factors' moves, as stored; None otherwise."""
        if self.path is None or self.path_sessions is None:
            return None
        sessions = np.datetime_as_string(self.path_sessions).tolist()
        return {"sessions": sessions, "factors": list(names), "steps": self.path.tolist()}


@dataclass
class Market:
    """What the scenarios of a block read of the market: factor returns, the symbols' betas, and past moves."""

    core: Float2D
    beyond: Float2D
    betas: Float3D
    _moves: dict[int, Float2D] = field(default_factory=dict)
    _counts: dict[tuple[int, bytes, bytes], HistoryCount] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Inputs) -> Market:
        """Read what the panel and the stored rows have of it."""
        return cls(core_factor_returns(inputs), beyond_proxy_returns(inputs), model_betas(inputs))

    def moves(self, horizon: int) -> Float2D:
        """Return what the core factors moved over the sessions up to each row, (T, K)."""
        if horizon not in self._moves:
            self._moves[horizon] = window_moves(self.core, horizon)
        return self._moves[horizon]

    def count(self, inputs: Inputs, shocked: Int1D, shocks: Float1D, horizon: int) -> HistoryCount:
        """Count, for every session of the block, the windows in which the core factors moved as far.

        Most scenarios have the same shocks on all of them.
        """
        key = horizon, shocked.tobytes(), shocks.tobytes()
        if key not in self._counts:
            history = inputs.registries.factors.history
            self._counts[key] = moves_as_far(
                self.moves(horizon), inputs.ends, shocked, shocks, horizon=horizon, history=history
            )
        return self._counts[key]


def outcome_of(inputs: Inputs, market: Market, scenario: Scenario, session_index: int, model: CoreModel) -> Outcome:
    """Find how the factors move: realised where a replay is over and wholly covered, else from the stated shocks.

    One missing session may have been the worst, so a replay with a gap is not taken for the whole. What a replay did
    to the factors beyond the core is what it did to their proxies, less what the proxies' own exposures, of this
    session, have of it: so a proxy's replay is its own return.
    """
    factors, library = inputs.registries.factors, inputs.registries.scenarios
    inside = _replay_rows(inputs, scenario, session_index)
    covered = None if inside is None else ~np.isnan(market.core[inside]).any(axis=1)
    coverage = None if covered is None else float(covered.mean())
    covariance, nothing = model.covariance[session_index], np.zeros(len(factors.beyond_names))
    if inside is not None and coverage == 1.0:
        steps = compounded_steps(market.core[inside])
        betas_of_proxies = proxy_betas(inputs, market.betas, session_index)
        others = np.nan_to_num(residual_steps(market.core[inside], market.beyond[inside], *betas_of_proxies))
        everything, move = np.arange(steps.shape[1]), steps.sum(axis=0)
        judged = conditional_moves(
            *(covariance, everything, move),
            horizon=len(steps),
            degrees_of_freedom=factors.degrees_of_freedom.of(len(everything)),
        )
        named = np.array([factors.core_position(shock.factor) for shock in scenario.shocks], dtype=np.int64)
        count = _count(inputs, market, session_index, named, move[named], len(steps))
        everyone, path = dict.fromkeys(everything.tolist(), 0.0), np.hstack([steps, others])
        daily_others = residual_returns(market.core[inside], market.beyond[inside], *betas_of_proxies)
        daily = np.hstack([market.core[inside], np.nan_to_num(daily_others)])
        gained = compounded_returns(daily, market.betas[session_index])
        return Outcome(
            *(judged, others.sum(axis=0), judged.move, everyone, {}, "realised", len(steps), *count),
            *(path, inputs.panel.dates[inside], gained, coverage),
        )
    shocked = library.moves(scenario, factors)
    positions, shocks = np.array(list(shocked), dtype=np.int64), np.array(list(shocked.values()))
    core = len(covariance)
    pairs = shocked_pairs(
        inputs, scenario.currencies, session_index, market.betas[session_index, :, :core], market.core
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
    count = _count(inputs, market, session_index, positions, shocks, scenario.horizon, pairs.returns)
    return Outcome(
        *(calm, nothing, crisis.move, shocked, scenario.currencies, method, scenario.horizon),
        *(*count, None, None, None, coverage),
    )


def _count(
    inputs: Inputs,
    market: Market,
    session_index: int,
    shocked: Int1D,
    shocks: Float1D,
    horizon: int,
    pairs: Float2D | None = None,
) -> tuple[int, int]:
    """Return in how many windows of the session's history the factors, and the pairs after them, moved as far.

    And of how many.
    """
    if pairs is None or not pairs.shape[1]:
        counted = market.count(inputs, shocked, shocks, horizon)
        return int(counted.count[session_index]), int(counted.windows[session_index])
    history = inputs.registries.factors.history
    end = inputs.ends[session_index : session_index + 1]
    beside = np.hstack([np.zeros((len(pairs), 2)), pairs])  # beside a market and rates that stand still
    moves = np.hstack([market.moves(horizon), window_moves(beside, horizon)[:, 2:]])
    counted = moves_as_far(moves, end, shocked, shocks, horizon=horizon, history=history)
    return int(counted.count[0]), int(counted.windows[0])


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
