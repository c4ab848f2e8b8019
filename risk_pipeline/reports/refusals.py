"""Portfolios that could not be valued on a session: why, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from ..analytics.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

ANALYTIC = "portfolio_snapshots"
"""The analytic that is skipped of a portfolio that can't be valued."""

_REMEDIES = {
    Reason.IMPLAUSIBLE_PRICE: (
        "Compare the lot's entry price with the market's on its entry date: it must be of the same instrument, as "
        "traded, and in the same unit (pounds or pence).",
        "Correct the entry price, the symbol or the currency in positions.csv and import it again. If the market's "
        "price is the wrong one, correct the source, or state its unit in profiles.csv.",
    ),
    Reason.TOO_LARGE: ("Correct the quantity, the price or the multiplier in positions.csv and import it again.",),
    Reason.NO_EXCHANGE_RATE: (
        "Let the source give the currency pair (files: a symbol such as EURUSD=X), from the first entry on.",
        "If the currency is wrong, correct it in positions.csv, profiles.csv or portfolios.csv and import again.",
    ),
}
_GENERAL = ("Correct what is named above, in the book or at the source of prices.",)


@dataclass(frozen=True)
class Refusal:
    """A portfolio that has no numbers on a session."""

    session: date
    id: str
    name: str
    reason: str
    detail: str

    @property
    def why(self) -> str:
        """The reason, in words, as a clause."""
        return Reason(self.reason).explain()

    @property
    def found(self) -> list[str]:
        """The lots or symbols that it is about, each with what is wrong."""
        return [part for part in self.detail.split("; ") if part]

    @property
    def remedies(self) -> list[str]:
        """What to correct, in order, before the session is run again."""
        return [*_REMEDIES.get(Reason(self.reason), _GENERAL)]

    @property
    def command(self) -> str:
        """The command that values the portfolio once its input is corrected."""
        return f"risk-pipeline run --date {self.session}"


def refusals_of(skips: pd.DataFrame, names: Mapping[str, str]) -> list[Refusal]:
    """Return the portfolios that the rows of ``analytics_skips`` say can't be valued, by session and portfolio."""
    rows = skips[(skips["entity_type"] == "portfolio") & (skips["analytic"] == ANALYTIC)]
    return [
        Refusal(row.session.date(), row.entity, names.get(row.entity, row.entity), row.reason, row.detail or "")
        for row in rows.sort_values(["session", "entity"]).itertuples(index=False)
    ]
