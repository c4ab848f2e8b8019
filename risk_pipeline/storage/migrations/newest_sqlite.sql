-- revision 0028
CREATE TABLE active_exposures (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	own FLOAT, 
	benchmark FLOAT, 
	active FLOAT, 
	risk_contribution FLOAT, 
	CONSTRAINT pk_active_exposures PRIMARY KEY (session, portfolio_id, kind, name)
)
 WITHOUT ROWID;

CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE analytics_skips (
	session DATE NOT NULL, 
	analytic VARCHAR(24) NOT NULL, 
	entity_type VARCHAR(10) NOT NULL, 
	entity VARCHAR(64) NOT NULL, 
	reason VARCHAR(40) NOT NULL, 
	detail VARCHAR(200), 
	CONSTRAINT pk_analytics_skips PRIMARY KEY (session, analytic, entity_type, entity)
)
 WITHOUT ROWID;

CREATE TABLE batch_runs (
	run_id VARCHAR(36) NOT NULL, 
	status VARCHAR(10) NOT NULL, 
	launched_by VARCHAR(16) NOT NULL, 
	first_session DATE, 
	last_session DATE, 
	started_at DATETIME, 
	ended_at DATETIME, 
	error VARCHAR(500), 
	is_alerted BOOLEAN NOT NULL, book_version INTEGER, lease_renewed_at DATETIME, 
	CONSTRAINT pk_batch_runs PRIMARY KEY (run_id)
)
 WITHOUT ROWID;

