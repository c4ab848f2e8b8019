"""``risk-pipeline import`` and ``demo``: adding portfolios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from ..brokers.formats import Format
from .terminal import UserError, console, counted, database, database_to_check, errors

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..storage.imports import CheckedImport
    from ..tabular.rows import RowSet


def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV or Excel files; the header tells which is which.")],
    check: Annotated[bool, typer.Option(help="Validate only; nothing is written.")] = False,
    format_: Annotated[
        Format, typer.Option("--format", help="A broker's export; auto finds out, ours allows none.")
    ] = Format.AUTO,
    portfolio: Annotated[
        str | None, typer.Option(help="The portfolio of a broker's export; default: the account it names.")
    ] = None,
    equity: Annotated[
        float | None, typer.Option(help="What a portfolio that a broker's export creates had before its first trade.")
    ] = None,
    ask_source: Annotated[
        bool, typer.Option(help="Ask the source of prices which symbols it knows, and since when.")
    ] = True,
) -> None:
    """Import portfolios, positions, flows, marks and changes of ticker from files: all of it or nothing."""
    from ..brokers.detect import read_exports
    from ..defs.automation.catch_up import now
    from ..storage.imports import checked_import, store_import
    from ..tabular.rows import ProblemsError

    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise UserError(f"there is no file {', '.join(missing)}")
    with database_to_check() if check else database() as engine:
        try:
            exports, own_files = read_exports(files, format_, portfolio)
            exports += _new_portfolios(engine, exports, own_files, equity)
            checked = checked_import(engine, own_files, extra=exports, today=now().date())
        except ProblemsError as refused:
            for problem in refused.problems:
                errors.print(f"[red]✗[/] {escape(str(problem))}", highlight=False)
            raise UserError(f"{counted(len(refused.problems), 'problem')}: nothing was imported") from None
        findings, unusable = _source_findings(engine, checked) if ask_source else ([], None)
        for note in [*checked.notes, *findings]:
            console.print(f"[yellow]![/] {escape(note)}", highlight=False)
        if unusable and check:
            raise UserError(f"the files can be imported ({checked.summary}), but the prices can't be read: {unusable}")
        if unusable:
            console.print(f"[yellow]![/] the prices can't be read, no run can: {escape(unusable)}", highlight=False)
        if not check:
            store_import(engine, checked, made_at=now().replace(tzinfo=None))
        console.print(f"{'Valid' if check else 'Imported'}: {checked.summary}")
        if not check:
            tell_dagster(engine)
            _tell_of_earlier_sessions()
            _say_what_follows(engine)


def _say_what_follows(engine: sa.Engine) -> None:
    """Name the stored sessions that the import has made stale, and the runs that still read the book before it."""
    from ..defs.automation.catch_up import changed_portfolios, now
    from ..storage.batch_runs import runs_before_version
    from ..storage.book_versions import newest_version

    version = newest_version(engine)
    console.print(f"It is version {version} of the book.")
    for row in changed_portfolios(engine, now()).itertuples(index=False):
        console.print(
            f"{escape(row.portfolio_id)}: {counted(row.sessions, 'session')} from {row.first.date()} will be computed "
            "again",
            highlight=False,
        )
    for run_id, older in runs_before_version(engine, version):
        console.print(
            f"[yellow]Run {run_id[:8]} has not ended[/]; it reads version {older}, and a later run computes again "
            "what the import changed."
        )
    console.print("Next: `risk-pipeline run` computes every session that is missing or has changed.")


def _source_findings(engine: sa.Engine, checked: CheckedImport) -> tuple[list[str], str | None]:
    """Return what the source says of the lots, and why it can't be used at all, if so."""
    from ..defs.automation.catch_up import now
    from ..defs.partitions import CALENDAR
    from ..defs.resources import MarketData
    from ..market.aliases import JoinedMarket, TickerChange
    from ..market.source import SourceError
    from ..settings import Settings
    from ..storage.queries import portfolios, ticker_changes
    from .newest import newest_session
    from .source_check import lot_findings

    lots = checked.lots
    if lots.empty:
        return [], None
    named = [row.values for row in checked.rows["aliases"]]
    new = [(row["old_symbol"], row["new_symbol"], row["change_date"]) for row in named]
    changes = sorted({TickerChange(*change) for change in [*ticker_changes(engine), *new]}, key=lambda c: c.change_date)
    for change in changes:  # as the import renames them
        for column in ("symbol", "underlying"):
            renamed = (lots[column] == change.old) & (lots["entry_date"] < change.change_date)
            lots[column] = lots[column].mask(renamed, change.new)
    stored = portfolios(engine)
    currencies = dict(zip(stored["portfolio_id"], stored["currency"], strict=True))
    currencies |= {row.values["portfolio_id"]: row.values["currency"] for row in checked.rows["portfolios"]}
    try:
        source = JoinedMarket(MarketData().source, changes)
        newest = newest_session(Settings(), now()).session
        return lot_findings(lots, source, CALENDAR, newest, currencies), None
    except SourceError as error:
        return [], str(error)


