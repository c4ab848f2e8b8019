"""What the Dagster UI shows of each analytic: numbers by session, drawn over the partitions, and a small table."""

from datetime import date

import dagster as dg
import pandas as pd

from ..config.factors import FactorRegistry
from ..storage import tables
from .common import table_metadata
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


def session_table(frames: Frames, factors: FactorRegistry, session: date) -> dict[str, dg.TableMetadataValue]:
    """Return a session's own table: exposures with IR Beta, or the worst scenario of each portfolio."""
    if tables.factor_exposures in frames:
        rows = _of(frames[tables.factor_exposures], session)
        names = [factors.market.name, factors.provider.name, factors.rates.name]
        wide = rows.set_index(["portfolio_id", "factor_name"])["exposure"].unstack()
        wide = wide.reindex(columns=names).reset_index()
        coverage = rows[rows["factor_name"] == factors.market.name].set_index("portfolio_id")["coverage"]
        wide["coverage"] = wide["portfolio_id"].map(coverage)
        return {"exposures": table_metadata(wide.to_dict("records"))}
    if tables.stress_test_results in frames:
        rows = _of(frames[tables.stress_test_results], session).dropna(subset=["correlated_pnl"])
        worst = rows.sort_values("correlated_pnl").groupby("portfolio_id", as_index=False).first()
        columns = ["portfolio_id", "scenario_id", "correlated_pnl", "direct_pnl", "return_on_equity"]
        return {"worst_scenarios": table_metadata(worst.sort_values("correlated_pnl")[columns].to_dict("records"))}
    return {}


def _of(rows: pd.DataFrame, session: date) -> pd.DataFrame:
    return rows[rows["session"] == pd.Timestamp(session)]
