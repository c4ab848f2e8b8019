"""The rows of ``limit_utilisations``: every limit that holds on a session against the number that it is set on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd

from ..analytics.arrays import Bool1D
from ..analytics.limits import keeps, utilisation
from ..analytics.reasons import Reason
from ..analytics.sums import sum_by
from ..config.measures import (
    ACTIVE,
    ACTIVE_KINDS,
    BENCHMARK,
    EXPOSURES,
    MARK_AGE,
    POSITIONS,
    SECTORS,
    SINGLE_NAME,
    SNAPSHOTS,
    STRESS,
    Measure,
    Measures,
    UnknownMeasureError,
)
from .inputs import Frames, Inputs
from .limit_causes import Causes

EVERY_PORTFOLIO = "*"
"""In place of a portfolio's id: the limit holds for each that has no own limit on the same measure and operator.

Of a measure against a benchmark, for each that has one.
"""
KEY = ["session", "portfolio_id"]
LIMIT_KEY = ["portfolio_id", "measure", "operator"]
WITHIN, WARNING, BREACH, UNKNOWN = "within", "warning", "breach", "unknown"
COLUMNS = (
    *("session", "portfolio_id", "measure", "operator", "valid_from", "value", "warning_value", "limit_value"),
    *("utilisation", "status", "cause", "reason"),
)
SOURCES = {
    SNAPSHOTS: None,
    EXPOSURES: [*KEY, "factor_name", "exposure", "dollar_exposure", "reason"],
    "currency_exposures": [*KEY, "pair", "exposure"],
    STRESS: [*KEY, "scenario_id", "correlated_pnl", "reason"],
    SECTORS: [*KEY, "sector", "net", "gross"],
    POSITIONS: [
        *("session", "position_id", "portfolio_id", "symbol", "underlying", "investment_class", "mark_date", "value"),
        *("delta_value", "daily_pnl", "risk_contribution"),
    ],
    ACTIVE: [*KEY, "kind", "name", "active", "risk_contribution"],
    "risk_changes": None,
    "analytics_skips": None,
    "symbol_factor_exposures": ["session", "symbol", "factor_name", "beta"],
    "scenario_factor_moves": ["session", "scenario_id", "factor_name", "move"],
}
"""The stored rows that limits are judged and explained with, and their columns, None for all."""


def compute_limits(inputs: Inputs, numeric: Mapping[str, Sequence[str]]) -> Frames:
    """Judge the limits of a block of sessions; ``numeric`` are the columns that :class:`Measures` takes."""
    if inputs.stored["limits"].empty:
        return {"limit_utilisations": pd.DataFrame(columns=list(COLUMNS))}
    measures = Measures(numeric, inputs.registries.factors, inputs.registries.scenarios)
    entered = pd.Series(inputs.lots.entry_date.astype("datetime64[s]"), index=inputs.position_ids)
    entered = entered[~entered.index.duplicated()]  # a what-if holds a lot twice: before and after
    stored = {**inputs.stored, "company_profiles": inputs.profiles}
    return {"limit_utilisations": limit_rows(stored, inputs.sessions, measures, entered)}


def limit_rows(stored: Frames, sessions: Sequence[date], measures: Measures, entered: pd.Series) -> pd.DataFrame:
    """Return a row for each session, portfolio with a snapshot and limit that holds for it.

    Parameters
    ----------
    stored : the rows of ``limits`` and of the tables of :data:`SOURCES`, by table.
    entered : entry date of each lot, by position id; the age of what has no mark counts from it.
    """
    rows = limits_in_force(stored["limits"], sessions)
    rows = _by_portfolio(rows, stored[SNAPSHOTS][KEY])
    known = _resolved(rows["measure"].unique(), measures)
    values = _Values(stored, entered)
    parts = []
    rows = rows[~rows["is_general"] | ~rows["measure"].isin(_of_benchmark(known)) | values.is_compared(rows)]
    for name, some in rows.groupby("measure", sort=True):
        measure = known.get(str(name))
        keys = pd.MultiIndex.from_frame(some[KEY])
        if measure is None:
            parts.append(some.assign(value=np.nan, reason=Reason.UNKNOWN_MEASURE.value))
        else:
            value = values.of(measure).reindex(keys).to_numpy(dtype=float)
            reason = values.why(measure, keys)
            reason[~np.isnan(value)] = None
            parts.append(some.assign(value=value, reason=reason))
    if not parts:
        return pd.DataFrame(columns=list(COLUMNS))
    out = _judged(pd.concat(parts, ignore_index=True))
    causes = Causes(stored, measures.factors)
    beyond = out["status"].isin([WARNING, BREACH]).to_numpy()
    cause = np.full(len(out), None, dtype=object)
    for row in np.flatnonzero(beyond).tolist():
        line = out.iloc[row]
        cause[row] = causes.of(known[line["measure"]], line["session"], line["portfolio_id"], line["value"])
    return out.assign(cause=cause)[list(COLUMNS)]


def limits_in_force(limits: pd.DataFrame, sessions: Sequence[date]) -> pd.DataFrame:
    """Return ``session`` and the limits that hold on it: of each the newest valid by then, ended ones left out."""
    ordered = limits.sort_values([*LIMIT_KEY, "valid_from"], kind="stable")
    parts = []
    for session in sessions:
        day = pd.Timestamp(session)
        newest = ordered[ordered["valid_from"] <= day].drop_duplicates(LIMIT_KEY, keep="last")
        parts.append(newest[newest["limit_value"].notna()].assign(session=day.as_unit("s")))
    return pd.concat(parts, ignore_index=True)


def _by_portfolio(limits: pd.DataFrame, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Return the limits of each portfolio with a snapshot; its own goes before that of every portfolio."""
    own = limits.merge(snapshots, on=KEY)
    general = limits[limits["portfolio_id"] == EVERY_PORTFOLIO].drop(columns="portfolio_id")
    general = general.merge(snapshots, on="session").assign(is_general=True)
    both = pd.concat([own.assign(is_general=False), general], ignore_index=True)
    return both.drop_duplicates(["session", *LIMIT_KEY], keep="first").sort_values(
        ["session", *LIMIT_KEY], kind="stable", ignore_index=True
    )


