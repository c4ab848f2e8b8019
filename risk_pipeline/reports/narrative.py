"""Sentences and single words of the risk page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ..analytics.reasons import Reason
from ..config.factors import load_factors
from .formatting import NOTHING, money, number, percent, signed_money, signed_percent
from .page_rows import PortfolioDay

SESSIONS_A_YEAR = 252
NEGLIGIBLE = 1e-3
"""Of NAV: a P&L below this has no sign to speak of."""
STRENGTHS = ((0.1, "negligible"), (0.3, "weak"), (0.7, "moderate"), (1.1, "strong"))
ANALYTIC_NAMES = {
    "factor_exposures": "factor exposures",
    "stress_tests": "stress tests",
    "volatility": "volatility and value at risk",
    "pnl_explain": "what made the P&L",
}
TRENDS = {"increasing": "rising", "decreasing": "falling", "stable": "steady"}


def long_date(day: date) -> str:
    """Return a date as people say it."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def plain_words(name: str) -> str:
    """Return an identifier as words."""
    return name.replace("_", " ")


def strength(exposure: float | None, std_error: float | None) -> str:
    """Return a word for the size of an exposure, and whether it could as well be zero."""
    if exposure is None:
        return "not available"
    word = next((word for limit, word in STRENGTHS if abs(exposure) < limit), "very strong")
    if std_error and abs(exposure) < 2 * std_error:
        return f"{word}, not distinguishable from zero"
    return word


def plausibility(one_in_days: float | None, windows: int | None, horizon: int | None) -> str:
    """Return how often a shock as large happens, and no number of years beyond what history supports.

    ``windows`` is how many windows of ``horizon`` sessions history has.
    """
    sessions = windows + (horizon or 1) - 1 if windows else 0
    if one_in_days is None or one_in_days > sessions:
        years = round(sessions / SESSIONS_A_YEAR)
        return f"rarer than once in {years} year{'s' if years > 1 else ''} at today's volatility" if years else NOTHING
    if one_in_days < SESSIONS_A_YEAR:
        count = max(round(one_in_days), 1)
        return f"once in {count} session{'s' if count > 1 else ''}"
    return f"once in {one_in_days / SESSIONS_A_YEAR:.1f} years"


def once_in(one_in_days: float | None, windows: int | None, horizon: int | None) -> str:
    """Return the same in short, for a column: ``21 sessions``, ``8.6 years``, ``10+ years`` where history ends."""
    text = plausibility(one_in_days, windows, horizon)
    if text.startswith("rarer"):
        return re.sub(r"\D*(\d+) .*", r"\1+ years", text)
    return text.removeprefix("once in ")


def history_count(count: int | None, windows: int | None, horizon: int | None) -> str:
    """Return in how many windows of history the shocked factors moved at least as far, the same way."""
    if not windows:
        return "no history"
    unit = "sessions" if (horizon or 1) == 1 else f"windows of {horizon} sessions"
    return f"{count or 'none'} of {windows:,} {unit}"


def disagreement(row: Mapping[str, Any], nav: float) -> str:
    """Return why direct and correlated P&L differ in sign, with both betas of a single shock; nothing if they agree."""
    direct, correlated = row["direct_pnl"], row["correlated_pnl"]
    if direct is None or correlated is None or direct * correlated >= 0.0:
        return ""
    if max(abs(direct), abs(correlated)) < NEGLIGIBLE * abs(nav):
        return ""
    options = row.get("option_revaluation") or 0.0
    if direct * (correlated - options) > 0.0:
        return (
            "Direct and correlated P&L differ in sign because options are revalued: their curvature adds "
            f"{signed_money(options)}, which the delta of the direct P&L leaves out"
        )
    betas = ""
    if row["registry_beta"] is not None and row["implied_beta"] is not None:
        betas = (
            f": the registry's beta is {number(row['registry_beta'])}, the one that the headline implies "
            f"{number(row['implied_beta'])}"
        )
    return (
        f"Direct and correlated P&L differ in sign{betas}. The registry's comes from fewer sessions and one factor "
        "alone; the headline takes the core model's betas and lets the other factors move along as they have done over "
        "two years"
    )


def scenario_name(name: str) -> str:
    """Return a scenario's name with real minus signs."""
    return re.sub(r"(\d) (?=%|bp)", "\\1\u00a0", re.sub(r"(^|\s)-(?=\d)", r"\1−", name))


