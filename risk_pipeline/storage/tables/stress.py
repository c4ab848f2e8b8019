"""Scenarios applied to portfolios."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Float, Integer, String

from .exposures import factor_exposures
from .schema import NAME, REASON, portfolio_key, session_key, table

scenario_factor_moves = table(
    "scenario_factor_moves",
    "How far each core factor moves in each scenario, and in a replay those beyond the core, as of the session.",
    session_key(),
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario, as in stress_scenarios"),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_definitions"),
    Column(
        "is_shocked", Boolean, nullable=False, comment="the scenario states the move; false: it follows from the others"
    ),
    Column("move", Float, nullable=False, comment="decimal return of the factor over the scenario"),
)

option_grids = table(
    "option_grids",
    "P&L of portfolios with options for moves of the options' underlyings and of implied volatility.",
    session_key(),
    portfolio_key(),
    Column(
        "grid",
        sa.JSON,
        nullable=False,
        comment="spot (returns), volatility (changes), pnl by volatility and spot, money: options, their shares",
    ),
)

scenario_plausibility = table(
    "scenario_plausibility",
    "How unusual each scenario's joint move is, as of the session.",
    session_key(),
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario, as in stress_scenarios"),
    Column("method", String(16), nullable=False, comment="conditional, realised or stated"),
    Column("mahalanobis", Float, comment="distance of the shocked factors' joint move, in standard deviations"),
    Column("p_value", Float, comment="probability of a joint move at least as far"),
    Column("one_in_days", Float, comment="sessions between two such moves: horizon / p_value"),
    Column("history_count", Integer, comment="windows of history in which every shocked factor moved as far its way"),
    Column("history_windows", Integer, comment="windows of the horizon's length in ten years up to then; they overlap"),
    Column("coverage", Float, comment="of a replay that is over: share of its sessions with all factor returns"),
    Column("path", sa.JSON, comment="of a replay: its sessions, and what each adds to the core factors' moves"),
    Column("reason", REASON, comment="why the scenario was refused or a number is null"),
)

stress_test_results = table(
    "stress_test_results",
    "P&L of every portfolio in every active scenario.",
    session_key(),
    portfolio_key(),
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario, as in stress_scenarios"),
    Column("direct_pnl", Float, comment="P&L of the stated shocks alone"),
    Column("correlated_pnl", Float, comment="headline"),
    Column("correlation_effect", Float, comment="correlated_pnl - direct_pnl"),
    Column("option_revaluation", Float, comment="part of correlated_pnl beyond the delta of the options"),
    Column("currency_pnl", Float, comment="part of correlated_pnl of shocked currency pairs, beyond their core betas"),
    Column("compounding_pnl", Float, comment="part of correlated_pnl: daily compounding, beyond exposures times moves"),
    Column("correlated_stressed_pnl", Float, comment="correlated_pnl with the correlations of the market's worst year"),
    Column(
        "conditional_std", Float, comment="what the shocks leave open of the factors, standard deviation in dollars"
    ),
    Column("band_std", Float, comment="conditional_std in fat tails and the book's own risk over the horizon"),
    Column("registry_beta", Float, comment="of one shocked factor: direct_pnl over equity times shock"),
    Column("implied_beta", Float, comment="of one shocked factor: correlated_pnl over equity times shock"),
    Column("return_on_equity", Float, comment="correlated_pnl / equity; null where equity <= 0"),
    Column("max_drawdown", Float, comment="of a replay: worst running loss inside its window, dollars"),
    Column("exceeds_equity", Boolean, nullable=False, comment="the loss is larger than equity"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with betas"),
    Column("reason", REASON, comment="why a number of the row is null"),
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
