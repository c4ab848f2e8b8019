"""The numbers of a page, against the tables that they come from and as they should read."""

from __future__ import annotations

from pathlib import Path

import pytest

MONEY = {
    *("nav", "long_value", "short_value", "gross", "net", "cash", "private_value", "worst_scenario_pnl"),
    *("dollar_exposure", "correlated_pnl", "direct_pnl", "correlated_stressed_pnl", "max_drawdown", "impact"),
    *("gamma", "vega", "theta", "rho"),
}
GAIN = {"daily_pnl", "cumulative_pnl", "correlation_effect", "option_revaluation", "compounding_pnl", "pnl"}
BETA = {"exposure", "std_error", "market_beta", "ir_beta", "diversification_ratio", "beta", "correlation"}
SHARE = {
    *("forecast", "var_95", "var_99", "es_95", "es_99", "realised_21", "realised_63", "percentile", "coverage"),
    *("factor_model_volatility", "r_squared", "return_on_equity", "risk_contribution", "top_3", "top_10"),
    *("tracking_error", "model_tracking_error", "factor_part", "specific_part"),
    *("gross_share", "utilisation", "variance_share", "sold_1d", "sold_5d", "sold_20d", "volume_coverage"),
}
RETURN = {
    *("daily_return", "return_ytd", "return_inception", "drawdown"),
    *("relative_1m", "relative_3m", "relative_ytd", "relative_1y", "relative_inception"),
}
COUNT = {"positions", "stale_positions"}


def written(column: str, value: float) -> str:
    """How a number of a column should read; written here once more, and not as the page does it."""
    if column in MONEY | COUNT:
        text = f"{round(value):,d}"
    elif column in GAIN:
        text = f"{round(value):+,d}" if round(value) else "0"
    elif column in BETA:
        text = f"{round(value, 2) + 0.0:.2f}"
    elif column in SHARE:
        text = f"{round(100 * value, 1) + 0.0:.1f}\u00a0%"
    else:
        text = {
            **dict.fromkeys(RETURN, f"{100 * value:+.2f}\u00a0%" if round(100 * value, 2) else "0.00\u00a0%"),
            "effective_positions": f"{value:.1f}",
            "effective_bets": f"{value:.1f}",
            "days_to_liquidate": f"{value:.1f}",
        }[column]
    return text.replace("-", "−")


def file_of(pages, kind: str) -> Path:
    special = {
        "overview": pages.overview,
        "index": pages.folder / "index.html",
        "hostile": pages.of(next(p for p in pages.portfolios if "<" in p)),
    }
    return special.get(kind) or pages.of(kind)


@pytest.fixture(scope="module")
def stored(pages) -> dict[tuple[str, ...], float]:
    """Every number of the session by table, column, portfolio and row."""
    rows_of = {
        "portfolio_snapshots": (),
        "portfolio_volatility": (),
        "factor_exposures": ("factor_name",),
        "stress_test_results": ("scenario_id",),
        "sector_exposures": ("sector",),
        "limit_utilisations": ("measure", "operator"),
        "stress_factor_impacts": ("scenario_id", "factor_name"),
        "pnl_explain": ("kind", "part"),
        "benchmark_risk": (),
        "active_exposures": ("kind", "name"),
        "position_correlations": ("rank_a", "rank_b"),
    }
    out = {}
    for table, keys in rows_of.items():
        for row in pages.table(table).to_dict("records"):
            row_key = "/".join(str(row[key]) for key in keys)
            for column, value in row.items():
                if isinstance(value, int | float):
                    out[table, column, row["portfolio_id"], row_key] = float(value)
    return out


NUMBERS = """() => [...document.querySelectorAll('data[data-k]')].map(e => [
    e.dataset.k, e.closest('[data-portfolio]').dataset.portfolio, e.closest('[data-row]')?.dataset.row ?? '',
    e.textContent, Number(e.value)])"""


def check_numbers(page, stored) -> set[tuple[str, ...]]:
    """Compare every number that has a source with its table; return which were seen."""
    seen = set()
    for source, portfolio, row, text, value in page.evaluate(NUMBERS):
        name, _, item = source.partition(":")
        table, _, column = name.rpartition(".")
        if table == "stress":
            key = "stress_test_results", column, portfolio, row
        elif column == "impact":
            key = "stress_factor_impacts", column, portfolio, f"{row}/{item}"
        else:
            key = table, column, portfolio, item
        if table == "active_exposures" and column == "active":
            column = "exposure" if item.startswith("factor/") else "coverage"
        assert text == written(column, stored[key]), key
        assert value == pytest.approx(stored[key], rel=1e-8, abs=1e-12)
        seen.add(key)
    return seen
