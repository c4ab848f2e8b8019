"""How much history a run needs, by symbol: derived from the registries, never a number of its own."""

from __future__ import annotations

from datetime import date

import pandas as pd

from ..analytics import conversion, covariance, var
from ..analytics.kernels import constants
from ..config.registries import Registries
from ..currencies import legs
from ..sessions import SessionCalendar

MARGIN = 5
"""Sessions beyond the longest window: the first return of a window needs the price before it."""


def look_back(registries: Registries) -> int:
    """Return how many sessions before its own an analytic may look.

    The longest window of all, and the horizon of a forecast before it, since a forecast is scored against
    the outcome of the 21 sessions that followed it.
    """
    windows = (registries.factors.look_back, covariance.WINDOW, constants.LOOK_BACK, var.LOOK_BACK)
    return max(windows) + constants.HORIZON + MARGIN


def scored_from(first: date, calendar: SessionCalendar) -> date:
    """Return the session whose forecasts are scored on ``first``: what was held on it is needed as if it still were."""
    return calendar.look_back_from(first, constants.HORIZON)


def _scored_until(last_held: date, calendar: SessionCalendar, last: date) -> date:
    """Return the session, ``last`` at most, on which the last forecast made while a lot was held is scored."""
    after = calendar.sessions_in_range(last_held, last)[: constants.HORIZON + 1]
    return after[-1].item() if len(after) else last


def required_history(
    held: pd.DataFrame, registries: Registries, calendar: SessionCalendar, sessions: list[date]
) -> pd.DataFrame:
    """Return ``symbol, first, last``: the sessions of each symbol that a run over ``sessions`` reads.

    ``held`` has ``symbol, first_held, last_held, active_from, first_option`` of the lots entered by the last session,
    ``active_from`` as of :func:`scored_from` of the first.

    A symbol held within the run, or within the horizon of a forecast before it: everything since its earliest entry
    (dividends and splits of a lot count from there), the look-back before the first session on which it is held, and
    the horizon after its exit, since what was forecast while it was held is scored with it. One sold before: what lies
    between its entry and then, since returns since inception are of every session. An option's underlying: the
    look-back of a volatility before its first option was held, since the option is valued by it on every session
    since. A proxy and a pair that is shocked: the look-back, and the history in which shocks are counted and the worst
    year is looked for; a proxy also the historical replays that are over by then. The same for a range as for its
    sessions one by one.
    """
    first, last = sessions[0], sessions[-1]
    start = calendar.look_back_from(first, look_back(registries))
    needs: dict[str, tuple[date, date]] = {}
    for row in held.itertuples(index=False):
        start_held = calendar.look_back_from(row.first_held, 0)
        if not pd.isna(row.active_from):
            active_from = max(row.active_from, first)
            start_held = min(start_held, calendar.look_back_from(active_from, look_back(registries)))
        if not pd.isna(row.first_option):
            start_held = min(start_held, calendar.look_back_from(row.first_option, constants.LOOK_BACK + MARGIN))
        needs[row.symbol] = (start_held, _scored_until(row.last_held, calendar, last))
    replays = [s.replay[0] for s in registries.scenarios.replays if s.replay and s.replay[1] <= last]
    history = calendar.look_back_from(first, registries.factors.history)
    moved_from = min(start, history)
    proxy_start = min([moved_from, *(calendar.look_back_from(day, 1) for day in replays)])
    for symbol in registries.factors.proxies:
        needs[symbol] = (min(proxy_start, needs.get(symbol, (last, last))[0]), last)
    for symbol in registries.scenarios.pairs:
        needs[symbol] = (min(moved_from, needs.get(symbol, (last, last))[0]), last)
    return pd.DataFrame(
        [(symbol, *stretch) for symbol, stretch in sorted(needs.items())], columns=["symbol", "first", "last"]
    )


