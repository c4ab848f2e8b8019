"""The risk page of each session."""

import dagster as dg

from ..resources import Database
from .common import DAILY, Stopwatch, code_version, run_sessions


@dg.asset(**DAILY, deps=["portfolio_snapshots"], group_name="reports", kinds={"html"})
def risk_report(context: dg.AssetExecutionContext, db: Database) -> dg.MaterializeResult:
    """One self-contained HTML page per session, written all at once."""
    from ..reports.risk_page import write_page

    watch = Stopwatch()
    with watch.stage("render"):
        paths = [write_page(db.engine, session, code_version()) for session in run_sessions(context)]
    return dg.MaterializeResult(
        metadata={"pages": len(paths), "latest": dg.MetadataValue.path(str(paths[-1])), **watch.metadata}
    )
