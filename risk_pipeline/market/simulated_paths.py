"""Price paths of the simulated market: a factor structure with clustered, fat-tailed shocks.

Everything is drawn on a fixed grid of weekdays, whatever is asked for later, each series from a stream of its
own made of the seed and its name.

- *Volatility* of each shock is lognormal with a persistent autoregressive logarithm, part of which is the
  market's, so that calm and storm come together (Taylor 1986, stochastic volatility).
- *Shocks* are Student t, standardised over the whole grid to mean zero and the stated volatility. So every
  path ends where its growth leads it, and prices stay plausible over all the years, whatever the seed.
- *Returns* are linear in the shocks: market, rates, five styles, the dollar, the sector's and the symbol's own.
- *Episodes* of history fall as they fell: on the sessions of the two replays (``EPISODES``) the factors move as they
  did, and every symbol is back on its own path when the episode's recovery ends. No price after 2023 depends on them.
- *High and low* are the extremes of a Brownian path from open to close with the day's volatility, each drawn
  from its exact distribution given the close (Karatzas & Shreve, *Brownian Motion and Stochastic Calculus*).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..analytics.arrays import Bool2D, Date1D, Float1D, Float2D
from .simulated_universe import FACTORS, SECTOR_VOLATILITY, SECTORS, Company, loadings_of, stream, universe

FIRST, LAST = "2009-01-01", "2035-12-31"
REFERENCE = np.datetime64("2024-01-03")
"""The session on which a symbol closes at the universe's `price`."""

STEPS = 261.0
"""Weekdays a year; holidays leave 252 sessions, and the return after one includes its step."""

_PERSISTENCE = 0.985  # of log volatility: half of a burst is gone after 46 sessions
_MARKET_BURSTS, _OWN_BURSTS = 0.42, 0.28  # standard deviation of log volatility
_SHARED = 0.6  # how much of the market's log volatility every other shock has
_DEGREES = 7.0  # of freedom
_MOST = 0.6  # largest simple return of one session, either way
_WIDER = 1.02  # two extremes drawn apart lie a little closer than those of one path


@dataclass(frozen=True)
class Episode:
    """A stretch of history that the simulated factors repeat.

    ``moves`` are the factors' total returns from the close of ``start`` to that of ``end`` (styles in excess of the
    market); ``turmoil`` multiplies the factors' daily shocks there. Prices have recovered by ``recovered``.
    """

    start: str
    end: str
    recovered: str
    turmoil: float
    moves: Mapping[str, float]


EPISODES = (
    Episode(
        "2020-02-19",
        "2020-03-23",
        "2020-12-31",
        turmoil=2.5,
        moves={
            "market": -0.34,
            "rates": 0.09,
            "value": -0.08,
            "momentum": 0.0,
            "size": -0.06,
            "quality": 0.02,
            "low_volatility": -0.06,
            "broad_dollar": 0.03,
        },
    ),
    Episode(
        "2022-01-03",
        "2022-10-24",
        "2023-12-29",
        turmoil=1.25,
        moves={
            "market": -0.25,
            "rates": -0.37,
            "value": 0.24,
            "momentum": 0.0,
            "size": 0.02,
            "quality": -0.02,
            "low_volatility": 0.04,
            "broad_dollar": 0.15,
        },
    ),
)
"""So that the funds return what they returned: SPY -34 % and TLT +14 % in 2020, SPY -20 % and TLT -33 % in 2022. A
fund's growth and TLT's share of the market's shock come on top of its factor's move."""


@dataclass(frozen=True)
class Paths:
    """All paths on the grid; T days by N symbols, columns in the order of ``symbols``."""

    days: Date1D
    """(T,) weekdays."""
    symbols: tuple[str, ...]
    """N symbols, sorted."""
    close: Float2D
    """(T, N) dollars as traded, in cents; also on days without a bar. Pairs have four decimals."""
    high: Float2D
    """(T, N) dollars."""
    low: Float2D
    """(T, N) dollars."""
    volume: Float2D
    """(T, N) shares."""
    dividend: Float2D
    """(T, N) dollars per share held before the session; 0 on ordinary days."""
    split_factor: Float2D
    """(T, N) new shares per old; 1 on ordinary days."""
    has_bar: Bool2D
    """(T, N) False before a listing, after a delisting and on a thin symbol's days without trade."""
    market_beta: Float1D
    """(N,) true beta on the market shock, the part through rates included."""


