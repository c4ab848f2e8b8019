"""``risk-pipeline export``: everything stored, as Parquet files."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from .terminal import UserError, console, counted, existing_database


def export(
    to: Annotated[Path, typer.Option("--to", help="Folder of the files; made where it is not there.")],
    first: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First session.")] = None,
    last: Annotated[datetime | None, typer.Option("--until", formats=["%Y-%m-%d"], help="Last session.")] = None,
) -> None:
    """Write every table to Parquet files, by year where it has sessions, with tables.md as their dictionary."""
    from ..storage.export import export as write

    if to.exists() and not to.is_dir():
        raise UserError(f"{to} is a file: name a folder")
    if first and last and last < first:
        raise UserError(f"--from {first.date()} is after --until {last.date()}")
    with existing_database() as engine:
        try:
            files = write(engine, to, first.date() if first else None, last.date() if last else None)
        except OSError as error:
            raise UserError(f"{to} can't be written ({error.strerror or error}): name another folder") from error
    rows = sum(file.rows for file in files)
    console.print(f"Wrote {rows:,} rows in {counted(len(files), 'file')} to {to}", soft_wrap=True, highlight=False)
