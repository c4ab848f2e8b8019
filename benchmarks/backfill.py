"""Backfills as the UI launches them: how many runs, how long, in what order, and whether the rows are the same.

Each row: a fresh home with the demo portfolios, a real webserver and daemon (``dagster dev``), the mutation that the
asset graph's page sends with everything selected; afterwards ``risk-pipeline run`` over the same sessions on another
home, and every table of both compared to the last bit.

``python benchmarks/backfill.py [CASE ...]``: so many sessions up to the last, ``10-2`` with two of them left out as
the dialog's "missing" does. Without, the documentation's table. ``--checkout FOLDER`` measures another checkout with
an environment of its own, such as that of an earlier commit, with this same script.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

CHECKOUT = "--checkout"
ROOT = Path(sys.argv[sys.argv.index(CHECKOUT) + 1]).resolve() if CHECKOUT in sys.argv else Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
LAST = date(2025, 6, 30)
MARKET, PANEL = "market_data", "price_cache"
NOT_ANALYTICS = {MARKET, PANEL, "factor_definitions", "company_profiles", "market_data_coverage"}
OWN = {"price_panels", "batch_runs"}  # say which panel and which run


def main() -> None:
    cases = sys.argv[1:]
    if CHECKOUT in cases:
        at = cases.index(CHECKOUT)
        del cases[at : at + 2]
    print("| sessions | runs | seconds, click to end | in runs | CPU seconds | MB at most | in order | rows | differ |")
    print("|" + "---|" * 9)
    for case in cases or ["10", "10-2", "60", "250"]:
        count, _, holes = case.partition("-")
        with tempfile.TemporaryDirectory() as scratch:
            print(row(Path(scratch), int(count), int(holes or 0)), flush=True)


def row(scratch: Path, count: int, holes: int) -> str:
    """Run one backfill and its counterpart; return the row of the table."""
    import exchange_calendars as xc
    import pandas as pd
    from orchestration import DEMO, import_books

    server_module = servers()
    sessions = xc.get_calendar("XNYS", start="2015-01-02").sessions
    days = [day.date().isoformat() for day in sessions[sessions <= pd.Timestamp(LAST)][-count:]]
    left_out = {days[count * (hole + 1) // (holes + 1)] for hole in range(holes)}
    days = [day for day in days if day not in left_out]
    homes = [scratch / name for name in ("backfill", "command")]
    for home in homes:
        home.mkdir()
        shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
        import_books(home, DEMO)
    os.environ["RISK_PIPELINE_HOME"] = str(homes[0])
    port = server_module.free_port()
    with server_module.serving(homes[0], "-m", "dagster", "dev", "--port", str(port)):
        server = server_module.Server(homes[0], port)
        assets = server.assets()
        seen: dict[int, float] = {}
        before = processor_seconds(homes[0], seen)
        start = time.monotonic()
        identity = server.backfill(days, assets=assets)
        peak = 0.0
        while (status := server.status_of_backfill(identity)) is None:
            peak = max(peak, largest_process(homes[0]))
            processor_seconds(homes[0], seen)
            time.sleep(0.5)
        seconds = time.monotonic() - start
        used = processor_seconds(homes[0], seen) - before
    with server_module.instance_of(homes[0]) as instance:
        records = [record for record in instance.get_run_records() if "dagster/backfill" in record.dagster_run.tags]
        busy = sum((record.end_time or 0) - (record.start_time or 0) for record in records)
        ordered = in_order(instance, [record.dagster_run.run_id for record in records], days)
    command(homes[1], days)
    rows, differ = compared(*homes, {date.fromisoformat(day) for day in left_out})
    name = f"{count}, {holes} of them left out" if holes else f"{count}"
    return (
        f"| {name} | {len(records)} | {seconds:.0f} ({status}) | {busy:.0f} | {used:.0f} | {peak:,.0f} "
        f"| {'yes' if ordered else 'NO'} | {rows:,} | {differ} |"
    )


def servers() -> Any:
    """Return the module of the tests that starts Dagster's servers; it was elsewhere in earlier checkouts."""
    try:
        return importlib.import_module("risk_pipeline_tests.support.servers")
    except ModuleNotFoundError:
        return importlib.import_module("risk_pipeline_tests.end_to_end.servers")


def processor_seconds(home: Path, seen: dict[int, float]) -> float:
    """Return the CPU seconds so far of all processes started for a home, those that have ended included.

    ``seen`` keeps what each process had used when it was last looked at.
    """
    for process in processes(home):
        times = process.cpu_times()
        seen[process.pid] = times.user + times.system
    return sum(seen.values())


def processes(home: Path) -> Iterator[Any]:
    """Yield the processes that were started for a home."""
    import psutil

    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("DAGSTER_HOME") == str(home):
                yield process


def largest_process(home: Path) -> float:
    """Return MB of the largest process that was started for a home: that of a run, while there is one."""
    return max((process.memory_info().rss / 2**20 for process in processes(home)), default=0.0)


def in_order(instance: Any, runs: list[str], days: list[str]) -> bool:
    """Return whether all market data came before any panel, and a session's panel before its analytics."""
    import dagster as dg

    at: dict[tuple[str, str | None], float] = {}
    for run in runs:
        for entry in instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            at[(entry.dagster_event.asset_key.to_user_string(), entry.dagster_event.partition)] = entry.timestamp
    analytics = {name for name, day in at if day} - NOT_ANALYTICS
    prices, panels = ([at[(name, day)] for day in days] for name in (MARKET, PANEL))
    after = [at[(name, day)] > at[(PANEL, day)] for name in analytics for day in days]
    return max(prices) < min(panels) and all(after)


def command(home: Path, days: list[str]) -> None:
    """Run the sessions with the command line."""
    subprocess.run(
        [Path(sys.executable).with_name("risk-pipeline"), "run", "--from", days[0], "--to", days[-1]],
        env={**os.environ, "DAGSTER_HOME": str(home), "RISK_PIPELINE_HOME": str(home)},
        check=True,
        stdout=subprocess.DEVNULL,
    )


def compared(one: Path, other: Path, left_out: set[date]) -> tuple[int, int]:
    """Return how many rows the tables of a home have, and how many are not the other's on the sessions of both.

    The times at which something was asked for or made are left out.
    """
    import sqlalchemy as sa

    from risk_pipeline.storage.database import open_engine
    from risk_pipeline.storage.queries import read_table
    from risk_pipeline.storage.tables import metadata

    rows = differ = 0
    engines = [open_engine(f"sqlite:///{home / 'risk.db'}") for home in (one, other)]
    for name in sorted(set(metadata.tables) - OWN):
        times = [column.name for column in metadata.tables[name].columns if isinstance(column.type, sa.DateTime)]
        ours, theirs = (without(read_table(engine, name).drop(columns=times), left_out) for engine in engines)
        rows += len(ours)
        differ += abs(len(ours) - len(theirs))
        if len(ours) == len(theirs):
            same = ((ours == theirs) | (ours.isna() & theirs.isna())).all(axis="columns")
            differ += int((~same).sum())
    for engine in engines:
        engine.dispose()
    return rows, differ


def without(rows: Any, days: set[date]) -> Any:
    """Return the rows of a table but for those of some sessions, which only the command line has run."""
    if "session" not in rows or not days:
        return rows
    return rows[~rows["session"].dt.date.isin(days)].reset_index(drop=True)


if __name__ == "__main__":
    main()