def _resolved(names: Iterable[str], measures: Measures) -> dict[str, Measure]:
    """Return the measures by the names that the limits have; one that is gone is left out."""
    out = {}
    for name in names:
        try:
            out[name] = measures.resolve(name)
        except UnknownMeasureError:
            continue
    return out


def _of_benchmark(known: Mapping[str, Measure]) -> list[str]:
    return [name for name, measure in known.items() if measure.table in (BENCHMARK, ACTIVE)]


def sources_of(names: Iterable[str], measures: Measures) -> tuple[dict[str, list[str] | None], list[str]]:
    """Return which tables and columns are needed to judge limits on these measures, and of which factors betas are."""
    known = _resolved(names, measures).values()
    factors = {measure.item for measure in known if measure.table == EXPOSURES and measure.item is not None}
    with_betas = {measures.factors.market.name, measures.factors.rates.name, *factors}
    compared = {BENCHMARK: None} if any(measure.table == ACTIVE for measure in known) else {}
    return {**dict.fromkeys(measure.table for measure in known), **compared, **SOURCES}, sorted(with_betas)


def _judged(rows: pd.DataFrame) -> pd.DataFrame:
    operator, value = rows["operator"].to_numpy(dtype=object), rows["value"].to_numpy(dtype=float)
    limit = rows["limit_value"].to_numpy(dtype=float)
    status = np.full(len(rows), WITHIN, dtype=object)
    status[~keeps(operator, value, rows["warning_value"].to_numpy(dtype=float))] = WARNING
    status[~keeps(operator, value, limit)] = BREACH
    status[np.isnan(value)] = UNKNOWN
    return rows.assign(utilisation=utilisation(operator, value, limit), status=status)