def simulate(seed: int) -> Paths:
    """Draw all paths of the universe: the same for the same seed."""
    companies = universe()
    grid = np.arange(FIRST, np.datetime64(LAST) + np.timedelta64(1, "D"), dtype="datetime64[D]")
    days = grid[np.is_busday(grid)]
    sectors = list(SECTORS)
    common = [f"factor {name}" for name in FACTORS] + [f"sector {name}" for name in sectors]
    company_symbols = [company.symbol for company in companies]
    shocks, volatility = _shocks(seed, [*common, *company_symbols], len(days))
    scale = np.array(list(FACTORS.values()) + [SECTOR_VOLATILITY] * len(sectors)) / np.sqrt(STEPS)
    own_scale = np.array([company.specific_volatility for company in companies]) / np.sqrt(STEPS)
    loadings = np.array([loadings_of(seed, company) for company in companies]) * scale
    k = len(common)

    def linear(rows: Float2D) -> Float2D:
        return np.einsum("tk,nk->tn", rows[:, :k], loadings) + rows[:, k:] * own_scale

    undisturbed = linear(shocks)
    returns = undisturbed.copy()
    for episode in EPISODES:
        _replay(episode, days, shocks, volatility, scale)
        first, over, _ = _rows(days, episode)
        returns[first:over] = linear(shocks[first:over])
    variance = np.einsum("tk,nk->tn", volatility[:, :k] ** 2, loadings**2) + (volatility[:, k:] * own_scale) ** 2
    return _priced(
        seed,
        companies=companies,
        days=days,
        undisturbed=undisturbed,
        returns=returns,
        volatility=np.sqrt(variance),
        market_beta=loadings[:, 0] / scale[0],
    )


def _shocks(seed: int, names: list[str], length: int) -> tuple[Float2D, Float2D]:
    """Return standardised shocks and the volatility that each was drawn with, (T, names); market first."""
    draws = [stream(seed, name) for name in names]
    bursts = np.column_stack([draw.standard_normal(length) for draw in draws])
    tails = np.column_stack([draw.standard_t(_DEGREES, length) for draw in draws])
    log_volatility = np.empty_like(bursts)
    level = bursts[0]
    step = np.sqrt(1 - _PERSISTENCE**2)
    for day in range(length):
        level = _PERSISTENCE * level + step * bursts[day]
        log_volatility[day] = level
    burst_size = np.where(np.arange(len(names)) == 0, _MARKET_BURSTS, _OWN_BURSTS)
    market = log_volatility[:, :1] * _MARKET_BURSTS
    log_volatility *= burst_size
    log_volatility[:, 1:] += _SHARED * market
    volatility = np.exp(log_volatility)
    volatility /= np.sqrt((volatility**2).mean(axis=0))
    shocks = volatility * tails
    shocks -= shocks.mean(axis=0)
    shocks /= shocks.std(axis=0)
    return shocks, volatility


def _replay(episode: Episode, days: Date1D, shocks: Float2D, volatility: Float2D, scale: Float1D) -> None:
    """Move the factors' shocks of an episode, in place, so that they add up to its total returns."""
    first, over, _ = _rows(days, episode)
    for column, name in enumerate(FACTORS):
        shocks[first:over, column] *= episode.turmoil
        volatility[first:over, column] *= episode.turmoil
        if name in episode.moves:
            daily = shocks[first:over, column] * scale[column]
            shift = 0.0
            for _ in range(20):  # Newton's method: the slope is close to one a day
                shift += (np.log1p(episode.moves[name]) - np.log1p(daily + shift).sum()) / len(daily)
            shocks[first:over, column] = (daily + shift) / scale[column]


def _rows(days: Date1D, episode: Episode) -> tuple[int, int, int]:
    """Return the episode's first row, the row after its last, and the row after its recovery."""
    first, over, recovered = np.searchsorted(
        days, np.array([episode.start, episode.end, episode.recovered], dtype="datetime64[D]"), side="right"
    )
    return int(first), int(over), int(recovered)


