"""Reads what the computations of a block of sessions take."""

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...analytics.liquidity import WINDOW
from ...risk.inputs import BookFrames, Frames, Inputs, make_inputs, priced_symbols
from ...risk.lookback import bill_needs, merged_needs, pair_needs, reporting_needs, required_history
from ...settings import Settings
from ...storage import queries
from ...storage.price_panel import PanelError, PricePanel
from ..partitions import CALENDAR
from ..resources import Database, Registries

if TYPE_CHECKING:
    import sqlalchemy as sa

Reader = Callable[["sa.Engine", Registries, date, date], Frames]
"""Reads the rows of the sessions from one day to another that an asset takes from earlier ones."""


def load_inputs(
    db: Database, registries: Registries, panel: PricePanel, sessions: list[date], read: Reader | None = None
) -> Inputs:
    """Read the imported book as of the last session, and what earlier assets have stored of the sessions.

    A symbol that the panel lacks, imported after it was made, has no price: a reason of the portfolios that hold it
    and of nobody else. Their results are stale until the session is run as a whole.

    Raises
    ------
    PanelError
        If a lot needs a currency pair that the panel lacks.
    """
    engine, last, settings = db.engine, sessions[-1], Settings()
    book = BookFrames(
        portfolios=queries.portfolios(engine),
        lots=queries.lots(engine, last),
        flows=queries.flows(engine, last),
        marks=queries.marks(engine, last),
        profiles=queries.profiles(engine, last),
        quotes=queries.quotes(engine),
        volatilities=queries.volatilities(engine, last),
    )
    panel = panel.with_symbols(priced_symbols(book.lots))
    unknown = sorted({*book.symbols} - {*panel.symbols})
    if unknown:
        raise PanelError(
            f"the price panel of {last} lacks {', '.join(unknown[:5])}, imported after it was made: "
            "materialise market_data and price_cache for these sessions first"
        )
    return make_inputs(
        panel,
        sessions,
        book,
        registries,
        risk_free_rate=settings.risk_free_rate,
        bill_symbol=settings.risk_free_symbol,
        stored=read(engine, registries, sessions[0], last) if read else None,
    )


def history_needed(db: Database, registries: Registries, sessions: list[date]) -> pd.DataFrame:
    """Return ``symbol, first, last``: the sessions of each symbol that a run over ``sessions`` reads."""
    first, last = sessions[0], sessions[-1]
    held = queries.symbol_needs(db.engine, first, last)
    pairs = pair_needs(queries.conversions_needed(db.engine, first, last), CALENDAR)
    settings = Settings()
    bill = bill_needs(settings.risk_free_symbol, first, last)
    reported = reporting_needs(queries.portfolios(db.engine), settings.reporting_currency, CALENDAR, first, last)
    return required_history(merged_needs(held, pairs, bill, reported), registries, CALENDAR, sessions)


def read_core_model(engine: "sa.Engine", registries: Registries, first: date, last: date) -> Frames:
    """Read the portfolios' exposures and the factor covariance."""
    key = ["session", "portfolio_id", "factor_name"]
    columns = [*key, "dollar_exposure", "coverage", "residual_volatility", "recent_residual_volatility"]
    return {
        "factor_exposures": queries.read_table(engine, "factor_exposures", first=first, last=last, columns=columns),
        "factor_covariance": queries.read_table(engine, "factor_covariance", first=first, last=last),
    }


def read_stress_inputs(engine: "sa.Engine", registries: Registries, first: date, last: date) -> Frames:
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
