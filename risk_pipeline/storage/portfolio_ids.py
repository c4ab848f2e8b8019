"""A portfolio that a person names: one that there is, or an error that names those there are."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

from .errors import StorageError

if TYPE_CHECKING:
    import pandas as pd

NAMED = 20
"""Portfolios that an error names."""


def named(ids: Iterable[str]) -> str:
    """Return portfolios as words of a sentence."""
    known = sorted(ids)
    return (", ".join(known[:NAMED]) + " …" * (len(known) > NAMED)) or "none yet"


def require_portfolio(portfolio: str, ids: Iterable[str]) -> None:
    """Refuse a portfolio that is none of ``ids``.

    Raises
    ------
    StorageError
        Names those there are.
    """
    known = {*ids}
    if portfolio not in known:
        raise StorageError(f"there is no portfolio {portfolio!r}; there are {named(known)}")


def require_open(portfolio: str, book: pd.DataFrame, session: date) -> None:
    """Refuse a portfolio of the book's that is not open on a session.

    Raises
    ------
    StorageError
        Says since or until when it is.
    """
    row = book[book["portfolio_id"] == portfolio].iloc[0].dropna()
    opened, closed = row.get("inception_date"), row.get("closed_date")
    if opened is not None and session < opened.date():
        raise StorageError(f"{portfolio} begins on {opened.date()}: name a session from then on with --date")
    if closed is not None and closed.date() <= session:
        raise StorageError(f"{portfolio} was closed on {closed.date()}: name a session before it with --date")
