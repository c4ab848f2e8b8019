"""The details of a portfolio on the terminal."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.markup import escape
from rich.table import Table

from ..analytics.reasons import Reason
from ..reports.formatting import FORMS, money, number, percent, signed_percent
from ..reports.limit_words import breaches_first, limit_text, measure_form, measure_name, status_text
from ..reports.narrative import disagreement, history_count, once_in
from ..reports.page_rows import bucket
from ..reports.scorecards import value_at_risk_scorecard, volatility_scorecard
from ..reports.unpriced import unpriced_on
from ..risk.scorecards import LEVELS
from ..storage.limit_queries import limit_rows
from ..storage.queries import latest_session, portfolios, read_table
from .benchmark_table import print_benchmark
from .explain_table import print_explained
from .fitting import print_table
from .option_tables import print_options
from .position_table import print_position_risk
from .risk_table import print_refusal

if TYPE_CHECKING:
    import pandas as pd
    import sqlalchemy as sa
    from rich.console import Console


def print_portfolio(console: Console, engine: sa.Engine, portfolio: str, session: date | None) -> date | None:
    """Print everything about one portfolio; return the session shown, or None if there is none."""
    session = session or latest_session(engine)
    span: dict[str, Any] = {"first": session, "last": session, "portfolio": portfolio}
    if session is None:
        return None
    snapshots = read_table(engine, "portfolio_snapshots", **span)
    if snapshots.empty:
        return print_refusal(console, engine, portfolio, session)
    row = snapshots.iloc[0]
    currency = portfolios(engine).set_index("portfolio_id")["currency"].get(portfolio, "")
    facts = Table(title=f"{portfolio}, {session}, money in {currency}", title_justify="left", show_header=False)
    facts.add_column("")
    facts.add_column("", justify="right")
    for label, text in (
        ("NAV", money(row.nav)),
        ("Cash", money(row.cash)),
        ("Long / short", f"{money(row.long_value)} / {money(row.short_value)}"),
        ("Day P&L", f"{money(row.daily_pnl)} ({percent(row.daily_return)})"),
        ("P&L since inception", money(row.cumulative_pnl)),
        *_returns(row),
        (
            "Positions (public, options, private)",
            f"{row.positions} ({row.public_positions}, {row.option_positions}, {row.private_positions})",
        ),
        ("Volatility 21 / 63 sessions", f"{percent(row.realised_21)} / {percent(row.realised_63)}"),
        ("Volatility forecast, 21 sessions", f"{percent(row.forecast)} ({row.trend or 'no trend'})"),
        ("VaR 95 / 99 %, one day", f"{percent(row.var_95)} / {percent(row.var_99)}"),
        ("Effective positions", number(row.effective_positions)),
        ("Independent bets / diversification", f"{number(row.effective_bets)} / {number(row.diversification_ratio)}"),
        (
            "Can be closed in 1 / 5 / 20 sessions, of NAV",
            " / ".join(map(percent, (row.sold_1d, row.sold_5d, row.sold_20d))),
        ),
        ("Sessions to close all that is listed", number(row.days_to_liquidate)),
        ("Covered by betas", percent(row.coverage)),
    ):
        facts.add_row(label, text)
    print_table(console, facts)
    for missing in unpriced_on(engine, session):
        if portfolio in missing.portfolios:
            console.print(f"[yellow]![/] {escape(str(missing))}", highlight=False, soft_wrap=True)
    _print_limits(console, engine, span)
    _print_changes(console, engine, span)
    print_explained(console, engine, portfolio, session)
    print_position_risk(console, engine, span, row)
    print_benchmark(console, engine, span)
    exposures = read_table(engine, "factor_exposures", **span)
    order = read_table(engine, "factor_definitions").set_index("factor_name")["factor_order"]
    exposures["order"] = exposures["factor_name"].map(order)
    _print_exposures(console, exposures.dropna(subset=["order"]).sort_values("order"))
    _print_currencies(console, read_table(engine, "currency_exposures", **span))
    stress = read_table(engine, "stress_test_results", **span).sort_values("correlated_pnl")
    if stress.empty and row.worst_scenario:
        again = f"`risk-pipeline rebuild --from {session} --to {session}`"
        console.print(f"Stress tests: pruned; {again} makes them again.", highlight=False, soft_wrap=True)
    else:
        _print_stress(console, engine, session, stress, row.nav)
    print_options(console, engine, span)
    print_record(console, engine, session, portfolio)
    return session


def _print_exposures(console: Console, exposures: pd.DataFrame) -> None:
    """Print the exposures to the factors of the registry; why one has no number, where there is one such."""
    with_reasons = bool(exposures["reason"].notna().any())
    table = Table(title="Factor exposures", title_justify="left", header_style="bold")
    for name in (
        "Factor",
        "Exposure",
        "± 2 s.e.",
        "Dollars",
        "R²",
        "Coverage",
        *(["Why none"] if with_reasons else []),
    ):
        table.add_column(name, justify="left" if name in ("Factor", "Why none") else "right")
    for item in exposures.itertuples(index=False):
        table.add_row(
            item.factor_name,
            number(item.exposure),
            number(2 * item.std_error),
            money(item.dollar_exposure),
            percent(item.r_squared),
            percent(item.coverage),
            *([Reason(item.reason).explain() if item.reason else ""] if with_reasons else []),
        )
    print_table(console, table)


def _print_currencies(console: Console, currencies: pd.DataFrame) -> None:
    """Print the exposures to currency pairs, the largest first; nothing of a portfolio that has none."""
    if currencies.empty:
        return
    table = Table(title="Currency exposures", title_justify="left", header_style="bold")
    for name in ("Pair", "Exposure", "Money", "Of volatility"):
        table.add_column(name, justify="left" if name == "Pair" else "right")
    order = currencies["dollar_exposure"].abs().sort_values(ascending=False, kind="stable").index
    for item in currencies.loc[order].itertuples(index=False):
        table.add_row(item.pair, number(item.exposure), money(item.dollar_exposure), percent(item.risk_contribution))
    print_table(console, table)


def _returns(row: Any) -> list[tuple[str, str]]:
    """Return what a portfolio made, time-weighted, and how far it has fallen."""
    known = row.drawdown_sessions == row.drawdown_sessions and row.drawdown_sessions is not None
    since = f" ({row.drawdown_sessions:.0f} sessions)" if known else ""
    return [
        ("Return 1 / 3 months", f"{signed_percent(row.return_1m)} / {signed_percent(row.return_3m)}"),
        ("Return this year / 1 year", f"{signed_percent(row.return_ytd)} / {signed_percent(row.return_1y)}"),
        ("Return since inception", signed_percent(row.return_inception)),
        ("Drawdown now / worst", f"{percent(row.drawdown)}{since} / {percent(row.worst_drawdown)}"),
        ("Volatility / Sharpe of the returns", f"{percent(row.return_volatility)} / {number(row.sharpe)}"),
    ]


def _print_stress(console: Console, engine: sa.Engine, session: date, stress: pd.DataFrame, nav: float) -> None:
    """Print a portfolio's scenarios, the worst first, and how often a shock as large happens."""
    odds = bucket(read_table(engine, "scenario_plausibility", first=session, last=session), "scenario_id")
    horizons = read_table(engine, "stress_scenarios").set_index("scenario_id")["horizon"].to_dict()
    table = Table(title="Stress tests", title_justify="left", header_style="bold")
    for name in ("Scenario", "P&L", "direct", "in a crisis", "± 2 s.d.", "of equity", "once in", "in history"):
        table.add_column(name, justify="left" if name == "Scenario" else "right")
    beyond = bool(stress["exceeds_equity"].any())
    if beyond:
        table.add_column("")
    notes = []
    for item in (row for rows in bucket(stress, "scenario_id").values() for row in rows):
        name = item["scenario_id"]
        (known,) = odds.get(name, [{}])
        horizon = len(known["path"]["sessions"]) if known.get("path") else horizons.get(name, 1)
        windows, often = known.get("history_windows"), "–"
        if known and known["reason"] is None:
            often = once_in(known["one_in_days"], windows, horizon)
        table.add_row(
            name,
            *(money(item[column]) for column in ("correlated_pnl", "direct_pnl", "correlated_stressed_pnl")),
            money(None if item["band_std"] is None else 2 * item["band_std"]),
            percent(item["return_on_equity"]),
            often,
            history_count(known.get("history_count"), windows, horizon),
            *(["exceeds equity" if item["exceeds_equity"] else ""] if beyond else []),
        )
        why = disagreement(item, nav)
        notes += [f"{name}: {why}."] if why else []
    print_table(console, table, ("in history", "once in", "in a crisis", "± 2 s.d.", "direct"))
    console.print("Once in: how rare such a move is at today's volatility, as far as history reaches.", highlight=False)
    for note in notes:
        console.print(note, highlight=False, soft_wrap=True)