class _Values:
    """The values of measures by session and portfolio, and why one is missing."""

    def __init__(self, stored: Frames, entered: pd.Series) -> None:
        self.stored = stored
        self.entered = entered
        self.nav = stored[SNAPSHOTS].set_index(KEY)["nav"].astype(float)

    def of(self, measure: Measure) -> pd.Series:
        """Return the values by session and portfolio; NaN or absent where there is none."""
        value = self._money_or_number(measure)
        if measure.absent_is_zero:
            absent = ~self.nav.index.isin(value.index)
            if measure.table == EXPOSURES:
                absent &= self._with_exposures()
            if measure.table == ACTIVE:
                absent &= self._has_active(measure)
            value = value.reindex(self.nav.index)
            value[absent] = 0.0
        if measure.over_nav:
            value = value / self.nav.where(self.nav > 0).reindex(value.index)
        return value

    def _money_or_number(self, measure: Measure) -> pd.Series:
        rows = self.stored[measure.table]
        if measure.table == POSITIONS:
            return self._of_positions(measure, rows)
        if measure.table == SECTORS and measure.item is None:
            return rows.groupby(KEY)[measure.column].max()
        if measure.item is not None:
            key = {EXPOSURES: "factor_name", STRESS: "scenario_id", SECTORS: "sector"}.get(measure.table, "pair")
            if measure.table == ACTIVE:
                rows, key = rows[rows["kind"] == _kind(measure)], "name"
            rows = rows[rows[key].str.lower() == measure.item.lower()]
        return rows.set_index(KEY)[measure.column].astype(float)

    def _of_positions(self, measure: Measure, rows: pd.DataFrame) -> pd.Series:
        if measure.name == MARK_AGE:
            private = rows[(rows["investment_class"] == "PRIVATE") & (rows["value"] != 0)]
            bought = pd.Series(self.entered.reindex(private["position_id"]).to_numpy(), index=private.index)
            since = private["mark_date"].where(private["mark_date"].notna(), bought)
            age = (private["session"] - since).dt.days.astype(float)
            return age.groupby([private["session"], private["portfolio_id"]]).max()
        names = by_name(rows)
        if measure.name == SINGLE_NAME:
            return names["delta_value"].abs().groupby([names["session"], names["portfolio_id"]]).max()
        return names[names["name"] == measure.item].set_index(KEY)["delta_value"]

    def _with_exposures(self) -> Bool1D:
        """Return which portfolios have any exposure, in the order of ``nav``."""
        rows = self.stored[EXPOSURES]
        has = pd.MultiIndex.from_frame(rows.loc[rows["exposure"].notna(), KEY].drop_duplicates())
        return np.asarray(self.nav.index.isin(has))

    def _has_active(self, measure: Measure) -> Bool1D:
        """Return which portfolios have any active weight of the measure's kind, in the order of ``nav``."""
        rows = self.stored[ACTIVE]
        return np.asarray(self.nav.index.isin(pd.MultiIndex.from_frame(rows.loc[rows["kind"] == _kind(measure), KEY])))

    def is_compared(self, rows: pd.DataFrame) -> Bool1D:
        """Return which rows are of a portfolio with a benchmark."""
        if BENCHMARK not in self.stored:  # it is read for its measures only
            return np.zeros(len(rows), dtype=bool)
        known = pd.MultiIndex.from_frame(self.stored[BENCHMARK][KEY])
        return np.asarray(pd.MultiIndex.from_frame(rows[KEY]).isin(known))

    def why(self, measure: Measure, keys: pd.MultiIndex) -> np.ndarray:
        """Return the reason of each missing value: that of its row, of its portfolio's analytic, else ``no_value``."""
        reason = np.full(len(keys), Reason.NO_VALUE.value, dtype=object)
        skips = self.stored["analytics_skips"]
        skips = skips[skips["entity_type"] == "portfolio"].drop_duplicates(["session", "entity"])
        skipped = skips.set_index(["session", "entity"])["reason"].reindex(keys).to_numpy(dtype=object)
        rows = self.stored[measure.table]
        if measure.item is not None and "reason" in rows:
            key = "factor_name" if measure.table == EXPOSURES else "scenario_id"
            own = rows[rows[key] == measure.item].set_index(KEY)["reason"].reindex(keys).to_numpy(dtype=object)
            skipped = np.where(pd.isna(own), skipped, own)
        if measure.table in (BENCHMARK, ACTIVE):
            compared = self.stored[BENCHMARK].set_index(KEY)["reason"]
            own = compared.reindex(keys).to_numpy(dtype=object)
            own = np.where(keys.isin(compared.index), own, Reason.NO_BENCHMARK.value)
            skipped = np.where(pd.isna(own), skipped, own)
        reason = np.where(pd.isna(skipped), reason, skipped)
        reason[(self.nav.reindex(keys) <= 0).to_numpy() & ~pd.notna(skipped)] = Reason.NON_POSITIVE_EQUITY.value
        return reason


def _kind(measure: Measure) -> str:
    return ACTIVE_KINDS[measure.name.partition(":")[0]]


def by_name(positions: pd.DataFrame) -> pd.DataFrame:
    """Return ``session, portfolio_id, name, delta_value``: what is held of each name, its options by their delta.

    Of what has no delta, a private asset, the value. Summed in the order of the lots' ids.
    """
    rows = positions.sort_values(["session", "position_id"], kind="stable", ignore_index=True)
    name = rows["underlying"].where(rows["underlying"].notna(), rows["symbol"])
    dollars = rows["delta_value"].where(rows["delta_value"].notna(), rows["value"]).to_numpy(dtype=float)
    keys = rows[KEY].assign(name=name)
    cell = keys.groupby([*KEY, "name"], sort=True).ngroup().to_numpy()
    first = np.unique(cell, return_index=True)[1]
    return keys.iloc[first].reset_index(drop=True).assign(delta_value=sum_by(cell, dollars, len(first)))
