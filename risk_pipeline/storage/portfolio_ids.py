"""A portfolio that a person names: one that there is, or an error that names those there are."""

from __future__ import annotations

from collections.abc import Iterable

from .errors import StorageError

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
