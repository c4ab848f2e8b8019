"""What changed in a portfolio's risk since the session before, and what moved it."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.factors import load_factors
from .formatting import FORMS
from .page_rows import PortfolioDay

CAUSES = {
    "by_positions": "trades and flows",
    "by_prices": "prices moved the weights",
    "by_model": "new returns in the estimate",
}


@dataclass(frozen=True)
class Change:
    """A headline number of the risk, at the session before and now; ``cause`` is empty where it is not stored.

    ``column`` is that of ``portfolio_snapshots``, ``form`` a key of :data:`~.formatting.FORMS`. ``is_notable`` is false
    of a change too small to act on, and of one that the page's decimals do not show.
    """

    label: str
    column: str
    form: str
    before: float
    now: float
    is_notable: bool
    cause: str


def risk_changes(day: PortfolioDay) -> list[Change]:
    """Return betas, forecast and value at risk beside those of the session before; none without a forecast."""
    before, now = day.previous, day.snapshot
    if before is None or now["forecast"] is None:
        return []
    factors, out = load_factors(), []
    for column, measure, label, form, least in (
        ("market_beta", factors.market.name, "Market Beta", "number", 0.05),
        ("ir_beta", factors.rates.name, factors.rates.name, "number", 0.05),
        ("forecast", "forecast", "Forecast volatility", "percent", 0.003),
        ("var_99", "", "VaR 99\u00a0%", "percent", 0.001),
    ):
        old, new = before.get(column), now[column]
        if old is None or new is None:
            continue
        is_notable = abs(new - old) >= least and FORMS[form](old) != FORMS[form](new)
        out.append(Change(label, column, form, old, new, is_notable, _cause(day, measure) if is_notable else ""))
    return out


def _cause(day: PortfolioDay, measure: str) -> str:
    """Name what moved a measure most, of positions, prices and the model; empty where it is not stored."""
    row = day.changes.get(measure)
    if row is None:
        return ""
    sign = 1.0 if row["current"] > row["previous"] else -1.0
    return CAUSES[max(CAUSES, key=lambda name: sign * row[name])]