def reason(code: str | None) -> str:
    """Return why a number is not there, in plain words."""
    return Reason(code).explain() if code else ""


def headline(day: PortfolioDay) -> list[str]:
    """Return what happened since the session before and why; of a new portfolio, what it starts with."""
    snapshot, currency = day.snapshot, day.currency
    if snapshot["is_opening"]:
        start = f"The portfolio opened on this session with a NAV of {money(snapshot['nav'])} {currency}."
        return [text for text in (start, _risk_now(day)) if text]
    pieces = [f"{_pnl(snapshot, currency)}{_flow(snapshot, currency)}.", _market(day), _drivers(day)]
    return [" ".join(piece for piece in pieces if piece)]


def _pnl(snapshot: dict[str, Any], currency: str) -> str:
    pnl = snapshot["daily_pnl"]
    share = "" if snapshot["daily_return"] is None else f" ({signed_percent(snapshot['daily_return'])})"
    if abs(pnl) < 0.5:
        return "NAV did not move on the day"
    return f"{'Gained' if pnl > 0 else 'Lost'} {money(abs(pnl))} {currency} on the day{share}"


def _flow(snapshot: dict[str, Any], currency: str) -> str:
    flow = snapshot["flow"]
    if abs(flow) < 0.5:
        return ""
    return f"; {money(abs(flow))} {currency} {'was paid in' if flow > 0 else 'was taken out'}"


def _market(day: PortfolioDay) -> str:
    moves = [f"{symbol} {signed_percent(value)}" for symbol, value in day.proxies.items()]
    if not moves or day.previous is None or day.snapshot["market_beta"] is None:
        return ""
    text = f"The market: {', '.join(moves)}"
    market = day.proxies.get(load_factors().market.proxy)
    beta, nav = day.previous["market_beta"], day.previous["nav"]
    if beta is None or market is None or day.explained is not None:
        return f"{text}."  # what made the P&L stands below, by all factors
    alone = signed_money(beta * nav * market)
    return f"{text}; with the Market Beta of the session before, {number(beta)}, that alone is {alone} {day.currency}."


def _drivers(day: PortfolioDay) -> str:
    """Name the positions that made the day's P&L: the largest on its side, and the largest against it."""
    total = day.snapshot["daily_pnl"]
    if abs(total) < 0.5 or not day.gains:
        return ""
    sign = 1.0 if total > 0 else -1.0
    ordered = sorted(day.gains.items(), key=lambda item: -sign * item[1])
    along = [f"{name} ({signed_money(gain)})" for (name, _), gain in ordered[:2] if sign * gain >= 0.5]
    against = [f"{name} ({signed_money(gain)})" for (name, _), gain in ordered[-1:] if sign * gain <= -0.5]
    if not along:
        return ""
    text = f"{' and '.join(along)} {'gained' if total > 0 else 'lost'} most"
    return f"{text}; {against[0]} worked against it." if against else f"{text}."


def _risk_now(day: PortfolioDay) -> str:
    snapshot = day.snapshot
    if snapshot["forecast"] is None:
        return ""
    return (
        f"Forecast volatility is {percent(snapshot['forecast'])} a year, Market Beta {number(snapshot['market_beta'])}."
    )


def skip_sentences(day: PortfolioDay) -> list[str]:
    """Return, kindly and in full sentences, what the page can't show and why."""
    by_reason: dict[str, list[str]] = {}
    for row in day.skips:
        by_reason.setdefault(row["reason"], []).append(str(ANALYTIC_NAMES.get(row["analytic"], row["analytic"])))
    out = [
        f"This portfolio {Reason(code).explain()}. Not shown for that reason: {', '.join(sorted(set(names)))}."
        if code in (Reason.NO_PUBLIC_POSITIONS, Reason.NO_ACTIVE_POSITIONS)
        else f"{Reason(code).explain().capitalize()}. Not shown for that reason: {', '.join(sorted(set(names)))}."
        for code, names in by_reason.items()
    ]
    if day.without_betas is not None:
        lacking = day.without_betas
        out.append(f"No betas of {lacking.symbols}: {lacking.reason}. What to do: {lacking.remedy}.")
    if day.snapshot["nav"] <= 0:
        out.append(f"{Reason.NON_POSITIVE_EQUITY.explain().capitalize()}: exposures are shown in {day.currency} only.")
    return out


def trend(word: str | None) -> str:
    """Return the trend of volatility as an adjective."""
    return TRENDS.get(word or "", NOTHING)
