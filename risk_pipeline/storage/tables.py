"""The schema: every table, its primary key and its indexes.

Dates are exchange sessions unless their name says otherwise. Money is in the portfolio's currency; returns,
rates and volatilities are decimals (0.01 = 1 %), volatilities annualised. A null number is one that could not
be computed; the row's ``reason`` or a row of ``analytics_skips`` says why. Bulk tables start their key with
the session, so that a partition is one contiguous range of it, and have no other index: it would double the
time of writing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Index, Integer, String, Table

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

T = TypeVar("T")

NAME = String(64)
SYMBOL = String(40)
REASON = String(40)


def _session() -> Column[object]:
    return Column("session", Date, primary_key=True)


def _portfolio() -> Column[object]:
    return Column("portfolio_id", NAME, primary_key=True)


def _table(name: str, *columns: sa.schema.SchemaItem) -> Table:
    """A table whose SQLite form is clustered by its primary key."""
    return Table(name, metadata, *columns, sqlite_with_rowid=False)


# ---- what the user brings -----------------------------------------------------------------------------------

portfolios = _table(
    "portfolios",
    _portfolio(),
    Column("name", String(200), nullable=False),
    Column("currency", String(3), nullable=False),
    Column("inception_date", Date, nullable=False),
    Column("closed_date", Date),  # no snapshots from this date on
    Column("starting_equity", Float, nullable=False),
)

positions = _table(
    "positions",
    Column("position_id", NAME, primary_key=True),
    Column("portfolio_id", NAME, ForeignKey("portfolios.portfolio_id"), nullable=False),
    Column("symbol", SYMBOL, nullable=False),  # of an option: its own name; the priced symbol is `underlying`
    Column("investment_class", String(10), nullable=False),  # PUBLIC, OPTIONS or PRIVATE
    Column("quantity", Float, nullable=False),  # signed, in units of the entry date; contracts for options
    Column("entry_date", Date, nullable=False),
    Column("entry_price", Float, nullable=False),  # per share, per unit, or premium per share of an option
    Column("exit_date", Date),
    Column("exit_price", Float),  # null: the close of the exit date
    Column("underlying", SYMBOL),
    Column("option_type", String(4)),  # CALL or PUT
    Column("strike", Float),
    Column("expiry", Date),
    Column("implied_volatility", Float),  # null: the underlying's forecast is used
    Column("is_deleted", Boolean, nullable=False, default=False),
    Index(None, "portfolio_id"),
    Index(None, "symbol"),
)

portfolio_flows = _table(
    "portfolio_flows",
    _portfolio(),
    Column("flow_date", Date, primary_key=True),
    Column("amount", Float, nullable=False),  # positive: paid in
)

private_marks = _table(
    "private_marks",
    Column("symbol", SYMBOL, primary_key=True),
    Column("mark_date", Date, primary_key=True),
    Column("price", Float, nullable=False),
)

# ---- runs -----------------------------------------------------------------------------------------------------

batch_runs = _table(
    "batch_runs",
    Column("run_id", String(36), primary_key=True),
    Column("status", String(10), nullable=False),  # started, success, failed, cancelled or crashed
    Column("launched_by", String(16), nullable=False),  # schedule, backfill, command line or ui
    Column("first_session", Date),
    Column("last_session", Date),
    Column("started_at", sa.DateTime(timezone=False)),  # UTC
    Column("ended_at", sa.DateTime(timezone=False)),  # UTC
    Column("error", String(500)),
    Column("is_alerted", Boolean, nullable=False),
    Index(None, "started_at"),
)

# ---- reference data -----------------------------------------------------------------------------------------

factor_definitions = _table(
    "factor_definitions",
    Column("factor_name", NAME, primary_key=True),
    Column("factor_order", Integer, nullable=False),
    Column("factor_type", String(16), nullable=False),
    Column("method", String(24), nullable=False),
    Column("proxy", SYMBOL, nullable=False),
    Column("proxy_minus", SYMBOL),  # the short leg of a spread
    Column("window", Integer),
    Column("min_observations", Integer),
    Column("half_life", Integer),
    Column("penalty", Float),
    Column("is_active", Boolean, nullable=False),
)

stress_scenarios = _table(
    "stress_scenarios",
    Column("scenario_id", NAME, primary_key=True),
    Column("name", String(120), nullable=False),
    Column("category", String(24), nullable=False),
    Column("severity", String(12), nullable=False),
    Column("kind", String(12), nullable=False),  # hypothetical or historical
    Column("shocks", sa.JSON, nullable=False),
    Column("horizon", Integer, nullable=False),  # sessions over which the shock happens
    Column("replay_first", Date),
    Column("replay_last", Date),
    Column("is_active", Boolean, nullable=False),
)

company_profiles = _table(
    "company_profiles",
    Column("symbol", SYMBOL, primary_key=True),
    Column("as_of", Date, primary_key=True),
    Column("name", String(200)),
    Column("sector", String(40)),
    Column("vendor_beta", Float),
)

# ---- market data --------------------------------------------------------------------------------------------

market_data_cache = _table(
    "market_data_cache",
    _session(),
    Column("symbol", SYMBOL, primary_key=True),
    Column("high", Float),
    Column("low", Float),
    Column("close", Float, nullable=False),  # as traded
    Column("volume", Float),
    Column("dividend", Float, nullable=False),  # cash per share held before the session
    Column("split_factor", Float, nullable=False),  # new shares per old
    Column("basis", String(12), nullable=False),  # as_traded or adjusted
)

market_data_ranges = _table(  # which sessions of a symbol the source has been asked for
    "market_data_ranges",
    Column("symbol", SYMBOL, primary_key=True),
    Column("first_session", Date, nullable=False),
    Column("last_session", Date, nullable=False),
)

price_restatements = _table(
    "price_restatements",
    _session(),
    Column("symbol", SYMBOL, primary_key=True),
    Column("field", String(16), primary_key=True),
    Column("known_at", sa.DateTime(timezone=False), primary_key=True),  # UTC start of the run that saw it
    Column("old_value", Float),
    Column("new_value", Float),
)

market_data_coverage = _table(
    "market_data_coverage",
    Column("symbol", SYMBOL, primary_key=True),
    Column("first_session", Date),
    Column("last_session", Date),
    Column("sessions_expected", Integer, nullable=False),
    Column("sessions_present", Integer, nullable=False),
    Column("gap_count", Integer, nullable=False),  # stretches of missing sessions inside the symbol's life
    Column("longest_gap", Integer, nullable=False),
    Column("stale_stretches", Integer, nullable=False),  # five or more equal closes in a row
    Column("restatements", Integer, nullable=False),
)

price_panels = _table(
    "price_panels",
    _session(),
    Column("panel_hash", String(64), nullable=False),
    Column("first_session", Date, nullable=False),
    Column("last_session", Date, nullable=False),
    Column("symbols", Integer, nullable=False),
    Index(None, "panel_hash"),
)

# ---- analytics ----------------------------------------------------------------------------------------------

analytics_skips = _table(
    "analytics_skips",
    _session(),
    Column("analytic", String(24), primary_key=True),  # the asset that would have written the number
    Column("entity_type", String(10), primary_key=True),  # portfolio or symbol
    Column("entity", NAME, primary_key=True),
    Column("reason", REASON, nullable=False),
    Column("detail", String(200)),
)

symbol_factor_exposures = _table(
    "symbol_factor_exposures",
    _session(),
    Column("symbol", SYMBOL, primary_key=True),
    Column("factor_name", NAME, primary_key=True),
    Column("beta", Float, nullable=False),
    Column("std_error", Float),
    Column("t_stat", Float),
    Column("r_squared", Float),
    Column("observations", Integer),
    Column("quality", String(16), nullable=False),  # full_history, limited_history, outlier or vendor
    Column("effective_df", Float),
    Column("condition_number", Float),
    Column("penalty", Float),
)

factor_exposures = _table(
    "factor_exposures",
    _session(),
    _portfolio(),
    Column("factor_name", NAME, primary_key=True),
    Column("dollar_exposure", Float),
    Column("exposure", Float),  # dollar exposure over equity; null with a reason where equity <= 0
    Column("std_error", Float),  # of `exposure`; independence of the symbols' errors assumed
    Column("r_squared", Float),  # of the portfolio's constant-weight return series on the factor(s)
    Column("residual_volatility", Float),  # of the same regression, annualised
    Column("risk_contribution", Float),  # core model: Euler part of its annualised volatility; the rest is specific
    Column("reverse_move", Float),  # core model: the factor's move in the likeliest loss of 20 % of equity
    Column("coverage", Float, nullable=False),  # share of gross PUBLIC + OPTIONS exposure with a beta
    Column("reason", REASON),
)

position_values = _table(  # every lot held as of the session
    "position_values",
    _session(),
    Column("position_id", NAME, primary_key=True),
    Column("portfolio_id", NAME, nullable=False),
    Column("symbol", SYMBOL, nullable=False),
    Column("quantity", Float, nullable=False),  # after splits
    Column("price", Float, nullable=False),
    Column("value", Float, nullable=False),  # signed dollars
    Column("delta_value", Float),  # signed delta-adjusted notional; null for PRIVATE
    Column("gamma", Float),  # of an option: change of delta_value for +1 % of the underlying
    Column("vega", Float),  # of an option: change of value for +1 point of volatility
    Column("theta", Float),  # of an option: change of value a calendar day
    Column("volatility", Float),  # of an option: with which it was valued
    Column("risk_contribution", Float),  # Euler part of the portfolio's factor-model volatility, annualised
    Column("is_stale", Boolean, nullable=False),
)

factor_covariance = _table(
    "factor_covariance",
    _session(),
    Column("factor_a", NAME, primary_key=True),
    Column("factor_b", NAME, primary_key=True),
    Column("covariance", Float, nullable=False),  # of daily returns
    Column("correlation", Float, nullable=False),
    Column("observations", Integer, nullable=False),
    Column("condition_number", Float, nullable=False),
    Column("method", String(16), nullable=False),  # ewma or shrunk
)

scenario_factor_moves = _table(
    "scenario_factor_moves",
    _session(),
    Column("scenario_id", NAME, primary_key=True),
    Column("factor_name", NAME, primary_key=True),
    Column("is_shocked", Boolean, nullable=False),
    Column("move", Float, nullable=False),
)

scenario_plausibility = _table(
    "scenario_plausibility",
    _session(),
    Column("scenario_id", NAME, primary_key=True),
    Column("method", String(16), nullable=False),  # conditional, realised or stated
    Column("mahalanobis", Float),
    Column("p_value", Float),
    Column("one_in_days", Float),
    Column("coverage", Float),  # of a replay that is over: share of its sessions with all factor returns
    Column("path", sa.JSON),  # of a replay: its sessions, and what each adds to the core factors' moves
    Column("reason", REASON),
)

stress_test_results = _table(
    "stress_test_results",
    _session(),
    _portfolio(),
    Column("scenario_id", NAME, primary_key=True),
    Column("direct_pnl", Float),
    Column("correlated_pnl", Float),  # headline
    Column("correlation_effect", Float),
    Column("option_revaluation", Float),  # part of correlated_pnl beyond the delta of the options
    Column("conditional_std", Float),
    Column("return_on_equity", Float),  # correlated_pnl / equity; null where equity <= 0
    Column("max_drawdown", Float),  # of a replay: worst running loss inside its window, dollars
    Column("exceeds_equity", Boolean, nullable=False),
    Column("coverage", Float, nullable=False),
    Column("reason", REASON),
)

_VOLATILITY = (
    ("realised_21", Float),
    ("realised_63", Float),
    ("realised_252", Float),
    ("ewma", Float),
    ("forecast", Float),  # mean volatility over the next 21 sessions
    ("model", String(16)),  # har_ewma or ewma
    ("variance_input", String(12)),  # parkinson or squared
    ("trend", String(12)),
    ("trend_strength", Float),
    ("percentile", Float),
    ("observations", Integer),
)


def _volatility() -> list[Column[object]]:
    return [Column(name, kind) for name, kind in _VOLATILITY]


symbol_volatility = _table("symbol_volatility", _session(), Column("symbol", SYMBOL, primary_key=True), *_volatility())

portfolio_volatility = _table(
    "portfolio_volatility",
    _session(),
    _portfolio(),
    *_volatility(),
    Column("factor_model_volatility", Float),  # sqrt(x'Fx + specific), annualised
    Column("coverage", Float, nullable=False),
    Column("var_95", Float),  # one day, positive share of equity
    Column("var_99", Float),
    Column("es_95", Float),
    Column("es_99", Float),
    Column("reason", REASON),
)

value_at_risk_outcomes = _table(  # value at risk of the session before against what its holdings then did
    "value_at_risk_outcomes",
    _session(),
    _portfolio(),
    Column("outcome", Float, nullable=False),  # return on equity of the holdings of the session before
    Column("var_95", Float, nullable=False),
    Column("var_99", Float, nullable=False),
    Column("es_95", Float, nullable=False),
    Column("es_99", Float, nullable=False),
    Column("exceeded_95", Boolean, nullable=False),
    Column("exceeded_99", Boolean, nullable=False),
)

risk_changes = _table(  # what changed since the session before; the three parts sum to the change
    "risk_changes",
    _session(),
    _portfolio(),
    Column("measure", NAME, primary_key=True),  # forecast volatility, or a factor's name
    Column("previous", Float, nullable=False),
    Column("by_positions", Float, nullable=False),  # lots and flows of the session, at the prices before it
    Column("by_prices", Float, nullable=False),  # what the session's prices did to the weights
    Column("by_model", Float, nullable=False),  # betas or volatilities with the session's returns in them
    Column("current", Float, nullable=False),
)

volatility_scores = _table(  # one row per forecast whose 21-session outcome became known at `session`
    "volatility_scores",
    _session(),
    Column("entity_type", String(10), primary_key=True),  # portfolio or symbol
    Column("entity", NAME, primary_key=True),
    Column("model", String(16), primary_key=True),  # forecast, ewma or realised_21
    Column("forecast_session", Date, nullable=False),
    Column("forecast", Float, nullable=False),
    Column("outcome", Float, nullable=False),  # realised volatility of the sessions after forecast_session
    Column("qlike", Float, nullable=False),
)

portfolio_snapshots = _table(
    "portfolio_snapshots",
    _session(),
    _portfolio(),
    Column("nav", Float, nullable=False),
    Column("cash", Float, nullable=False),
    Column("long_value", Float, nullable=False),
    Column("short_value", Float, nullable=False),
    Column("gross", Float, nullable=False),
    Column("net", Float, nullable=False),
    Column("private_value", Float, nullable=False),
    Column("daily_pnl", Float, nullable=False),
    Column("daily_return", Float),
    Column("cumulative_pnl", Float, nullable=False),
    Column("flow", Float, nullable=False),
    Column("is_opening", Boolean, nullable=False),
    Column("positions", Integer, nullable=False),
    Column("public_positions", Integer, nullable=False),
    Column("option_positions", Integer, nullable=False),
    Column("private_positions", Integer, nullable=False),
    Column("stale_positions", Integer, nullable=False),  # valued at an earlier price than the session's
    Column("market_beta", Float),
    Column("provider_beta", Float),
    Column("ir_beta", Float),
    Column("realised_21", Float),
    Column("realised_63", Float),
    Column("forecast", Float),
    Column("trend", String(12)),
    Column("percentile", Float),
    Column("var_95", Float),
    Column("var_99", Float),
    Column("es_95", Float),
    Column("es_99", Float),
    Column("worst_scenario", NAME),
    Column("worst_scenario_pnl", Float),
    Column("herfindahl", Float),
    Column("effective_positions", Float),
    Column("top_3", Float),
    Column("top_10", Float),
    Column("coverage", Float),
    Column("is_complete", Boolean, nullable=False),
    Column("missing", String(200)),  # the analytics that are absent without a reason
    Index(None, "portfolio_id", "session"),
)

sector_exposures = _table(
    "sector_exposures",
    _session(),
    _portfolio(),
    Column("sector", String(40), primary_key=True),
    Column("net", Float, nullable=False),
    Column("gross", Float, nullable=False),
    Column("gross_share", Float),
)

STRESS_FACTOR_IMPACTS = "stress_factor_impacts"
"""View: contribution of each factor to the factor part of ``correlated_pnl``.

