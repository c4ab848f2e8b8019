"""Definitions of factors and scenarios, and profiles of companies."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, Float, Integer, String

from .schema import NAME, SYMBOL, table

factor_definitions = table(
    "factor_definitions",
    "The factor registry (config/factors.yaml) as last seeded.",
    Column("factor_name", NAME, primary_key=True, comment="name of the factor"),
    Column("factor_order", Integer, nullable=False, comment="place in the registry"),
    Column("factor_type", String(16), nullable=False, comment="market, macro or style"),
    Column(
        "method",
        String(24),
        nullable=False,
        comment="rolling_regression, provider_data, ridge_regression or spread_regression",
    ),
    Column("proxy", SYMBOL, nullable=False, comment="symbol whose return is the factor's"),
    Column("proxy_minus", SYMBOL, comment="the short leg of a spread"),
    Column("window", Integer, comment="returns in the estimate"),
    Column("min_observations", Integer, comment="fewer returns: no estimate"),
    Column("half_life", Integer, comment="sessions after which a return weighs half"),
    Column("penalty", Float, comment="null: penalties are each symbol's own, in symbol_factor_exposures"),
    Column("prior_variance", Float, comment="prior variance of the z-scored coefficient, squared daily returns"),
    Column("is_active", Boolean, nullable=False, comment="false: retired, kept for the history"),
)

stress_scenarios = table(
    "stress_scenarios",
    "The scenario library (config/scenarios.yaml and the user's file) as last seeded.",
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario"),
    Column("name", String(120), nullable=False, comment="name shown"),
    Column("category", String(24), nullable=False, comment="group in the scenario library"),
    Column("severity", String(12), nullable=False, comment="as the scenario library states it"),
    Column("kind", String(12), nullable=False, comment="hypothetical or historical"),
    Column("shocks", sa.JSON, nullable=False, comment="move by factor, decimals"),
    Column("horizon", Integer, nullable=False, comment="sessions over which the shock happens"),
    Column("replay_first", Date, comment="of a historical one: first session"),
    Column("replay_last", Date, comment="of a historical one: last session"),
    Column("is_active", Boolean, nullable=False, comment="false: retired, kept for the history"),
)

company_profiles = table(
    "company_profiles",
    "Versions of each company's profile; a session uses the newest known by then.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("as_of", Date, primary_key=True, comment="day from which this version was known"),
    Column("name", String(200), comment="company name"),
    Column("sector", String(40), comment="sector by the source's classification"),
    Column("vendor_beta", Float, comment="market beta that the source states"),
)
