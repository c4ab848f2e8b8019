"""What a limit can be set on: every number of a portfolio that the batch stores, under the name that a user writes.

Nothing is listed here that a table says itself: a numeric column of a table with one row per portfolio and session is
a measure as soon as the table has it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from .factors import FactorRegistry
from .scenarios import ScenarioLibrary

OVER_NAV = "/nav"
"""Ends the name of a measure in money that is to be a share of NAV."""
SNAPSHOTS, EXPOSURES, PAIRS = "portfolio_snapshots", "factor_exposures", "currency_exposures"
STRESS, SECTORS, POSITIONS = "stress_test_results", "sector_exposures", "position_values"
BENCHMARK, ACTIVE = "benchmark_risk", "active_exposures"
"""Have rows of the portfolios with a benchmark only."""
MONEY = frozenset(
    (
        *("cash", "long_value", "short_value", "gross", "net", "private_value", "daily_pnl", "cumulative_pnl"),
        *("flow", "worst_scenario_pnl"),
    )
)
"""Columns of the snapshot that are in the portfolio's currency."""
SINGLE_NAME, LARGEST_SECTOR, MARK_AGE, LEVERAGE = "single_name", "largest_sector", "mark_age", "leverage"
BY_ITEM = {"sector": (SECTORS, "gross"), "sector_net": (SECTORS, "net"), "name": (POSITIONS, "delta_value")}
"""Prefix of a measure that names a sector or a symbol, such as ``sector:Energy``, each a share of NAV."""
ACTIVE_KINDS = {"active": "factor", "active_sector": "sector", "active_name": "position"}
"""Prefix of a measure that is less the benchmark's, such as ``active_sector:Energy``, by the kind of its row."""
PAIR = re.compile(r"fx ([a-z]{6})")


class UnknownMeasureError(LookupError):
    """A name that is no measure; its text names the nearest ones."""


@dataclass(frozen=True)
class Measure:
    """A number of each portfolio and session: where it is stored.

    ``item`` is the row's further key (a factor, a scenario, a sector, a symbol), None of a table with one row per
    portfolio. ``over_nav`` divides by NAV. ``absent_is_zero``: a portfolio without a row has none of it.
    """

    name: str
    table: str
    column: str
    item: str | None = None
    over_nav: bool = False
    absent_is_zero: bool = False


@dataclass(frozen=True)
class Measures:
    """All measures; ``numeric`` are the numeric columns of the tables with one row per portfolio and session."""

    numeric: Mapping[str, Sequence[str]]
    factors: FactorRegistry
    scenarios: ScenarioLibrary

    def resolve(self, written: str) -> Measure:
        """Return the measure of a name, in any case.

        Raises
        ------
        UnknownMeasureError
            Names the nearest.
        """
        name = " ".join(written.lower().split())
        if name in self._by_name:
            return self._by_name[name]
        prefix, colon, item = written.partition(":")
        if colon and item.strip():
            prefix, item = prefix.strip().lower(), item.strip()
            if prefix in BY_ITEM:
                return _of_item(prefix, item)
            if prefix in ACTIVE_KINDS:
                return self._active(prefix, item)
        if pair := PAIR.fullmatch(name):
            label = f"FX {pair[1].upper()}"
            return Measure(label, PAIRS, "exposure", label, absent_is_zero=True)
        near = difflib.get_close_matches(name, list(self._by_name), n=3, cutoff=0.5)
        names = [self._by_name[found].name for found in near] or ["var_99", "leverage", SINGLE_NAME, "sector:Energy"]
        raise UnknownMeasureError(
            f"is no measure: did you mean {' or '.join(dict.fromkeys(names))}? A measure is a numeric column of "
            "portfolio_snapshots, a factor, a scenario, or one of those that docs/risk_desk.md lists"
        )

    def _active(self, prefix: str, item: str) -> Measure:
        if prefix == "active":
            factors = self.factors
            plain = {factors.market.name: factors.core_market, factors.rates.name: factors.core_rates}
            labels = {factors.label(name): name for name in factors.core_names}
            names = {name.lower(): core for name, core in (plain | labels).items()}
            names |= {name.lower(): name for name in factors.core_names}
            item = " ".join(item.lower().split())
            if item not in names:
                raise UnknownMeasureError(f"is no measure: active: takes one of {', '.join(labels)}")
            item = names[item]
        item = item.upper() if prefix == "active_name" else item
        return Measure(f"{prefix}:{item}", ACTIVE, "active", item, absent_is_zero=prefix != "active")

    @cached_property
    def _by_name(self) -> dict[str, Measure]:
        """Every measure by its name in lower case; of two with one name the first."""
        out: dict[str, Measure] = {}
        for name, measure in self._all():
            out.setdefault(" ".join(name.lower().split()), measure)
        return out

    def _all(self) -> Iterator[tuple[str, Measure]]:
        yield LEVERAGE, Measure(LEVERAGE, SNAPSHOTS, "gross", over_nav=True)
        yield SINGLE_NAME, Measure(SINGLE_NAME, POSITIONS, "delta_value", over_nav=True)
        yield LARGEST_SECTOR, Measure(LARGEST_SECTOR, SECTORS, "gross", over_nav=True)
        yield MARK_AGE, Measure(MARK_AGE, POSITIONS, "mark_date", absent_is_zero=True)
        for table, columns in sorted(self.numeric.items(), key=lambda entry: entry[0] != SNAPSHOTS):
            for column in columns:
                measure = Measure(column, table, column)
                yield column, measure
                if table == SNAPSHOTS and column in MONEY:
                    yield column + OVER_NAV, replace(measure, name=column + OVER_NAV, over_nav=True)
        for factor in self.factors.factors:
            yield factor.name, Measure(factor.name, EXPOSURES, "exposure", factor.name)
        for name in self.factors.model_names:
            beyond = name in self.factors.beyond_names
            measure = Measure(name, EXPOSURES, "exposure", name, absent_is_zero=beyond)
            yield name, measure
            yield self.factors.label(name), measure
        for scenario in self.scenarios.active:
            measure = Measure(scenario.id, STRESS, "correlated_pnl", scenario.id)
            share = replace(measure, name=scenario.id + OVER_NAV, over_nav=True)
            for name in (scenario.id, scenario.name):
                yield name, measure
                yield name + OVER_NAV, share


def _of_item(prefix: str, item: str) -> Measure:
    table, column = BY_ITEM[prefix]
    item = item.upper() if prefix == "name" else item
    return Measure(f"{prefix}:{item}", table, column, item, over_nav=True, absent_is_zero=True)
