"""What lots are worth as of a session, and what they have gained since their entry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool1D, Date1D, Float1D, Float2D, Int1D
from .conversion import Conversion
from .lots import InvestmentClass, LotRows, Lots, SplitAdjusted
from .option_positions import counted, option_terms, trailing_dividend_yield
from .options import OptionTerms
from .sums import sum_by


@dataclass(frozen=True)
class Positions:
    """Lots held by active portfolios, one row per session and lot, each (H,).

    ``price``, ``spot`` and the greeks are in the lot's currency, ``rate`` is its price in the portfolio's, ``value`` is
    signed money of the portfolio; ``delta`` per share (1 for a share), ``gamma``, ``vega`` (per unit of
    volatility), ``theta`` (a year) and ``rho`` (per unit of the rate) per share of an option, else NaN. An option is
    valued with ``interest`` and ``dividend_yield``. ``is_stale``: priced at an earlier
    session's close, at the entry price, or (an option) without a volatility.
    """

    session: Int1D
    lot: Int1D
    quantity: Float1D
    price: Float1D
    rate: Float1D
    value: Float1D
    delta: Float1D
    gamma: Float1D
    vega: Float1D
    theta: Float1D
    rho: Float1D
    spot: Float1D
    volatility: Float1D
    interest: Float1D
    dividend_yield: Float1D
    is_stale: Bool1D

    def options(self, lots: Lots, days: Date1D) -> tuple[Int1D, OptionTerms]:
        """Return which positions are options, and their terms; ``days`` (D,) are the sessions' dates."""
        rows = np.flatnonzero(lots.is_option[self.lot])
        lot = self.lot[rows]
        ratio = self.quantity[rows] / lots.quantity[lot]
        values = (getattr(self, name)[rows] for name in ("volatility", "interest", "dividend_yield"))
        return rows, option_terms(lots, lot, days[self.session[rows]], self.spot[rows], ratio, *values)


@dataclass(frozen=True)
class LotMarket:
    """What lots are valued on at the rows ``ends`` (D,) of the consecutive sessions ``dates`` (T,).

    ``dividend`` (T, N) is cash per share held before the session; ``volatility`` (D, N) the underlyings' annual one,
    for options without an implied one; ``private_price`` (D, L) of PRIVATE lots; ``rate`` (D,) the continuous
    risk-free rate; ``conversion`` into the portfolios' currencies. ``implied`` (D, L) is the volatility that quotes of
    the day give an option lot, NaN where they give none, None if no lot has any.
    """

    dates: Date1D
    prices: SplitAdjusted
    dividend: Float2D
    ends: Int1D
    volatility: Float2D
    private_price: Float2D
    rate: Float1D
    conversion: Conversion
    implied: Float2D | None = None

    def option_volatility(self, lots: Lots, session: Int1D, lot: Int1D) -> Float1D:
        """Return the volatility of option lots at some sessions, (n,): quoted, given with the lot, the underlying's."""
        given = lots.implied_volatility[lot]
        if self.implied is not None:
            quoted = self.implied[session, lot]
            given = np.where(np.isnan(quoted), given, quoted)
        return np.where(np.isnan(given), self.volatility[session, np.maximum(lots.symbol[lot], 0)], given)


def value_lots(lots: Lots, market: LotMarket) -> tuple[Positions, Float2D]:
    """Return the lots held at each end, and what every lot has gained since its entry, (D, L) dollars.

    The positions are of all portfolios, active or not. A gain is of price, on exit less fees, and of dividends.
    """
    rows, ends = LotRows.of(lots, market.dates), market.ends
    cost = lots.cost * entry_rates(lots, rows, market.prices, market.conversion)
    has_begun, is_over = (row[None, :] <= ends[:, None] for row in (rows.entry, rows.end))
    session, lot = np.nonzero(has_begun & ~is_over)
    position = _value(lots, rows, market, session, lot, with_greeks=True)
    paid, gained = dividends_paid(lots, rows, market), np.zeros((len(ends), len(cost)))
    for row, end in enumerate(ends):
        by_then = paid.row <= end
        gained[row] = sum_by(paid.lot[by_then], paid.money[by_then], len(cost))
    ended, of_price = price_gains(lots, rows, market, cost)
    gained[:, ended] += np.where((has_begun & is_over)[:, ended], of_price, 0.0)
    gained[session, lot] += position.value - cost[lot]
    return position, gained


def close_values(lots: Lots, market: LotMarket, session: Int1D, lot: Int1D) -> Positions:
    """Return lots (n,) as if they were still held at the end of their ``session`` (n,), without greeks."""
    return _value(lots, LotRows.of(lots, market.dates), market, session, lot, with_greeks=False)


def entry_rates(lots: Lots, rows: LotRows, prices: SplitAdjusted, conversion: Conversion) -> Float1D:
    """Return the exchange rate of each lot's entry, (L,); one in the portfolio's own currency, NaN where unknown."""
    return conversion.rate(prices, rows.entry, np.arange(len(lots.portfolio)), rows.entry)[0]


