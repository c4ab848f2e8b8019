"""What every table shares: the metadata, types of keys, and the columns that most keys begin with.

Dates are exchange sessions unless their name says otherwise. Money is in the portfolio's currency; returns,
rates and volatilities are decimals (0.01 = 1 %), volatilities annualised. A null number is one that could not
be computed; the row's ``reason`` or a row of ``analytics_skips`` says why. Bulk tables start their key with
the session, so that a partition is one contiguous range of it, and have no other index: it would double the
time of writing.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Column, Date, String, Table

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

NAME = String(64)
SYMBOL = String(40)
REASON = String(40)


def session_key() -> Column[object]:
    """Return the key column that a table of a partition begins with."""
    return Column("session", Date, primary_key=True, comment="session of the exchange")


def portfolio_key() -> Column[object]:
    """Return the key column of a table by portfolio."""
    return Column("portfolio_id", NAME, primary_key=True, comment="id of the portfolio")


def table(name: str, comment: str, *columns: sa.schema.SchemaItem) -> Table:
    """A table whose SQLite form is clustered by its primary key; the comment says what a row is."""
    return Table(name, metadata, *columns, comment=comment, sqlite_with_rowid=False)
