"""The command ``risk-pipeline``: run, import, show, plan, rebuild, prune, init, doctor, calibrate, demo."""

from __future__ import annotations

import os
import shutil
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from .run import UserError, console, counted, database, execute, wanted_sessions

if TYPE_CHECKING:
    import sqlalchemy as sa

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A daily portfolio-risk batch: exposures, stress tests, volatility, snapshots.",
)
SHIPPED_HOME = Path("dagster_home")


def main() -> None:
    """Run the command line."""
    from pydantic import ValidationError

    expected: tuple[type[Exception], ...] = (UserError, *_domain_errors())
    try:
        _prepare_environment()
        app()
    except expected as error:
        console.print(f"[bold red]error:[/] {escape(str(error))}", highlight=False)
        sys.exit(2)
    except ValidationError as error:
        for problem in error.errors(include_url=False, include_input=False):
            name = "RISK_PIPELINE_" + "__".join(str(part).upper() for part in problem["loc"])
            console.print(f"[bold red]error:[/] setting {name}: {escape(problem['msg'])}", highlight=False)
        sys.exit(2)


def _domain_errors() -> tuple[type[Exception], ...]:
    from ..config.errors import ConfigError
    from ..market.source import SourceError
    from ..sessions import NoSessionError
    from ..storage.errors import StorageError

    return ConfigError, SourceError, NoSessionError, StorageError


def _prepare_environment() -> None:
    """Give Dagster a home and one BLAS thread, before anything imports them.

    Dagster's home is where our tables are, unless it is named itself: the history of runs belongs to the rows.
    """
    named = os.environ.get("DAGSTER_HOME") or os.environ.get("RISK_PIPELINE_HOME") or SHIPPED_HOME
    home = Path(named).resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    shipped = SHIPPED_HOME / "dagster.yaml"
    if not (home / "dagster.yaml").exists() and shipped.is_file():
        shutil.copy(shipped, home)  # the limits that keep two runs from writing at once are in it
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


@app.command()
def run(
    date_: Annotated[datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="One session.")] = None,
    from_: Annotated[
        datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First session of a range.")
    ] = None,
    to: Annotated[datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session of a range.")] = None,
    last: Annotated[int | None, typer.Option(min=1, help="The last N closed sessions.")] = None,
) -> None:
    """Run the batch: by default every session that is missing, up to the last closed one."""
    with database() as engine:
        _require_portfolios(engine)
        wanted = wanted_sessions(engine, date_, from_, to, last)
    if wanted is None:
        console.print("Nothing is missing: every active portfolio has a complete snapshot.")
        show_table(None, None)
        return
    execute(wanted)
    show_table(None, wanted.last)
    _what_next()


def _require_portfolios(engine: sa.Engine) -> None:
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
    console.print(f"Imported the demo portfolios: {summary}")


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(help="CSV files; the header tells which is which.")],
    check: Annotated[bool, typer.Option(help="Validate only; nothing is written.")] = False,
) -> None:
    """Import portfolios, positions, flows and marks from CSV files: all of it or nothing."""
    from ..storage.imports import ImportRefused, check_import, run_import

    for path in files:
        if not path.is_file():
            raise UserError(f"there is no file {path}")
    with database() as engine:
        try:
            summary = (check_import if check else run_import)(engine, files)
        except ImportRefused as refused:
            for problem in refused.problems:
                console.print(f"[red]✗[/] {escape(str(problem))}", highlight=False)
            raise UserError(f"{len(refused.problems)} problem(s): nothing was imported") from None
    console.print(f"{'Valid' if check else 'Imported'}: {summary}")
    if not check:
        console.print("Next: `risk-pipeline run` computes every session that is missing.")


@app.command()
def show(
    portfolio: Annotated[str | None, typer.Option(help="One portfolio, with all its numbers.")] = None,
    date_: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Default: the latest session.")
    ] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the risk page in a browser.")] = False,
) -> None:
    """Show the risk table of a session, or everything about one portfolio."""
    show_table(portfolio, date_.date() if date_ else None, open_page=open_)


def show_table(portfolio: str | None, session: date | None, *, open_page: bool = False) -> None:
    """Print the risk table of a session (the latest if None)."""
    from ..reports.risk_page import page_path
    from ..storage.queries import portfolios
    from .tables import print_portfolio, print_risk_table

    with database() as engine:
        shown = (
            print_portfolio(console, engine, portfolio, session)
            if portfolio
            else print_risk_table(console, engine, session)
        )
        ids = portfolios(engine)["portfolio_id"].tolist() if shown is None else []
    if shown is None:
        if portfolio and ids and portfolio not in ids:
            known = ", ".join(ids[:20]) + " …" * (len(ids) > 20)
            raise UserError(f"there is no portfolio {portfolio!r}; there are {known}")
        raise UserError(
            "no snapshot "
            + (f"of portfolio {portfolio!r} " if portfolio else "")
            + (f"for {session}" if session else "yet")
            + ": `risk-pipeline run` makes them"
        )
    page = page_path(shown, portfolio)
    if open_page and not page.exists():
        _write_pages(shown)
    if page.exists():
        console.print(f"Report: {page}", soft_wrap=True, highlight=False)
        if open_page:
            typer.launch(page.as_uri())


