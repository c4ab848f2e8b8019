"""What option lots are valued on as of a session: their terms after splits, the rate, the dividend yield."""

from __future__ import annotations

import numpy as np

from .arrays import Date1D, Float1D, Float2D, Int1D
from .lots import Lots, SplitAdjusted
from .options import OptionTerms
from .sums import sum_by

DAYS_A_YEAR = 365.0
YEAR = 252
"""Sessions whose dividends are the yield that an option is valued with."""
BILL_DAYS = 91


def option_terms(
    lots: Lots,
    lot: Int1D,
    days: Date1D,
    spot: Float1D,
    ratio: Float1D,
    volatility: Float1D,
    rate: Float1D,
    dividend_yield: Float1D,
) -> OptionTerms:
    """Return the terms of option lots on some days, each argument but ``lots`` (n,).

    ``ratio`` is shares now per share at entry: a split divides the strike. An unknown volatility is zero, so the option
    is worth its discounted payoff. Exercise is American unless a lot says otherwise.
    """
    american = np.ones(len(lot), dtype=bool) if lots.is_american is None else lots.is_american[lot]
    return OptionTerms(
        spot=spot,
        strike=lots.strike[lot] / ratio,
        years=(lots.expiry[lot] - days).astype(np.int64) / DAYS_A_YEAR,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=np.nan_to_num(volatility),
        is_call=lots.is_call[lot],
        is_american=american,
    )


def trailing_dividend_yield(
    dividend: Float2D, prices: SplitAdjusted, row: Int1D, column: Int1D, spot: Float1D
) -> Float1D:
    """Return the continuous yield of the last 252 sessions' dividends on the spot, (n,).

    Each dividend is per share held before its session; splits since make it smaller. ``dividend`` is (T, N).
    """
    columns, place = np.unique(column, return_inverse=True)
    paid_column, paid_row = np.nonzero(dividend[1:, columns].T)  # by column, then by session
    paid_row += 1
    rows = len(dividend)
    events = paid_column * rows + paid_row
    first = np.searchsorted(events, place * rows + np.maximum(row - YEAR + 1, 0))
    count = np.searchsorted(events, place * rows + row, side="right") - first
    window, event = np.repeat(np.arange(len(row)), count), np.repeat(first, count) + counted(count)
    then, now, of = paid_row[event], row[window], columns[paid_column[event]]
    paid = sum_by(window, dividend[then, of] / prices.ratio(now, then - 1, of), len(row))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(spot > 0, np.log1p(paid / spot), 0.0)


def counted(count: Int1D) -> Int1D:
    """Return 0, 1, … up to each count, one after the other."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def bill_rate(discount: Float1D) -> Float1D:
    """Return the continuous rate of a 13-week bill from its bank discount in per cent, as the symbol ^IRX quotes it."""
    price = 1.0 - np.asarray(discount) / 100.0 * BILL_DAYS / 360.0
    return np.asarray(-np.log(price) * DAYS_A_YEAR / BILL_DAYS)
