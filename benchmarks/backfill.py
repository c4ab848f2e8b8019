"""Backfills as the UI launches them: how many runs, how long, in what order, and whether the rows are the same.

Each row: a fresh home with the demo portfolios, a real webserver and daemon (``dagster dev``), the mutation that the
asset graph's page sends with everything selected; afterwards ``risk-pipeline run`` over the same sessions on another
home, and every table of both compared to the last bit.

``python benchmarks/backfill.py [SESSIONS ...]``; without, the documentation's table.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
LAST = date(2025, 6, 30)
MARKET, PANEL = "market_data", "price_cache"
OWN = {"price_panels", "batch_runs"}  # say which panel and which run


def main() -> None:
    print(
        "| sessions | runs | seconds to the end | in runs | MB of the largest process | in order | rows | that differ |"
    )
    print("|" + "---|" * 8)
    for count in [int(word) for word in sys.argv[1:]] or [60, 250]:
        with tempfile.TemporaryDirectory() as scratch:
            print(row(Path(scratch), count), flush=True)


def row(scratch: Path, count: int) -> str:
    """Run one backfill and its counterpart; return the row of the table."""
    from orchestration import DEMO, import_books

    from risk_pipeline.sessions import session_calendar
    from risk_pipeline_tests.support.servers import Server, free_port, instance_of, serving

    calendar = session_calendar("XNYS", date(2015, 1, 2))
    days = [
        day.isoformat() for day in calendar.sessions_in_range(calendar.look_back_from(LAST, count - 1), LAST).tolist()
    ]
    homes = [scratch / name for name in ("backfill", "command")]
    for home in homes:
        home.mkdir()
        shutil.copy(ROOT / "dagster_home" / "dagster.yaml", home)
        import_books(home, DEMO)
    os.environ["RISK_PIPELINE_HOME"] = str(homes[0])
    port = free_port()
    with serving(homes[0], "-m", "dagster", "dev", "--port", str(port)):
        server = Server(homes[0], port)
        assets = server.assets()
        start = time.monotonic()
        identity = server.backfill(days, assets=assets)
        peak = 0.0
        while (status := server.status_of_backfill(identity)) is None:
            peak = max(peak, largest_process(homes[0]))
            time.sleep(1.0)
        seconds = time.monotonic() - start
    with instance_of(homes[0]) as instance:
        records = [record for record in instance.get_run_records() if "dagster/backfill" in record.dagster_run.tags]
        busy = sum((record.end_time or 0) - (record.start_time or 0) for record in records)
        ordered = in_order(instance, [record.dagster_run.run_id for record in records], days)
    command(homes[1], days)
    rows, differ = compared(*homes)
    return (
        f"| {count} | {len(records)} | {seconds:.0f} ({status}) | {busy:.0f} | {peak:,.0f} "
        f"| {'yes' if ordered else 'NO'} | {rows:,} | {differ} |"
    )


def largest_process(home: Path) -> float:
    """Return MB of the largest process that was started for a home: that of a run, while there is one."""
    import psutil

    largest = 0.0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get("DAGSTER_HOME") == str(home):
                largest = max(largest, process.memory_info().rss / 2**20)
    return largest


def in_order(instance: Any, runs: list[str], days: list[str]) -> bool:
    """Return whether all market data came before any panel, and a session's panel before its analytics."""
    import dagster as dg

    at: dict[tuple[str, str | None], float] = {}
    for run in runs:
        for entry in instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            at[(entry.dagster_event.asset_key.to_user_string(), entry.dagster_event.partition)] = entry.timestamp
    analytics = {name for name, day in at if day} - {MARKET, PANEL}
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


def compared(one: Path, other: Path) -> tuple[int, int]:
    """Return how many rows the tables of a home have, and how many are not the other's."""
    from risk_pipeline.storage.database import open_engine
    from risk_pipeline.storage.queries import read_table
    from risk_pipeline.storage.tables import metadata

    rows = differ = 0
    engines = [open_engine(f"sqlite:///{home / 'risk.db'}") for home in (one, other)]
    for name in sorted(set(metadata.tables) - OWN):
        ours, theirs = (read_table(engine, name) for engine in engines)
        rows += len(ours)
        differ += abs(len(ours) - len(theirs))
        if len(ours) == len(theirs):
            same = ((ours == theirs) | (ours.isna() & theirs.isna())).all(axis="columns")
            differ += int((~same).sum())
    for engine in engines:
        engine.dispose()
    return rows, differ


if __name__ == "__main__":
    main()