The product of ``scenario_factor_moves`` and the portfolio's core exposures; kept as a view, because as a
table it would hold portfolios x scenarios x factors rows a session.
"""
STRESS_FACTOR_IMPACTS_SELECT = sa.select(
    scenario_factor_moves.c.session,
    factor_exposures.c.portfolio_id,
    scenario_factor_moves.c.scenario_id,
    scenario_factor_moves.c.factor_name,
    scenario_factor_moves.c.is_shocked,
    (scenario_factor_moves.c.move * factor_exposures.c.dollar_exposure).label("impact"),
).join_from(
    scenario_factor_moves,
    factor_exposures,
    sa.and_(
        scenario_factor_moves.c.session == factor_exposures.c.session,
        scenario_factor_moves.c.factor_name == factor_exposures.c.factor_name,
    ),
)

ANALYTICS = (
    symbol_factor_exposures,
    factor_exposures,
    position_values,
    factor_covariance,
    scenario_factor_moves,
    scenario_plausibility,
    stress_test_results,
    symbol_volatility,
    portfolio_volatility,
    volatility_scores,
    value_at_risk_outcomes,
    risk_changes,
    portfolio_snapshots,
    sector_exposures,
    analytics_skips,
)
"""What ``risk-pipeline rebuild`` clears: everything derived, never prices or what the user brought."""


def by_table(rows: Mapping[str, T]) -> dict[Table, T]:
    """Return a dict by table instead of table name."""
    return {metadata.tables[name]: value for name, value in rows.items()}
