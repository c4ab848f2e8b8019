"""What moved a number to its limit: the position, the factor, or the part of the day's change that did most."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import pandas as pd

from ..config.factors import FactorRegistry
from ..config.measures import (
    ACTIVE,
    BENCHMARK,
    EXPOSURES,
    LARGEST_SECTOR,
    MARK_AGE,
    SECTORS,
    SINGLE_NAME,
    STRESS,
    Measure,
)
from .inputs import Frames
from .risk_changes import FORECAST

PARTS = {"by_positions": "trades and flows", "by_prices": "prices", "by_model": "betas and volatilities"}
GAINS = frozenset(("nav", "daily_pnl", "daily_return", "cumulative_pnl", "drawdown", "return_1m", "return_inception"))
"""Columns of the snapshot that move by what positions gain."""
TAILS = ("var_", "es_", "realised_", "forecast", "factor_model_volatility", "ewma")
"""What columns of volatility begin with."""
LONGEST = 200


class Causes:
    """Names the cause of a warning or breach from the stored rows of its session."""

    def __init__(self, stored: Frames, factors: FactorRegistry) -> None:
        self.stored = stored
        self.factors = factors
        self._groups: dict[str, dict[tuple[object, ...], np.ndarray]] = {}

    def of(self, measure: Measure, session: pd.Timestamp, portfolio: str, value: float) -> str | None:
        """Return one line, or None where the stored rows tell nothing."""
        rows = [*self._parts(measure, session, portfolio, value)]
        return "; ".join(rows)[:LONGEST] or None

    def _parts(self, measure: Measure, session: pd.Timestamp, portfolio: str, value: float) -> list[str]:
        column = measure.column
        if measure.table == STRESS or column == "worst_scenario_pnl":
            out = self._scenario(measure, session, portfolio)
        elif measure.name in (SINGLE_NAME, MARK_AGE):
            out = self._position(session, portfolio, "mark_date" if measure.name == MARK_AGE else "delta_value")
        elif measure.table == BENCHMARK:
            out = self._active(session, portfolio)
        elif measure.table == SECTORS:
            out = self._sector(measure, session, portfolio)
        elif measure.table == EXPOSURES or column in self._factor_of:
            factor = self._factor_of.get(column, measure.item)
            out = [*self._change(factor, session, portfolio), *self._by_beta(factor, session, portfolio)]
        elif column.startswith(TAILS):
            change = self._change(FORECAST, session, portfolio)
            out = [*change, *self._position(session, portfolio, "risk_contribution")]
        elif column in GAINS:
            out = self._position(session, portfolio, "daily_pnl", sign=1.0 if value > 0 else -1.0)
        else:
            out = [] if measure.item is not None else self._position(session, portfolio, "value")
        return out

    @cached_property
    def _factor_of(self) -> dict[str, str]:
        return {"market_beta": self.factors.market.name, "ir_beta": self.factors.rates.name}

    @cached_property
    def _plain(self) -> dict[str, str]:
        """The names under which readers know the model's own factors."""
        factors = self.factors
        return {factors.core_market: factors.market.name, factors.core_rates: factors.rates.name}

    def _by_beta(self, factor: str | None, session: pd.Timestamp, portfolio: str) -> list[str]:
        """Return the name that adds most to the exposure to a factor, in its direction."""
        betas = self.stored["symbol_factor_exposures"]
        betas = betas[(betas["session"] == session) & (betas["factor_name"] == factor)].set_index("symbol")["beta"]
        dollars = self._held(session, portfolio, "delta_value")
        added = (dollars * betas.reindex(dollars.index)).dropna()
        if added.empty:
            return []
        sign = 1.0 if added.sum() > 0 else -1.0
        most = max(added.index, key=lambda name: sign * added[name])
        return [f"most from {most}, {_signed(added[most])} of {_signed(added.sum())} in money"]

    def _held(self, session: pd.Timestamp, portfolio: str, column: str) -> pd.Series:
        """Return the sum of a column of ``position_values`` by name, options under their underlying's; sorted."""
        rows = self._rows("position_values", session, portfolio).sort_values("position_id", kind="stable")
        name = rows["underlying"].where(rows["underlying"].notna(), rows["symbol"])
        numbers = rows[column].where(rows[column].notna(), rows["value"] if column == "delta_value" else 0.0)
        sums = numbers.astype(float).groupby(name).sum()
        return sums[sums != 0.0]

    def _rows(self, table: str, session: pd.Timestamp, portfolio: str) -> pd.DataFrame:
        frame = self.stored[table]
        if table not in self._groups:
            self._groups[table] = frame.groupby(["session", "portfolio_id"], sort=False).indices
        return frame.iloc[self._groups[table].get((session, portfolio), np.arange(0))]

    def _change(self, name: str | None, session: pd.Timestamp, portfolio: str) -> list[str]:
        """Return what changed a measure of ``risk_changes`` since the session before, the largest part named."""
        rows = self._rows("risk_changes", session, portfolio)
        rows = rows[rows["measure"] == name]
        if rows.empty:
            return []
        row = rows.iloc[0]
        part = max(PARTS, key=lambda column: abs(row[column]))
        size = f"{_signed(100 * row[part], '+.1f')} points" if name == FORECAST else _signed(row[part], "+.2f")
        before = f"{100 * row['previous']:.1f} %" if name == FORECAST else f"{row['previous']:.2f}"
        what = "the forecast volatility" if name == FORECAST else "it"
        return [f"{what} was {before} the session before, {PARTS[part]} {size}"]

    def _scenario(self, measure: Measure, session: pd.Timestamp, portfolio: str) -> list[str]:
        """Return the factor that loses most in the scenario."""
        name = measure.item
        if name is None:
            results = self._rows(STRESS, session, portfolio)
            if results["correlated_pnl"].isna().all():
                return []
            name = str(results.loc[results["correlated_pnl"].idxmin(), "scenario_id"])
        moves = self.stored["scenario_factor_moves"]
        moves = moves[(moves["session"] == session) & (moves["scenario_id"] == name)].set_index("factor_name")["move"]
        dollars = self._rows(EXPOSURES, session, portfolio).set_index("factor_name")["dollar_exposure"]
        impact = (dollars * moves).dropna()
        said = [f"in {name}"] if measure.item is None else []
        if len(impact):
            worst = min(sorted(impact.index), key=lambda factor: impact[factor])
            said.append(f"{self._plain.get(worst, worst)} {_signed(impact[worst])}")
        return said

    def _position(self, session: pd.Timestamp, portfolio: str, column: str, sign: float = 0.0) -> list[str]:
        """Return the name with the largest sum of a column of ``position_values``, in a direction or in either."""
        if column == "mark_date":
            rows = self._rows("position_values", session, portfolio)
            private = rows[(rows["investment_class"] == "PRIVATE") & (rows["value"] != 0)]
            if private.empty:
                return []
            oldest = private.sort_values(["mark_date", "symbol"], na_position="first").iloc[0]
            since = "no mark yet" if pd.isna(oldest["mark_date"]) else f"last marked {oldest['mark_date'].date()}"
            return [f"{oldest['symbol']}, {since}"]
        sums = self._held(session, portfolio, column)
        if sums.empty:
            return []
        most = max(sums.index, key=lambda held: sums[held] * sign if sign else abs(sums[held]))
        if column == "risk_contribution":
            whole = sums.sum()
            share = f", {100 * sums[most] / whole:.0f} % of the positions' risk" if whole > 0 else ""
            return [f"most of the risk: {most}{share}"]
        what = {"daily_pnl": "the session's P&L of", "value": "largest:", "delta_value": ""}[column]
        return [f"{what} {most} {sums[most]:{'+' if column == 'daily_pnl' else ''},.0f}".strip()]

    def _active(self, session: pd.Timestamp, portfolio: str) -> list[str]:
        """Return the position and the factor that make most of the model's tracking error."""
        rows = self._rows(ACTIVE, session, portfolio)
        out = []
        for kind in ("position", "factor"):
            some = rows[rows["kind"] == kind].set_index("name")["risk_contribution"].astype(float).dropna()
            if len(some) and some.abs().max() > 0:
                most = max(sorted(some.index), key=lambda name: some[name])
                whole = rows.loc[rows["kind"] == "position", "risk_contribution"].astype(float).sum()
                out.append(f"{self._plain.get(most, most)} {100 * some[most] / whole:.0f} %")
        return [f"most of the tracking error: {' and '.join(out)}"] if out else []

    def _sector(self, measure: Measure, session: pd.Timestamp, portfolio: str) -> list[str]:
        """Return the largest sector, or the largest name in the sector that the measure names."""
        if measure.name == LARGEST_SECTOR:
            rows = self._rows(SECTORS, session, portfolio).sort_values("sector")
            row = rows.loc[rows["gross"].idxmax()]
            return [f"{row['sector']} {row['gross']:,.0f}"]
        profiles = self.stored["company_profiles"]
        known = profiles[(profiles["as_of"] <= session) & profiles["sector"].notna()].groupby("symbol")["sector"].last()
        dollars = self._held(session, portfolio, "value")
        inside = dollars[[str(known.get(name, "")).lower() == (measure.item or "").lower() for name in dollars.index]]
        if inside.empty:
            return []
        most = max(inside.index, key=lambda name: abs(inside[name]))
        return [f"largest: {most} {inside[most]:,.0f}"]


def _signed(value: float, form: str = "+,.0f") -> str:
    """Return a number with its sign, a real minus."""
    return f"{value:{form}}".replace("-", "−")
