"""The risk pages of each session."""

import dagster as dg

from ...reports.page_rows import CheckResult, Provenance
from ...reports.risk_page import index_path, remove_pages, write_sessions
from ...reports.summary import summary
from ...storage.queries import portfolios
from ..code_version import code_version, package_version
from ..partitions import DAILY, run_sessions
from ..resources import Database
from .failures import explained
from .metadata import Stopwatch

PAGES_OF_A_RUN = 100
"""A run writes the pages of its newest session, and of older ones while there are at most so many in all."""
PORTFOLIOS_WITH_PAGES = 500
"""Where there are more, a run writes no page: a thousand take longer than all else that an evening computes."""


@dg.asset(
    **DAILY,
    code_version=code_version("reports"),
    deps=["portfolio_snapshots"],
    group_name="reports",
    kinds={"html"},
)
@explained
def risk_report(context: dg.AssetExecutionContext, db: Database) -> dg.MaterializeResult:
    """A self-contained HTML page per portfolio and session, an overview per session, an index of sessions.

    A long run writes the pages of its newest sessions only, and a run of more than 500 portfolios none;
    `risk-pipeline show --date D --open` writes those of another.
    """
    watch = Stopwatch()
    sessions = run_sessions(context)
    books = max(len(portfolios(db.engine)), 1)
    count = 0 if books > PORTFOLIOS_WITH_PAGES else min(max(PAGES_OF_A_RUN // books, 1), len(sessions))
    shown = sessions[len(sessions) - count :]
    for session in sessions[: len(sessions) - count]:
        remove_pages(session)  # this run has replaced the numbers that they show
    pages = write_sessions(db.engine, shown, Provenance(package_version(), evaluated_checks(context)), watch.stage)
    for page in pages:
        context.add_asset_metadata({"page": dg.MetadataValue.path(str(page))}, partition_key=page.stem)
    text = dg.MetadataValue.md(summary(db.engine, sessions[-1]))
    context.add_asset_metadata({"risk": text}, partition_key=sessions[-1].isoformat())  # no other session's event
    return dg.MaterializeResult(
        metadata={
            "run/pages": len(pages),
            "sessions_without_page": len(sessions) - count,
            "code_version": package_version(),
            "index": dg.MetadataValue.path(str(index_path())),
            **watch.metadata,
        }
    )


def evaluated_checks(context: dg.AssetExecutionContext) -> list[CheckResult]:
    """Return the asset checks that this run has evaluated so far; of one evaluated by session, a failure if any."""
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    evaluations = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in records]
    return list(
        {
            check.asset_check_key: CheckResult(
                asset=check.asset_key.to_user_string(),
                name=check.check_name,
                passed=check.passed,
                blocking=check.blocking,
                description=check.description or "",
            )
            for check in sorted(evaluations, key=lambda check: not check.passed)
        }.values()
    )
