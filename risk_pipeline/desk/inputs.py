"""The inputs of one stored session, as its run had them: the book, the price panel, the registries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ..config.factors import FactorRegistry, load_factors
from ..config.registries import Registries
from ..config.scenario_file import load_scenarios
from ..config.scenarios import ScenarioLibrary
from ..risk.inputs import BookFrames, Frames, Inputs, make_inputs
from ..settings import Settings
from ..storage import queries, result_inputs
from ..storage.book_versions import book_at, looking_at, made_once, newest_version, version_seen
from ..storage.errors import StorageError
from ..storage.market_data import panels_for
from ..storage.panel_store import PanelStore
from ..storage.price_panel import PanelError, PricePanel

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True)
class StoredRegistries:
    """The registries of the settings, outside of a run."""

    factors: FactorRegistry
    scenarios: ScenarioLibrary

    @classmethod
    def of_settings(cls) -> StoredRegistries:
        """Return the shipped factors, and the shipped scenarios with the user's own."""
        factors = load_factors()
        return cls(factors, load_scenarios(factors, Settings().scenarios_path))


def book_frames(engine: sa.Engine, last: date) -> BookFrames:
    """Return what was imported, and known of it, by a session."""
    imported = made_once(engine, f"book by {last}", lambda: _imported(engine, last))
    return BookFrames(**imported, profiles=queries.profiles(engine, last), quotes=queries.quotes(engine))


def _imported(engine: sa.Engine, last: date) -> Frames:
    return {
        "portfolios": queries.portfolios(engine),
        "lots": queries.lots(engine, last),
        "flows": queries.flows(engine, last),
        "marks": queries.marks(engine, last),
        "volatilities": queries.volatilities(engine, last),
        "benchmarks": queries.benchmarks(engine),
    }


def seen_by(engine: sa.Engine, session: date) -> sa.Engine:
    """Return the engine as one that sees the version of the book that a session's exposures were computed from."""
    version = result_inputs.book_version_of(engine, session, "factor_exposures")
    return engine if version is None else looking_at(engine, book_at(engine, version))


def is_of_present_book(engine: sa.Engine, session: date) -> bool:
    """Return whether a session was computed from what is imported now, as far as the session reads it."""
    then = seen_by(engine, session)
    if version_seen(then) == newest_version(engine):
        return True
    return book_frames(then, session).equals(book_frames(engine, session))


def inputs_of(book: BookFrames, panel: PricePanel, sessions: Sequence[date], registries: Registries) -> Inputs:
    """Return the inputs of sessions; a symbol without a price is a reason of the portfolios that hold it.

    Raises
    ------
    PanelError
        If a lot needs a currency pair that the panel lacks.
    """
    settings = Settings()
    panel = panel.with_symbols(book.priced_symbols)
    unknown = sorted({*book.symbols} - {*panel.symbols})
    if unknown:
        raise PanelError(
            f"the price panel of {sessions[-1]} lacks {', '.join(unknown[:5])}, imported after it was made: "
            "materialise market_data and price_cache for these sessions first"
        )
    return make_inputs(
        panel,
        list(sessions),
        book,
        registries,
        risk_free_rate=settings.risk_free_rate,
        bill_symbol=settings.risk_free_symbol,
    )


def panel_of(engine: sa.Engine, session: date) -> PricePanel:
    """Return the price panel that a session was computed from.

    Raises
    ------
    StorageError
        If it has none.
    NoSessionError
        If it is no session.
    """
    pointers = panels_for(engine, [session])
    if session not in pointers:
        Settings().sessions.require_session(session)
        raise StorageError(f"{session} has not been computed: `risk-pipeline run --date {session}` does it")
    return PanelStore(*Settings().panel_location).open(pointers[session])


def only_portfolios(book: BookFrames, ids: Sequence[str]) -> BookFrames:
    """Return the part of a book that some portfolios have; no number of theirs depends on the others."""
    parts = {}
    for name in ("portfolios", "lots", "flows"):
        rows = getattr(book, name)
        parts[name] = rows[rows["portfolio_id"].isin(list(ids))].reset_index(drop=True)
    return BookFrames(**{**{field: getattr(book, field) for field in book.__dataclass_fields__}, **parts})


def read_core_model(engine: sa.Engine, registries: Registries, first: date, last: date) -> Frames:
    """Read the portfolios' exposures and the factor covariance."""
    key = ["session", "portfolio_id", "factor_name"]
    columns = [*key, "dollar_exposure", "coverage", "residual_volatility", "recent_residual_volatility"]
    return {
        "factor_exposures": queries.read_table(engine, "factor_exposures", first=first, last=last, columns=columns),
        "factor_covariance": queries.read_table(engine, "factor_covariance", first=first, last=last),
    }


def read_stress_inputs(engine: sa.Engine, registries: Registries, first: date, last: date) -> Frames:
    """Read the core model and the symbols' betas in it and beyond."""
    betas = queries.read_table(
        engine,
        "symbol_factor_exposures",
        first=first,
        last=last,
        factors=registries.factors.model_names,
        columns=["session", "symbol", "factor_name", "beta"],
    )
    return {**read_core_model(engine, registries, first, last), "symbol_factor_exposures": betas}
