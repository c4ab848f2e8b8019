"""Database, market data and price panels as Dagster resources.

None has a config field: each reads :class:`~risk_pipeline.settings.Settings` when a run starts, so that no
secret is ever part of a run's configuration, which the Dagster UI shows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import stamina
from pydantic import PrivateAttr

from ..config.factors import FactorRegistry, load_factors
from ..config.scenario_file import load_scenarios
from ..config.scenarios import ScenarioLibrary
from ..dagster_ext.runs import keep_connections
from ..market.aliases import JoinedMarket, TickerChange
from ..market.open import open_source
from ..market.pairs import WithPairs
from ..settings import Settings
from ..storage.bars_at_hand import keeping_bars
from ..storage.book_versions import looking_at, pinned_book
from ..storage.database import migrate, open_engine, place_of
from ..storage.errors import DatabaseAwayError
from ..storage.fencing import of_run
from ..storage.market_data import newest_panels, panels_for, record_panel
from ..storage.panel_store import PanelStore
from ..storage.price_panel import PanelError
from ..storage.queries import ticker_changes
from ..storage.result_inputs import claim_source
from .last_words import last_words
from .lease import lease
from .run_tags import BOOK_TAG, DATABASE_TAG, HOST_TAG, tag_sessions, this_place

if TYPE_CHECKING:
    import sqlalchemy as sa

    from ..market.source import MarketDataSource
    from ..risk.inputs import BookFrames, Inputs
    from ..storage.price_panel import PricePanel


class Database(dg.ConfigurableResource):
    """The tables, migrated to the newest schema when a run starts."""

    _engine: sa.Engine | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Database]:
        """Open the engine for a run and dispose of it afterwards; a database that is away is waited for."""
        if context.run and context.instance:
            keep_connections(context.instance)
            tag_sessions(context.instance, context.run)
        self._engine = open_engine(Settings().url)
        try:
            for attempt in stamina.retry_context(
                on=DatabaseAwayError, attempts=5, wait_initial=1, wait_max=15, timeout=60
            ):
                with attempt:
                    migrate(self._engine)
                    self._look_at_one_book(context)
            with ExitStack() as stack:
                if context.run:
                    stack.enter_context(last_words(self._engine, context.run))
                    stack.enter_context(lease(self._engine, context.run.run_id))
                yield self
        finally:
            self._engine.dispose()
            self._engine = None

    def _look_at_one_book(self, context: dg.InitResourceContext) -> None:
        """In a run, see the version of the book that was the newest at its first step, and no later import."""
        if context.run is None or self._engine is None:
            return
        self._engine = of_run(self._engine, context.run.run_id)
        book = pinned_book(self._engine, context.run.run_id)
        if context.instance is not None and context.instance.get_run_by_id(context.run.run_id) is not None:
            tags = {BOOK_TAG: str(book.version), HOST_TAG: this_place(), DATABASE_TAG: place_of(self._engine)}
            context.instance.add_run_tags(context.run.run_id, tags)
        self._engine = keeping_bars(looking_at(self._engine, book))

    @property
    def engine(self) -> sa.Engine:
        """Return the open engine."""
        if self._engine is None:
            raise RuntimeError("the database is open only while a run uses it")
        return self._engine


class MarketData(dg.ConfigurableResource):
    """The source of prices and company profiles that the settings name, its currency pairs completed."""

    _source: MarketDataSource | None = PrivateAttr(default=None)

    @property
    def source(self) -> MarketDataSource:
        """Return the source, opened on first use."""
        if self._source is None:
            market = Settings().market
            self._source = WithPairs(open_source(market.source, path=market.path, seed=market.seed, key=market.secret))
        return self._source

    def joined(self, db: Database) -> MarketDataSource:
        """Return the source with the histories of instruments joined whose ticker changed.

        Raises
        ------
        StorageError
            If the database holds the prices of another source.
        """
        claim_source(db.engine, Settings().market.identity)
        changes = [TickerChange(*change) for change in ticker_changes(db.engine)]
        return JoinedMarket(self.source, changes) if changes else self.source


@dataclass(frozen=True)
class Shared:
    """The inputs that the analytics of a run share, and the panel and book that they were made of."""

    made_on: PricePanel
    book: BookFrames
    inputs: Inputs


class PriceCache(dg.ConfigurableResource):
    """Immutable price panels on disk, and the pointer of each session to its own."""

    _open: dict[str, PricePanel] = PrivateAttr(default_factory=dict)
    _shared: Shared | None = PrivateAttr(default=None)

    def write(self, db: Database, panel: PricePanel, sessions: Sequence[date], revision: int) -> str:
        """Store a panel, point the sessions to it and prune the oldest panels; return its hash.

        ``revision`` was the newest of the stored prices before the panel was built.
        """
        panel_hash = self._store.write(panel)
        first, last = panel.dates[0].item(), panel.dates[-1].item()
        record_panel(db.engine, panel_hash, first, last, len(panel.symbols), sessions, revision)
        self._store.prune({panel_hash, *newest_panels(db.engine, Settings().panels_kept)})
        return panel_hash

    @property
    def _store(self) -> PanelStore:

        return PanelStore(*Settings().panel_location)

    def panels(self, db: Database, sessions: Sequence[date]) -> list[tuple[PricePanel, list[date]]]:
        """Return the panels of the sessions, each with the sessions that point to it.

        One panel for a run that made its own; each is opened (memory-mapped) once per step.

        Raises
        ------
        PanelError
            If a session has no panel, or it is gone; says to materialise ``price_cache`` for it.
        """
        pointers = panels_for(db.engine, sessions)
        missing = [day for day in sessions if day not in pointers]
        if missing:
            raise PanelError(
                f"no price panel for {missing[0]}{' and others' if len(missing) > 1 else ''}: "
                "materialise price_cache for these sessions first"
            )
        groups: dict[str, list[date]] = {}
        for day in sessions:
            groups.setdefault(pointers[day], []).append(day)
        for panel_hash in groups:
            if panel_hash not in self._open:
                self._open[panel_hash] = self._store.open(panel_hash)
        return [(self._open[panel_hash], days) for panel_hash, days in groups.items()]

    def inputs(self, panel: PricePanel, book: BookFrames, make: Callable[[], Inputs]) -> Inputs:
        """Return the inputs of the asset before if panel and book are the same, else make them; the last are kept."""
        if self._shared is None or self._shared.made_on is not panel or not self._shared.book.equals(book):
            self._shared = None  # frees what was derived from it
            self._shared = Shared(panel, book, make())
        return self._shared.inputs

    def hash_of(self, panel: PricePanel) -> str:
        """Return the name under which a panel that is open here was stored."""
        return next(name for name, opened in self._open.items() if opened is panel)


class Registries(dg.ConfigurableResource):
    """The validated factor and scenario registries, user scenarios included."""

    _scenarios: ScenarioLibrary | None = PrivateAttr(default=None)

    @property
    def factors(self) -> FactorRegistry:
        """Return the factor registry."""
        return load_factors()

    @property
    def scenarios(self) -> ScenarioLibrary:
        """Return the scenario library; the settings are asked once for where it is."""
        if self._scenarios is None:
            self._scenarios = _library(Settings().scenarios_path)
        return self._scenarios


@lru_cache
def _library(user_path: Path | None) -> ScenarioLibrary:
    return load_scenarios(load_factors(), user_path)


@dg.definitions
def resources() -> dg.Definitions:
    """Return the resources by the names that assets, checks and sensors ask for."""
    return dg.Definitions(
        resources={
            "db": Database(),
            "market": MarketData(),
            "cache": PriceCache(),
            "registries": Registries(),
        }
    )
