"""The cheap way to the gains of portfolios gives the book's numbers to the last bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from risk_pipeline.analytics import lot_gains
from risk_pipeline.analytics.conversion import Conversion
from risk_pipeline.analytics.lot_gains import distinct_lots, gains_by_portfolio
from risk_pipeline.analytics.lot_values import LotMarket, value_lots
from risk_pipeline.analytics.lots import Lots, SplitAdjusted, private_prices

DATES = np.arange("2024-01-01", "2024-05-01", dtype="datetime64[D]")
NONE = np.datetime64("NaT", "D")


def market(rng: np.random.Generator) -> tuple[SplitAdjusted, np.ndarray]:
    """Eight symbols that pay dividends; the third has gaps, the fourth splits, the fifth begins late."""
    shape = (len(DATES), 8)
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, 0.02, shape), axis=0))
    close[rng.random(len(DATES)) < 0.2, 2] = np.nan
    close[:40, 4] = np.nan
    split = np.ones(shape)
    split[60, 3], close[60:, 3] = 4.0, close[60:, 3] / 4.0
    return SplitAdjusted.of(close, split), np.where(rng.random(shape) < 0.05, 0.3, 0.0)


def some_lots(rng: np.random.Generator, count: int) -> Lots:
    kind = rng.choice([0, 0, 0, 0, 1, 2], count)
    entry = rng.integers(-5, 100, count)
    leaves = rng.random(count) < 0.5
    return Lots(
        portfolio=np.sort(rng.integers(0, 6, count)),
        symbol=np.where(kind == 2, -1, rng.integers(0, 8, count)),
        name=np.arange(count),
        kind=kind,
        quantity=np.round(rng.normal(0, 100, count)),
        entry_date=DATES[0] + entry,
        entry_price=rng.uniform(40, 60, count),
        exit_date=np.where(leaves, DATES[0] + entry + rng.integers(1, 60, count), NONE),
        exit_price=np.where(rng.random(count) < 0.5, rng.uniform(40, 60, count), np.nan),
        is_call=rng.random(count) < 0.5,
        strike=np.full(count, 50.0),
        expiry=np.where(kind == 1, DATES[0] + rng.integers(60, 200, count), NONE),
        implied_volatility=np.full(count, 0.3),
        fees=np.where(rng.random(count) < 0.3, 1.5, np.nan),
    )


@pytest.mark.parametrize("seed", range(8))
def test_gains_are_those_of_the_book_to_the_last_bit(seed, monkeypatch):
    rng = np.random.default_rng(seed)
    prices, dividend = market(rng)
    lots = some_lots(rng, 160)
    marks = np.array([0]), DATES[30:31], np.array([55.0])
    powers = rng.choice([-1, 1], (160, 2))
    conversion = Conversion(np.column_stack([np.where(rng.random(160) < 0.2, 7, -1), np.full(160, -1)]), powers)
    implied = np.where(rng.random((len(DATES), 160)) < 0.3, 0.4, np.nan)

    def market_of(ends: np.ndarray, some: np.ndarray) -> LotMarket:
        return LotMarket(
            dates=DATES,
            prices=prices,
            dividend=dividend,
            ends=ends,
            volatility=np.full((len(ends), 8), 0.3),
            private_price=private_prices(lots.take(some), DATES[ends], *marks),
            rate=np.full(len(ends), 0.02),
            conversion=conversion.take(some),
            implied=implied[np.ix_(ends, some)] if seed % 2 else None,
        )

    ends = np.arange(20 + seed, len(DATES) - seed)
    _, gained = value_lots(lots, market_of(ends, np.arange(160)))
    found = gains_by_portfolio(lots, market_of, ends, 7)
    np.testing.assert_array_equal(found, [np.bincount(lots.portfolio, row, 7) for row in gained])
    assert len(np.unique(found)) > 300
    monkeypatch.setattr(lot_gains, "CELLS", 500)
    assert gains_by_portfolio(lots, market_of, ends, 7).tobytes() == found.tobytes()
    alone = gains_by_portfolio(lots, market_of, ends[40:41], 7)
    assert alone.tobytes() == found[40:41].tobytes()


def test_lots_that_are_worth_the_same_are_valued_once():
    rng = np.random.default_rng(0)
    prices, _ = market(rng)
    lots = some_lots(rng, 300)
    alike = replace(lots, name=np.where(lots.kind == 2, 0, 1), portfolio=lots.portfolio[::-1])
    distinct, unit = distinct_lots(alike, prices, Conversion.none(300), np.arange(60, 80))
    plain = np.isin(lots.symbol, (0, 1, 4, 5, 6, 7)) & (lots.kind == 0)
    assert len(distinct) == (~plain).sum() + 6
    for lot, first in enumerate(distinct[unit]):
        assert lots.symbol[lot] == lots.symbol[first]
        assert lots.entry_date[first] <= lots.entry_date[lot]
