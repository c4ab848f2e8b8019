"""Exports of one account that tell the same days twice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from ..tabular.rows import Problem
from .trades import Export


def overlaps(exports: Sequence[tuple[str, Export]]) -> Iterator[Problem]:
    """Yield a problem for each account of which two files have trades or payments of the same days.

    What stands in both would count twice. Open positions go with no other file of their account.
    """
    seen: dict[str, list[tuple[str, bool, date, date]]] = {}
    for name, export in exports:
        for account, days in _days(export).items():
            first, last = min(days), max(days)
            for other, is_snapshot, start, end in seen.get(account, []):
                if export.is_snapshot or is_snapshot:
                    remedy = f"tells {account}, and so does {other}, one of them as open positions: import one of them"
                    yield Problem(name, 0, "", "", remedy)
                elif first <= end and start <= last:
                    remedy = (
                        f"tells {account} from {first} to {last}, and {other} from {start} to {end}: export periods "
                        "that have no day in common"
                    )
                    yield Problem(name, 0, "", "", remedy)
            seen.setdefault(account, []).append((name, export.is_snapshot, first, last))


def _days(export: Export) -> dict[str, list[date]]:
    out: dict[str, list[date]] = {}
    for trade in export.trades:
        out.setdefault(trade.account, []).append(trade.day)
    for row in export.flows:
        out.setdefault(row.values["portfolio_id"], []).append(date.fromisoformat(row.values["flow_date"]))
    return out
