"""A job for a question that the risk desk asks: trades or a shock on a session; its answer is metadata."""

import dagster as dg
from pydantic import Field

from ...desk.inputs import StoredRegistries, panel_of
from ...desk.stress import own_scenario, own_stress
from ...desk.whatif import close_on, what_if
from ...risk.trades import Trade
from ...sessions import written_day
from ...storage.errors import StorageError
from ...storage.queries import latest_session
from ..assets.failures import with_remedy
from ..assets.metadata import table_metadata
from ..resources import Database

ROWS = 200
"""Rows of an answer's table: every headline number, exposure and scenario of a few portfolios."""


class TradeConfig(dg.Config):
    """One trade of shares or units; options are for the command line's file."""

    portfolio_id: str = Field(description="Id of the portfolio.")
    symbol: str = Field(description="A symbol that a portfolio holds or a factor uses.")
    quantity: float = Field(description="Units; negative: sold.")
    price: float | None = Field(default=None, description="Per unit; default: the close of the session.")


class DeskQuestion(dg.Config):
    """What to compute; nothing is written."""

    session: str | None = Field(default=None, description="A session such as 2026-11-13; default: the latest.")
    trades: list[TradeConfig] = Field(default_factory=list, description="Trades of the session.")
    shocks: list[str] = Field(default_factory=list, description="Such as Market=-0.10, Rates=+100bp, EURUSD=-5%.")
    volatility: str | None = Field(default=None, description="Change of implied volatility: +20 points, or +50%.")
    portfolio: str | None = Field(default=None, description="Of the shock: one portfolio; default: all.")


@dg.op
@with_remedy
def answer(context: dg.OpExecutionContext, config: DeskQuestion, db: Database) -> None:
    """Compute before, after and difference of the trades, or the P&L of the shock."""
    registries = StoredRegistries.of_settings()
    session = written_day(config.session) if config.session else latest_session(db.engine)
    if session is None:
        raise StorageError("no session has been computed yet")
    if not config.trades and not config.shocks:
        raise StorageError("ask something: give trades, or shocks")
    metadata: dict[str, dg.MetadataValue] = {"session": dg.MetadataValue.text(session.isoformat())}
    if config.trades:
        panel = panel_of(db.engine, session)
        trades = []
        for trade in config.trades:
            price = trade.price if trade.price is not None else close_on(panel, session, trade.symbol)
            if price is None:
                raise StorageError(f"{trade.symbol} has no price on {session}: give one")
            trades.append(Trade(trade.portfolio_id, trade.symbol, trade.quantity, price))
        result = what_if(db.engine, registries, session, trades, panel)
        broken = ["portfolio_id", "measure", "operator", "value_before", "value", "limit_value", "cause"]
        metadata["what_if"] = table_metadata(result.headlines.to_dict("records"), ROWS)
        metadata["sold_short"] = table_metadata(result.sold_short.to_dict("records"), ROWS)
        metadata["skips"] = table_metadata(result.skips.to_dict("records"), ROWS)
        metadata["limits_broken"] = table_metadata(result.new_breaches[broken].to_dict("records"), ROWS)
    if config.shocks:
        try:
            scenario = own_scenario(config.shocks, config.volatility, registries)
        except ValueError as error:
            raise StorageError(str(error)) from None
        rows = own_stress(db.engine, registries, session, scenario, config.portfolio)["stress_test_results"]
        columns = [
            "portfolio_id",
            "correlated_pnl",
            "return_on_equity",
            "direct_pnl",
            "correlated_stressed_pnl",
            "reason",
        ]
        metadata["own_shock"] = table_metadata(rows[columns].to_dict("records"), ROWS)
    context.add_output_metadata(metadata)


@dg.job(description="What would trades or a shock of your own do to a session? The answer is the output's metadata.")
def desk_question() -> None:
    """Answer a question of the risk desk; nothing is written."""
    answer()
