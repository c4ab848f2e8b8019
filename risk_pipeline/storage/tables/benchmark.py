"""Portfolios against their benchmarks."""

from __future__ import annotations

from sqlalchemy import Column, Float, String

from .schema import NAME, REASON, SYMBOL, portfolio_key, session_key, table

benchmark_risk = table(
    "benchmark_risk",
    "Tracking error, beta and relative return of every portfolio that has a benchmark.",
    session_key(),
    portfolio_key(),
    Column("benchmark", SYMBOL, nullable=False, comment="name or symbol of the benchmark"),
    Column("tracking_error", Float, comment="of the last 252 active returns at the session's weights, annualised"),
    Column("beta", Float, comment="to the benchmark, over the same sessions"),
    Column("correlation", Float, comment="with the benchmark, over the same sessions"),
    Column("model_tracking_error", Float, comment="by active exposures and factor covariance, annualised"),
    Column(
        "factor_part", Float, comment="what of it factors make; its square and the specific part's sum to the whole's"
    ),
    Column("specific_part", Float, comment="what the active exposures leave of the active returns, annualised"),
    Column("volatility_regime", Float, comment="factor in the three before: how far above its forecasts it has been"),
    Column("coverage", Float, comment="share of gross and of the benchmark's weight that has core betas"),
    Column("relative_1m", Float, comment="return less the benchmark's of the last 21 sessions"),
    Column("relative_3m", Float, comment="of the last 63 sessions"),
    Column("relative_ytd", Float, comment="of the calendar year or since inception if that is later"),
    Column("relative_1y", Float, comment="of the last 252 sessions"),
    Column("relative_inception", Float, comment="since inception, not annualised"),
    Column("reason", REASON, comment="why a tracking error is null"),
)

active_exposures = table(
    "active_exposures",
    "Factor exposures, sector and position weights of portfolios and their benchmarks; of NAV each.",
    session_key(),
    portfolio_key(),
    Column("kind", String(16), primary_key=True, comment="factor, sector or position"),
    Column("name", NAME, primary_key=True, comment="of the core factor or sector; the symbol"),
    Column("own", Float, comment="exposure of the portfolio, net weight of the sector, delta-adjusted weight"),
    Column("benchmark", Float, comment="the same of the benchmark"),
    Column("active", Float, comment="own less benchmark"),
    Column("risk_contribution", Float, comment="Euler part of model_tracking_error; those of positions sum to it"),
)
