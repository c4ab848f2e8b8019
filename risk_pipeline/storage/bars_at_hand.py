"""Stored bars in memory, while all there are were stored by the run that looks.

A run on an empty database stores millions of bars and reads them back for gaps, coverage, checks and panel. It keeps
them instead until its panel is made. Meanwhile a row of ``database_facts`` says whose they are: every transaction that
changes stored bars takes it away, so that where it stands the bars at hand are those of the database. It may go at any
time; the bars are read then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import sqlalchemy as sa

from .tables import database_facts, market_data_cache

OPTION = "risk_pipeline_bars"
"""Execution option of the engine of a run: its bars at hand."""
HOLDER = "bars_at_hand"
"""The fact that names who has all stored bars at hand."""
PRICES = ("high", "low", "close", "dividend", "split_factor")


@dataclass
class BarsAtHand:
    """All stored bars, as long as ``name`` is that of the holder; none while some are being stored."""

    name: str = field(default_factory=lambda: uuid4().hex)
    parts: list[pd.DataFrame] = field(default_factory=list)
    is_complete: bool = False


def keeping_bars(engine: sa.Engine) -> sa.Engine:
    """Return the engine as one that keeps the bars that are stored through it in an empty table."""
    return engine.execution_options(**{OPTION: BarsAtHand()})


def end_holding(connection: sa.Connection) -> None:
    """Say, in each transaction that changes stored bars, that nobody has them at hand any more."""
    connection.execute(sa.delete(database_facts).where(database_facts.c.name == HOLDER))


def hold(connection: sa.Connection) -> bool:
    """Ask before the first bars of some sessions are stored, with their lock held, whether to :func:`keep` them.

    That is if the run has all others at hand, or there are none.
    """
    kept = _kept(connection)
    if kept is not None and kept.is_complete and _is_holder(connection, kept):
        kept.is_complete = False
        return True
    end_holding(connection)
    if kept is None:
        return False
    kept.parts.clear()
    if connection.execute(sa.select(market_data_cache.c.session).limit(1)).first() is not None:
        return False
    connection.execute(sa.insert(database_facts).values(name=HOLDER, value=kept.name))
    return True


def keep(engine: sa.Engine, bars: pd.DataFrame) -> None:
    """Keep the bars of a transaction that has been committed, if :func:`hold` said so in it."""
    kept = _kept(engine)
    if kept is None:
        return
    prices = {name: bars[name].to_numpy(dtype=float) for name in PRICES}
    prices = {name: np.where(np.isnan(values), np.nan, values) for name, values in prices.items()}  # one kind of NaN
    if engine.dialect.name == "sqlite":
        prices = {name: values + 0.0 for name, values in prices.items()}  # which has no negative zero
    symbol = bars["symbol"].astype("category")
    kept.parts.append(_frame([symbol], {"session": bars["session"].to_numpy(), **prices}))
    kept.is_complete = True


def let_go(engine: sa.Engine) -> None:
    """Free what is kept, since nothing reads so many bars any more; what a killed run held ends too."""
    kept = _kept(engine)
    if kept is not None:
        kept.parts.clear()
        kept.is_complete = False
    with engine.begin() as connection:
        end_holding(connection)


def _kept(of: sa.Engine | sa.Connection) -> BarsAtHand | None:
    kept: BarsAtHand | None = of.get_execution_options().get(OPTION)
    return kept


def _is_holder(connection: sa.Connection, kept: BarsAtHand) -> bool:
    query = sa.select(database_facts.c.value).where(database_facts.c.name == HOLDER)
    return connection.execute(query).scalar() == kept.name


def bars_at_hand(engine: sa.Engine, first: date, last: date) -> pd.DataFrame | None:
    """Return ``session``, ``symbol`` (categorical) and prices of all stored bars between two sessions, in no order.

    None where they have to be read from the database. Callers don't change them.
    """
    kept = _kept(engine)
    if kept is None or not kept.is_complete:
        return None
    with engine.connect() as connection:
        if not _is_holder(connection, kept):
            return None
    if len(kept.parts) > 1:
        kept.parts[:] = [_joined(kept.parts)]
    session = kept.parts[0]["session"].to_numpy()
    is_inside = (session >= np.datetime64(first)) & (session <= np.datetime64(last))
    return kept.parts[0] if is_inside.all() else kept.parts[0][is_inside].reset_index(drop=True)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    names = ("session", *PRICES)
    rows = {name: np.concatenate([part[name].to_numpy() for part in parts]) for name in names}
    return _frame([part["symbol"] for part in parts], rows)


def _frame(symbols: list[pd.Series], rows: dict[str, np.ndarray[Any, Any]]) -> pd.DataFrame:
    """Return rows with their symbols, whose categories are in order."""
    joined = pd.api.types.union_categoricals(symbols, sort_categories=True)
    return pd.DataFrame({"symbol": joined, **rows}, copy=False)