def _print_limits(console: Console, engine: sa.Engine, span: dict[str, Any]) -> None:
    """Print how much of each limit is used, breaches first."""
    rows = (row for group in bucket(limit_rows(engine, **span), "measure").values() for row in group)
    table = Table(title="Limits", title_justify="left", header_style="bold")
    for name in ("Limit", "value", "must be", "used", "", "moved by"):
        table.add_column(name, justify="right" if name in ("value", "used") else "left")
    for item in breaches_first(rows):
        form = measure_form(item["measure"], item["limit_value"])
        table.add_row(
            escape(measure_name(item["measure"])),
            FORMS[form](item["value"]),
            limit_text(item, form),
            percent(item["utilisation"]),
            status_text(item),
            escape(item["cause"] if isinstance(item["cause"], str) else ""),
            style=STYLES.get(item["status"]),
        )
    if table.rows:
        print_table(console, table)


STYLES = {"breach": "bold red", "warning": "yellow", "unknown": "dim"}


def _print_changes(console: Console, engine: sa.Engine, span: dict[str, Any]) -> None:
    """Print what changed the risk since the session before."""
    changes = read_table(engine, "risk_changes", **span)
    if changes.empty:
        return
    table = Table(title="What changed since the session before", title_justify="left", header_style="bold")
    for name in ("", "before", "positions", "prices", "model", "now"):
        table.add_column(name, justify="right" if name else "left")
    for item in changes.itertuples(index=False):
        form = percent if item.measure == "forecast" else number
        label = "Volatility forecast" if item.measure == "forecast" else item.measure
        parts = (item.previous, item.by_positions, item.by_prices, item.by_model, item.current)
        table.add_row(label, *(form(value) for value in parts))
    print_table(console, table)


