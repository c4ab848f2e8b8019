"""What the Dagster UI shows of each analytic: numbers by session, drawn over the partitions, and a small table."""

from datetime import date

import dagster as dg
import pandas as pd

from ..config.factors import FactorRegistry
from ..storage import tables
from .common import SHOWN, table_metadata
from .inputs import Frames


def session_numbers(frames: Frames) -> pd.DataFrame:
    """Return numbers by session (the index) of whatever an analytic has computed; a column is one line of a plot."""
    sessions = [frame["session"] for frame in frames.values() if len(frame)]
    if not sessions:
        return pd.DataFrame()
    out = pd.DataFrame({"rows": pd.concat(sessions).value_counts()})
    for table, name, column, how in NUMBERS:
        if table in frames and len(frames[table]):
            values = frames[table][column].astype(float)
            out[name] = values.groupby(frames[table]["session"]).agg(how).round(6)
    return out.set_axis(pd.DatetimeIndex(out.index).date)


NUMBERS = (
    (tables.factor_exposures, "median_coverage", "coverage", "median"),
    (tables.stress_test_results, "worst_return_on_equity", "return_on_equity", "min"),
    (tables.portfolio_volatility, "median_forecast_volatility", "forecast", "median"),
    (tables.portfolio_volatility, "median_var_99", "var_99", "median"),
    (tables.value_at_risk_outcomes, "var_99_exceedances", "exceeded_99", "sum"),
    (tables.portfolio_snapshots, "portfolios", "is_complete", "size"),
    (tables.portfolio_snapshots, "complete_portfolios", "is_complete", "sum"),
    (tables.portfolio_snapshots, "nav", "nav", "sum"),
)


def session_tables(frames: Frames, factors: FactorRegistry) -> dict[date, dict[str, dg.TableMetadataValue]]:
    """Return each session's own table: exposures with IR Beta, or the worst scenario of each portfolio."""
    if tables.factor_exposures in frames:
        rows = frames[tables.factor_exposures]
        names = [factors.market.name, factors.provider.name, factors.rates.name]
        wide = rows.set_index(["session", "portfolio_id", "factor_name"])["exposure"].unstack().reindex(columns=names)
        market = rows[rows["factor_name"] == factors.market.name].set_index(["session", "portfolio_id"])
        wide["coverage"] = market["coverage"]
        return _by_session("exposures", wide.reset_index())
    if tables.stress_test_results in frames:
        rows = frames[tables.stress_test_results].dropna(subset=["correlated_pnl"])
        worst = rows.sort_values(["session", "correlated_pnl"]).drop_duplicates(["session", "portfolio_id"])
        columns = ["session", "portfolio_id", "scenario_id", "correlated_pnl", "direct_pnl", "return_on_equity"]
        return _by_session("worst_scenarios", worst[columns])
    return {}


def _by_session(name: str, rows: pd.DataFrame) -> dict[date, dict[str, dg.TableMetadataValue]]:
    return {
        pd.Timestamp(session).date(): {name: table_metadata(own.drop(columns="session").head(SHOWN).to_dict("records"))}
        for session, own in rows.groupby("session")
    }
