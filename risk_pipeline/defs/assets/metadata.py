"""What the Dagster UI shows of an asset: its columns, seconds by stage, numbers by session, a small table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from time import perf_counter
from typing import TYPE_CHECKING, Any

import dagster as dg
import pandas as pd

from ...config.factors import FactorRegistry
from ...reports.summary import summaries_of
from ...risk.inputs import Frames
from ..partitions import run_sessions

if TYPE_CHECKING:
    import sqlalchemy as sa


def definition_metadata(table: sa.Table, *others: sa.Table) -> dict[str, Any]:
    """Return the standard metadata of an asset: its main table's name and columns, and the columns of its others."""
    return {
        "dagster/table_name": table.name,
        "dagster/column_schema": _columns(table),
        **{f"table {other.name}": dg.MetadataValue.table_schema(_columns(other)) for other in others},
    }


def _columns(table: sa.Table) -> dg.TableSchema:
    return dg.TableSchema(
        [
            dg.TableColumn(
                column.name,
                str(column.type),
                description=column.comment,
                constraints=dg.TableColumnConstraints(nullable=bool(column.nullable)),
            )
            for column in table.columns
        ]
    )


def materialized(
    context: dg.AssetExecutionContext, of_session: Mapping[date, Mapping[str, Any]], of_run: Mapping[str, Any]
) -> dg.MaterializeResult:
    """Return a result whose events list the session's metadata first and the run's last."""
    for day in run_sessions(context):
        context.add_asset_metadata({**of_session.get(day, {}), **of_run}, partition_key=day.isoformat())
    return dg.MaterializeResult()


class Stopwatch:
    """Seconds by stage of a step, for its metadata."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to the stage."""
        start = perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + perf_counter() - start

    @property
    def metadata(self) -> dict[str, float]:
        """Return ``run/seconds/<stage>`` entries: of the whole run, where a partition's event has its own beside."""
        return {f"run/seconds/{name}": round(value, 3) for name, value in self.seconds.items()}


SHOWN = 25
"""Rows of a table in the UI, at most."""


def table_metadata(rows: Sequence[Mapping[str, Any]], limit: int = SHOWN) -> dg.TableMetadataValue:
    """Return rows as a small table for the UI; dates become text and numbers four significant digits."""

    def cell(value: Any) -> str | int | float | bool | None:
        if isinstance(value, datetime):  # a timestamp of pandas is one; sessions are dates
            return str(value.date() if value.time() == time.min else value) if not pd.isna(value) else None
        if isinstance(value, float):
            return None if value != value else float(f"{value:.4g}")  # noqa: PLR0124 (NaN)
        return value if value is None or isinstance(value, str | int | bool) else str(value)

    return dg.MetadataValue.table(
        [dg.TableRecord({key: cell(value) for key, value in row.items()}) for row in rows[:limit]]
        or [dg.TableRecord({"": "nothing to show"})]
    )


def session_numbers(frames: Frames, groups: Collection[str] = ()) -> pd.DataFrame:
    """Return numbers by session (the index) of whatever an analytic has computed; a column is one line of a plot.

    Money is added up without that of groups of portfolios, which is their members' again.
    """
    sessions = [frame["session"] for frame in frames.values() if len(frame)]
    if not sessions:
        return pd.DataFrame()
    out = pd.DataFrame({"rows": pd.concat(sessions).value_counts()})
    for table, name, column, how in NUMBERS:
        if table in frames and len(frames[table]):
            rows = frames[table]
            if name in MONEY:
                rows = rows[~rows["portfolio_id"].isin(groups)]
            out[name] = rows[column].astype(float).groupby(rows["session"]).agg(how).round(6)
    return out.set_axis(pd.DatetimeIndex(out.index).date)


MONEY = ("nav", "pnl")
NUMBERS = (
    ("factor_exposures", "median_coverage", "coverage", "median"),
    ("stress_test_results", "worst_return_on_equity", "return_on_equity", "min"),
    ("portfolio_volatility", "median_forecast_volatility", "forecast", "median"),
    ("portfolio_volatility", "median_var_99", "var_99", "median"),
    ("value_at_risk_outcomes", "var_99_exceedances", "exceeded_99", "sum"),
    ("portfolio_snapshots", "portfolios", "is_complete", "size"),
    ("portfolio_snapshots", "complete_portfolios", "is_complete", "sum"),
    ("portfolio_snapshots", "nav", "nav", "sum"),
    ("pnl_explain", "pnl", "pnl", "sum"),
    ("benchmark_risk", "highest_tracking_error", "model_tracking_error", "max"),
    ("limit_utilisations", "highest_utilisation", "utilisation", "max"),
)


def session_tables(frames: Frames, factors: FactorRegistry) -> dict[date, dict[str, Any]]:
    """Return each session's own table: its risk, exposures with IR Beta, or the worst scenario of each portfolio."""
    if "portfolio_snapshots" in frames:
        texts = summaries_of(frames["portfolio_snapshots"])
        return {session: {"risk": dg.MetadataValue.md(text)} for session, text in texts.items()}
    if "factor_exposures" in frames:
        names = [factors.market.name, factors.provider.name, factors.rates.name]
        rows = frames["factor_exposures"]
        rows = rows[rows["factor_name"].isin(names)]
        wide = rows.set_index(["session", "portfolio_id", "factor_name"])["exposure"].unstack().reindex(columns=names)
        market = rows[rows["factor_name"] == factors.market.name].set_index(["session", "portfolio_id"])
        wide["coverage"] = market["coverage"]
        return _by_session("exposures", wide.reset_index())
    if "limit_utilisations" in frames:
        rows = frames["limit_utilisations"]
        beyond = rows[rows["status"].isin(["breach", "warning"])].sort_values(["session", "status", "portfolio_id"])
        columns = ["session", "portfolio_id", "measure", "value", "limit_value", "status", "cause"]
        return _by_session("limits", beyond[columns])
    if "stress_test_results" in frames:
        columns = ["session", "portfolio_id", "scenario_id", "correlated_pnl", "direct_pnl", "return_on_equity"]
        rows = frames["stress_test_results"][columns].dropna(subset=["correlated_pnl"])
        lowest = rows.groupby(["session", "portfolio_id"], observed=True)["correlated_pnl"].idxmin()
        return _by_session("worst_scenarios", rows.loc[lowest].sort_values(["session", "correlated_pnl"]))
    return {}


def _by_session(name: str, rows: pd.DataFrame) -> dict[date, dict[str, Any]]:
    shown = rows.groupby("session").head(SHOWN)
    records: dict[date, list[dict[str, Any]]] = defaultdict(list)
    for session, row in zip(shown["session"], shown.drop(columns="session").to_dict("records"), strict=True):
        records[pd.Timestamp(session).date()].append(row)
    return {session: {name: table_metadata(of_session)} for session, of_session in records.items()}
