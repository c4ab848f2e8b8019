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
    return Column("session", Date, primary_key=True, comment="session of the exchange")


def _portfolio() -> Column[object]:
    return Column("portfolio_id", NAME, primary_key=True, comment="id of the portfolio")


def _table(name: str, comment: str, *columns: sa.schema.SchemaItem) -> Table:
    """A table whose SQLite form is clustered by its primary key; the comment says what a row is."""
    return Table(name, metadata, *columns, comment=comment, sqlite_with_rowid=False)


# ---- what the user brings -----------------------------------------------------------------------------------

portfolios = _table(
    "portfolios",
    "The portfolios that were imported.",
    _portfolio(),
    Column("name", String(200), nullable=False, comment="name shown"),
    Column("currency", String(3), nullable=False, comment="ISO 4217 code; money of the portfolio is in it"),
    Column("inception_date", Date, nullable=False, comment="first day with a snapshot"),
    Column("closed_date", Date, comment="no snapshots from this date on"),
    Column("starting_equity", Float, nullable=False, comment="equity at inception"),
)

positions = _table(
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
    Index(None, "portfolio_id"),
    Index(None, "symbol"),
)

portfolio_flows = _table(
    "portfolio_flows",
    "Cash paid into and out of portfolios.",
    _portfolio(),
    Column("flow_date", Date, primary_key=True, comment="day of the payment"),
    Column("amount", Float, nullable=False, comment="positive: paid in"),
)

private_marks = _table(
    "private_marks",
    "Prices of private assets, each valid from its date on.",
    Column("symbol", SYMBOL, primary_key=True, comment="the private asset's own name"),
    Column("mark_date", Date, primary_key=True, comment="day from which the price holds"),
    Column("price", Float, nullable=False, comment="per unit"),
)

symbol_aliases = _table(
    "symbol_aliases",
    "Changes of ticker: the history under the old symbol belongs to the new one.",
    Column("old_symbol", SYMBOL, primary_key=True, comment="ticker before the change"),
    Column("change_date", Date, primary_key=True, comment="from here on the old symbol is another instrument's"),
    Column("new_symbol", SYMBOL, nullable=False, comment="ticker from the change on"),
)

book_versions = _table(
    "book_versions",
    "Versions of the imported book: one for every import that changed something.",
    Column("version", Integer, primary_key=True, comment="counts from 1"),
    Column("made_at", sa.DateTime(timezone=False), comment="UTC; null: found changed when a run began"),
    Column("rows_added", Integer, nullable=False, comment="rows that hold from this version on"),
    Column("rows_ended", Integer, nullable=False, comment="rows that no longer hold in it"),
)

book_rows = _table(
    "book_rows",
    "Every imported row with the versions of the book in which it holds; nothing is overwritten.",
    Column("kind", String(24), primary_key=True, comment="the table in which a present row stands"),
    Column("row_key", String(200), primary_key=True, comment="JSON of the row's key"),
    Column("valid_from_version", Integer, primary_key=True, comment="the first version with it"),
    Column("valid_to_version", Integer, comment="the first version without it; null: it holds"),
    Column("content", sa.Text, nullable=False, comment="JSON of the row"),
)

# ---- runs -----------------------------------------------------------------------------------------------------

batch_runs = _table(
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
    Index(None, "started_at"),
)

# ---- reference data -----------------------------------------------------------------------------------------

