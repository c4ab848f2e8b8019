"""A seeded market and portfolios of any size, for ``scale.py``."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

LAST = date(2025, 6, 30)
SEED = 20250630
LOTS = 21
SECTORS = ("Energy", "Materials", "Industrials", "Health Care", "Financials", "Technology", "Utilities", "Real Estate")


def make_inputs(folder: Path, portfolios: int, sessions: list[date], symbols: int) -> dict[str, Any]:
    """Write prices and profiles of a seeded market, and return the portfolios' rows by file."""
    import numpy as np
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from risk_pipeline.config.factors import load_factors
    from risk_pipeline.sessions import session_calendar

    rng = np.random.default_rng([SEED, symbols])
    proxies = list(load_factors().proxies)
    names = np.array([*proxies, *(f"S{number:05d}" for number in range(symbols))])
    dates = session_calendar("XNYS", date(2015, 1, 2)).sessions_in_range(date(2019, 6, 3), LAST)
    shape = (len(dates), len(names))
    market = 0.01 * rng.standard_t(5, shape[0])[:, None]
    betas = rng.normal(1.0, 0.35, shape[1])
    size = rng.uniform(0.008, 0.025, shape[1])
    returns = 0.0003 + market * betas + size * rng.standard_normal(shape)
    close = np.round(50.0 * np.exp(np.cumsum(np.clip(returns, -0.3, 0.3), axis=0)), 4)
    spread = size * np.abs(rng.standard_normal(shape))
    columns = {
        "date": np.repeat(dates, shape[1]).astype("datetime64[s]"),
        "symbol": pd.Categorical.from_codes(np.tile(np.arange(shape[1]), shape[0]), names),
        "close": close.ravel(),
        "high": np.round(close * (1.0 + spread), 4).ravel(),
        "low": np.round(close / (1.0 + spread), 4).ravel(),
        "volume": rng.integers(1e4, 1e7, close.size).astype(float),
        "dividend": np.where(rng.random(close.size) < 1 / 63, 0.1, 0.0),
        "split_factor": np.ones(close.size),
    }
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(columns), preserve_index=False), folder / "prices.parquet")
    pd.DataFrame(
        {
            "symbol": names,
            "name": names,
            "sector": np.array(SECTORS)[rng.integers(0, len(SECTORS), len(names))],
            "vendor_beta": np.round(betas, 2),
            "as_of": "2019-06-03",
        }
    ).to_csv(folder / "profiles.csv", index=False)
    return _books(np.random.default_rng([SEED, portfolios]), portfolios, sessions, names[len(proxies) :], close, dates)


def _books(rng: Any, count: int, sessions: list[date], names: Any, close: Any, dates: Any) -> dict[str, Any]:
    """Portfolios of 19 shares, one option and one private asset; one share is bought and one sold on the way."""
    import numpy as np
    import pandas as pd

    opened = date(2024, 12, 2)
    price = dict(zip(names, close[np.searchsorted(dates, np.datetime64(opened)), -len(names) :], strict=True))
    portfolios, positions = [], []
    for number in range(count):
        owner = f"p{number:05d}"
        portfolios.append((owner, f"Portfolio {number}", opened.isoformat(), 1_000_000))
        held = rng.choice(names, LOTS - 1, replace=False)
        dollars = rng.uniform(20e3, 80e3, len(held)) * np.where(rng.random(len(held)) < 0.15, -1, 1)
        traded = [sessions[day].isoformat() for day in rng.integers(0, len(sessions), 2)]
        for place, (symbol, value) in enumerate(zip(held, dollars, strict=True)):
            lot = {
                "position_id": f"{owner}-{place:02d}",
                "portfolio_id": owner,
                "symbol": symbol,
                "investment_class": "PUBLIC",
                "quantity": round(value / price[symbol]) or 1,
                "entry_date": traded[0] if place == 0 else opened.isoformat(),
                "entry_price": price[symbol],
                "exit_date": traded[1] if place == 1 else "",
            }
            if place == 2:
                lot |= {"symbol": f"{symbol} C", "investment_class": "OPTIONS", "underlying": symbol, "quantity": 5}
                lot |= {"option_type": "CALL", "strike": price[symbol], "expiry": "2026-01-16", "entry_price": 5}
            positions.append(lot)
        fund = {"position_id": f"{owner}-fund", "portfolio_id": owner, "symbol": f"FUND {number % 50}"}
        fund |= {"investment_class": "PRIVATE", "quantity": 100, "entry_date": opened.isoformat(), "entry_price": 1000}
        positions.append(fund)
    columns = ["portfolio_id", "name", "inception_date", "starting_equity"]
    return {
        "portfolios": pd.DataFrame(portfolios, columns=columns),
        "positions": pd.DataFrame(positions),
    }
