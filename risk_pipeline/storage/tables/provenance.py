"""What ran, what each result was made from, and what was left out for which reason."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, Index, Integer, String

from .schema import NAME, REASON, SYMBOL, portfolio_key, session_key, table

batch_runs = table(
    "batch_runs",
    "What became of each Dagster run.",
    Column("run_id", String(36), primary_key=True, comment="Dagster's id of the run"),
    Column("status", String(10), nullable=False, comment="started, success, failed, cancelled or crashed"),
    Column("launched_by", String(16), nullable=False, comment="schedule, backfill, command line or ui"),
    Column("first_session", Date, comment="first session of the run"),
    Column("last_session", Date, comment="last session of the run"),
    Column("started_at", sa.DateTime(timezone=False), comment="UTC"),
    Column("ended_at", sa.DateTime(timezone=False), comment="UTC"),
    Column("error", String(500), comment="why it failed"),
    Column("is_alerted", Boolean, nullable=False, comment="whether the alert was sent"),
    Column("book_version", Integer, comment="the version of the book that every asset of the run read"),
    Column("lease_renewed_at", sa.DateTime(timezone=False), comment="UTC of the database: the run was alive then"),
    Index(None, "started_at"),
)

input_revisions = table(
    "input_revisions",
    "Prices and profiles that changed when results may have read them already.",
    Column("revision", Integer, primary_key=True, comment="counts from 1"),
    Column("kind", String(8), nullable=False, comment="price or profile"),
    Column("symbol", SYMBOL, nullable=False, comment="whose"),
    Column("first_session", Date, nullable=False, comment="first session that changed"),
    Column("last_session", Date, nullable=False, comment="last session that changed"),
    Column("known_at", sa.DateTime(timezone=False), comment="UTC start of the run that saw it"),
)

session_inputs = table(
    "session_inputs",
    "What the rows of an asset were made from; replaced with them in one transaction.",
    session_key(),
    Column("asset", String(24), primary_key=True, comment="the asset that wrote the rows"),
    Column("fingerprint", String(16), nullable=False, comment="hash of the book and the prices of all portfolios"),
    Column("registry", String(16), nullable=False, comment="hash of factors, scenarios and risk-free rate"),
    Column("code_version", String(40), nullable=False, comment="code version of the asset"),
    Column("book_version", Integer, comment="version of the book that was read"),
    Column("made_at", sa.DateTime(timezone=False), comment="UTC start of the run; null: before that was recorded"),
)

portfolio_inputs = table(
    "portfolio_inputs",
    "What the results of a portfolio were made from: its part of the book, and its prices.",
    session_key(),
    portfolio_key(),
    Column("book", String(16), nullable=False, comment="hash of its lots, flows, marks and account by then"),
    Column("revision", Integer, nullable=False, comment="newest of input_revisions that touches it"),
)

passed_sessions = table(
    "passed_sessions",
    "Sessions without market data: passed over, and asked for again with growing intervals.",
    session_key(),
    Column("reason", String(200), nullable=False, comment="why there is none"),
    Column("tries", Integer, nullable=False, comment="runs that asked for it"),
    Column("asked_at", sa.DateTime(timezone=False), nullable=False, comment="UTC start of the run that asked last"),
)

database_facts = table(
    "database_facts",
    "Facts about this database: the source of its prices, and what the newest version of the book holds.",
    Column("name", NAME, primary_key=True, comment="price_source, book_content; or bars_at_hand, of a run at work"),
    Column("value", String(200), nullable=False, comment="as text; of book_content a version and its hash"),
)

analytics_skips = table(
    "analytics_skips",
    "What an analytic could not compute, and why.",
    session_key(),
    Column("analytic", String(24), primary_key=True, comment="the asset that would have written the number"),
    Column("entity_type", String(10), primary_key=True, comment="portfolio or symbol"),
    Column("entity", NAME, primary_key=True, comment="id of the portfolio, or the symbol"),
    Column("reason", REASON, nullable=False, comment="code of the reason"),
    Column("detail", String(200), comment="more about it"),
)
