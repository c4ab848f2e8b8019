"""All analytics of a session in memory, each from the rows of the ones before, as a run computes and stores them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from .benchmark import compute_benchmark
from .exposures import compute_exposures
from .inputs import Frames, Inputs
from .limits import compute_limits
from .snapshots import compute_snapshots
from .stress import compute_stress
from .volatility import compute_volatility

KEY = ["session", "portfolio_id"]
READ = ("limits", "rows_by_portfolio", "worst_scenarios", "volumes")
"""What is read between the analytics and is no table of theirs."""


def session_rows(inputs: Inputs, limits: pd.DataFrame, numeric: Mapping[str, Sequence[str]]) -> Frames:
    """Return the rows of every analytics table of the sessions of ``inputs``, which has only ``volumes`` stored.

    Each asset of the batch calls the same functions; between them the rows go through the database there, and through
    ``inputs.stored`` here. ``limits`` are those valid by the last session, ``numeric`` as in ``compute_limits``.
    """
    stored = inputs.stored
    skips = []
    for compute in (compute_exposures, compute_stress, compute_volatility):
        frames = _as_read(compute(inputs))
        skips.append(frames.pop("analytics_skips"))
        stored.update(frames)
    stored["worst_scenarios"] = _worst(stored["stress_test_results"])
    stored["rows_by_portfolio"] = pd.DataFrame(
        {
            "factor_exposures": stored["factor_exposures"].groupby(KEY).size(),
            "volatility": stored["portfolio_volatility"].groupby(KEY).size(),
            "stress_tests": stored["stress_test_results"].groupby(KEY).size(),
        }
    )
    frames = _as_read(compute_snapshots(inputs))
    skips.append(frames.pop("analytics_skips"))
    stored.update(frames)
    stored["analytics_skips"] = pd.concat(skips, ignore_index=True)
    stored.update(_as_read(compute_benchmark(inputs)))
    stored["limits"] = limits
    stored.update(compute_limits(inputs, numeric))
    return {name: rows for name, rows in stored.items() if name not in READ}


def _as_read(frames: Frames) -> Frames:
    """Return rows as the database gives them back: texts, not codes of them."""
    return {name: rows.astype(dict.fromkeys(rows.select_dtypes("category"), object)) for name, rows in frames.items()}


def _worst(results: pd.DataFrame) -> pd.DataFrame:
    """Return where each portfolio loses most; of scenarios that are equally bad the first by name."""
    rows = results.dropna(subset=["correlated_pnl"]).sort_values(["correlated_pnl", "scenario_id"])
    columns = [*KEY, "scenario_id", "correlated_pnl"]
    return rows.drop_duplicates(KEY)[columns].reset_index(drop=True)
