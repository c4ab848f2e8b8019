"""The risk pages of each session."""

from datetime import date
from typing import Any

import dagster as dg
from pydantic import Field

from ...reports.freshness import Freshness
from ...reports.page_paths import index_path, page_path
from ...reports.page_rows import CheckResult, Provenance
from ...reports.risk_page import remove_pages, write_sessions
from ...reports.summary import summary
from ...storage.queries import portfolios
from ...storage.report_queries import sessions_after
from ..code_version import code_version, package_version
from ..partitions import ANALYTIC, run_sessions
from ..resources import Database
from .failures import with_remedy
from .metadata import Stopwatch, materialized
from .stale import freshness

PAGES_OF_A_RUN = 100
"""Maximum pages of a run; its newest session is always written."""
PORTFOLIOS_WITH_PAGES = 500
"""Where there are more, a run writes no page: a thousand take longer than all else that an evening computes."""
YEAR = 252
"""Sessions after one on whose pages its numbers are shown as history."""


class PageOptions(dg.Config):
    """Options for one run on the launchpad."""

    skip_pages: bool = Field(
        default=False,
        description="Write no page. Pages of the run's sessions are removed, since their numbers are replaced; "
        "`risk-pipeline show --date D --open` writes those of a session.",
    )


@dg.asset(
    **ANALYTIC,
    code_version=code_version("reports"),
    deps=["portfolio_snapshots", "pnl_explain", "risk_limits", "benchmark_risk"],
    group_name="reports",
    kinds={"html"},
)
@with_remedy
def risk_report(context: dg.AssetExecutionContext, config: PageOptions, db: Database) -> dg.MaterializeResult:
    """A self-contained HTML page per portfolio and session, an overview per session, an index of sessions.

    A long run writes the pages of its newest sessions only, and a run of more than 500 portfolios none;
    `risk-pipeline show --date D --open` writes those of another. Later pages, which show the run's sessions as their
    history, are written again, the newest first.
    """
    watch = Stopwatch()
    sessions = run_sessions(context)
    newest = sessions[-1]
    books = max(len(portfolios(db.engine)), 1)
    most = 0 if config.skip_pages or books > PORTFOLIOS_WITH_PAGES else max(PAGES_OF_A_RUN // books, 1)
    shown = sessions[max(len(sessions) - most, 0) :]
    folder = index_path().parent
    later = [day for day in sessions_after(db.engine, newest, YEAR) if page_path(day, folder=folder).exists()]
    again = later[max(len(later) - max(most - len(shown), min(most, 1)), 0) :]
    remove_pages(db.engine, sessions[: len(sessions) - len(shown)])  # this run has replaced the numbers that they show
    with watch.stage("freshness"):
        fresh = [freshness(db.engine, some) if some else Freshness() for some in (shown, again)]
    made_by = Provenance(package_version(), evaluated_checks(context), fresh[0])
    pages = write_sessions(db.engine, shown, made_by, watch.stage)
    write_sessions(db.engine, again, Provenance(package_version(), freshness=fresh[1]), watch.stage)
    of_session: dict[date, dict[str, Any]] = {
        date.fromisoformat(page.stem): {"page": dg.MetadataValue.path(str(page))} for page in pages
    }
    of_session[newest] = {"risk": dg.MetadataValue.md(summary(db.engine, newest)), **of_session.get(newest, {})}
    of_run = {
        "index": dg.MetadataValue.path(str(index_path())),
        "run/pages": len(pages),
        "run/later_pages": len(again),
        "sessions_without_page": len(sessions) - len(shown),
        "code_version": package_version(),
        **watch.metadata,
    }
    return materialized(context, of_session, of_run)


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
