"""Which weights each portfolio's benchmark has, and what it returned."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D, Date1D, Float2D, Int1D, Text1D
from ..analytics.holdings import sparse_rows
from ..analytics.reasons import Reason
from .inputs import Inputs

if TYPE_CHECKING:
    import scipy.sparse as sp

LEAST_COVERAGE = 0.8
"""Share of a benchmark's weight that must have a return on a session."""


@dataclass(frozen=True)
class Benchmarks:
    """The benchmarks of the portfolios that have one: ``portfolio`` (Q,) are rows of the portfolios, ``name`` (Q,)."""

    inputs: Inputs
    portfolio: Int1D
    name: Text1D
    _by_version: dict[int, sp.csr_array] = field(default_factory=dict)

    @classmethod
    def of(cls, inputs: Inputs) -> Benchmarks:
        """Return them in the order of the portfolios."""
        names = inputs.benchmark_names
        has = np.flatnonzero(names.notna().to_numpy())
        return cls(inputs, has, names.to_numpy(dtype=object)[has])

    @cached_property
    def refused(self) -> Text1D:
        """Why a benchmark can't be compared with its portfolio, (Q,): None where it can.

        A price in another currency than the portfolio's would make its return another's.
        """
        rows, own = self.inputs.benchmarks, self.inputs.portfolios["currency"].to_numpy(dtype=object)
        foreign = {
            (name, currency)
            for name, currency in zip(rows["benchmark"], rows["currency"], strict=True)
            if currency is not None
        }
        currencies: dict[str, set[str]] = {}
        for name, currency in foreign:
            currencies.setdefault(name, set()).add(currency)
        out = np.full(len(self.name), None, dtype=object)
        for row, (portfolio, name) in enumerate(zip(self.portfolio.tolist(), self.name, strict=True)):
            if currencies.get(name, set()) - {own[portfolio]}:
                out[row] = Reason.BENCHMARK_CURRENCY.value
        return out

    @cached_property
    def changes(self) -> Date1D:
        """The days on which weights begin to count, of whichever benchmark."""
        return np.unique(self.inputs.benchmarks["valid_from"].to_numpy().astype("datetime64[D]"))

    def weights(self, day: np.datetime64) -> sp.csr_array:
        """Return the weights as of a day, benchmarks x symbols; nothing before the first and of one refused."""
        version = int(np.searchsorted(self.changes, day, side="right"))
        if version not in self._by_version:
            self._by_version[version] = self._weights(day)
        return self._by_version[version]

    def _weights(self, day: np.datetime64) -> sp.csr_array:
        rows = self._newest(day)
        places = [np.flatnonzero((self.name == name) & self.is_compared) for name in rows["benchmark"]]
        owner = np.concatenate([*places, np.empty(0, dtype=np.int64)])
        repeat = [len(place) for place in places]
        column = np.repeat(np.array([self.inputs.column[symbol] for symbol in rows["symbol"]], dtype=np.int64), repeat)
        weight = np.repeat(rows["weight"].to_numpy(dtype=float), repeat)
        shape = (len(self.name), len(self.inputs.panel.symbols))
        return sparse_rows(weight, owner, column, shape)

    def _newest(self, day: np.datetime64) -> pd.DataFrame:
        rows = self.inputs.benchmarks
        known = rows[rows["valid_from"] <= pd.Timestamp(day)]
        return known[known["valid_from"] == known.groupby("benchmark")["valid_from"].transform("max")]

    def daily_returns(self, rows: Int1D) -> Float2D:
        """Return what each benchmark returned on consecutive rows of the panel, (S, Q).

        At the weights of the session before, bought back each day. NaN before its first weights, and where less than
        ``LEAST_COVERAGE`` of them has a return; what has none moved like the rest.
        """
        dates, returns = self.inputs.panel.dates, self.inputs.panel.returns
        version = np.searchsorted(self.changes, dates[np.maximum(rows - 1, 0)], side="right")
        out = np.full((len(rows), len(self.name)), np.nan)
        for number in np.unique(version).tolist():
            some = np.flatnonzero(version == number)
            if number:
                out[some] = weighted_returns(
                    self.weights(self.changes[number - 1]), np.asarray(returns[rows[some[0]] : rows[some[-1]] + 1])
                )
        return out

    @cached_property
    def is_compared(self) -> Bool1D:
        """Which benchmarks can be compared, (Q,)."""
        return np.array([cause is None for cause in self.refused], dtype=bool)


def weighted_returns(weights: sp.csr_array, returns: Float2D) -> Float2D:
    """Return the returns of fixed weights, (W, Q); what has no return moved like the rest, see ``daily_returns``."""
    gaps = np.isnan(returns)
    total = np.asarray(weights.sum(axis=1), dtype=np.float64).ravel()
    gained = (weights @ np.where(gaps, 0.0, returns).T).T
    missing = (weights @ gaps.astype(float).T).T
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(missing == 0.0, 1.0, 1.0 - missing / total)
        return np.where((share >= LEAST_COVERAGE - 1e-12) & (np.abs(total) > 0), gained / share, np.nan)
