"""Betas of symbols and portfolios, and the factors they refer to."""

from __future__ import annotations

from sqlalchemy import Column, Date, Float, Integer, String

from .schema import NAME, REASON, SYMBOL, portfolio_key, session_key, table

symbol_factor_exposures = table(
    "symbol_factor_exposures",
    "Factor betas of every symbol in use.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_definitions"),
    Column("beta", Float, nullable=False, comment="return for a return of 1 of the factor"),
    Column("std_error", Float, comment="standard error of beta"),
    Column("t_stat", Float, comment="beta over its standard error"),
    Column("r_squared", Float, comment="share of variance explained"),
    Column("observations", Integer, comment="returns that the estimate uses"),
    Column("quality", String(16), nullable=False, comment="full_history, limited_history, outlier or vendor"),
    Column("effective_df", Float, comment="effective degrees of freedom of the ridge fit"),
    Column("condition_number", Float, comment="of the fit's design matrix"),
    Column("penalty", Float, comment="core model: the symbol's own penalty, of the market coefficient"),
)

factor_exposures = table(
    "factor_exposures",
    "Factor exposures of every portfolio.",
    session_key(),
    portfolio_key(),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_definitions"),
    Column("dollar_exposure", Float, comment="P&L for a factor return of 1"),
    Column("exposure", Float, comment="dollar exposure over equity; null with a reason where equity <= 0"),
    Column("std_error", Float, comment="of exposure: HAC error of the same regression's slope"),
    Column("r_squared", Float, comment="of the portfolio's constant-weight return series on the factor(s)"),
    Column("residual_volatility", Float, comment="of the same regression, annualised"),
    Column("recent_residual_volatility", Float, comment="of its last 21 sessions, annualised root mean square"),
    Column(
        "risk_contribution",
        Float,
        comment="Euler part of the factor-model volatility, annualised; the rest is specific",
    ),
    Column("reverse_move", Float, comment="core model: the factor's move in the likeliest loss of 20 % of equity"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with a beta"),
    Column("reason", REASON, comment="why a number of the row is null"),
)

factor_returns = table(
    "factor_returns",
    "What each factor returned on the session: its proxy, less the short leg of a spread or, of a style, the market.",
    session_key(),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_exposures"),
    Column("daily_return", Float, nullable=False, comment="no row where a proxy has none"),
)

currency_exposures = table(
    "currency_exposures",
    "Exposure to each currency pair, of portfolios with positions in another currency than their own.",
    session_key(),
    portfolio_key(),
    Column("pair", NAME, primary_key=True, comment="FX EURUSD: the price of one euro in dollars"),
    Column("dollar_exposure", Float, nullable=False, comment="P&L for a return of the pair of 1, to first order"),
    Column("exposure", Float, comment="dollar exposure over equity; null where equity <= 0"),
    Column("risk_contribution", Float, comment="Euler part of the portfolio's factor-model volatility, annualised"),
)

factor_covariance = table(
    "factor_covariance",
    "Covariance of the factors' daily returns, shared by all portfolios: core, cross-asset and sectors, a block each.",
    session_key(),
    Column("factor_a", NAME, primary_key=True, comment="factor of the model"),
    Column("factor_b", NAME, primary_key=True, comment="factor of the same block"),
    Column("covariance", Float, nullable=False, comment="of daily returns"),
    Column("correlation", Float, nullable=False, comment="of daily returns"),
    Column("observations", Integer, nullable=False, comment="sessions with all factor returns"),
    Column("condition_number", Float, nullable=False, comment="of the covariance matrix"),
    Column("method", String(16), nullable=False, comment="ewma or shrunk"),
    Column("stressed_covariance", Float, comment="core: over the market's worst 252 sessions in ten years up to then"),
    Column("stressed_last", Date, comment="last of those sessions"),
)
