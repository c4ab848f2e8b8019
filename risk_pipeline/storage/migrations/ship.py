"""Writes the newest schema of SQLite anew: ``python -m risk_pipeline.storage.migrations.ship``."""

from __future__ import annotations

import tempfile

from ..database import newest_revision, open_engine, upgrade
from .shipped import END, HEADER, SCRIPT, statements_of


def migrated_script() -> str:
    """Return the script of what all migrations amount to."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/risk.db")
        upgrade(engine)
        with engine.connect() as connection:
            statements = statements_of(connection)
        engine.dispose()
    return f"{HEADER}{newest_revision()}\n" + "".join(f"{statement}{END}" for statement in statements)


if __name__ == "__main__":
    SCRIPT.write_text(migrated_script(), encoding="utf-8")
