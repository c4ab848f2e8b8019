"""Reads what the computations of a block of sessions take."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...analytics.liquidity import WINDOW
from ...config.measures import Measures
from ...desk.inputs import StoredRegistries, book_frames, inputs_of
from ...risk.benchmark import PERIODS
from ...risk.inputs import Frames, Inputs
from ...risk.limits import sources_of
from ...risk.lookback import bill_needs, merged_needs, pair_needs, reporting_needs, required_history, scored_from
from ...settings import Settings
from ...storage import queries
from ...storage.book_versions import made_once
from ...storage.limit_measures import numeric_columns
from ...storage.price_panel import PricePanel
from ..partitions import CALENDAR
from ..resources import Database, PriceCache, Registries

if TYPE_CHECKING:
    import sqlalchemy as sa

Reader = Callable[["sa.Engine", Registries, date, date], Frames]
"""Reads the rows of the sessions from one day to another that an asset takes from earlier ones."""


def shared_inputs(
    db: Database, cache: PriceCache, registries: Registries, panel: PricePanel, sessions: list[date]
) -> Inputs:
    """Return the inputs of all sessions of a run on one panel, the book as of the last.

    They are those of the asset before, with all that it derived from them, where the book is the same. The registries
    are read once: each look at a resource's reads the settings again, a millisecond, and stress tests look thousands
    of times.
    """
    book = book_frames(db.engine, sessions[-1])
    loaded = StoredRegistries(registries.factors, registries.scenarios)
    return cache.inputs(panel, book, lambda: inputs_of(book, panel, sessions, loaded))


def history_needed(db: Database, registries: Registries, sessions: list[date]) -> pd.DataFrame:
    """Return ``symbol, first, last``: the sessions of each symbol that a run over ``sessions`` reads."""
    kind = f"history {sessions[0]} {sessions[-1]}"
    quotes = queries.quotes(db.engine)  # a price says its currency, which may need a pair
    return made_once(db.engine, kind, lambda: _history_needed(db, registries, sessions), quotes)


def _history_needed(db: Database, registries: Registries, sessions: list[date]) -> pd.DataFrame:
    first, last = sessions[0], sessions[-1]
    since = scored_from(first, CALENDAR)
    held = queries.symbol_needs(db.engine, since, last)
    pairs = pair_needs(queries.conversions_needed(db.engine, since, last), CALENDAR)
    settings = Settings()
    bill = bill_needs(settings.risk_free_symbol, held, CALENDAR, first, last)
    reported = reporting_needs(queries.portfolios(db.engine), settings.reporting_currency, CALENDAR, first, last)
    return required_history(merged_needs(held, pairs, bill, reported), registries, CALENDAR, sessions)


def read_snapshot_inputs(engine: "sa.Engine", registries: Registries, first: date, last: date) -> Frames:
    """Read what a snapshot takes from the analytics, and how many rows each analytic has by portfolio."""
    factors = registries.factors
    key = ["session", "portfolio_id"]
    numbers = ["realised_21", "realised_63", "forecast", "trend", "percentile", "var_95", "var_99", "es_95", "es_99"]
    return {
        "factor_exposures": queries.read_table(
            engine,
            "factor_exposures",
            first=first,
            last=last,
            factors=[factors.market.name, factors.provider.name, factors.rates.name],
            columns=[*key, "factor_name", "exposure", "coverage"],
        ),
        "portfolio_volatility": queries.read_table(
            engine, "portfolio_volatility", first=first, last=last, columns=[*key, *numbers]
        ),
        "worst_scenarios": queries.worst_scenarios(engine, first, last),
        "volumes": queries.volumes(engine, CALENDAR.look_back_from(first, WINDOW - 1), last),
        "rows_by_portfolio": queries.rows_by_portfolio(engine, first, last),
    }


def read_benchmark_inputs(engine: "sa.Engine", registries: Registries, first: date, last: date) -> Frames:
    """Read what the comparison with benchmarks takes from earlier assets; nothing where no portfolio has one."""
    if queries.benchmarks(engine).empty:
        return {}
    key = ["session", "portfolio_id"]
    sources = {
        "symbol_factor_exposures": ["session", "symbol", "factor_name", "beta"],
        "factor_covariance": ["session", "factor_a", "factor_b", "covariance"],
        "portfolio_snapshots": [*key, *(f"return_{period}" for period in PERIODS)],
        "sector_exposures": [*key, "sector", "net"],
    }
    return queries.read_sources(engine, sources, first, last, factors=registries.factors.core_names)


def read_limit_inputs(engine: "sa.Engine", registries: Registries, first: date, last: date) -> Frames:
    """Read the limits by then, and the stored numbers that they are set on and explained with; none without limits."""
    limits = queries.limits(engine, last)
    measures = Measures(numeric_columns(), registries.factors, registries.scenarios)
    if limits.empty:
        return {"limits": limits}
    sources, factors = sources_of(limits["measure"].unique(), measures)
    return {"limits": limits, **queries.read_sources(engine, sources, first, last, factors=factors)}