CREATE TABLE benchmark_risk (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	benchmark VARCHAR(40) NOT NULL, 
	tracking_error FLOAT, 
	beta FLOAT, 
	correlation FLOAT, 
	model_tracking_error FLOAT, 
	factor_part FLOAT, 
	specific_part FLOAT, 
	volatility_regime FLOAT, 
	coverage FLOAT, 
	relative_1m FLOAT, 
	relative_3m FLOAT, 
	relative_ytd FLOAT, 
	relative_1y FLOAT, 
	relative_inception FLOAT, 
	reason VARCHAR(40), 
	CONSTRAINT pk_benchmark_risk PRIMARY KEY (session, portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE benchmarks (
	benchmark VARCHAR(40) NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	valid_from DATE NOT NULL, 
	weight FLOAT NOT NULL, 
	CONSTRAINT pk_benchmarks PRIMARY KEY (benchmark, symbol, valid_from)
)
 WITHOUT ROWID;

CREATE TABLE book_rows (
	kind VARCHAR(24) NOT NULL, 
	row_key VARCHAR(200) NOT NULL, 
	valid_from_version INTEGER NOT NULL, 
	valid_to_version INTEGER, 
	content TEXT NOT NULL, 
	CONSTRAINT pk_book_rows PRIMARY KEY (kind, row_key, valid_from_version)
)
 WITHOUT ROWID;

CREATE TABLE book_versions (
	version INTEGER NOT NULL, 
	made_at DATETIME, 
	rows_added INTEGER NOT NULL, 
	rows_ended INTEGER NOT NULL, 
	CONSTRAINT pk_book_versions PRIMARY KEY (version)
)
 WITHOUT ROWID;

CREATE TABLE company_profiles (
	symbol VARCHAR(40) NOT NULL, 
	as_of DATE NOT NULL, 
	name VARCHAR(200), 
	sector VARCHAR(40), 
	vendor_beta FLOAT, 
	CONSTRAINT pk_company_profiles PRIMARY KEY (symbol, as_of)
)
 WITHOUT ROWID;

CREATE TABLE currency_exposures (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	pair VARCHAR(64) NOT NULL, 
	dollar_exposure FLOAT NOT NULL, 
	exposure FLOAT, 
	risk_contribution FLOAT, 
	CONSTRAINT pk_currency_exposures PRIMARY KEY (session, portfolio_id, pair)
)
 WITHOUT ROWID;

CREATE TABLE database_facts (
	name VARCHAR(64) NOT NULL, 
	value VARCHAR(200) NOT NULL, 
	CONSTRAINT pk_database_facts PRIMARY KEY (name)
)
 WITHOUT ROWID;

CREATE TABLE factor_covariance (
	session DATE NOT NULL, 
	factor_a VARCHAR(64) NOT NULL, 
	factor_b VARCHAR(64) NOT NULL, 
	covariance FLOAT NOT NULL, 
	correlation FLOAT NOT NULL, 
	observations INTEGER NOT NULL, 
	condition_number FLOAT NOT NULL, 
	method VARCHAR(16) NOT NULL, stressed_covariance FLOAT, stressed_last DATE, 
	CONSTRAINT pk_factor_covariance PRIMARY KEY (session, factor_a, factor_b)
)
 WITHOUT ROWID;

CREATE TABLE factor_definitions (
	factor_name VARCHAR(64) NOT NULL, 
	factor_order INTEGER NOT NULL, 
	factor_type VARCHAR(16) NOT NULL, 
	method VARCHAR(24) NOT NULL, 
	proxy VARCHAR(40) NOT NULL, 
	proxy_minus VARCHAR(40), 
	window INTEGER, 
	min_observations INTEGER, 
	half_life INTEGER, 
	penalty FLOAT, 
	is_active BOOLEAN NOT NULL, prior_variance FLOAT, 
	CONSTRAINT pk_factor_definitions PRIMARY KEY (factor_name)
)
 WITHOUT ROWID;

CREATE TABLE factor_exposures (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	factor_name VARCHAR(64) NOT NULL, 
	dollar_exposure FLOAT, 
	exposure FLOAT, 
	std_error FLOAT, 
	r_squared FLOAT, 
	residual_volatility FLOAT, 
	risk_contribution FLOAT, 
	coverage FLOAT NOT NULL, 
	reason VARCHAR(40), reverse_move FLOAT, recent_residual_volatility FLOAT, 
	CONSTRAINT pk_factor_exposures PRIMARY KEY (session, portfolio_id, factor_name)
)
 WITHOUT ROWID;

CREATE TABLE factor_returns (
	session DATE NOT NULL, 
	factor_name VARCHAR(64) NOT NULL, 
	daily_return FLOAT NOT NULL, 
	CONSTRAINT pk_factor_returns PRIMARY KEY (session, factor_name)
)
 WITHOUT ROWID;

CREATE TABLE implied_volatilities (
	symbol VARCHAR(40) NOT NULL, 
	quote_date DATE NOT NULL, 
	underlying VARCHAR(40), 
	expiry DATE, 
	strike FLOAT, 
	option_type VARCHAR(4), 
	volatility FLOAT NOT NULL, 
	CONSTRAINT pk_implied_volatilities PRIMARY KEY (symbol, quote_date)
);

CREATE TABLE input_revisions (
	revision INTEGER NOT NULL, 
	kind VARCHAR(8) NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	first_session DATE NOT NULL, 
	last_session DATE NOT NULL, 
	known_at DATETIME, 
	CONSTRAINT pk_input_revisions PRIMARY KEY (revision)
)
 WITHOUT ROWID;

CREATE TABLE limit_utilisations (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	measure VARCHAR(80) NOT NULL, 
	operator VARCHAR(8) NOT NULL, 
	valid_from DATE NOT NULL, 
	value FLOAT, 
	warning_value FLOAT, 
	limit_value FLOAT NOT NULL, 
	utilisation FLOAT, 
	status VARCHAR(8) NOT NULL, 
	cause VARCHAR(200), 
	reason VARCHAR(40), 
	CONSTRAINT pk_limit_utilisations PRIMARY KEY (session, portfolio_id, measure, operator)
)
 WITHOUT ROWID;

CREATE TABLE limits (
	portfolio_id VARCHAR(64) NOT NULL, 
	measure VARCHAR(80) NOT NULL, 
	operator VARCHAR(8) NOT NULL, 
	valid_from DATE NOT NULL, 
	warning_value FLOAT, 
	limit_value FLOAT, 
	CONSTRAINT pk_limits PRIMARY KEY (portfolio_id, measure, operator, valid_from)
)
 WITHOUT ROWID;

CREATE TABLE market_data_cache (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	high FLOAT, 
	low FLOAT, 
	close FLOAT NOT NULL, 
	volume FLOAT, 
	dividend FLOAT NOT NULL, 
	split_factor FLOAT NOT NULL, 
	basis VARCHAR(12) NOT NULL, source VARCHAR(32), 
	CONSTRAINT pk_market_data_cache PRIMARY KEY (session, symbol)
)
 WITHOUT ROWID;

CREATE TABLE market_data_coverage (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	is_present BOOLEAN NOT NULL, 
	is_stale BOOLEAN NOT NULL, 
	missing_sessions INTEGER NOT NULL, 
	restatements INTEGER NOT NULL, 
	CONSTRAINT pk_market_data_coverage PRIMARY KEY (session, symbol)
)
 WITHOUT ROWID;

CREATE TABLE market_data_gaps (
	symbol VARCHAR(40) NOT NULL, 
	session DATE NOT NULL, 
	tries INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	CONSTRAINT pk_market_data_gaps PRIMARY KEY (symbol, session)
)
 WITHOUT ROWID;

CREATE TABLE market_data_ranges (
	symbol VARCHAR(40) NOT NULL, 
	first_session DATE NOT NULL, 
	last_session DATE NOT NULL, 
	CONSTRAINT pk_market_data_ranges PRIMARY KEY (symbol)
)
 WITHOUT ROWID;

CREATE TABLE option_grids (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	grid JSON NOT NULL, 
	CONSTRAINT pk_option_grids PRIMARY KEY (session, portfolio_id)
);

CREATE TABLE passed_sessions (
	session DATE NOT NULL, 
	reason VARCHAR(200) NOT NULL, 
	tries INTEGER NOT NULL, 
	asked_at DATETIME NOT NULL, 
	CONSTRAINT pk_passed_sessions PRIMARY KEY (session)
)
 WITHOUT ROWID;

CREATE TABLE pnl_explain (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	part VARCHAR(64) NOT NULL, 
	pnl FLOAT NOT NULL, 
	options_pnl FLOAT NOT NULL, 
	currency_pnl FLOAT NOT NULL, 
	CONSTRAINT pk_pnl_explain PRIMARY KEY (session, portfolio_id, kind, part)
)
 WITHOUT ROWID;

CREATE TABLE portfolio_flows (
	portfolio_id VARCHAR(64) NOT NULL, 
	flow_date DATE NOT NULL, 
	amount FLOAT NOT NULL, 
	CONSTRAINT pk_portfolio_flows PRIMARY KEY (portfolio_id, flow_date)
)
 WITHOUT ROWID;

CREATE TABLE portfolio_groups (
	group_id VARCHAR(64) NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	CONSTRAINT pk_portfolio_groups PRIMARY KEY (group_id, portfolio_id), 
	CONSTRAINT fk_portfolio_groups_portfolio_id FOREIGN KEY(portfolio_id) REFERENCES portfolios (portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE portfolio_inputs (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	book VARCHAR(16) NOT NULL, 
	revision INTEGER NOT NULL, 
	CONSTRAINT pk_portfolio_inputs PRIMARY KEY (session, portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE portfolio_snapshots (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	nav FLOAT NOT NULL, 
	cash FLOAT NOT NULL, 
	long_value FLOAT NOT NULL, 
	short_value FLOAT NOT NULL, 
	gross FLOAT NOT NULL, 
	net FLOAT NOT NULL, 
	private_value FLOAT NOT NULL, 
	daily_pnl FLOAT NOT NULL, 
	daily_return FLOAT, 
	cumulative_pnl FLOAT NOT NULL, 
	flow FLOAT NOT NULL, 
	is_opening BOOLEAN NOT NULL, 
	positions INTEGER NOT NULL, 
	public_positions INTEGER NOT NULL, 
	option_positions INTEGER NOT NULL, 
	private_positions INTEGER NOT NULL, 
	stale_positions INTEGER NOT NULL, 
	market_beta FLOAT, 
	provider_beta FLOAT, 
	ir_beta FLOAT, 
	realised_21 FLOAT, 
	realised_63 FLOAT, 
	forecast FLOAT, 
	trend VARCHAR(12), 
	percentile FLOAT, 
	var_95 FLOAT, 
	var_99 FLOAT, 
	es_95 FLOAT, 
	es_99 FLOAT, 
	worst_scenario VARCHAR(64), 
	worst_scenario_pnl FLOAT, 
	herfindahl FLOAT, 
	effective_positions FLOAT, 
	top_3 FLOAT, 
	top_10 FLOAT, 
	coverage FLOAT, 
	is_complete BOOLEAN NOT NULL, 
	missing VARCHAR(200), return_1m FLOAT, return_3m FLOAT, return_ytd FLOAT, return_1y FLOAT, return_inception FLOAT, drawdown FLOAT, worst_drawdown FLOAT, drawdown_sessions INTEGER, return_volatility FLOAT, sharpe FLOAT, gamma FLOAT, vega FLOAT, theta FLOAT, rho FLOAT, days_to_liquidate FLOAT, sold_1d FLOAT, sold_5d FLOAT, sold_20d FLOAT, volume_coverage FLOAT, diversification_ratio FLOAT, effective_bets FLOAT, 
	CONSTRAINT pk_portfolio_snapshots PRIMARY KEY (session, portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE portfolio_volatility (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	realised_21 FLOAT, 
	realised_63 FLOAT, 
	realised_252 FLOAT, 
	ewma FLOAT, 
	forecast FLOAT, 
	model VARCHAR(16), 
	variance_input VARCHAR(12), 
	trend VARCHAR(12), 
	trend_strength FLOAT, 
	percentile FLOAT, 
	observations INTEGER, 
	factor_model_volatility FLOAT, 
	coverage FLOAT NOT NULL, 
	var_95 FLOAT, 
	var_99 FLOAT, 
	es_95 FLOAT, 
	es_99 FLOAT, 
	reason VARCHAR(40), 
	CONSTRAINT pk_portfolio_volatility PRIMARY KEY (session, portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE portfolios (
	portfolio_id VARCHAR(64) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	currency VARCHAR(3) NOT NULL, 
	inception_date DATE NOT NULL, 
	closed_date DATE, 
	starting_equity FLOAT NOT NULL, benchmark VARCHAR(40), 
	CONSTRAINT pk_portfolios PRIMARY KEY (portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE position_correlations (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	rank_a INTEGER NOT NULL, 
	rank_b INTEGER NOT NULL, 
	symbol_a VARCHAR(40) NOT NULL, 
	symbol_b VARCHAR(40) NOT NULL, 
	correlation FLOAT, 
	variance_share FLOAT, 
	CONSTRAINT pk_position_correlations PRIMARY KEY (session, portfolio_id, rank_a, rank_b)
)
 WITHOUT ROWID;

CREATE TABLE "position_values" (
	session DATE NOT NULL, 
	position_id VARCHAR(64) NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	quantity FLOAT NOT NULL, 
	price FLOAT NOT NULL, 
	value FLOAT NOT NULL, 
	delta_value FLOAT, 
	gamma FLOAT, 
	vega FLOAT, 
	theta FLOAT, 
	volatility FLOAT, 
	risk_contribution FLOAT, 
	is_stale BOOLEAN NOT NULL, 
	investment_class VARCHAR(10), 
	underlying VARCHAR(40), 
	contract VARCHAR(100), 
	mark_date DATE, 
	daily_pnl FLOAT, 
	exchange_rate FLOAT NOT NULL, 
	currency VARCHAR(3) NOT NULL, rho FLOAT, volatility_source VARCHAR(8), volatility_date DATE, refused_mark FLOAT, specific_pnl FLOAT, component_var_99 FLOAT, component_es_99 FLOAT, proxy VARCHAR(40), proxy_beta FLOAT, 
	CONSTRAINT pk_position_values PRIMARY KEY (session, position_id)
)
 WITHOUT ROWID;

CREATE TABLE positions (
	position_id VARCHAR(64) NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	investment_class VARCHAR(10) NOT NULL, 
	quantity FLOAT NOT NULL, 
	entry_date DATE NOT NULL, 
	entry_price FLOAT NOT NULL, 
	exit_date DATE, 
	exit_price FLOAT, 
	underlying VARCHAR(40), 
	option_type VARCHAR(4), 
	strike FLOAT, 
	expiry DATE, 
	implied_volatility FLOAT, 
	is_deleted BOOLEAN NOT NULL, multiplier FLOAT, fees FLOAT, exit_fees FLOAT, currency VARCHAR(3), exercise VARCHAR(8), proxy VARCHAR(40), proxy_beta FLOAT, 
	CONSTRAINT pk_positions PRIMARY KEY (position_id), 
	CONSTRAINT fk_positions_portfolio_id FOREIGN KEY(portfolio_id) REFERENCES portfolios (portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE price_panels (
	session DATE NOT NULL, 
	panel_hash VARCHAR(64) NOT NULL, 
	first_session DATE NOT NULL, 
	last_session DATE NOT NULL, 
	symbols INTEGER NOT NULL, revision INTEGER, 
	CONSTRAINT pk_price_panels PRIMARY KEY (session)
)
 WITHOUT ROWID;

CREATE TABLE price_restatements (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	field VARCHAR(16) NOT NULL, 
	known_at DATETIME NOT NULL, 
	old_value FLOAT, 
	new_value FLOAT, 
	CONSTRAINT pk_price_restatements PRIMARY KEY (session, symbol, field, known_at)
)
 WITHOUT ROWID;

CREATE TABLE private_marks (
	symbol VARCHAR(40) NOT NULL, 
	mark_date DATE NOT NULL, 
	price FLOAT NOT NULL, 
	CONSTRAINT pk_private_marks PRIMARY KEY (symbol, mark_date)
)
 WITHOUT ROWID;

CREATE TABLE quarantined_bars (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	close FLOAT NOT NULL, 
	unit_level INTEGER NOT NULL, 
	CONSTRAINT pk_quarantined_bars PRIMARY KEY (session, symbol)
)
 WITHOUT ROWID;

CREATE TABLE risk_changes (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	measure VARCHAR(64) NOT NULL, 
	previous FLOAT NOT NULL, 
	by_positions FLOAT NOT NULL, 
	by_prices FLOAT NOT NULL, 
	by_model FLOAT NOT NULL, 
	current FLOAT NOT NULL, 
	CONSTRAINT pk_risk_changes PRIMARY KEY (session, portfolio_id, measure)
)
 WITHOUT ROWID;

CREATE TABLE scenario_factor_moves (
	session DATE NOT NULL, 
	scenario_id VARCHAR(64) NOT NULL, 
	factor_name VARCHAR(64) NOT NULL, 
	is_shocked BOOLEAN NOT NULL, 
	move FLOAT NOT NULL, 
	CONSTRAINT pk_scenario_factor_moves PRIMARY KEY (session, scenario_id, factor_name)
)
 WITHOUT ROWID;

CREATE TABLE scenario_plausibility (
	session DATE NOT NULL, 
	scenario_id VARCHAR(64) NOT NULL, 
	method VARCHAR(16) NOT NULL, 
	mahalanobis FLOAT, 
	p_value FLOAT, 
	one_in_days FLOAT, 
	coverage FLOAT, 
	reason VARCHAR(40), path JSON, history_count INTEGER, history_windows INTEGER, 
	CONSTRAINT pk_scenario_plausibility PRIMARY KEY (session, scenario_id)
)
 WITHOUT ROWID;

CREATE TABLE sector_exposures (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	sector VARCHAR(40) NOT NULL, 
	net FLOAT NOT NULL, 
	gross FLOAT NOT NULL, 
	gross_share FLOAT, 
	CONSTRAINT pk_sector_exposures PRIMARY KEY (session, portfolio_id, sector)
)
 WITHOUT ROWID;

CREATE TABLE session_inputs (
	session DATE NOT NULL, 
	asset VARCHAR(24) NOT NULL, 
	fingerprint VARCHAR(16) NOT NULL, 
	registry VARCHAR(16) NOT NULL, 
	code_version VARCHAR(40) NOT NULL, 
	book_version INTEGER, made_at DATETIME, 
	CONSTRAINT pk_session_inputs PRIMARY KEY (session, asset)
)
 WITHOUT ROWID;

CREATE TABLE stress_scenarios (
	scenario_id VARCHAR(64) NOT NULL, 
	name VARCHAR(120) NOT NULL, 
	category VARCHAR(24) NOT NULL, 
	severity VARCHAR(12) NOT NULL, 
	kind VARCHAR(12) NOT NULL, 
	shocks JSON NOT NULL, 
	horizon INTEGER NOT NULL, 
	replay_first DATE, 
	replay_last DATE, 
	is_active BOOLEAN NOT NULL, 
	CONSTRAINT pk_stress_scenarios PRIMARY KEY (scenario_id)
)
 WITHOUT ROWID;

CREATE TABLE stress_test_results (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	scenario_id VARCHAR(64) NOT NULL, 
	direct_pnl FLOAT, 
	correlated_pnl FLOAT, 
	correlation_effect FLOAT, 
	option_revaluation FLOAT, 
	conditional_std FLOAT, 
	return_on_equity FLOAT, 
	max_drawdown FLOAT, 
	exceeds_equity BOOLEAN NOT NULL, 
	coverage FLOAT NOT NULL, 
	reason VARCHAR(40), correlated_stressed_pnl FLOAT, band_std FLOAT, registry_beta FLOAT, implied_beta FLOAT, currency_pnl FLOAT, compounding_pnl FLOAT, 
	CONSTRAINT pk_stress_test_results PRIMARY KEY (session, portfolio_id, scenario_id)
)
 WITHOUT ROWID;

CREATE TABLE symbol_aliases (
	old_symbol VARCHAR(40) NOT NULL, 
	change_date DATE NOT NULL, 
	new_symbol VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_symbol_aliases PRIMARY KEY (old_symbol, change_date)
)
 WITHOUT ROWID;

CREATE TABLE symbol_factor_exposures (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	factor_name VARCHAR(64) NOT NULL, 
	beta FLOAT NOT NULL, 
	std_error FLOAT, 
	t_stat FLOAT, 
	r_squared FLOAT, 
	observations INTEGER, 
	quality VARCHAR(16) NOT NULL, 
	effective_df FLOAT, 
	condition_number FLOAT, 
	penalty FLOAT, 
	CONSTRAINT pk_symbol_factor_exposures PRIMARY KEY (session, symbol, factor_name)
)
 WITHOUT ROWID;

CREATE TABLE symbol_quotes (
	symbol VARCHAR(40) NOT NULL, 
	currency VARCHAR(3), 
	basis VARCHAR(12) NOT NULL, 
	CONSTRAINT pk_symbol_quotes PRIMARY KEY (symbol)
)
 WITHOUT ROWID;

CREATE TABLE symbol_volatility (
	session DATE NOT NULL, 
	symbol VARCHAR(40) NOT NULL, 
	realised_21 FLOAT, 
	realised_63 FLOAT, 
	realised_252 FLOAT, 
	ewma FLOAT, 
	forecast FLOAT, 
	model VARCHAR(16), 
	variance_input VARCHAR(12), 
	trend VARCHAR(12), 
	trend_strength FLOAT, 
	percentile FLOAT, 
	observations INTEGER, 
	CONSTRAINT pk_symbol_volatility PRIMARY KEY (session, symbol)
)
 WITHOUT ROWID;

CREATE TABLE value_at_risk_outcomes (
	session DATE NOT NULL, 
	portfolio_id VARCHAR(64) NOT NULL, 
	outcome FLOAT NOT NULL, 
	var_95 FLOAT NOT NULL, 
	var_99 FLOAT NOT NULL, 
	es_95 FLOAT NOT NULL, 
	es_99 FLOAT NOT NULL, 
	exceeded_95 BOOLEAN NOT NULL, 
	exceeded_99 BOOLEAN NOT NULL, 
	CONSTRAINT pk_value_at_risk_outcomes PRIMARY KEY (session, portfolio_id)
)
 WITHOUT ROWID;

CREATE TABLE volatility_scores (
	session DATE NOT NULL, 
	entity_type VARCHAR(10) NOT NULL, 
	entity VARCHAR(64) NOT NULL, 
	model VARCHAR(16) NOT NULL, 
	forecast_session DATE NOT NULL, 
	forecast FLOAT NOT NULL, 
	outcome FLOAT NOT NULL, 
	qlike FLOAT NOT NULL, 
	CONSTRAINT pk_volatility_scores PRIMARY KEY (session, entity_type, entity, model)
)
 WITHOUT ROWID;

CREATE INDEX ix_batch_runs_started_at ON batch_runs (started_at);

CREATE INDEX ix_portfolio_snapshots_portfolio_id_session ON portfolio_snapshots (portfolio_id, session);

CREATE INDEX ix_positions_portfolio_id ON positions (portfolio_id);

CREATE INDEX ix_positions_symbol ON positions (symbol);

CREATE INDEX ix_price_panels_panel_hash ON price_panels (panel_hash);

CREATE VIEW stress_factor_impacts AS SELECT m.session, e.portfolio_id, m.scenario_id, m.factor_name, m.is_shocked, m.move * e.dollar_exposure AS impact FROM scenario_factor_moves AS m JOIN factor_exposures AS e ON m.session = e.session AND m.factor_name = e.factor_name;

CREATE VIEW v_benchmark_wide AS SELECT benchmark_risk.session, benchmark_risk.portfolio_id, benchmark_risk.benchmark, benchmark_risk.tracking_error, benchmark_risk.beta, benchmark_risk.correlation, benchmark_risk.model_tracking_error, benchmark_risk.factor_part, benchmark_risk.specific_part, benchmark_risk.volatility_regime, benchmark_risk.coverage, benchmark_risk.relative_1m, benchmark_risk.relative_3m, benchmark_risk.relative_ytd, benchmark_risk.relative_1y, benchmark_risk.relative_inception, benchmark_risk.reason, wide.active_core_market, wide.active_core_rates, wide.active_momentum, wide.active_value, wide.active_growth, wide.active_size, wide.active_quality, wide.active_low_volatility 
FROM benchmark_risk LEFT OUTER JOIN (SELECT active_exposures.session AS session, active_exposures.portfolio_id AS portfolio_id, max(CASE WHEN (active_exposures.name = 'core_market') THEN active_exposures.active END) AS active_core_market, max(CASE WHEN (active_exposures.name = 'core_rates') THEN active_exposures.active END) AS active_core_rates, max(CASE WHEN (active_exposures.name = 'Momentum') THEN active_exposures.active END) AS active_momentum, max(CASE WHEN (active_exposures.name = 'Value') THEN active_exposures.active END) AS active_value, max(CASE WHEN (active_exposures.name = 'Growth') THEN active_exposures.active END) AS active_growth, max(CASE WHEN (active_exposures.name = 'Size') THEN active_exposures.active END) AS active_size, max(CASE WHEN (active_exposures.name = 'Quality') THEN active_exposures.active END) AS active_quality, max(CASE WHEN (active_exposures.name = 'Low Volatility') THEN active_exposures.active END) AS active_low_volatility 
FROM active_exposures 
WHERE active_exposures.kind = 'factor' GROUP BY active_exposures.session, active_exposures.portfolio_id) AS wide ON wide.session = benchmark_risk.session AND wide.portfolio_id = benchmark_risk.portfolio_id;

CREATE VIEW v_breaches AS SELECT limit_utilisations.session, limit_utilisations.portfolio_id, limit_utilisations.measure, limit_utilisations.operator, limit_utilisations.valid_from, limit_utilisations.value, limit_utilisations.warning_value, limit_utilisations.limit_value, limit_utilisations.utilisation, limit_utilisations.status, limit_utilisations.cause, limit_utilisations.reason, (SELECT min(began.session) AS min_1 
FROM limit_utilisations AS began 
WHERE began.portfolio_id = limit_utilisations.portfolio_id AND began.measure = limit_utilisations.measure AND began.operator = limit_utilisations.operator AND began.status = 'breach' AND began.session <= limit_utilisations.session AND began.session > coalesce((SELECT max(kept.session) AS max_1 
FROM portfolio_snapshots AS kept 
WHERE kept.portfolio_id = limit_utilisations.portfolio_id AND kept.session < limit_utilisations.session AND NOT (EXISTS (SELECT * 
FROM limit_utilisations AS still 
WHERE still.portfolio_id = limit_utilisations.portfolio_id AND still.measure = limit_utilisations.measure AND still.operator = limit_utilisations.operator AND still.session = kept.session AND still.status IN ('breach', 'unknown')))), '1900-01-01')) AS since 
FROM limit_utilisations 
WHERE limit_utilisations.status = 'breach';

CREATE VIEW v_exposures_wide AS SELECT factor_exposures.session, factor_exposures.portfolio_id, max(CASE WHEN (factor_exposures.factor_name = 'Market Beta (90D)') THEN factor_exposures.exposure END) AS market_beta_90d, max(CASE WHEN (factor_exposures.factor_name = 'Provider Beta (1Y)') THEN factor_exposures.exposure END) AS provider_beta_1y, max(CASE WHEN (factor_exposures.factor_name = 'IR Beta') THEN factor_exposures.exposure END) AS ir_beta, max(CASE WHEN (factor_exposures.factor_name = 'Momentum') THEN factor_exposures.exposure END) AS momentum, max(CASE WHEN (factor_exposures.factor_name = 'Value') THEN factor_exposures.exposure END) AS value, max(CASE WHEN (factor_exposures.factor_name = 'Growth') THEN factor_exposures.exposure END) AS growth, max(CASE WHEN (factor_exposures.factor_name = 'Size') THEN factor_exposures.exposure END) AS size, max(CASE WHEN (factor_exposures.factor_name = 'Quality') THEN factor_exposures.exposure END) AS quality, max(CASE WHEN (factor_exposures.factor_name = 'Low Volatility') THEN factor_exposures.exposure END) AS low_volatility, max(CASE WHEN (factor_exposures.factor_name = 'Growth-Value Spread') THEN factor_exposures.exposure END) AS growth_value_spread, max(CASE WHEN (factor_exposures.factor_name = 'Momentum Spread') THEN factor_exposures.exposure END) AS momentum_spread, max(CASE WHEN (factor_exposures.factor_name = 'Size Spread') THEN factor_exposures.exposure END) AS size_spread, max(CASE WHEN (factor_exposures.factor_name = 'Quality Spread') THEN factor_exposures.exposure END) AS quality_spread, max(CASE WHEN (factor_exposures.factor_name = 'core_market') THEN factor_exposures.exposure END) AS core_market, max(CASE WHEN (factor_exposures.factor_name = 'core_rates') THEN factor_exposures.exposure END) AS core_rates, max(CASE WHEN (factor_exposures.factor_name = 'Credit') THEN factor_exposures.exposure END) AS credit, max(CASE WHEN (factor_exposures.factor_name = 'Commodities') THEN factor_exposures.exposure END) AS commodities, max(CASE WHEN (factor_exposures.factor_name = 'Gold') THEN factor_exposures.exposure END) AS gold, max(CASE WHEN (factor_exposures.factor_name = 'Dollar') THEN factor_exposures.exposure END) AS dollar, max(CASE WHEN (factor_exposures.factor_name = 'Technology Sector') THEN factor_exposures.exposure END) AS technology_sector, max(CASE WHEN (factor_exposures.factor_name = 'Communication Sector') THEN factor_exposures.exposure END) AS communication_sector, max(CASE WHEN (factor_exposures.factor_name = 'Consumer Discretionary Sector') THEN factor_exposures.exposure END) AS consumer_discretionary_sector, max(CASE WHEN (factor_exposures.factor_name = 'Consumer Staples Sector') THEN factor_exposures.exposure END) AS consumer_staples_sector, max(CASE WHEN (factor_exposures.factor_name = 'Health Care Sector') THEN factor_exposures.exposure END) AS health_care_sector, max(CASE WHEN (factor_exposures.factor_name = 'Financials Sector') THEN factor_exposures.exposure END) AS financials_sector, max(CASE WHEN (factor_exposures.factor_name = 'Industrials Sector') THEN factor_exposures.exposure END) AS industrials_sector, max(CASE WHEN (factor_exposures.factor_name = 'Energy Sector') THEN factor_exposures.exposure END) AS energy_sector, max(CASE WHEN (factor_exposures.factor_name = 'Utilities Sector') THEN factor_exposures.exposure END) AS utilities_sector, max(CASE WHEN (factor_exposures.factor_name = 'Real Estate Sector') THEN factor_exposures.exposure END) AS real_estate_sector, max(CASE WHEN (factor_exposures.factor_name = 'Materials Sector') THEN factor_exposures.exposure END) AS materials_sector 
FROM factor_exposures GROUP BY factor_exposures.session, factor_exposures.portfolio_id;

CREATE VIEW v_latest_snapshots AS SELECT portfolios.name, portfolios.currency, portfolio_snapshots.session, portfolio_snapshots.portfolio_id, portfolio_snapshots.nav, portfolio_snapshots.cash, portfolio_snapshots.long_value, portfolio_snapshots.short_value, portfolio_snapshots.gross, portfolio_snapshots.net, portfolio_snapshots.private_value, portfolio_snapshots.daily_pnl, portfolio_snapshots.daily_return, portfolio_snapshots.return_1m, portfolio_snapshots.return_3m, portfolio_snapshots.return_ytd, portfolio_snapshots.return_1y, portfolio_snapshots.return_inception, portfolio_snapshots.drawdown, portfolio_snapshots.worst_drawdown, portfolio_snapshots.drawdown_sessions, portfolio_snapshots.return_volatility, portfolio_snapshots.sharpe, portfolio_snapshots.cumulative_pnl, portfolio_snapshots.flow, portfolio_snapshots.is_opening, portfolio_snapshots.positions, portfolio_snapshots.public_positions, portfolio_snapshots.option_positions, portfolio_snapshots.private_positions, portfolio_snapshots.stale_positions, portfolio_snapshots.market_beta, portfolio_snapshots.provider_beta, portfolio_snapshots.ir_beta, portfolio_snapshots.realised_21, portfolio_snapshots.realised_63, portfolio_snapshots.forecast, portfolio_snapshots.trend, portfolio_snapshots.percentile, portfolio_snapshots.var_95, portfolio_snapshots.var_99, portfolio_snapshots.es_95, portfolio_snapshots.es_99, portfolio_snapshots.worst_scenario, portfolio_snapshots.worst_scenario_pnl, portfolio_snapshots.herfindahl, portfolio_snapshots.effective_positions, portfolio_snapshots.diversification_ratio, portfolio_snapshots.effective_bets, portfolio_snapshots.top_3, portfolio_snapshots.top_10, portfolio_snapshots.gamma, portfolio_snapshots.vega, portfolio_snapshots.theta, portfolio_snapshots.rho, portfolio_snapshots.days_to_liquidate, portfolio_snapshots.sold_1d, portfolio_snapshots.sold_5d, portfolio_snapshots.sold_20d, portfolio_snapshots.volume_coverage, portfolio_snapshots.coverage, portfolio_snapshots.is_complete, portfolio_snapshots.missing 
FROM portfolio_snapshots JOIN portfolios ON portfolios.portfolio_id = portfolio_snapshots.portfolio_id 
WHERE portfolio_snapshots.session = (SELECT max(portfolio_snapshots.session) AS max_1 
FROM portfolio_snapshots);

CREATE VIEW v_pnl_explain_wide AS SELECT portfolio_snapshots.session, portfolio_snapshots.portfolio_id, portfolio_snapshots.daily_pnl, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'core_market') THEN pnl_explain.pnl ELSE 0.0 END) AS core_market, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'core_rates') THEN pnl_explain.pnl ELSE 0.0 END) AS core_rates, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Momentum') THEN pnl_explain.pnl ELSE 0.0 END) AS momentum, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Value') THEN pnl_explain.pnl ELSE 0.0 END) AS value, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Growth') THEN pnl_explain.pnl ELSE 0.0 END) AS growth, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Size') THEN pnl_explain.pnl ELSE 0.0 END) AS size, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Quality') THEN pnl_explain.pnl ELSE 0.0 END) AS quality, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Low Volatility') THEN pnl_explain.pnl ELSE 0.0 END) AS low_volatility, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Credit') THEN pnl_explain.pnl ELSE 0.0 END) AS credit, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Commodities') THEN pnl_explain.pnl ELSE 0.0 END) AS commodities, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Gold') THEN pnl_explain.pnl ELSE 0.0 END) AS gold, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Dollar') THEN pnl_explain.pnl ELSE 0.0 END) AS dollar, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Technology Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS technology_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Communication Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS communication_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Consumer Discretionary Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS consumer_discretionary_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Consumer Staples Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS consumer_staples_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Health Care Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS health_care_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Financials Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS financials_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Industrials Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS industrials_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Energy Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS energy_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Utilities Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS utilities_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Real Estate Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS real_estate_sector, sum(CASE WHEN (pnl_explain.kind IN ('core', 'cross_asset', 'sector') AND pnl_explain.part = 'Materials Sector') THEN pnl_explain.pnl ELSE 0.0 END) AS materials_sector, sum(CASE WHEN (pnl_explain.kind = 'currency') THEN pnl_explain.pnl ELSE 0.0 END) AS currency, sum(CASE WHEN (pnl_explain.kind = 'specific') THEN pnl_explain.pnl ELSE 0.0 END) AS specific, sum(CASE WHEN (pnl_explain.kind = 'options') THEN pnl_explain.pnl ELSE 0.0 END) AS options, sum(CASE WHEN (pnl_explain.kind = 'dividends') THEN pnl_explain.pnl ELSE 0.0 END) AS dividends, sum(CASE WHEN (pnl_explain.kind = 'trades') THEN pnl_explain.pnl ELSE 0.0 END) AS trades, sum(CASE WHEN (pnl_explain.kind = 'marks') THEN pnl_explain.pnl ELSE 0.0 END) AS marks, sum(CASE WHEN (pnl_explain.kind = 'fees') THEN pnl_explain.pnl ELSE 0.0 END) AS fees, sum(CASE WHEN (pnl_explain.kind = 'unattributed') THEN pnl_explain.pnl ELSE 0.0 END) AS unattributed 
FROM portfolio_snapshots JOIN pnl_explain ON pnl_explain.session = portfolio_snapshots.session AND pnl_explain.portfolio_id = portfolio_snapshots.portfolio_id GROUP BY portfolio_snapshots.session, portfolio_snapshots.portfolio_id, portfolio_snapshots.daily_pnl;