def pair_needs(conversions: pd.DataFrame, calendar: SessionCalendar) -> pd.DataFrame:
    """Return the currency pairs of lots in another currency than their portfolio's, as ``required_history`` takes them.

    ``conversions`` has ``currency, into`` and, of the lots between the two, ``first_held, last_held, active_from``. A
    pair's price may be carried to an entry from some sessions before it.
    """
    rows = [
        (leg.symbol, calendar.look_back_from(row.first_held, conversion.PATIENCE), row.last_held, row.active_from)
        for row in conversions.itertuples(index=False)
        for leg in legs(row.currency, row.into)
    ]
    return pd.DataFrame(rows, columns=["symbol", "first_held", "last_held", "active_from"])


def reporting_needs(
    portfolios: pd.DataFrame, currency: str | None, calendar: SessionCalendar, first: date, last: date
) -> pd.DataFrame:
    """Return the currency pairs that turn portfolios' money into the reporting currency; none without one.

    Of each session from ``first`` to ``last`` on which the portfolio is open; as ``required_history`` takes them.
    ``portfolios`` has ``currency, inception_date, closed_date``.
    """
    opened, closed = pd.to_datetime(portfolios["inception_date"]), pd.to_datetime(portfolios["closed_date"])
    is_open = (opened <= pd.Timestamp(last)) & ~(closed <= pd.Timestamp(first))
    rows = [
        (leg.symbol, calendar.look_back_from(first, 0), last)
        for own in sorted(set(portfolios.loc[is_open, "currency"]))
        for leg in (legs(own, currency) if currency else ())
    ]
    return pd.DataFrame(rows, columns=["symbol", "first_held", "last_held"])


def bill_needs(
    symbol: str | None, held: pd.DataFrame, calendar: SessionCalendar, first: date, last: date
) -> pd.DataFrame:
    """Return the need of the risk-free rate's symbol, as ``required_history`` takes it; none without a symbol.

    Options are valued by it on every session since the first was held, as ``first_option`` of ``held`` says; its last
    close may be some sessions older.
    """
    options = held["first_option"].dropna()
    since = min([first, *(calendar.look_back_from(day, MARGIN) for day in options)])
    rows = [] if symbol is None else [(symbol, since, last, first)]
    return pd.DataFrame(rows, columns=["symbol", "first_held", "last_held", "active_from"])


def merged_needs(*needs: pd.DataFrame) -> pd.DataFrame:
    """Return the needs of symbols that several frames have, a row each, by symbol."""
    rows: dict[str, list[date | None]] = {}
    names = ["first_held", "last_held", "active_from", "first_option"]
    for frame in needs:
        for symbol, *days in frame.reindex(columns=["symbol", *names]).itertuples(index=False):
            own_days = [None if pd.isna(day) else day for day in days]
            other = rows.get(symbol, own_days)
            pairs = [[day for day in pair if day is not None] for pair in zip(own_days, other, strict=True)]
            rows[symbol] = [
                (max if name == "last_held" else min)(known, default=None)
                for name, known in zip(names, pairs, strict=True)
            ]
    return pd.DataFrame([(symbol, *days) for symbol, days in sorted(rows.items())], columns=["symbol", *names])


def panel_start(needs: pd.DataFrame, portfolios: pd.DataFrame, calendar: SessionCalendar, sessions: list[date]) -> date:
    """Return the first session of a panel over ``sessions``: what symbols need, and all days of open portfolios.

    ``portfolios`` has ``inception_date, closed_date``. Returns since inception begin at the session before it.
    """
    opened = pd.to_datetime(portfolios["inception_date"])
    closed = pd.to_datetime(portfolios["closed_date"])
    open_ones = (opened <= pd.Timestamp(sessions[-1])) & ~(closed <= pd.Timestamp(sessions[0]))
    first: date = needs["first"].min()
    return min(first, calendar.look_back_from(opened[open_ones].min().date(), 1)) if open_ones.any() else first