def _new_portfolios(
    engine: sa.Engine, exports: list[RowSet], own_files: list[Path], equity: float | None
) -> list[RowSet]:
    """Return rows of the portfolios that brokers' exports name and nothing else does."""
    from ..brokers.detect import missing_portfolios
    from ..storage.import_files import read_files
    from ..storage.queries import imported_portfolios

    if not exports:
        return []
    known = {*imported_portfolios(engine)["portfolio_id"]}
    beside = [rows for rows in read_files(own_files, []) if rows.kind == "portfolios"]
    return [missing_portfolios([*exports, *beside], known, equity)]


def demo(
    write: Annotated[Path | None, typer.Option(help="Write the demo's CSV files to this folder.")] = None,
) -> None:
    """Import the demo portfolios into an empty database, or write their CSV files as examples."""
    from ..storage.queries import portfolios

    if write is not None:
        from ..demo import write_demo

        for path in write_demo(write):
            console.print(f"wrote {path}", soft_wrap=True, highlight=False)
        return
    with database() as engine:
        if portfolios(engine).empty:
            _import_demo(engine)
        else:
            console.print("There are portfolios already; the demo was not imported.")


def tell_dagster(engine: sa.Engine) -> None:
    """Report the portfolios' new version, so that the UI marks what was computed from an older one as stale."""
    from ..dagster_ext.instance import open_instance
    from ..defs.assets.reference import report_portfolios

    try:
        with open_instance() as instance:
            report_portfolios(instance, engine)
    except Exception as error:
        console.print(
            f"[yellow]Imported, but Dagster's record could not be written ({escape(str(error))}): "
            "`risk-pipeline init` reports it.[/]"
        )


def _tell_of_earlier_sessions() -> None:
    """Tell the user to reload the code location before the UI offers the sessions that this import added."""
    from ..defs.partitions import CALENDAR, configured_calendar

    first = configured_calendar().first_session
    if first < CALENDAR.first_session:
        console.print(
            f"The first session is now {first}. A Dagster UI that is open offers it after "
            "[bold]Reload definitions[/] on its Deployment page."
        )


def require_portfolios(engine: sa.Engine) -> None:
    """Import the demo where there is no portfolio and the market is simulated; raise UserError elsewhere."""
    from ..settings import Settings
    from ..storage.queries import portfolios

    if not portfolios(engine).empty:
        return
    if Settings().market.source != "simulated":
        raise UserError(
            "there is no portfolio yet: `risk-pipeline import portfolios.csv positions.csv` brings yours "
            "(`risk-pipeline demo --write FOLDER` writes examples to start from)"
        )
    _import_demo(engine)


def _import_demo(engine: sa.Engine) -> None:
    from ..demo import demo_frames
    from ..storage.imports import import_frames

    summary = import_frames(engine, demo_frames())
    tell_dagster(engine)
    console.print(f"Imported the demo portfolios: {summary}")
