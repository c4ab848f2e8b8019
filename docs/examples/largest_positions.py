"""An asset of your own: put this file into ``risk_pipeline/defs/assets/`` and Dagster has it."""

import dagster as dg

from risk_pipeline.defs.partitions import DAILY, run_sessions
from risk_pipeline.defs.resources import Database
from risk_pipeline.storage.queries import read_table


@dg.asset(**DAILY, deps=["factor_exposures"], group_name="own")
def largest_positions(context: dg.AssetExecutionContext, db: Database) -> dg.MaterializeResult:
    """The ten largest positions of the run's last session."""
    session = run_sessions(context)[-1]
    rows = read_table(db.engine, "position_values", first=session, last=session)
    largest = rows.reindex(rows["value"].abs().nlargest(10).index)
    text = largest[["portfolio_id", "symbol", "value"]].to_markdown(index=False)
    return dg.MaterializeResult(metadata={"largest": dg.MetadataValue.md(text)})
