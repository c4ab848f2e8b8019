"""Benchmarks as the batch reads them: weights of every name that a portfolio has, a symbol being one of weight one."""

from __future__ import annotations

import pandas as pd

ALWAYS = pd.Timestamp("1900-01-01")
COLUMNS = ["benchmark", "symbol", "weight", "valid_from"]


def resolved(portfolios: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Return ``benchmark, symbol, weight, valid_from`` of the benchmarks that a portfolio has, sorted."""
    names = sorted(set(portfolios["benchmark"].dropna()))
    own = weights[weights["benchmark"].isin(names)][COLUMNS]
    single = [name for name in names if name not in set(own["benchmark"])]
    rows = pd.DataFrame({"benchmark": single, "symbol": single, "weight": 1.0, "valid_from": ALWAYS})
    both = [frame for frame in (own, rows) if len(frame)]
    out = pd.concat(both, ignore_index=True) if both else own
    return out.sort_values(["benchmark", "valid_from", "symbol"], ignore_index=True)


def spans(portfolios: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Return ``symbol, entry_date, end_date`` of the symbols that benchmarks need: a row a portfolio and symbol.

    From the portfolio's first day to its last; ``end_date`` is null of an open one.
    """
    rows = resolved(portfolios, weights)[["benchmark", "symbol"]].drop_duplicates()
    owned = portfolios[["benchmark", "inception_date", "closed_date"]].merge(rows, on="benchmark")
    named = owned.rename(columns={"inception_date": "entry_date", "closed_date": "end_date"})
    return named[["symbol", "entry_date", "end_date"]]