def _write_pages(session: date) -> None:
    """Write the pages of a session that a long run has left out, or that are gone."""
    import dagster as dg

    from ..defs.assets.report import write_session_pages
    from ..defs.code_version import code_version
    from ..defs.resources import Database, PriceCache, Registries
    from ..reports.page_rows import Provenance
    from ..storage.price_panel import PanelError

    console.print(f"Writing the pages of {session}…")
    with dg.build_resources({"db": Database()}) as resources:
        try:
            write_session_pages(resources.db, PriceCache(), Registries(), [session], Provenance(code_version()))
        except PanelError as gone:
            raise UserError(
                f"the pages of {session} need its price panel, and {gone}; "
                f"or `risk-pipeline run --date {session}` runs the session again and writes them"
            ) from None


@app.command()
def rebuild(
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
) -> None:
    """Clear the analytics of a range (never prices, never what was imported) and run it again."""
    from ..storage.queries import clear_analytics

    with database() as engine:
        wanted = wanted_sessions(engine, None, from_, to, None)
        assert wanted is not None  # noqa: S101 (a range was given)
        cleared = clear_analytics(engine, wanted.first, wanted.last)
    console.print(f"Cleared {sum(cleared.values()):,} rows of {wanted}; prices are kept.")
    execute(wanted)
    show_table(None, wanted.last)


@app.command()
def prune(
    before: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Sessions before this day.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete the bulk of old sessions; snapshots, scores, prices and imports stay. Shows what goes, and asks."""
    from .prune import prune_sessions

    with database() as engine:
        prune_sessions(console, engine, before.date(), ask=not yes)


@app.command("plan")
def plan_(
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")],
    to: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last session.")],
) -> None:
    """Price a range before it is run: sessions, what is done already, rows and seconds; runs nothing."""
    from ..settings import Settings
    from .plan import plan

    with database() as engine:
        wanted = wanted_sessions(engine, None, from_, to, None)
        assert wanted is not None  # noqa: S101 (a range was given)
        found = plan(engine, Settings().sessions.between(wanted.first, wanted.last).tolist())
    console.print(f"{counted(found.sessions, 'session')}, {wanted}; {found.complete} of them complete already.")
    if found.rows is None:
        console.print("How many rows they make is known after the first session.")
    else:
        largest = sorted(found.rows.items(), key=lambda item: -item[1])[:4]
        detail = ", ".join(f"{name} {count:,}" for name, count in largest)
        console.print(f"About {sum(found.rows.values()):,} rows: {detail} …", soft_wrap=True)
    basis = (
        f"the last {counted(found.recorded, 'recorded run')}"
        if found.recorded
        else "a usual machine, no run recorded yet"
    )
    console.print(f"About {found.seconds:,.0f} seconds in one run, judged from {basis}.")


@app.command()
def init() -> None:
    """Prepare the home: the tables' newest schema and Dagster's storage. Safe at any time, by several at once."""
    from ..dagster_ext.instance import open_instance
    from ..settings import Settings

    with database(), open_instance():
        console.print(f"Ready: {Settings().home.resolve()}", soft_wrap=True, highlight=False)


@app.command()
def doctor() -> None:
    """Check settings, database, calendar, source, coverage and stuck runs; each finding has its remedy."""
    from .doctor import examine

    bad = 0
    with database() as engine:
        for finding in examine(engine):
            console.print(
                f"[{'green' if finding.is_fine else 'red'}]{'✓' if finding.is_fine else '✗'}[/] "
                f"[bold]{finding.subject}[/]: {escape(finding.text)}",
                highlight=False,
            )
            bad += not finding.is_fine
    if bad:
        raise typer.Exit(1)


@app.command()
def calibrate(
    date_: Annotated[
        datetime | None, typer.Option("--date", formats=["%Y-%m-%d"], help="Default: the latest session.")
    ] = None,
) -> None:
    """Print the ridge penalty that the universe suggests, beside the registry's; changes nothing."""
    from ..config.factors import load_factors
    from ..storage.queries import latest_session
    from .calibrate import calibrate as bayes_ratio_of

    factors = load_factors()
    with database() as engine:
        session = date_.date() if date_ else latest_session(engine)
        if session is None:
            raise UserError("no snapshot yet: `risk-pipeline run` makes them")
        found = bayes_ratio_of(engine, factors, session)
    console.print(f"{found.symbols} symbols without a gap, the {factors.styles[0].window} sessions up to {session}:")
    console.print(f"residual volatility a day {found.residual_variance**0.5:.2%}, spread of the true betas by factor,")
    for name, variance in zip(factors.core_names, found.beta_variance, strict=True):
        console.print(f"  {name}: {variance**0.5:.2%} a day for a usual move of the factor")
    console.print(
        f"They suggest a penalty of {found.ratio:.0f}; the registry's is {factors.styles[0].penalty:.0f} "
        "(`penalty` in config/factors.yaml)."
    )


@app.command()
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


def _what_next() -> None:
    console.print(
        "\nNext: [bold]make dev[/] opens the Dagster UI (backfill a range, look at checks); "
        "[bold]risk-pipeline show --portfolio NAME[/] shows one portfolio;\n"
        "[bold]risk-pipeline import portfolios.csv positions.csv[/] brings your own; "
        "[bold]risk-pipeline doctor[/] checks the installation."
    )