def _value(lots: Lots, rows: LotRows, market: LotMarket, session: Int1D, lot: Int1D, with_greeks: bool) -> Positions:
    """Value lots at the sessions on which they are held."""
    prices, row, column = market.prices, market.ends[session], lots.symbol[lot]
    private, option = lots.is_private[lot], lots.is_option[lot]
    safe = np.maximum(column, 0)
    spot, is_stale = prices.price(row, safe, rows.entry[lot])
    ratio = np.where(private, 1.0, prices.ratio(row, rows.entry[lot], safe))
    unpriced = ~private & np.isnan(spot)
    # without a price since entry: a share is worth what it cost, an option's underlying its strike
    fallback = np.where(option, lots.strike[lot], lots.entry_price[lot]) / ratio
    spot = np.where(unpriced, fallback, spot)
    price = np.where(private, market.private_price[session, lot], spot)
    greeks = {name: np.full(len(lot), np.nan) for name in ("gamma", "vega", "theta", "rho")}
    greeks["delta"] = np.where(private, 0.0, 1.0)
    sigma, interest, paid = (np.full(len(lot), np.nan) for _ in range(3))
    if option.any():
        options = np.flatnonzero(option)
        sigma[options] = market.option_volatility(lots, session[options], lot[options])
        interest[options] = market.rate[session[options]]
        paid[options] = trailing_dividend_yield(market.dividend, prices, row[options], safe[options], spot[options])
        chosen = (values[options] for values in (spot, ratio, sigma, interest, paid))
        terms = option_terms(lots, lot[options], market.dates[row[options]], *chosen)
        worth = terms.value() if with_greeks else None
        price[options] = terms.price() if worth is None else worth.price
        for name, values in greeks.items():
            values[options] = np.nan if worth is None else getattr(worth, name)
        is_stale[options] |= np.isnan(sigma[options])
    quantity = lots.quantity[lot] * ratio
    exchange, is_old = market.conversion.rate(prices, row, lot, rows.entry[lot])
    return Positions(
        session=session,
        lot=lot,
        quantity=quantity,
        price=price,
        rate=exchange,
        value=quantity * price * lots.multiplier[lot] * exchange,
        **greeks,
        spot=np.where(private, np.nan, spot),
        volatility=sigma,
        interest=interest,
        dividend_yield=paid,
        is_stale=np.where(private, False, is_stale | unpriced) | is_old,
    )


@dataclass(frozen=True)
class Payments:
    """The dividends that lots have earned, each (n,), by lot and session: the money in the portfolio's currency."""

    lot: Int1D
    row: Int1D
    money: Float1D


def dividends_paid(lots: Lots, rows: LotRows, market: LotMarket) -> Payments:
    """Return the cash of shares held before each ex-session of the grid; the one of the exit is earned too."""
    sessions = len(market.dividend)
    ex_column, ex_row = np.nonzero(np.ascontiguousarray(market.dividend.T))  # by column, then by session
    event = ex_column * sessions + ex_row
    shares = np.flatnonzero(lots.kind == InvestmentClass.PUBLIC)
    begin = lots.symbol[shares] * sessions
    first = np.searchsorted(event, begin + rows.entry[shares], side="right")
    stop = np.searchsorted(event, begin + np.minimum(rows.end[shares], sessions - 1), side="right")
    count = np.maximum(stop - first, 0)
    lot, earned = np.repeat(shares, count), np.repeat(first, count) + counted(count)
    row, column, entry = ex_row[earned], lots.symbol[lot], rows.entry[lot]
    held = (lots.quantity * lots.multiplier)[lot] * market.prices.ratio(row - 1, entry, column)
    exchange, _ = market.conversion.rate(market.prices, row, lot, entry)
    return Payments(lot, row, held * market.dividend[row, column] * exchange)


def price_gains(lots: Lots, rows: LotRows, market: LotMarket, cost: Float1D) -> tuple[Int1D, Float1D]:
    """Return the lots that have ended within the grid, (n,), and what their price has gained, fees included."""
    ended = np.flatnonzero(rows.end < len(market.dividend))
    return ended, _proceeds(lots, rows, market.prices, ended, market.conversion) - cost[ended]


def _proceeds(lots: Lots, rows: LotRows, prices: SplitAdjusted, ended: Int1D, conversion: Conversion) -> Float1D:
    """Return what ended lots were sold or settled for, less the fees of it."""
    price, ratio, settles = exits(lots, rows, prices, ended)
    proceeds = lots.quantity[ended] * ratio * price * lots.multiplier[ended]
    if lots.exit_fees is not None:
        proceeds = np.where(settles, proceeds, proceeds - np.nan_to_num(lots.exit_fees[ended]))
    exchange, _ = conversion.rate(prices, rows.end[ended], ended, rows.entry[ended])
    return np.asarray(proceeds * exchange)


def exits(lots: Lots, rows: LotRows, prices: SplitAdjusted, ended: Int1D) -> tuple[Float1D, Float1D, Bool1D]:
    """Return how the lots ``ended`` (n,) left: price, shares then per share at entry, and whether an option settled.

    The price is that of a share or unit after splits.
    """
    private, option = lots.is_private[ended], lots.is_option[ended]
    sold = lots.is_sold[ended]
    settles = option & (rows.expiry[ended] <= rows.exit[ended]) & ~sold
    row, column = np.where(settles, rows.settlement[ended], rows.end[ended]), np.maximum(lots.symbol[ended], 0)
    spot, _ = prices.price(row, column, rows.entry[ended])
    ratio = np.where(private, 1.0, prices.ratio(row, rows.entry[ended], column))
    strike = lots.strike[ended] / ratio
    spot = np.where(np.isnan(spot), np.where(option, strike, lots.entry_price[ended] / ratio), spot)
    intrinsic = np.maximum(np.where(lots.is_call[ended], spot - strike, strike - spot), 0.0)
    price = np.where(settles, intrinsic, np.where(np.isnan(lots.exit_price[ended]), spot, lots.exit_price[ended]))
    return price, ratio, settles
