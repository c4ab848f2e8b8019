"""The risk pages of each session."""

from collections.abc import Iterator
from datetime import date

import dagster as dg

from ..reports.page_rows import CheckResult
from ..resources import Database, PriceCache, Registries
from .common import CALENDAR, DAILY, Stopwatch, code_version, run_sessions
from .inputs import load_inputs

PAGES_AT_ONCE = 640
"""So many portfolio pages are read and written at once, so that memory stays bounded."""


@dg.asset(**DAILY, deps=["portfolio_snapshots", "price_cache"], group_name="reports", kinds={"html"})
def risk_report(
    context: dg.AssetExecutionContext, db: Database, cache: PriceCache, registries: Registries
) -> dg.MaterializeResult:
    """A self-contained HTML page per portfolio and session, an overview per session, an index of sessions."""
    from ..reports.page_rows import YEAR, Provenance, read_page_rows
    from ..reports.risk_page import write_index, write_pages
    from ..reports.summary import summary
    from .report_rows import book_rows

    watch = Stopwatch()
    made_by = Provenance(code_version(), evaluated_checks(context))
    pages = []
    for panel, sessions in cache.panels(db, run_sessions(context)):
        for block in blocks(sessions, db):
            with watch.stage("read"):
                book = book_rows(load_inputs(db, registries, panel, block))
                rows = read_page_rows(db.engine, block, book, made_by, CALENDAR.back(block[0], YEAR))
            with watch.stage("render"):
                pages += write_pages(rows)
    index = write_index(db.engine)
    latest: dict[str, dg.MetadataValue] = {"latest": dg.MetadataValue.path(str(pages[-1]))} if pages else {}
    return dg.MaterializeResult(
        metadata={
            "pages": len(pages),
            **latest,
            "index": dg.MetadataValue.path(str(index)),
            "risk": dg.MetadataValue.md(summary(db.engine, run_sessions(context)[-1])),
            **watch.metadata,
        }
    )


def blocks(sessions: list[date], db: Database) -> Iterator[list[date]]:
    """Split the sessions so that a block has a bounded number of pages."""
    from ..storage.queries import portfolios

    size = max(PAGES_AT_ONCE // max(len(portfolios(db.engine)), 1), 1)
    for start in range(0, len(sessions), size):
        yield sessions[start : start + size]


def evaluated_checks(context: dg.AssetExecutionContext) -> list[CheckResult]:
    """Return the asset checks that this run has evaluated so far."""
    records = context.instance.get_records_for_run(
        context.run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    found = [record.event_log_entry.dagster_event.asset_check_evaluation_data for record in records]
    return [
        CheckResult(
            asset=check.asset_key.to_user_string(),
            name=check.check_name,
            passed=check.passed,
            blocking=check.blocking,
            description=check.description or "",
        )
        for check in found
    ]
