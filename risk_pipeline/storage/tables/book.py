"""What the user brings: portfolios, lots, flows, marks, and the versions of all that."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy import Boolean, Column, Date, Float, ForeignKey, Index, Integer, String

from .schema import NAME, SYMBOL, portfolio_key, table

portfolios = table(
    "portfolios",
    "The portfolios that were imported.",
    portfolio_key(),
    Column("name", String(200), nullable=False, comment="name shown"),
    Column("currency", String(3), nullable=False, comment="ISO 4217 code; money of the portfolio is in it"),
    Column("inception_date", Date, nullable=False, comment="first day with a snapshot"),
    Column("closed_date", Date, comment="no snapshots from this date on"),
    Column("starting_equity", Float, nullable=False, comment="equity at inception"),
    Column("benchmark", SYMBOL, comment="what it is compared with: a name in benchmarks, else a symbol; null: nothing"),
)

benchmarks = table(
    "benchmarks",
    "Benchmarks of several symbols that were imported, with their weights.",
    Column("benchmark", SYMBOL, primary_key=True, comment="name, as portfolios have it"),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("valid_from", Date, primary_key=True, comment="first day of the weights; a later set replaces all of them"),
    Column("weight", Float, nullable=False, comment="share of the benchmark; the weights of a day sum to one"),
)

positions = table(
    "positions",
    "The lots that were imported: what was bought or sold short, when and at what price.",
    Column("position_id", NAME, primary_key=True, comment="id of the lot"),
    Column(
        "portfolio_id",
        NAME,
        ForeignKey("portfolios.portfolio_id"),
        nullable=False,
        comment="the portfolio that holds it",
    ),
    Column("symbol", SYMBOL, nullable=False, comment="of an option: its own name; the priced symbol is underlying"),
    Column("investment_class", String(10), nullable=False, comment="PUBLIC, OPTIONS or PRIVATE"),
    Column("quantity", Float, nullable=False, comment="signed, in units of the entry date; contracts for options"),
    Column("entry_date", Date, nullable=False, comment="day of the purchase or short sale"),
    Column("entry_price", Float, nullable=False, comment="per share, per unit, or premium per share of an option"),
    Column("exit_date", Date, comment="day of sale; null: still held"),
    Column("exit_price", Float, comment="null: the close of the exit date"),
    Column("underlying", SYMBOL, comment="of an option: the priced symbol"),
    Column("option_type", String(4), comment="CALL or PUT"),
    Column("strike", Float, comment="of an option: strike per share"),
    Column("expiry", Date, comment="of an option: last day of its life"),
    Column("implied_volatility", Float, comment="null: the underlying's forecast is used"),
    Column("is_deleted", Boolean, nullable=False, default=False, comment="true: the lot counts nowhere"),
    Column("multiplier", Float, comment="units per unit of quantity; null: 100 for an option, else 1"),
    Column("currency", String(3), comment="of its prices; null: the source's, else the portfolio's"),
    Column("fees", Float, comment="money paid on the entry date"),
    Column("exit_fees", Float, comment="money paid on the exit date"),
    Column("exercise", String(8), comment="of an option: american or european"),
    Column("proxy", SYMBOL, comment="of PRIVATE: the priced symbol that its risk is taken to follow; null: none"),
    Column("proxy_beta", Float, comment="of PRIVATE: its assumed return for one of the proxy"),
    Index(None, "portfolio_id"),
    Index(None, "symbol"),
)

portfolio_flows = table(
    "portfolio_flows",
    "Cash paid into and out of portfolios.",
    portfolio_key(),
    Column("flow_date", Date, primary_key=True, comment="day of the payment"),
    Column("amount", Float, nullable=False, comment="positive: paid in"),
)

portfolio_groups = table(
    "portfolio_groups",
    "Groups of portfolios; each is computed as a portfolio of its members' lots.",
    Column("group_id", NAME, primary_key=True, comment="id of the group, also of its results"),
    Column(
        "portfolio_id",
        NAME,
        ForeignKey("portfolios.portfolio_id"),
        primary_key=True,
        comment="a portfolio in the group",
    ),
)

private_marks = table(
    "private_marks",
    "Prices of private assets and of listed options, each valid from its date on.",
    Column("symbol", SYMBOL, primary_key=True, comment="the private asset's or the option's own name"),
    Column("mark_date", Date, primary_key=True, comment="day from which the price holds"),
    Column("price", Float, nullable=False, comment="per unit; of an option per share"),
)

implied_volatilities = table(
    "implied_volatilities",
    "Implied volatilities of listed options, each valid from its date on.",
    Column("symbol", SYMBOL, primary_key=True, comment="the option's own name, or the one that its terms make"),
    Column("quote_date", Date, primary_key=True, comment="day from which the volatility holds"),
    Column("underlying", SYMBOL, comment="the priced symbol; null: only positions of that name"),
    Column("expiry", Date, comment="last day of the option's life"),
    Column("strike", Float, comment="per share, as of the quote's day"),
    Column("option_type", String(4), comment="CALL or PUT; null: both"),
    Column("volatility", Float, nullable=False, comment="annual"),
)

symbol_aliases = table(
    "symbol_aliases",
    "Changes of ticker: the history under the old symbol belongs to the new one.",
    Column("old_symbol", SYMBOL, primary_key=True, comment="ticker before the change"),
    Column("change_date", Date, primary_key=True, comment="from here on the old symbol is another instrument's"),
    Column("new_symbol", SYMBOL, nullable=False, comment="ticker from the change on"),
)

book_versions = table(
    "book_versions",
    "Versions of the imported book: one for every import that changed something.",
    Column("version", Integer, primary_key=True, comment="counts from 1"),
    Column("made_at", sa.DateTime(timezone=False), comment="UTC; null: found changed when a run began"),
    Column("rows_added", Integer, nullable=False, comment="rows that hold from this version on"),
    Column("rows_ended", Integer, nullable=False, comment="rows that no longer hold in it"),
)

book_rows = table(
    "book_rows",
    "Every imported row with the versions of the book in which it holds; nothing is overwritten.",
    Column("kind", String(24), primary_key=True, comment="the table in which a present row stands"),
    Column("row_key", String(200), primary_key=True, comment="JSON of the row's key"),
    Column("valid_from_version", Integer, primary_key=True, comment="the first version with it"),
    Column("valid_to_version", Integer, comment="the first version without it; null: it holds"),
    Column("content", sa.Text, nullable=False, comment="JSON of the row"),
)