def _priced(
    seed: int,
    *,
    companies: list[Company],
    days: Date1D,
    undisturbed: Float2D,
    returns: Float2D,
    volatility: Float2D,
    market_beta: Float1D,
) -> Paths:
    """Turn total returns into prices as traded, with dividends, splits, extremes, volume and gaps."""
    symbols = tuple(company.symbol for company in companies)
    streams = [stream(seed, f"bars {symbol}") for symbol in symbols]

    def columns(draw: Callable[[np.random.Generator], Float1D]) -> Float2D:
        return np.column_stack([draw(generator) for generator in streams])

    ex_date = _ex_dates(days, companies)
    dividend_yield = ex_date * np.array([company.dividend_yield / 4 for company in companies])
    split_factor = np.ones_like(returns)
    for column, company in enumerate(companies):
        for day, factor in company.splits.items():
            split_factor[np.searchsorted(days, np.datetime64(day)), column] = factor

    growth = np.array([company.growth for company in companies]) / STEPS
    plain = np.log1p(np.clip(undisturbed, -_MOST, _MOST))
    log_return = np.log1p(np.clip(returns, -_MOST, _MOST))
    for episode in EPISODES:
        first, over, recovered = _rows(days, episode)
        lost = (plain[first:over] - log_return[first:over]).sum(axis=0)
        log_return[over:recovered] += lost / (recovered - over)
    log_return += growth - plain.mean(axis=0)
    relative = np.cumprod((np.exp(log_return) - dividend_yield) / split_factor, axis=0)
    reference = np.searchsorted(days, REFERENCE)
    close = relative / relative[reference] * np.array([company.price for company in companies])
    before = np.vstack([close[:1], close[:-1]])
    dividend = np.round(dividend_yield * before, 4)

    opening = (before - dividend) / split_factor
    move = np.log(close / opening)
    upper, lower = (columns(lambda generator: generator.random(len(days))) for _ in range(2))
    spread = -2.0 * (volatility * _WIDER) ** 2
    top = 0.5 * (move + np.sqrt(move**2 + spread * np.log1p(-upper)))
    bottom = 0.5 * (move - np.sqrt(move**2 + spread * np.log1p(-lower)))
    high, low = opening * np.exp(top), opening * np.exp(bottom)

    noise = columns(lambda generator: generator.standard_normal(len(days)))
    busy = np.exp(0.35 * noise + 0.25 * np.abs(move) / volatility)
    volume = np.round(2e8 / close * busy * [0.01 if company.missing else 1.0 for company in companies])

    quiet = columns(lambda generator: generator.random(len(days)))
    has_bar = (quiet >= [company.missing for company in companies]) | ex_date | (split_factor != 1)
    for column, company in enumerate(companies):
        if company.first:
            has_bar[: np.searchsorted(days, np.datetime64(company.first)), column] = False
        if company.last:
            has_bar[np.searchsorted(days, np.datetime64(company.last), side="right") :, column] = False
    pairs = np.array([company.is_pair for company in companies])

    def quoted(price: Float2D) -> Float2D:
        in_cents = np.round(price, 2)
        in_cents[:, pairs] = np.round(price[:, pairs], 4)
        return in_cents

    last = quoted(close)
    return Paths(
        days=days,
        symbols=symbols,
        close=last,
        high=np.maximum(quoted(high), last),
        low=np.maximum(np.minimum(quoted(low), last), 0.01),
        volume=volume,
        dividend=dividend,
        split_factor=split_factor,
        has_bar=has_bar,
        market_beta=market_beta,
    )


def _ex_dates(days: Date1D, companies: list[Company]) -> Bool2D:
    """Return (T, N) whether the day is an ex-date: the second Wednesday of the month, once a quarter.

    No exchange holiday of New York or London falls on one.
    """
    months = days.astype("datetime64[M]")
    day_of_month = (days - months.astype("datetime64[D]")).astype(int) + 1
    wednesday = (days.astype(int) + 3) % 7 == 2
    second = wednesday & (day_of_month >= 8) & (day_of_month <= 14)
    turn = [2 if company.is_fund else sum(company.symbol.encode()) % 3 for company in companies]
    pays = [company.dividend_yield > 0 for company in companies]
    month = months.astype(int) % 3
    is_ex_date: Bool2D = second[:, None] & (month[:, None] == turn) & pays
    return is_ex_date
