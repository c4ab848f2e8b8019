"""What every analytic reads: the price panel and the book valued on it, session by session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

import dagster as dg
import numpy as np
import pandas as pd

from ..analytics.arrays import Bool2D, Int1D
from ..analytics.lots import Lots
from ..analytics.reasons import Reason
from ..analytics.valuation import Book, value_book
from ..analytics.volatility import estimate_volatility
from ..resources import Database, PriceCache, Registries
from ..settings import Settings
from ..storage import tables
from .common import Stopwatch, run_sessions

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..storage.price_panel import PricePanel

Frames = dict["sa.Table", pd.DataFrame]

SESSIONS_AT_ONCE = 64
"""A long range is worked off in blocks of so many sessions, so that memory stays bounded."""


@dataclass(frozen=True)
class Inputs:
    """The panel of a block of sessions, the imported portfolios, and the registries.

    ``ends`` are the rows of the sessions in the panel. Portfolios are in the order of their ids.
    """

    db: Database
    registries: Registries
    panel: PricePanel
    sessions: list[date]
    portfolios: pd.DataFrame
    lots: pd.DataFrame

    @cached_property
    def ends(self) -> Int1D:
        """Rows of the sessions in the panel, shape (D,)."""
        return np.searchsorted(self.panel.dates, np.array(self.sessions, dtype="datetime64[D]"))

    @cached_property
    def column(self) -> Mapping[str, int]:
        """Column of each symbol in the panel."""
        return {symbol: number for number, symbol in enumerate(self.panel.symbols)}

    @cached_property
    def book(self) -> Book:
        """The book valued at the sessions."""
        return self.value(self.ends)

    def value(self, ends: Int1D) -> Book:
        """Value the book at other rows of the panel, with what was known on each."""
        return value_book_at(self, ends)

    @cached_property
    def symbols_in_use(self) -> Bool2D:
        """Whether a symbol is held or a factor's proxy as of a session, shape (D, N)."""
        used = np.zeros((len(self.sessions), len(self.panel.symbols)), dtype=bool)
        used[self.book.holdings.session, self.book.holdings.symbol] = True
        used[:, [self.column[s] for s in self.registries.factors.proxies if s in self.column]] = True
        return used

    @cached_property
    def has_public(self) -> Bool2D:
        """Whether a portfolio holds a PUBLIC or OPTIONS position as of a session, shape (D, P)."""
        held = np.zeros(self.book.equity.shape, dtype=bool)
        held[self.book.holdings.session, self.book.holdings.portfolio] = True
        return held

    def frame(self, mask: Bool2D, entity: str, names: list[str], **values: np.ndarray) -> pd.DataFrame:
        """Return long rows ``session, <entity>, values…`` for the true cells of a (D, entities) mask."""
        sessions, entities = np.nonzero(mask)
        return pd.DataFrame(
            {
                "session": np.array(self.sessions, dtype="datetime64[D]").astype("datetime64[s]")[sessions],
                entity: np.array(names, dtype=object)[entities],
                **{name: array[sessions, entities] for name, array in values.items()},
            }
        )

    @cached_property
    def portfolio_ids(self) -> list[str]:
        """Ids of the portfolios, in order."""
        return self.portfolios["portfolio_id"].tolist()

    def portfolio_skips(self, analytic: str) -> pd.DataFrame:
        """Return the skip rows of portfolios that hold nothing with a market price."""
        without = self.book.is_active & ~self.has_public
        reason = np.where(
            self.book.private_positions > 0, Reason.NO_PUBLIC_POSITIONS, Reason.NO_ACTIVE_POSITIONS
        )
        skips = self.frame(without, "entity", self.portfolio_ids, reason=reason)
        return skips.assign(analytic=analytic, entity_type="portfolio", detail=None)


def load_inputs(
    db: Database, registries: Registries, panel: PricePanel, sessions: list[date]
) -> Inputs:
    """Read portfolios and lots as of the last session."""
    from ..storage.queries import lots, portfolios

    return Inputs(
        db=db,
        registries=registries,
        panel=panel,
        sessions=sessions,
        portfolios=portfolios(db.engine),
        lots=lots(db.engine, sessions[-1]),
    )


def value_book_at(inputs: Inputs, ends: Int1D) -> Book:
    """Value the book: lots and flows from the tables, prices from the panel, volatilities as of each row."""
    raise AssertionError


def compute_sessions(
    context: dg.AssetExecutionContext,
    db: Database,
    cache: PriceCache,
    registries: Registries,
    compute: Callable[[Inputs], Frames],
) -> dg.MaterializeResult:
    """Compute an analytic over the run's sessions and replace its partitions, block by block.

    Each block is one transaction: the skips of the analytic are replaced together with its rows.
    """
    from ..storage.database import replace_sessions

    analytic = context.asset_key.to_user_string()
    watch = Stopwatch()
    written: dict[str, int] = {}
    for panel, sessions in cache.panels(db, run_sessions(context)):
        for start in range(0, len(sessions), SESSIONS_AT_ONCE):
            block = sessions[start : start + SESSIONS_AT_ONCE]
            with watch.stage("compute"):
                frames = compute(load_inputs(db, registries, panel, block))
            with watch.stage("write"):
                counts = replace_sessions(db.engine, block, frames, analytic=analytic)
            for name, count in counts.items():
                written[name] = written.get(name, 0) + count
            log_skips(context, frames)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(written.values()),
            **{f"rows/{name}": count for name, count in written.items()},
            **watch.metadata,
        }
    )


def log_skips(context: dg.AssetExecutionContext, frames: Frames) -> None:
    """Say at info level which portfolios were skipped, and why; one line a portfolio."""
    skips = frames.get(tables.analytics_skips)
    if skips is None or skips.empty:
        return
    for (entity, reason), rows in skips[skips["entity_type"] == "portfolio"].groupby(["entity", "reason"]):
        context.log.info(f"portfolio {entity} skipped on {len(rows)} session(s): {Reason(reason).explain()}")
