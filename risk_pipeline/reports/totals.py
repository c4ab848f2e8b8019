"""What the portfolios of a session are worth together, never a sum of unlike currencies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from math import isfinite

from ..currencies import legs


@dataclass(frozen=True)
class Total:
    """NAV and day's P&L of some portfolios, in one currency."""

    currency: str
    count: int
    nav: float
    daily_pnl: float


@dataclass(frozen=True)
class Fund:
    """All portfolios of a session.

    ``groups`` are the totals by currency, each in its own. ``total`` is that of all, None if they can't be added up,
    and ``why`` says why not, empty if they are. ``rates`` are the closes of the pairs used, by symbol; ``rate`` by
    currency what a unit is in the total's.
    """

    groups: list[Total]
    total: Total | None
    why: str
    rates: Mapping[str, float]
    rate: Mapping[str, float]


def fund(
    rows: Iterable[tuple[str, float, float]], reporting: str | None, closes: Mapping[str, float], session: date
) -> Fund:
    """Add up ``(currency, nav, daily_pnl)`` of portfolios by currency, and all in the reporting currency.

    Both are exchanged at the session's own closes. A pair without one is a reason for no sum, never a rate of one; no
    earlier price stands in.
    """
    by_currency: dict[str, list[tuple[float, float]]] = {}
    for currency, nav, pnl in rows:
        by_currency.setdefault(currency, []).append((nav, pnl))
    groups = [
        Total(currency, len(own), sum(nav for nav, _ in own), sum(pnl for _, pnl in own))
        for currency, own in sorted(by_currency.items())
    ]
    into = reporting or (groups[0].currency if len(groups) == 1 else None)
    if into is None:
        return Fund(groups, None, not_added_up(list(by_currency)), {}, {})
    needed = sorted({leg.symbol for group in groups for leg in legs(group.currency, into)})
    missing = [symbol for symbol in needed if not _is_price(closes.get(symbol))]
    if missing:
        why = f"There is no sum in {into}: {' and '.join(missing)} {'have' if len(missing) > 1 else 'has'} no price"
        return Fund(groups, None, f"{why} on {session}. Let the source give it and run the session again.", {}, {})
    rate = {group.currency: _rate(group.currency, into, closes) for group in groups}
    total = Total(
        into,
        sum(group.count for group in groups),
        sum(group.nav * rate[group.currency] for group in groups),
        sum(group.daily_pnl * rate[group.currency] for group in groups),
    )
    return Fund(groups, total, "", {symbol: closes[symbol] for symbol in needed}, rate)


def not_added_up(currencies: list[str]) -> str:
    """Return that portfolios of several currencies are not added up, and how to have it done."""
    if len(currencies) < 2:
        return ""
    return (
        f"Portfolios in {', '.join(sorted(currencies))} are not added up: set RISK_PIPELINE_REPORTING_CURRENCY to the "
        "currency to do it in, and run the session again."
    )


def _rate(currency: str, into: str, closes: Mapping[str, float]) -> float:
    rate = 1.0
    for symbol, power in legs(currency, into):
        rate *= closes[symbol] if power > 0 else 1.0 / closes[symbol]
    return rate


def _is_price(close: float | None) -> bool:
    return close is not None and isfinite(close) and close > 0