factor_definitions = _table(
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

stress_scenarios = _table(
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

company_profiles = _table(
    "company_profiles",
    "Versions of each company's profile; a session uses the newest known by then.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("as_of", Date, primary_key=True, comment="day from which this version was known"),
    Column("name", String(200), comment="company name"),
    Column("sector", String(40), comment="sector by the source's classification"),
    Column("vendor_beta", Float, comment="market beta that the source states"),
)

# ---- market data --------------------------------------------------------------------------------------------

market_data_cache = _table(
    "market_data_cache",
    "Daily bars as traded, of every symbol held or used as a factor proxy.",
    _session(),
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

quarantined_bars = _table(
    "quarantined_bars",
    "Bars that are not used: the series had switched its unit by a hundred. Each is a gap.",
    _session(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("close", Float, nullable=False, comment="as the source gave it"),
    Column("unit_level", Integer, nullable=False, comment="steps of a hundred above the unit of the bars in use"),
)

market_data_ranges = _table(
    "market_data_ranges",
    "Which sessions of a symbol the source has been asked for.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("first_session", Date, nullable=False, comment="first session asked for"),
    Column("last_session", Date, nullable=False, comment="last session asked for"),
)

symbol_quotes = _table(
    "symbol_quotes",
    "What the source says of a symbol's prices.",
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security, or a currency pair"),
    Column("currency", String(3), comment="of its prices; null where the source says none"),
    Column("basis", String(12), nullable=False, comment="of its latest bars: as_traded or adjusted"),
)

price_restatements = _table(
    "price_restatements",
    "Stored prices that the source changed later: old and new value.",
    _session(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    Column("field", String(16), primary_key=True, comment="which price"),
    Column("known_at", sa.DateTime(timezone=False), primary_key=True, comment="UTC start of the run that saw it"),
    Column("old_value", Float, comment="as stored before"),
    Column("new_value", Float, comment="as stored since"),
)

market_data_coverage = _table(
    "market_data_coverage",
    "State of the stored prices of every symbol in use on the session.",
    _session(),
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

price_panels = _table(
    "price_panels",
    "The price panel that each session was computed from.",
    _session(),
    Column("panel_hash", String(64), nullable=False, comment="hash of the panel's content, its name in the store"),
    Column("first_session", Date, nullable=False, comment="first session in the panel"),
    Column("last_session", Date, nullable=False, comment="last session in the panel"),
    Column("symbols", Integer, nullable=False, comment="symbols in the panel"),
    Column("revision", Integer, comment="newest of input_revisions when the panel was built"),
    Index(None, "panel_hash"),
)

# ---- what results were made from ------------------------------------------------------------------------------

input_revisions = _table(
    "input_revisions",
    "Prices and profiles that changed when results may have read them already.",
    Column("revision", Integer, primary_key=True, comment="counts from 1"),
    Column("kind", String(8), nullable=False, comment="price or profile"),
    Column("symbol", SYMBOL, nullable=False, comment="whose"),
    Column("first_session", Date, nullable=False, comment="first session that changed"),
    Column("last_session", Date, nullable=False, comment="last session that changed"),
    Column("known_at", sa.DateTime(timezone=False), comment="UTC start of the run that saw it"),
)

session_inputs = _table(
    "session_inputs",
    "What the rows of an asset were made from; replaced with them in one transaction.",
    _session(),
    Column("asset", String(24), primary_key=True, comment="the asset that wrote the rows"),
    Column("fingerprint", String(16), nullable=False, comment="hash of the book and the prices of all portfolios"),
    Column("registry", String(16), nullable=False, comment="hash of factors, scenarios and risk-free rate"),
    Column("code_version", String(40), nullable=False, comment="code version of the asset"),
    Column("book_version", Integer, comment="version of the book that was read"),
)

portfolio_inputs = _table(
    "portfolio_inputs",
    "What the results of a portfolio were made from: its part of the book, and its prices.",
    _session(),
    _portfolio(),
    Column("book", String(16), nullable=False, comment="hash of its lots, flows, marks and account by then"),
    Column("revision", Integer, nullable=False, comment="newest of input_revisions that touches it"),
)

passed_sessions = _table(
    "passed_sessions",
    "Sessions without market data: passed over, and asked for again with growing intervals.",
    _session(),
    Column("reason", String(200), nullable=False, comment="why there is none"),
    Column("tries", Integer, nullable=False, comment="runs that asked for it"),
    Column("asked_at", sa.DateTime(timezone=False), nullable=False, comment="UTC start of the run that asked last"),
)

database_facts = _table(
    "database_facts",
    "Facts about this database that must not change unnoticed, such as the source of its prices.",
    Column("name", NAME, primary_key=True, comment="price_source: what filled market_data_cache"),
    Column("value", String(200), nullable=False, comment="as text"),
)

# ---- analytics ----------------------------------------------------------------------------------------------

analytics_skips = _table(
    "analytics_skips",
    "What an analytic could not compute, and why.",
    _session(),
    Column("analytic", String(24), primary_key=True, comment="the asset that would have written the number"),
    Column("entity_type", String(10), primary_key=True, comment="portfolio or symbol"),
    Column("entity", NAME, primary_key=True, comment="id of the portfolio, or the symbol"),
    Column("reason", REASON, nullable=False, comment="code of the reason"),
    Column("detail", String(200), comment="more about it"),
)

symbol_factor_exposures = _table(
    "symbol_factor_exposures",
    "Factor betas of every symbol in use.",
    _session(),
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

factor_exposures = _table(
    "factor_exposures",
    "Factor exposures of every portfolio.",
    _session(),
    _portfolio(),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_definitions"),
    Column("dollar_exposure", Float, comment="P&L for a factor return of 1"),
    Column("exposure", Float, comment="dollar exposure over equity; null with a reason where equity <= 0"),
    Column("std_error", Float, comment="of exposure: HAC error of the same regression's slope"),
    Column("r_squared", Float, comment="of the portfolio's constant-weight return series on the factor(s)"),
    Column("residual_volatility", Float, comment="of the same regression, annualised"),
    Column(
        "risk_contribution",
        Float,
        comment="Euler part of the factor-model volatility, annualised; the rest is specific",
    ),
    Column("reverse_move", Float, comment="core model: the factor's move in the likeliest loss of 20 % of equity"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with a beta"),
    Column("reason", REASON, comment="why a number of the row is null"),
)

position_values = _table(
    "position_values",
    "Value, P&L and sensitivities of every lot held as of the session, and the P&L of every lot that left on it.",
    _session(),
    Column("position_id", NAME, primary_key=True, comment="id of the lot"),
    Column("portfolio_id", NAME, nullable=False, comment="the portfolio that holds it"),
    Column("symbol", SYMBOL, nullable=False, comment="of an option: its own name"),
    Column("investment_class", String(10), comment="PUBLIC, OPTIONS or PRIVATE"),
    Column("underlying", SYMBOL, comment="of an option"),
    Column("contract", String(100), comment="of an option: its terms, such as AAPL 150 call 20 Jun 2025"),
    Column("quantity", Float, nullable=False, comment="after splits; 0 of a lot that left on the session"),
    Column(
        "price",
        Float,
        nullable=False,
        comment="per share, per unit, or premium per share; of a lot that left, at which it was sold or settled",
    ),
    Column("currency", String(3), nullable=False, comment="of the price"),
    Column("exchange_rate", Float, nullable=False, comment="price of that currency in the portfolio's; 1 for its own"),
    Column("mark_date", Date, comment="of PRIVATE: the mark that values it; null at its entry price"),
    Column("value", Float, nullable=False, comment="signed, in the portfolio's currency"),
    Column("daily_pnl", Float, comment="P&L since the session before; a portfolio's lots sum to its snapshot's"),
    Column("delta_value", Float, comment="signed delta-adjusted notional; null for PRIVATE"),
    Column("gamma", Float, comment="of an option: change of delta_value for +1 % of the underlying"),
    Column("vega", Float, comment="of an option: change of value for +1 point of volatility"),
    Column("theta", Float, comment="of an option: change of value a calendar day"),
    Column("volatility", Float, comment="of an option: with which it was valued"),
    Column("risk_contribution", Float, comment="Euler part of the portfolio's factor-model volatility, annualised"),
    Column("is_stale", Boolean, nullable=False, comment="valued at an earlier price than the session's"),
)

factor_returns = _table(
    "factor_returns",
    "What each factor returned on the session: its proxy, less the short leg of a spread or, of a style, the market.",
    _session(),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_exposures"),
    Column("daily_return", Float, nullable=False, comment="no row where a proxy has none"),
)

currency_exposures = _table(
    "currency_exposures",
    "Exposure to each currency pair, of portfolios with positions in another currency than their own.",
    _session(),
    _portfolio(),
    Column("pair", NAME, primary_key=True, comment="FX EURUSD: the price of one euro in dollars"),
    Column("dollar_exposure", Float, nullable=False, comment="P&L for a return of the pair of 1, to first order"),
    Column("exposure", Float, comment="dollar exposure over equity; null where equity <= 0"),
    Column("risk_contribution", Float, comment="Euler part of the portfolio's factor-model volatility, annualised"),
)

factor_covariance = _table(
    "factor_covariance",
    "Covariance of the factors' daily returns, shared by all portfolios: core, cross-asset and sectors, a block each.",
    _session(),
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

scenario_factor_moves = _table(
    "scenario_factor_moves",
    "How far each core factor moves in each scenario, and in a replay those beyond the core, as of the session.",
    _session(),
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario, as in stress_scenarios"),
    Column("factor_name", NAME, primary_key=True, comment="name of the factor, as in factor_definitions"),
    Column(
        "is_shocked", Boolean, nullable=False, comment="the scenario states the move; false: it follows from the others"
    ),
    Column("move", Float, nullable=False, comment="decimal return of the factor over the scenario"),
)

scenario_plausibility = _table(
    "scenario_plausibility",
    "How unusual each scenario's joint move is, as of the session.",
    _session(),
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

stress_test_results = _table(
    "stress_test_results",
    "P&L of every portfolio in every active scenario.",
    _session(),
    _portfolio(),
    Column("scenario_id", NAME, primary_key=True, comment="id of the scenario, as in stress_scenarios"),
    Column("direct_pnl", Float, comment="P&L of the stated shocks alone"),
    Column("correlated_pnl", Float, comment="headline"),
    Column("correlation_effect", Float, comment="correlated_pnl - direct_pnl"),
    Column("option_revaluation", Float, comment="part of correlated_pnl beyond the delta of the options"),
    Column("currency_pnl", Float, comment="part of correlated_pnl of shocked currency pairs, beyond their core betas"),
    Column("correlated_stressed_pnl", Float, comment="correlated_pnl with the correlations of the market's worst year"),
    Column(
        "conditional_std", Float, comment="what the shocks leave open of the factors, standard deviation in dollars"
    ),
    Column("band_std", Float, comment="conditional_std and the book's own risk over the horizon"),
    Column("registry_beta", Float, comment="of one shocked factor: direct_pnl over equity times shock"),
    Column("implied_beta", Float, comment="of one shocked factor: correlated_pnl over equity times shock"),
    Column("return_on_equity", Float, comment="correlated_pnl / equity; null where equity <= 0"),
    Column("max_drawdown", Float, comment="of a replay: worst running loss inside its window, dollars"),
    Column("exceeds_equity", Boolean, nullable=False, comment="the loss is larger than equity"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with betas"),
    Column("reason", REASON, comment="why a number of the row is null"),
)

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


symbol_volatility = _table(
    "symbol_volatility",
    "Volatility of every symbol in use.",
    _session(),
    Column("symbol", SYMBOL, primary_key=True, comment="ticker of the priced security"),
    *_volatility(),
)

portfolio_volatility = _table(
    "portfolio_volatility",
    "Volatility and tail risk of every portfolio: its holdings applied to the symbols' history.",
    _session(),
    _portfolio(),
    *_volatility(),
    Column("factor_model_volatility", Float, comment="sqrt(x'Fx + specific), annualised"),
    Column("coverage", Float, nullable=False, comment="share of gross PUBLIC + OPTIONS exposure with a return history"),
    Column("var_95", Float, comment="one day, positive share of equity"),
    Column("var_99", Float, comment="one day, positive share of equity"),
    Column("es_95", Float, comment="expected shortfall: one day, positive share of equity"),
    Column("es_99", Float, comment="expected shortfall: one day, positive share of equity"),
    Column("reason", REASON, comment="why a number of the row is null"),
)

value_at_risk_outcomes = _table(
    "value_at_risk_outcomes",
    "Value at risk of the session before against what its holdings then did.",
    _session(),
    _portfolio(),
    Column("outcome", Float, nullable=False, comment="return on equity of the holdings of the session before"),
    Column("var_95", Float, nullable=False, comment="of the session before"),
    Column("var_99", Float, nullable=False, comment="of the session before"),
    Column("es_95", Float, nullable=False, comment="of the session before"),
    Column("es_99", Float, nullable=False, comment="of the session before"),
    Column("exceeded_95", Boolean, nullable=False, comment="the loss was larger than var_95"),
    Column("exceeded_99", Boolean, nullable=False, comment="the loss was larger than var_99"),
)

risk_changes = _table(
    "risk_changes",
    "What changed since the session before; the three parts sum to the change.",
    _session(),
    _portfolio(),
    Column("measure", NAME, primary_key=True, comment="forecast volatility, or a factor's name"),
    Column("previous", Float, nullable=False, comment="value at the session before"),
    Column("by_positions", Float, nullable=False, comment="lots and flows of the session, at the prices before it"),
    Column("by_prices", Float, nullable=False, comment="what the session's prices did to the weights"),
    Column("by_model", Float, nullable=False, comment="betas or volatilities with the session's returns in them"),
    Column("current", Float, nullable=False, comment="value at the session"),
)

volatility_scores = _table(
    "volatility_scores",
    "One row per forecast whose 21-session outcome became known at the session.",
    _session(),
    Column("entity_type", String(10), primary_key=True, comment="portfolio or symbol"),
    Column("entity", NAME, primary_key=True, comment="id of the portfolio, or the symbol"),
    Column("model", String(16), primary_key=True, comment="forecast, ewma or realised_21"),
    Column("forecast_session", Date, nullable=False, comment="session of the forecast"),
    Column("forecast", Float, nullable=False, comment="annualised volatility forecast"),
    Column("outcome", Float, nullable=False, comment="realised volatility of the sessions after forecast_session"),
    Column("qlike", Float, nullable=False, comment="QLIKE loss of the forecast's variance"),
)

portfolio_snapshots = _table(
    "portfolio_snapshots",
    "One row per portfolio and session with what a reader asks for first.",
    _session(),
    _portfolio(),
    Column("nav", Float, nullable=False, comment="cash + long_value + short_value"),
    Column("cash", Float, nullable=False, comment="cash, negative where borrowed"),
    Column("long_value", Float, nullable=False, comment="value of long lots"),
    Column("short_value", Float, nullable=False, comment="value of short lots, negative"),
    Column("gross", Float, nullable=False, comment="sum of the absolute values of all lots"),
    Column("net", Float, nullable=False, comment="sum of the signed values of all lots"),
    Column("private_value", Float, nullable=False, comment="value of private assets"),
    Column("daily_pnl", Float, nullable=False, comment="P&L of the session"),
    Column("daily_return", Float, comment="daily_pnl over equity before plus flow; null where that is <= 0"),
    Column("return_1m", Float, comment="time-weighted, of the last 21 sessions; null where it is younger"),
    Column("return_3m", Float, comment="time-weighted, of the last 63 sessions"),
    Column("return_ytd", Float, comment="time-weighted, of the calendar year or since inception if that is later"),
    Column("return_1y", Float, comment="time-weighted, of the last 252 sessions"),
    Column("return_inception", Float, comment="time-weighted, since inception, not annualised"),
    Column("drawdown", Float, comment="from the highest value since inception, <= 0"),
    Column("worst_drawdown", Float, comment="the deepest since inception, <= 0"),
    Column("drawdown_sessions", Integer, comment="sessions since the highest value"),
    Column("return_volatility", Float, comment="annualised, of the last 252 daily returns, at least 63"),
    Column("sharpe", Float, comment="of the same returns beyond the risk-free rate, annualised"),
    Column("cumulative_pnl", Float, nullable=False, comment="P&L since inception"),
    Column("flow", Float, nullable=False, comment="cash paid in on the session"),
    Column("is_opening", Boolean, nullable=False, comment="first session of the portfolio"),
    Column("positions", Integer, nullable=False, comment="lots held"),
    Column("public_positions", Integer, nullable=False, comment="PUBLIC lots held"),
    Column("option_positions", Integer, nullable=False, comment="OPTIONS lots held"),
    Column("private_positions", Integer, nullable=False, comment="PRIVATE lots held"),
    Column("stale_positions", Integer, nullable=False, comment="valued at an earlier price than the session's"),
    Column("market_beta", Float, comment="exposure to the market factor"),
    Column("provider_beta", Float, comment="exposure by the vendor's betas"),
    Column("ir_beta", Float, comment="exposure to the rates factor"),
    Column("realised_21", Float, comment="annualised volatility of the last 21 sessions"),
    Column("realised_63", Float, comment="annualised volatility of the last 63 sessions"),
    Column("forecast", Float, comment="annualised volatility forecast for the next 21 sessions"),
    Column("trend", String(12), comment="of volatility: increasing, decreasing or stable"),
    Column("percentile", Float, comment="rank of realised_21 within its last year, 0 to 1"),
    Column("var_95", Float, comment="one day, positive share of equity"),
    Column("var_99", Float, comment="one day, positive share of equity"),
    Column("es_95", Float, comment="one day, positive share of equity"),
    Column("es_99", Float, comment="one day, positive share of equity"),
    Column("worst_scenario", NAME, comment="scenario with the lowest correlated_pnl"),
    Column("worst_scenario_pnl", Float, comment="its correlated_pnl"),
    Column("herfindahl", Float, comment="10,000 times the sum of squared weights by name"),
    Column("effective_positions", Float, comment="10,000 / herfindahl"),
    Column("top_3", Float, comment="share of gross of the three largest names"),
    Column("top_10", Float, comment="share of gross of the ten largest names"),
    Column("coverage", Float, comment="share of gross PUBLIC + OPTIONS exposure with a Market Beta"),
    Column("is_complete", Boolean, nullable=False, comment="every analytic is there or skipped with a reason"),
    Column("missing", String(200), comment="the analytics that are absent without a reason"),
    Index(None, "portfolio_id", "session"),
)

sector_exposures = _table(
    "sector_exposures",
    "Exposure by sector of every portfolio.",
    _session(),
    _portfolio(),
    Column("sector", String(40), primary_key=True, comment="sector of the underlying; private assets have their own"),
    Column("net", Float, nullable=False, comment="signed dollars"),
    Column("gross", Float, nullable=False, comment="absolute dollars"),
    Column("gross_share", Float, comment="share of the portfolio's gross"),
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
    factor_returns,
    currency_exposures,
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
    session_inputs,
    portfolio_inputs,
    analytics_skips,
)
"""What ``risk-pipeline rebuild`` clears: everything derived, never prices or what the user brought."""


def by_table(rows: Mapping[str, T]) -> dict[Table, T]:
    """Return a dict by table instead of table name."""
    return {metadata.tables[name]: value for name, value in rows.items()}
