"""What the rows of a run are made from, recorded beside them; and the present inputs that stored rows are held against.

``MadeFrom`` reads the whole book and all revisions once and gives the fingerprints of any sessions.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...risk.catch_up import (
    Fingerprints,
    Reach,
    Timeline,
    as_text,
    fingerprints,
    limits_hash,
    registry_hash,
    timeline,
    without_prices,
)
from ...risk.inputs import BookFrames, Frames
from ...settings import Settings
from ...storage import queries, result_inputs
from ...storage.book_versions import made_once, version_seen
from ...storage.market_data import panel_revisions
from ..partitions import CALENDAR
from ..resources import Registries

if TYPE_CHECKING:
    import sqlalchemy as sa

END_OF_TIME = date(2250, 1, 1)
STALE = "upstream-stale"
"""In place of a fingerprint (it equals none): the rows were made from rows of earlier assets that are stale."""
SNAPSHOTS = "portfolio_snapshots"


@dataclass(frozen=True)
class MadeFrom:
    """The present inputs of all results, as the engine sees them."""

    engine: sa.Engine
    registries: Registries

    @cached_property
    def events(self) -> Timeline:
        """The whole book as events; the assets of a run, which see one version of it, share them."""
        quotes = queries.quotes(self.engine)
        return made_once(self.engine, "events", lambda: self._events(quotes), quotes)

    def _events(self, quotes: pd.DataFrame) -> Timeline:
        engine = self.engine
        return timeline(
            BookFrames(
                portfolios=queries.portfolios(engine),
                lots=queries.lots(engine, END_OF_TIME),
                flows=queries.flows(engine, END_OF_TIME),
                marks=queries.marks(engine, END_OF_TIME),
                profiles=pd.DataFrame(),
                quotes=quotes,
                volatilities=queries.volatilities(engine, END_OF_TIME),
                benchmarks=queries.benchmarks(engine),
            )
        )

    @cached_property
    def limits(self) -> pd.DataFrame:
        """Every limit, whenever it is valid."""
        return queries.limits(self.engine, END_OF_TIME)

    @cached_property
    def revisions(self) -> pd.DataFrame:
        """Every revision of prices and profiles."""
        return result_inputs.revisions(self.engine)

    @cached_property
    def reach(self) -> Reach:
        """How far back results read, which the assets of a run share."""

        def made() -> Reach:
            calendar = CALENDAR.sessions_in_range(date(1900, 1, 1), END_OF_TIME)
            return Reach.of(self.registries, calendar, Settings().risk_free_symbol)

        return made_once(self.engine, "reach", made)

    @cached_property
    def registry(self) -> str:
        """The hash of factors, scenarios and the risk-free rate, which the assets of a run share."""
        return made_once(self.engine, "registry", lambda: registry_hash(self.registries, Settings().risk_free_rate))

    def present(self, sessions: Sequence[date]) -> Fingerprints:
        """Return the fingerprints of the present inputs of sorted sessions."""
        return self._prints(self.revisions, sessions)

    def _prints(self, revisions: pd.DataFrame, sessions: Sequence[date]) -> Fingerprints:
        days = np.array(sessions, dtype="datetime64[D]")
        return replace(fingerprints(self.events, revisions, self.reach, days), limits=limits_hash(self.limits, days))

    def rows(
        self,
        asset: str,
        sessions: list[date],
        code_version: str,
        upstream: set[str],
        symbols: Collection[str] | None = None,
        made_at: datetime | None = None,
    ) -> Frames:
        """Return what to store beside the rows of an asset: ``session_inputs``, and of snapshots ``portfolio_inputs``.

        Prices are those of the sessions' panel, whatever was restated since; portfolios with other symbols than its
        ``symbols`` (all if None) are stale from the start. So are rows made from stale rows of ``upstream`` assets.
        ``made_at`` is the UTC start of the run.
        """
        panel = panel_revisions(self.engine, sessions)[0]
        seen = self.revisions[(self.revisions["revision"] <= panel) | (self.revisions["kind"] == "profile")]
        prints = self._prints(seen, sessions)
        if symbols is not None:
            prints = without_prices(prints, self.events, symbols)
        frame = pd.DataFrame(
            {
                "session": np.array(sessions, dtype="datetime64[s]"),
                "asset": asset,
                "fingerprint": as_text(prints.of_asset(asset)),
                "registry": self.registry,
                "code_version": code_version,
                "book_version": version_seen(self.engine),
                "made_at": pd.Series([made_at] * len(sessions), dtype="datetime64[us]"),
            }
        )
        stored = result_inputs.session_fingerprints(self.engine, sessions[0], sessions[-1])
        own = frame[["session", "registry"]].assign(
            fingerprint=as_text(prints.of_sessions)
        )  # no asset above has limits
        above = stored[stored["asset"].isin(upstream)].merge(own, on="session", suffixes=("", "_own"))
        stale = above[(above["fingerprint"] != above["fingerprint_own"]) | (above["registry"] != above["registry_own"])]
        frame.loc[frame["session"].isin(stale["session"]), "fingerprint"] = STALE
        frames = {"session_inputs": frame}
        if asset == SNAPSHOTS:
            frames["portfolio_inputs"] = prints.rows()
        return frames