CREATE VIEW v_stress_wide AS SELECT stress_test_results.session, stress_test_results.portfolio_id, max(CASE WHEN (stress_test_results.scenario_id = 'market_up_5') THEN stress_test_results.correlated_pnl END) AS market_up_5, max(CASE WHEN (stress_test_results.scenario_id = 'market_down_5') THEN stress_test_results.correlated_pnl END) AS market_down_5, max(CASE WHEN (stress_test_results.scenario_id = 'market_up_10') THEN stress_test_results.correlated_pnl END) AS market_up_10, max(CASE WHEN (stress_test_results.scenario_id = 'market_down_10') THEN stress_test_results.correlated_pnl END) AS market_down_10, max(CASE WHEN (stress_test_results.scenario_id = 'market_up_25') THEN stress_test_results.correlated_pnl END) AS market_up_25, max(CASE WHEN (stress_test_results.scenario_id = 'market_down_35') THEN stress_test_results.correlated_pnl END) AS market_down_35, max(CASE WHEN (stress_test_results.scenario_id = 'rates_up_25bp') THEN stress_test_results.correlated_pnl END) AS rates_up_25bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_down_25bp') THEN stress_test_results.correlated_pnl END) AS rates_down_25bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_up_50bp') THEN stress_test_results.correlated_pnl END) AS rates_up_50bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_down_50bp') THEN stress_test_results.correlated_pnl END) AS rates_down_50bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_up_100bp') THEN stress_test_results.correlated_pnl END) AS rates_up_100bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_down_100bp') THEN stress_test_results.correlated_pnl END) AS rates_down_100bp, max(CASE WHEN (stress_test_results.scenario_id = 'rates_up_300bp') THEN stress_test_results.correlated_pnl END) AS rates_up_300bp, max(CASE WHEN (stress_test_results.scenario_id = 'value_rotation_20') THEN stress_test_results.correlated_pnl END) AS value_rotation_20, max(CASE WHEN (stress_test_results.scenario_id = 'growth_rally_15') THEN stress_test_results.correlated_pnl END) AS growth_rally_15, max(CASE WHEN (stress_test_results.scenario_id = 'small_cap_outperformance_10') THEN stress_test_results.correlated_pnl END) AS small_cap_outperformance_10, max(CASE WHEN (stress_test_results.scenario_id = 'quality_flight_12') THEN stress_test_results.correlated_pnl END) AS quality_flight_12, max(CASE WHEN (stress_test_results.scenario_id = 'vix_spike_150') THEN stress_test_results.correlated_pnl END) AS vix_spike_150, max(CASE WHEN (stress_test_results.scenario_id = 'liquidity_crisis') THEN stress_test_results.correlated_pnl END) AS liquidity_crisis, max(CASE WHEN (stress_test_results.scenario_id = 'financial_crisis_2008') THEN stress_test_results.correlated_pnl END) AS financial_crisis_2008, max(CASE WHEN (stress_test_results.scenario_id = 'dotcom_2000') THEN stress_test_results.correlated_pnl END) AS dotcom_2000, max(CASE WHEN (stress_test_results.scenario_id = 'covid_2020') THEN stress_test_results.correlated_pnl END) AS covid_2020, max(CASE WHEN (stress_test_results.scenario_id = 'rates_2022') THEN stress_test_results.correlated_pnl END) AS rates_2022 
FROM stress_test_results GROUP BY stress_test_results.session, stress_test_results.portfolio_id;

