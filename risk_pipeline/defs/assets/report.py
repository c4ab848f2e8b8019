"""The risk pages of each session."""

from datetime import date
from pathlib import Path

import dagster as dg

from ...reports.page_rows import CheckResult, Provenance
from ..code_version import code_version, package_version
from ..partitions import CALENDAR, DAILY, run_sessions
from ..resources import Database, PriceCache, Registries
from .failures import explained
from .inputs import load_inputs
from .metadata import Stopwatch

PAGES_OF_A_RUN = 100
"""A run writes the pages of its newest session, and of older ones while there are at most so many in all."""
PORTFOLIOS_WITH_PAGES = 500
"""Where there are more, a run writes no page: a thousand take longer than all else that an evening computes."""


@dg.asset(
    **DAILY,
    code_version=code_version("reports"),
    deps=["portfolio_snapshots", "price_cache"],
    group_name="reports",
    kinds={"html"},
)
@explained
def risk_report(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """A self-contained HTML page per portfolio and session, an overview per session, an index of sessions.

    A long run writes the pages of its newest sessions only, and a run of more than 500 portfolios none;
    `risk-pipeline show --date D --open` writes those of another.
    """
    from ...reports.risk_page import index_path, remove_pages
    from ...reports.summary import summary
    from ...storage.queries import portfolios

    watch = Stopwatch()
    sessions = run_sessions(context)
    books = max(len(portfolios(db.engine)), 1)
    count = 0 if books > PORTFOLIOS_WITH_PAGES else min(max(PAGES_OF_A_RUN // books, 1), len(sessions))
    shown = sessions[len(sessions) - count :]
    for session in sessions[: len(sessions) - count]:
        remove_pages(session)  # this run has replaced the numbers that they show
    pages = write_session_pages(
        db, cache, registries, shown, Provenance(package_version(), evaluated_checks(context)), watch
    )
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


def write_session_pages(
    db: Database,
    cache: PriceCache,
    registries: Registries,
    sessions: list[date],
    made_by: Provenance,
    watch: Stopwatch | None = None,
) -> list[Path]:
    """Write the pages of sessions and the index anew; return the overviews.

    Raises
    ------
    PanelError
        If a session has no price panel, or it is gone.
    """
    from ...reports.page_rows import YEAR, read_page_rows
    from ...reports.risk_page import write_index, write_pages
    from .report_rows import book_rows, read_report_inputs

    watch = watch or Stopwatch()
    pages = []
    for panel, days in cache.panels(db, sessions) if sessions else []:
        with watch.stage("read"):
            book = book_rows(load_inputs(db, registries, panel, days, read_report_inputs))
            rows = read_page_rows(db.engine, days, book, made_by, CALENDAR.back(days[0], YEAR))
        with watch.stage("render"):
            pages += write_pages(rows)
    write_index(db.engine)
    return pages


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
