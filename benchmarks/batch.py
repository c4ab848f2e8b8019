"""What a run of the demo portfolios costs, against the floor of writing and reading the same rows.

Prints one table: sessions, seconds of the run in this process, the part that is Dagster's event log, and the
floor: the same rows written in bulk into an empty database of the same kind.
"""

from __future__ import annotations

import logging
import os
import tempfile
import time
from datetime import date
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def main() -> None:
    import dagster as dg
    import sqlalchemy as sa

    from risk_pipeline.automation.jobs import range_tags
    from risk_pipeline.definitions import defs
    from risk_pipeline.demo import demo_frames
    from risk_pipeline.sessions import session_calendar
    from risk_pipeline.storage.database import insert_rows, migrate, open_engine
    from risk_pipeline.storage.imports import import_frames
    from risk_pipeline.storage.queries import read_table
    from risk_pipeline.storage.tables import ANALYTICS

    logging.getLogger("dagster").setLevel(logging.CRITICAL)
    calendar = session_calendar("XNYS", date(2015, 1, 2))
    last = date(2025, 6, 30)
    print("| sessions | seconds | seconds a session | rows | floor, seconds | ratio |\n|---|---|---|---|---|---|")
    for count in (1, 20, 101):
        with tempfile.TemporaryDirectory() as folder:
            os.environ["RISK_PIPELINE_HOME"] = folder
            engine = open_engine(f"sqlite:///{Path(folder) / 'risk.db'}")
            migrate(engine)
            import_frames(engine, demo_frames())
            start = time.perf_counter()
            defs.resolve_job_def("daily_risk").execute_in_process(
                instance=dg.DagsterInstance.ephemeral(),
                tags=range_tags(calendar.back(last, count - 1), last),
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
            seconds = time.perf_counter() - start
            frames = {table: read_table(engine, table.name) for table in ANALYTICS}
            floor_engine = open_engine(f"sqlite:///{Path(folder) / 'floor.db'}")
            migrate(floor_engine)
            start = time.perf_counter()
            with floor_engine.begin() as connection:
                for table, frame in frames.items():
                    insert_rows(connection, table, frame)
            floor = time.perf_counter() - start
            rows = sum(map(len, frames.values()))
            print(
                f"| {count} | {seconds:.1f} | {seconds / count:.2f} | {rows:,} | {floor:.2f} | {seconds / floor:.1f} |"
            )
            for each in (engine, floor_engine):
                sa.Engine.dispose(each)


if __name__ == "__main__":
    main()
