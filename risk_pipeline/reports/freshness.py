"""What the footer of a page says: whether its numbers were those of the inputs present when it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

WORDS = {
    "book": "its part of the book has changed since they were made",
    "prices": "prices that they were made from have changed since",
    "new": "it was added to the book after they were made",
    "closed or removed": "it was closed or removed after they were made",
    "registry": "factors, scenarios or the risk-free rate have changed since they were made",
}
PRESENT = "When this page was written, its numbers were those of the present book, prices and registries."
REMEDY = "`risk-pipeline run` computes them again."
NAMED = 5


@dataclass(frozen=True)
class Freshness:
    """The sessions made from other inputs than the present ones, by portfolio, and why; empty if there are none."""

    stale: Mapping[date, Mapping[str, str]] = field(default_factory=dict)

    def of_portfolio(self, session: date, portfolio: str, history_from: date) -> str:
        """Return the sentences of a portfolio's page, which shows its history too."""
        why = self.stale.get(session, {}).get(portfolio)
        earlier = sum(portfolio in names for day, names in self.stale.items() if history_from <= day < session)
        if why is None and not earlier:
            return PRESENT
        first = f"These numbers are stale: {WORDS[why]}." if why else "The numbers of this session are up to date."
        history = f" {earlier} earlier session{'s' if earlier > 1 else ''} shown here are stale." if earlier else ""
        return f"{first}{history} {REMEDY}"

    def of_session(self, session: date) -> str:
        """Return the sentences of a session's overview."""
        by_why: dict[str, list[str]] = {}
        for portfolio, why in sorted(self.stale.get(session, {}).items()):
            by_why.setdefault(WORDS[why], []).append(portfolio)
        if not by_why:
            return PRESENT
        parts = [f"{_listed(names)} ({words})" for words, names in by_why.items()]
        return f"These numbers are stale: {'; '.join(parts)}. {REMEDY}"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
