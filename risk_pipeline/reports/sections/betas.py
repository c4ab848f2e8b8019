"""Market Beta, Provider Beta and IR Beta, each as a card."""

from __future__ import annotations

from typing import Any

from ...config.factors import load_factors
from ..charts import sparkline
from ..narrative import reason, strength
from ..page_rows import PortfolioDay

HISTORY = {"market": "market_beta", "provider": "provider_beta", "rates": "ir_beta"}
"""Where the snapshots keep the history of each card's factor."""


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return a card for each of the three betas; None where the portfolio has no exposures."""
    if not day.exposures:
        return None
    factors = load_factors()
    rows = {row["factor_name"]: row for row in day.exposures}
    cards = []
    for role, column in HISTORY.items():
        factor = getattr(factors, role)
        row = rows.get(factor.name)
        if row is None:
            continue
        window = f"{factor.window} sessions on {factor.proxy}" if factor.window else "the data vendor's, on one year"
        cards.append(
            {
                **row,
                "strength": strength(row["exposure"], row["std_error"]),
                "method": window,
                "line": sparkline(day.history[column].tolist()),
                "why": reason(row["reason"]),
            }
        )
    return {"cards": cards}
