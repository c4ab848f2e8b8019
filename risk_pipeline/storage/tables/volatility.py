"""Volatilities, their forecasts and how those turned out; value at risk against outcomes."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Date, Float, Integer, String

from .schema import NAME, REASON, SYMBOL, portfolio_key, session_key, table

_VOLATILITY = (
    ("realised_21", Float, "annualised, last 21 sessions"),
    ("realised_63", Float, "annualised, last 63 sessions"),
    ("realised_252", Float, "annualised, last 252 sessions"),
    ("ewma", Float, "annualised, exponentially weighted"),
    ("forecast", Float, "mean volatility over the next 21 sessions"),
    ("model", String(16), "har_ewma or ewma"),
    ("variance_input", String(12), "daily variance input: parkinson or squared"),
    ("trend", String(12), "increasing, decreasing or stable: 21 against 63 sessions"),
    ("trend_strength", Float, "|ln(realised_21 / realised_63)|"),
    ("percentile", Float, "rank of realised_21 within its last year, 0 to 1"),
    ("observations", Integer, "returns used"),
)


def _volatility() -> list[Column[object]]:
    return [Column(name, kind, comment=comment) for name, kind, comment in _VOLATILITY]


symbol_volatility = table(
    "symbol_volatility",
    "Volatility of every symbol in use.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    *_volatility(),
)

portfolio_volatility = table(
    "portfolio_volatility",
    "Volatility and tail risk of every portfolio: its holdings applied to the symbols' history.",
    session_key(),
    portfolio_key(),
    *_volatility(),
    Column("factor_model_volatility", Float, comment="sqrt(x'Fx + specific), annualised"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with a return history"),
    Column("var_95", Float, comment="one day, positive share of equity"),
    Column("var_99", Float, comment="one day, positive share of equity"),
    Column("es_95", Float, comment="expected shortfall: one day, positive share of equity"),
    Column("es_99", Float, comment="expected shortfall: one day, positive share of equity"),
    Column("reason", REASON, comment="why a number of the row is null"),
)

value_at_risk_outcomes = table(
    "value_at_risk_outcomes",
    "Value at risk of the session before against what its holdings then did.",
    session_key(),
    portfolio_key(),
    Column("outcome", Float, nullable=False, comment="return on equity of the holdings of the session before"),
    Column("var_95", Float, nullable=False, comment="of the session before"),
    Column("var_99", Float, nullable=False, comment="of the session before"),
    Column("es_95", Float, nullable=False, comment="of the session before"),
    Column("es_99", Float, nullable=False, comment="of the session before"),
    Column("exceeded_95", Boolean, nullable=False, comment="the loss was larger than var_95"),
    Column("exceeded_99", Boolean, nullable=False, comment="the loss was larger than var_99"),
)

volatility_scores = table(
    "volatility_scores",
    "One row per forecast whose 21-session outcome became known at the session.",
    session_key(),
    Column("entity_type", String(10), primary_key=True, comment="portfolio or symbol"),
    Column("entity", NAME, primary_key=True, comment="id of the portfolio, or the symbol"),
    Column("model", String(16), primary_key=True, comment="forecast, ewma or realised_21"),
    Column("forecast_session", Date, nullable=False, comment="session of the forecast"),
    Column("forecast", Float, nullable=False, comment="annualised volatility forecast"),
    Column("outcome", Float, nullable=False, comment="realised volatility of the sessions after forecast_session"),
    Column("qlike", Float, nullable=False, comment="QLIKE loss of the forecast's variance"),
)
