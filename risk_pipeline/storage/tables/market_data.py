"""Prices, splits and dividends, what was asked of the source, and what it said later."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, Float, Index, Integer, String

from .schema import SYMBOL, session_key, table

market_data_cache = table(
    "market_data_cache",
    "Daily bars as traded, of every symbol held or used as a factor proxy.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("high", Float, comment="as traded"),
    Column("low", Float, comment="as traded"),
    Column("close", Float, nullable=False, comment="as traded"),
    Column("volume", Float, comment="shares traded"),
    Column("dividend", Float, nullable=False, comment="cash per share held before the session"),
    Column("split_factor", Float, nullable=False, comment="new shares per old"),
    Column("basis", String(12), nullable=False, comment="as_traded or adjusted"),
    Column("source", String(32), comment="which source it came from; null of bars stored before that was kept"),
)

quarantined_bars = table(
    "quarantined_bars",
    "Bars that are not used: the series had switched its unit by a hundred. Each is a gap.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("close", Float, nullable=False, comment="as the source gave it"),
    Column("unit_level", Integer, nullable=False, comment="steps of a hundred above the unit of the bars in use"),
)

market_data_ranges = table(
    "market_data_ranges",
    "Which sessions of a symbol the source has been asked for.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("first_session", Date, nullable=False, comment="first session asked for"),
    Column("last_session", Date, nullable=False, comment="last session asked for"),
)

market_data_gaps = table(
    "market_data_gaps",
    "Sessions without a bar between two that have one; the source is asked for them with growing intervals.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("session", Date, primary_key=True, comment="session without a bar"),
    Column("tries", Integer, nullable=False, comment="times that it was asked for, the first included"),
    Column("asked_at", sa.DateTime(timezone=False), nullable=False, comment="UTC start of the run that asked last"),
)

symbol_quotes = table(
    "symbol_quotes",
    "What the source says of a symbol's prices.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security, or a currency pair"),
    Column("currency", String(3), comment="of its prices; null where the source says none"),
    Column("basis", String(12), nullable=False, comment="of its latest bars: as_traded or adjusted"),
)

price_restatements = table(
    "price_restatements",
    "Stored prices that the source changed later: old and new value.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("field", String(16), primary_key=True, comment="which price"),
    Column("known_at", sa.DateTime(timezone=False), primary_key=True, comment="UTC start of the run that saw it"),
    Column("old_value", Float, comment="as stored before"),
    Column("new_value", Float, comment="as stored since"),
)

market_data_coverage = table(
    "market_data_coverage",
    "State of the stored prices of every symbol in use on the session.",
    session_key(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("is_present", Boolean, nullable=False, comment="the session has a bar"),
    Column("is_stale", Boolean, nullable=False, comment="five equal closes in a row, the session's included"),
    Column(
        "missing_sessions",
        Integer,
        nullable=False,
        comment="sessions without a bar in the 252 up to this one, since the first that has one",
    ),
    Column(
        "restatements", Integer, nullable=False, comment="values of the session's bar that the source changed later"
    ),
)

price_panels = table(
    "price_panels",
    "The price panel that each session was computed from.",
    session_key(),
    Column("panel_hash", String(64), nullable=False, comment="hash of the panel's content, its name in the store"),
    Column("first_session", Date, nullable=False, comment="first session in the panel"),
    Column("last_session", Date, nullable=False, comment="last session in the panel"),
    Column("symbols", Integer, nullable=False, comment="symbols in the panel"),
    Column("revision", Integer, comment="newest of input_revisions when the panel was built"),
    Index(None, "panel_hash"),
)
