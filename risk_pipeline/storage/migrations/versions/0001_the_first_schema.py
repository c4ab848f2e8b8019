"""The first schema: a frozen copy of the tables as they were released first."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "analytics_skips",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("analytic", sa.String(length=24), nullable=False),
        sa.Column("entity_type", sa.String(length=10), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("session", "analytic", "entity_type", "entity", name=op.f("pk_analytics_skips")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "company_profiles",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("as_of", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=True),
        sa.Column("sector", sa.String(length=40), nullable=True),
        sa.Column("vendor_beta", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("symbol", "as_of", name=op.f("pk_company_profiles")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "factor_covariance",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("factor_a", sa.String(length=64), nullable=False),
        sa.Column("factor_b", sa.String(length=64), nullable=False),
        sa.Column("covariance", sa.Float(), nullable=False),
        sa.Column("correlation", sa.Float(), nullable=False),
        sa.Column("observations", sa.Integer(), nullable=False),
        sa.Column("condition_number", sa.Float(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("session", "factor_a", "factor_b", name=op.f("pk_factor_covariance")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "factor_definitions",
        sa.Column("factor_name", sa.String(length=64), nullable=False),
        sa.Column("factor_order", sa.Integer(), nullable=False),
        sa.Column("factor_type", sa.String(length=16), nullable=False),
        sa.Column("method", sa.String(length=24), nullable=False),
        sa.Column("proxy", sa.String(length=40), nullable=False),
        sa.Column("proxy_minus", sa.String(length=40), nullable=True),
        sa.Column("window", sa.Integer(), nullable=True),
        sa.Column("min_observations", sa.Integer(), nullable=True),
        sa.Column("half_life", sa.Integer(), nullable=True),
        sa.Column("penalty", sa.Float(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("factor_name", name=op.f("pk_factor_definitions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "factor_exposures",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("factor_name", sa.String(length=64), nullable=False),
        sa.Column("dollar_exposure", sa.Float(), nullable=True),
        sa.Column("exposure", sa.Float(), nullable=True),
        sa.Column("std_error", sa.Float(), nullable=True),
        sa.Column("r_squared", sa.Float(), nullable=True),
        sa.Column("residual_volatility", sa.Float(), nullable=True),
        sa.Column("risk_contribution", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "factor_name", name=op.f("pk_factor_exposures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "market_data_cache",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("high", sa.Float(), nullable=True),
        sa.Column("low", sa.Float(), nullable=True),
        sa.Column("close", sa.Float(), nullable=False),
        sa.Column("volume", sa.Float(), nullable=True),
        sa.Column("dividend", sa.Float(), nullable=False),
        sa.Column("split_factor", sa.Float(), nullable=False),
        sa.Column("basis", sa.String(length=12), nullable=False),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_market_data_cache")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("market_data_cache", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_market_data_cache_symbol_session"), ["symbol", "session"], unique=False)

    op.create_table(
        "market_data_coverage",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("first_session", sa.Date(), nullable=True),
        sa.Column("last_session", sa.Date(), nullable=True),
        sa.Column("sessions_expected", sa.Integer(), nullable=False),
        sa.Column("sessions_present", sa.Integer(), nullable=False),
        sa.Column("gap_count", sa.Integer(), nullable=False),
        sa.Column("longest_gap", sa.Integer(), nullable=False),
        sa.Column("stale_stretches", sa.Integer(), nullable=False),
        sa.Column("restatements", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_market_data_coverage")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "market_data_ranges",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("first_session", sa.Date(), nullable=False),
        sa.Column("last_session", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", name=op.f("pk_market_data_ranges")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "portfolio_flows",
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("flow_date", sa.Date(), nullable=False),
        sa.Column("amount", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", "flow_date", name=op.f("pk_portfolio_flows")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "portfolio_snapshots",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("nav", sa.Float(), nullable=False),
        sa.Column("cash", sa.Float(), nullable=False),
        sa.Column("long_value", sa.Float(), nullable=False),
        sa.Column("short_value", sa.Float(), nullable=False),
        sa.Column("gross", sa.Float(), nullable=False),
        sa.Column("net", sa.Float(), nullable=False),
        sa.Column("private_value", sa.Float(), nullable=False),
        sa.Column("daily_pnl", sa.Float(), nullable=False),
        sa.Column("daily_return", sa.Float(), nullable=True),
        sa.Column("cumulative_pnl", sa.Float(), nullable=False),
        sa.Column("flow", sa.Float(), nullable=False),
        sa.Column("is_opening", sa.Boolean(), nullable=False),
        sa.Column("positions", sa.Integer(), nullable=False),
        sa.Column("public_positions", sa.Integer(), nullable=False),
        sa.Column("option_positions", sa.Integer(), nullable=False),
        sa.Column("private_positions", sa.Integer(), nullable=False),
        sa.Column("stale_positions", sa.Integer(), nullable=False),
        sa.Column("market_beta", sa.Float(), nullable=True),
        sa.Column("provider_beta", sa.Float(), nullable=True),
        sa.Column("ir_beta", sa.Float(), nullable=True),
        sa.Column("realised_21", sa.Float(), nullable=True),
        sa.Column("realised_63", sa.Float(), nullable=True),
        sa.Column("forecast", sa.Float(), nullable=True),
        sa.Column("trend", sa.String(length=12), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("var_95", sa.Float(), nullable=True),
        sa.Column("var_99", sa.Float(), nullable=True),
        sa.Column("es_95", sa.Float(), nullable=True),
        sa.Column("es_99", sa.Float(), nullable=True),
        sa.Column("worst_scenario", sa.String(length=64), nullable=True),
        sa.Column("worst_scenario_pnl", sa.Float(), nullable=True),
        sa.Column("herfindahl", sa.Float(), nullable=True),
        sa.Column("effective_positions", sa.Float(), nullable=True),
        sa.Column("top_3", sa.Float(), nullable=True),
        sa.Column("top_10", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_portfolio_snapshots")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("portfolio_snapshots", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_portfolio_snapshots_portfolio_id_session"),
            ["portfolio_id", "session"],
            unique=False,
        )

    op.create_table(
        "portfolio_volatility",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("realised_21", sa.Float(), nullable=True),
        sa.Column("realised_63", sa.Float(), nullable=True),
        sa.Column("realised_252", sa.Float(), nullable=True),
        sa.Column("ewma", sa.Float(), nullable=True),
        sa.Column("forecast", sa.Float(), nullable=True),
        sa.Column("model", sa.String(length=16), nullable=True),
        sa.Column("variance_input", sa.String(length=12), nullable=True),
        sa.Column("trend", sa.String(length=12), nullable=True),
        sa.Column("trend_strength", sa.Float(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("observations", sa.Integer(), nullable=True),
        sa.Column("factor_model_volatility", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=False),
        sa.Column("var_95", sa.Float(), nullable=True),
        sa.Column("var_99", sa.Float(), nullable=True),
        sa.Column("es_95", sa.Float(), nullable=True),
        sa.Column("es_99", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", name=op.f("pk_portfolio_volatility")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "portfolios",
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("inception_date", sa.Date(), nullable=False),
        sa.Column("closed_date", sa.Date(), nullable=True),
        sa.Column("starting_equity", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio_id", name=op.f("pk_portfolios")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "price_panels",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("panel_hash", sa.String(length=64), nullable=False),
        sa.Column("first_session", sa.Date(), nullable=False),
        sa.Column("last_session", sa.Date(), nullable=False),
        sa.Column("symbols", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("session", name=op.f("pk_price_panels")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("price_panels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_price_panels_panel_hash"), ["panel_hash"], unique=False)

    op.create_table(
        "price_restatements",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("field", sa.String(length=16), nullable=False),
        sa.Column("known_at", sa.DateTime(), nullable=False),
        sa.Column("old_value", sa.Float(), nullable=True),
        sa.Column("new_value", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("session", "symbol", "field", "known_at", name=op.f("pk_price_restatements")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "private_marks",
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("mark_date", sa.Date(), nullable=False),
        sa.Column("price", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("symbol", "mark_date", name=op.f("pk_private_marks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scenario_factor_moves",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("factor_name", sa.String(length=64), nullable=False),
        sa.Column("is_shocked", sa.Boolean(), nullable=False),
        sa.Column("move", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", "scenario_id", "factor_name", name=op.f("pk_scenario_factor_moves")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "scenario_plausibility",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("mahalanobis", sa.Float(), nullable=True),
        sa.Column("p_value", sa.Float(), nullable=True),
        sa.Column("one_in_days", sa.Float(), nullable=True),
        sa.Column("coverage", sa.Float(), nullable=True),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "scenario_id", name=op.f("pk_scenario_plausibility")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sector_exposures",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("sector", sa.String(length=40), nullable=False),
        sa.Column("net", sa.Float(), nullable=False),
        sa.Column("gross", sa.Float(), nullable=False),
        sa.Column("gross_share", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "sector", name=op.f("pk_sector_exposures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stress_scenarios",
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("category", sa.String(length=24), nullable=False),
        sa.Column("severity", sa.String(length=12), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("shocks", sa.JSON(), nullable=False),
        sa.Column("horizon", sa.Integer(), nullable=False),
        sa.Column("replay_first", sa.Date(), nullable=True),
        sa.Column("replay_last", sa.Date(), nullable=True),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("scenario_id", name=op.f("pk_stress_scenarios")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stress_test_results",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("scenario_id", sa.String(length=64), nullable=False),
        sa.Column("direct_pnl", sa.Float(), nullable=True),
        sa.Column("correlated_pnl", sa.Float(), nullable=True),
        sa.Column("correlation_effect", sa.Float(), nullable=True),
        sa.Column("option_revaluation", sa.Float(), nullable=True),
        sa.Column("conditional_std", sa.Float(), nullable=True),
        sa.Column("return_on_equity", sa.Float(), nullable=True),
        sa.Column("max_drawdown", sa.Float(), nullable=True),
        sa.Column("exceeds_equity", sa.Boolean(), nullable=False),
        sa.Column("coverage", sa.Float(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=True),
        sa.PrimaryKeyConstraint("session", "portfolio_id", "scenario_id", name=op.f("pk_stress_test_results")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "symbol_factor_exposures",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("factor_name", sa.String(length=64), nullable=False),
        sa.Column("beta", sa.Float(), nullable=False),
        sa.Column("std_error", sa.Float(), nullable=True),
        sa.Column("t_stat", sa.Float(), nullable=True),
        sa.Column("r_squared", sa.Float(), nullable=True),
        sa.Column("observations", sa.Integer(), nullable=True),
        sa.Column("quality", sa.String(length=16), nullable=False),
        sa.Column("effective_df", sa.Float(), nullable=True),
        sa.Column("condition_number", sa.Float(), nullable=True),
        sa.Column("penalty", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("session", "symbol", "factor_name", name=op.f("pk_symbol_factor_exposures")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "symbol_volatility",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("realised_21", sa.Float(), nullable=True),
        sa.Column("realised_63", sa.Float(), nullable=True),
        sa.Column("realised_252", sa.Float(), nullable=True),
        sa.Column("ewma", sa.Float(), nullable=True),
        sa.Column("forecast", sa.Float(), nullable=True),
        sa.Column("model", sa.String(length=16), nullable=True),
        sa.Column("variance_input", sa.String(length=12), nullable=True),
        sa.Column("trend", sa.String(length=12), nullable=True),
        sa.Column("trend_strength", sa.Float(), nullable=True),
        sa.Column("percentile", sa.Float(), nullable=True),
        sa.Column("observations", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("session", "symbol", name=op.f("pk_symbol_volatility")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "volatility_scores",
        sa.Column("session", sa.Date(), nullable=False),
        sa.Column("entity_type", sa.String(length=10), nullable=False),
        sa.Column("entity", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=16), nullable=False),
        sa.Column("forecast_session", sa.Date(), nullable=False),
        sa.Column("forecast", sa.Float(), nullable=False),
        sa.Column("outcome", sa.Float(), nullable=False),
        sa.Column("qlike", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("session", "entity_type", "entity", "model", name=op.f("pk_volatility_scores")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "positions",
        sa.Column("position_id", sa.String(length=64), nullable=False),
        sa.Column("portfolio_id", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=40), nullable=False),
        sa.Column("investment_class", sa.String(length=10), nullable=False),
        sa.Column("quantity", sa.Float(), nullable=False),
        sa.Column("entry_date", sa.Date(), nullable=False),
        sa.Column("entry_price", sa.Float(), nullable=False),
        sa.Column("exit_date", sa.Date(), nullable=True),
        sa.Column("exit_price", sa.Float(), nullable=True),
        sa.Column("underlying", sa.String(length=40), nullable=True),
        sa.Column("option_type", sa.String(length=4), nullable=True),
        sa.Column("strike", sa.Float(), nullable=True),
        sa.Column("expiry", sa.Date(), nullable=True),
        sa.Column("implied_volatility", sa.Float(), nullable=True),
        sa.Column("is_deleted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["portfolio_id"], ["portfolios.portfolio_id"], name=op.f("fk_positions_portfolio_id")),
        sa.PrimaryKeyConstraint("position_id", name=op.f("pk_positions")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("positions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_positions_portfolio_id"), ["portfolio_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_positions_symbol"), ["symbol"], unique=False)
    op.execute(
        "CREATE VIEW stress_factor_impacts AS "
        "SELECT m.session, e.portfolio_id, m.scenario_id, m.factor_name, m.is_shocked, "
        "m.move * e.dollar_exposure AS impact "
        "FROM scenario_factor_moves AS m JOIN factor_exposures AS e "
        "ON m.session = e.session AND m.factor_name = e.factor_name"
    )


def downgrade() -> None:
    op.execute("DROP VIEW stress_factor_impacts")
    with op.batch_alter_table("positions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_positions_symbol"))
        batch_op.drop_index(batch_op.f("ix_positions_portfolio_id"))

    op.drop_table("positions")
    op.drop_table("volatility_scores")
    op.drop_table("symbol_volatility")
    op.drop_table("symbol_factor_exposures")
    op.drop_table("stress_test_results")
    op.drop_table("stress_scenarios")
    op.drop_table("sector_exposures")
    op.drop_table("scenario_plausibility")
    op.drop_table("scenario_factor_moves")
    op.drop_table("private_marks")
    op.drop_table("price_restatements")
    with op.batch_alter_table("price_panels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_price_panels_panel_hash"))

    op.drop_table("price_panels")
    op.drop_table("portfolios")
    op.drop_table("portfolio_volatility")
    with op.batch_alter_table("portfolio_snapshots", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_portfolio_snapshots_portfolio_id_session"))

    op.drop_table("portfolio_snapshots")
    op.drop_table("portfolio_flows")
    op.drop_table("market_data_ranges")
    op.drop_table("market_data_coverage")
    with op.batch_alter_table("market_data_cache", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_market_data_cache_symbol_session"))

    op.drop_table("market_data_cache")
    op.drop_table("factor_exposures")
    op.drop_table("factor_definitions")
    op.drop_table("factor_covariance")
    op.drop_table("company_profiles")
    op.drop_table("analytics_skips")
