"""From pressing the button to the end: what a run costs, and where the seconds go.

Each row is a process of its own, as a user starts it: `risk-pipeline run` over a range on a fresh SQLite home, the
portfolios imported before. The run is split by what Dagster's event log and the assets' own stopwatches say:

======================  =====================================================================================
process and imports     until the command line announces the run, and after the run's last event: the interpreter,
                        imports, opening Dagster's storage, the first look at the database, the table at the end
Dagster                 the rest of the run outside steps' own work: planning, events and their storage, resources
source                  asking the source for prices (`run/seconds/source`)
database                stored and read bars, the panel, and what analytics write (`run/seconds/database|read|write`)
arithmetic              computing the analytics (`run/seconds/compute`), reading their inputs included
checks and pages        steps of the checks, and rendering (`run/seconds/render`), imports on first use included
======================  =====================================================================================

``python benchmarks/orchestration.py [SESSIONS ...] [--portfolios N ...]``; without, the documentation's table.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

LAST = date(2025, 6, 30)
DEMO, LONG = 10, 250
"""Portfolios of the demo; sessions beyond which a range may begin before the first partition of the settings."""
KINDS = {"source": "source", "database": "database", "read": "database", "write": "database"}
KINDS |= {"compute": "arithmetic", "render": "checks and pages"}
STAGE = "run/seconds/"
COLUMNS = ("process and imports", "Dagster", "source", "database", "arithmetic", "checks and pages")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("sessions", nargs="*", type=int, default=[1, 20, 101])
    arguments.add_argument("--portfolios", nargs="*", type=int, default=[1, 3, 10, 1000])
    chosen = arguments.parse_args()
    print("| portfolios | sessions | seconds | CPU | " + " | ".join(COLUMNS) + " | peak MB |")
    print("|" + "---|" * (len(COLUMNS) + 5))
    for portfolios in chosen.portfolios:
        for sessions in chosen.sessions:
            print(row(portfolios, sessions), flush=True)


def row(portfolios: int, sessions: int) -> str:
    """Run once in a home of its own; return the row of the table."""
    from risk_pipeline.sessions import session_calendar

    first = session_calendar("XNYS", date(2015, 1, 2)).look_back_from(LAST, sessions - 1)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DAGSTER_HOME": folder, "RISK_PIPELINE_HOME": folder}
        environment.pop("RISK_PIPELINE_DATABASE_URL", None)
        if sessions > LONG:
            environment["RISK_PIPELINE_FIRST_SESSION"] = first.isoformat()
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # with it, each process would compile all of our modules
        import_books(Path(folder), portfolios)
        start = time.time()
        command = [Path(sys.executable).with_name("risk-pipeline"), "run", "--from", str(first), "--to", str(LAST)]
        run = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        if run.returncode:
            raise SystemExit(f"the run of {portfolios} portfolios x {sessions} sessions failed")
        seconds = time.time() - start
        cpu = usage.ru_utime + usage.ru_stime
        parts = split(Path(folder), seconds)
    cells = " | ".join(f"{parts[name]:.1f}" for name in COLUMNS)
    return f"| {portfolios:,} | {sessions} | {seconds:.1f} | {cpu:.1f} | {cells} | {usage.ru_maxrss / 1024:,.0f} |"


def import_books(home: Path, portfolios: int) -> None:
    """Import the first demo portfolios; beyond ten, copies of them under other names."""
    import pandas as pd

    from risk_pipeline.demo import demo_frames
    from risk_pipeline.storage.database import migrate, open_engine
    from risk_pipeline.storage.imports import import_frames

    frames = demo_frames()
    names = frames["portfolios"]["portfolio_id"].tolist()
    copies = {f"{names[at % DEMO]}{at // DEMO or ''}": names[at % DEMO] for at in range(portfolios)}
    books = {"marks": frames["marks"]}
    for kind in ("portfolios", "positions", "flows"):
        of = dict(iter(frames[kind].groupby("portfolio_id")))
        made = [of[name].assign(portfolio_id=copy) for copy, name in copies.items() if name in of]
        books[kind] = pd.concat(made) if made else frames[kind].iloc[:0]
        if "position_id" in books[kind]:
            books[kind] = books[kind].drop(columns="position_id")
    engine = open_engine(f"sqlite:///{home / 'risk.db'}")
    migrate(engine)
    import_frames(engine, books)
    engine.dispose()


def split(home: Path, seconds: float) -> dict[str, float]:
    """Return the seconds of a finished run by kind of work, from Dagster's event log."""
    import dagster as dg

    parts = dict.fromkeys(COLUMNS, 0.0)
    os.environ["DAGSTER_HOME"] = str(home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        (record,) = instance.get_run_records()
        run = record.dagster_run.run_id
        for statistics in instance.get_run_step_stats(run):
            if statistics.step_key.startswith("checks_of"):
                parts["checks and pages"] += statistics.end_time - statistics.start_time
        seen = set()
        for entry in instance.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
            event = entry.dagster_event
            if event.step_key in seen:
                continue
            seen.add(event.step_key)
            for name, value in event.step_materialization_data.materialization.metadata.items():
                kind = KINDS.get(name.removeprefix(STAGE)) if name.startswith(STAGE) else None
                if kind:
                    parts[kind] += value.value
        of_run = record.end_time - record.create_timestamp.timestamp()
    parts["process and imports"] = seconds - of_run
    parts["Dagster"] = seconds - sum(parts.values())
    return parts


if __name__ == "__main__":
    main()