TAIL_TESTS = ("kupiec_p", "independence_p", "coverage_p", "quantile_p", "z2")


def print_record(console: Console, engine: sa.Engine, session: date, portfolio: str) -> None:
    """Print how earlier forecasts and values at risk turned out."""
    for row in volatility_scorecard(engine, session, entities=[portfolio]).to_dict("records"):
        table = Table(
            title=f"{row['forecasts']} forecasts against their outcome", title_justify="left", header_style="bold"
        )
        for name in ("", "QLIKE", "bias", "slope", "p of 0 and 1", "Diebold–Mariano", "p"):
            table.add_column(name, justify="right" if name else "left")
        for title, suffix in (("forecast", ""), ("EWMA", "_ewma"), ("trailing 21", "_trailing")):
            names = ("qlike", "bias", "mz_slope", "mz_p", "dm", "dm_p")
            table.add_row(title, *(number(row.get(f"{name}{suffix}", np.nan)) for name in names))
        print_table(console, table)
    for row in value_at_risk_scorecard(engine, session, [portfolio]).to_dict("records"):
        zone = f", Basel zone {row['zone']}" if row["zone"] else ""
        table = Table(
            title=f"Value at risk on {row['outcomes']} sessions{zone}", title_justify="left", header_style="bold"
        )
        for name in ("", "exceeded", "expected", "Kupiec p", "independence p", "both p", "quantile p", "Z2 of ES"):
            table.add_column(name, justify="right" if name else "left")
        for level, share in LEVELS.items():
            table.add_row(
                f"{level} %",
                str(row[f"exceeded_{level}"]),
                f"{share * row['outcomes']:.1f}",
                *(number(row[f"{name}_{level}"]) for name in TAIL_TESTS),
            )
        print_table(console, table)
