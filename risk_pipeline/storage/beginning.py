"""The first day of a database's data, read before anything else is loaded."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from . import tables
from .database import open_existing
from .errors import StorageError


def earliest_day(url: str) -> date | None:
    """Return the first inception of a portfolio, or the first session with a snapshot if that is earlier.

    The snapshot counts so that a portfolio which is removed later does not take away the sessions of its time. None
    where there is no portfolio, no table, no database, or none that answers; nothing is created and nothing raised.
    """
    try:
        engine = open_existing(url)
    except StorageError:  # the first use of the database reports what is wrong
        return None
    try:
        with engine.connect() as connection:
            firsts = [
                connection.execute(sa.select(sa.func.min(column))).scalar()
                for column in (tables.portfolios.c.inception_date, tables.portfolio_snapshots.c.session)
            ]
        return min((day for day in firsts if day is not None), default=None)
    except (StorageError, sa.exc.SQLAlchemyError):
        return None
    finally:
        engine.dispose()
