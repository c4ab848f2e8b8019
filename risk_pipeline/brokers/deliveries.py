"""What an exercise or assignment is taken to have delivered: said, because it is inferred."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from .trades import Trade

LATEST = timedelta(days=5)
"""Brokers book the shares so long after the option at most, weekends included."""


def delivery_notes(trades: Sequence[Trade]) -> Iterator[str]:
    """Yield a sentence for each option that was exercised or assigned: which shares at its strike are its worth.

    The option ends at nothing; without its shares its gain or loss would be lost, which is said too.
    """
    for trade in trades:
        if not trade.is_exercise:
            continue
        cells, where = trade.instrument.cells, f"{trade.file}, line {trade.line}"
        strike = float(cells["strike"]) if cells.get("strike") else None
        lines = [
            other
            for other in trades
            if other.account == trade.account
            and other.instrument.symbol == cells.get("underlying")
            and "strike" not in other.instrument.cells
            and other.price == strike
            and abs(other.day - trade.day) <= LATEST
        ]
        ending = f"{trade.instrument.symbol} was exercised or assigned: it ends at {trade.price:g}"
        if lines:
            places = ", ".join(str(other.line) for other in lines)
            shares = sum(other.quantity for other in lines)
            delivered = f"{shares:+g} {cells['underlying']} at its strike, line {places}"
            yield f"{where}: {ending}, its worth is in the {delivered}"
        else:
            yield (
                f"{where}: {ending}, and no {cells.get('underlying', 'shares')} at its strike stand beside it: if "
                "shares were delivered, add their trade, or the gain or loss is lost"
            )
