"""What made the P&L."""

from __future__ import annotations

from sqlalchemy import Column, Float, String

from .schema import NAME, portfolio_key, session_key, table

pnl_explain = table(
    "pnl_explain",
    "What made the session's P&L of every portfolio, part by part; a portfolio's rows sum to its daily_pnl.",
    session_key(),
    portfolio_key(),
    Column(
        "kind",
        String(16),
        primary_key=True,
        comment="core, cross_asset, sector, specific, options, currency, dividends, trades, marks, fees, unattributed",
    ),
    Column("part", NAME, primary_key=True, comment="a factor's or a currency pair's name, a greek, else as the kind"),
    Column("pnl", Float, nullable=False, comment="of a factor: dollar exposure of the session before times its return"),
    Column(
        "options_pnl", Float, nullable=False, comment="what of it options made; of factors and specific their delta"
    ),
    Column("currency_pnl", Float, nullable=False, comment="what of it currency pairs made"),
)
