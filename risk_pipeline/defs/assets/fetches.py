"""What to ask a source of prices for, in how many requests, and what of its answer is kept."""

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from ...storage.market_data import days_of_symbols
from ..partitions import CALENDAR

if TYPE_CHECKING:
    from ...market.source import MarketBars, MarketDataSource

Spans = dict[str, tuple[date, date]]
"""The first and the last session of each symbol that is asked for."""
CARRIED = 63
"""Sessions asked for before those that are kept: a dividend or split without a close counts on the next close."""
TOGETHER = 126
"""Symbols whose histories begin, and end, within so many sessions are fetched at once."""


def spans_to_fetch(
    needs: pd.DataFrame, asked: dict[str, tuple[date, date]], first_session: date, gaps: dict[str, date]
) -> list[Spans]:
    """Return what to ask the source for: groups of symbols, and from when to when each is kept.

    The stretch of a symbol starts where the stored one ends, at the run's first session or at a gap that is to be
    asked for, whichever is earliest, and at the beginning of its history if that was never asked for; stored stretches
    never get holes. Stretches that begin, and end, within half a year of each other are asked for together.
    """
    spans: Spans = {}
    for symbol, first, last in needs.itertuples(index=False):
        start = first
        if symbol in asked:
            known_first, known_last = asked[symbol]
            if first >= known_first:
                start = max(first, min(first_session, CALENDAR.next_session(known_last), gaps.get(symbol, date.max)))
            else:
                last = max(last, min(known_first, first_session))  # noqa: PLW2901
        if start <= last:
            spans[symbol] = (start, last)
    return [group for ends in _together(spans, 1) for group in _together(ends, 0)]


def _together(spans: Spans, side: int) -> list[Spans]:
    """Split spans into groups whose first sessions (``side`` 0), or last ones (1), are near each other."""
    groups: list[tuple[date, Spans]] = []
    for symbol, span in sorted(spans.items(), key=lambda one: one[1][side]):
        if not groups or len(CALENDAR.sessions_in_range(groups[-1][0], span[side])) > TOGETHER:
            groups.append((span[side], {}))
        groups[-1][1][symbol] = span
    return [group for _, group in groups]


def fetched_spans(source: "MarketDataSource", spans: Spans) -> "MarketBars":
    """Return what the source has of a group of symbols, refused for what lies within their own spans alone.

    They are asked for together, over the widest span; one that is refused is asked for again over its own.
    """
    widest = min(first for first, _ in spans.values()), max(last for _, last in spans.values())
    fetched = _fetched(source, list(spans), widest)
    again: dict[tuple[date, date], list[str]] = {}
    for symbol in fetched.errors:
        if spans.get(symbol, widest) != widest:
            again.setdefault(spans[symbol], []).append(symbol)
    for span, symbols in again.items():
        some = _fetched(source, symbols, span)
        others = {name: text for name, text in fetched.errors.items() if name not in symbols}
        bars = pd.concat([fetched.bars.astype({"symbol": str}), some.bars.astype({"symbol": str})])
        fetched = replace(
            fetched,
            bars=bars.sort_values(["session", "symbol"], kind="stable", ignore_index=True),
            errors={**others, **some.errors},
            dropped={**fetched.dropped, **some.dropped},
            notes={**fetched.notes, **some.notes},
            currencies={**fetched.currencies, **some.currencies},
            units={**fetched.units, **some.units},
        )
    return fetched


def _fetched(source: "MarketDataSource", symbols: list[str], span: tuple[date, date]) -> "MarketBars":
    return source.fetch(symbols, CALENDAR.index(CALENDAR.look_back_from(span[0], CARRIED), span[1]))


def within(bars: pd.DataFrame, spans: Spans) -> pd.DataFrame:
    """Return the bars of each symbol from its own first session to its own last."""
    session = bars["session"].to_numpy()
    starts, ends = (
        days_of_symbols(bars["symbol"], {symbol: span[side] for symbol, span in spans.items()}) for side in (0, 1)
    )
    is_kept = (starts <= session) & (session <= ends)
    return bars if is_kept.all() else bars[is_kept]


def answered(bars: pd.DataFrame, spans: Spans) -> Spans:
    """Return the sessions of symbols that the source has answered: none that it does not have yet."""
    newest = bars["session"].max().date()
    return {symbol: (first, min(last, newest)) for symbol, (first, last) in spans.items()}
