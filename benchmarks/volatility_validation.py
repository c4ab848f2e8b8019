"""How good the volatility forecast and value at risk were out of sample: prints a Markdown report.

Real prices where they are (`../shared/data`), the simulated market elsewhere. Forecasts are made every session from
2014 to 2022 with what was known then, and met by the 21 sessions after; tests allow for the overlap.
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from risk_pipeline.analytics.backtests import acerbi_szekely, christoffersen, kupiec, traffic_light
from risk_pipeline.analytics.evaluation import bias_statistic, diebold_mariano, mincer_zarnowitz, qlike
from risk_pipeline.analytics.var import LOOK_BACK, filtered_historical_simulation
from risk_pipeline.analytics.volatility import HORIZON, estimate_volatility, parkinson_variance
from risk_pipeline.analytics.volatility import LOOK_BACK as LONGEST

REAL = Path(__file__).parents[2] / "shared" / "data" / "real_prices" / "prices_2010-01-04_2023-02-27.parquet"
BOOKS = {
    "60/40": {"SPY": 0.6, "TLT": 0.4},
    "ten stocks": dict.fromkeys(["AAPL", "MSFT", "JPM", "JNJ", "XOM", "PG", "HD", "UNH", "KO", "CVX"], 0.1),
    "long/short": {"MSFT": 0.5, "UNH": 0.4, "HD": 0.4, "XOM": -0.4, "BAC": -0.4, "IWM": -0.3},
    "styles": {"VTV": 0.25, "VUG": 0.25, "IWM": 0.25, "USMV": 0.25},
    "levered equity": {"SPY": 1.5},
}
MODELS = ("forecast", "ewma", "realised_21")


def prices() -> tuple[pd.DataFrame, str]:
    if REAL.exists():
        long = pd.read_parquet(REAL)
        wide = long.set_index(["date", "symbol"])["adj_close"].unstack()
        wide.index = pd.to_datetime(wide.index)
        return wide.loc[:"2022-12-28"], "real prices"
    from risk_pipeline.market.simulated import SimulatedMarket

    market = SimulatedMarket()
    days = pd.DatetimeIndex(pd.bdate_range("2010-01-04", "2022-12-28").astype("datetime64[s]"))
    bars = market.fetch(market.symbols, days).bars
    return bars.set_index(["session", "symbol"])["close"].unstack(), "the simulated market"


def book_returns(returns: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {name: (returns[list(w)] * pd.Series(w)).sum(axis=1, skipna=False) for name, w in BOOKS.items()}
    )


def scorecard(title: str, returns: np.ndarray, first: int) -> None:
    ends = np.arange(first, len(returns) - HORIZON)
    found = estimate_volatility(returns, ends)
    outcome = np.stack([(returns[end + 1 : end + 1 + HORIZON] ** 2).mean(axis=0) * 252 for end in ends])
    loss = {}
    known = outcome > 0
    for model in MODELS:
        variance = getattr(found, model) ** 2
        known &= variance > 0
    known &= found.model == "har_ewma"
    for model in MODELS:
        variance = getattr(found, model) ** 2
        loss[model] = np.where(known, qlike(np.where(known, outcome, 1), np.where(known, variance, 1)), np.nan)
    enough = known.sum(axis=0) >= 504
    print(f"\n### {title}: {enough.sum()} series, {int(known[:, enough].sum()):,} forecasts\n")
    print("| model | mean QLIKE | median QLIKE | series won by HAR + EWMA | DM p < 5 % for it | against it |")
    print("|---|---|---|---|---|---|")
    mine = loss["forecast"][:, enough]
    for model in MODELS:
        other = loss[model][:, enough]
        won = better = worse = "–"
        if model != "forecast":
            tests = [
                diebold_mariano(a[keep], b[keep], horizon=HORIZON)
                for a, b, keep in zip(mine.T, other.T, ~np.isnan(mine.T), strict=True)
            ]
            won = f"{(np.nanmean(mine, axis=0) < np.nanmean(other, axis=0)).mean():.0%}"
            better = f"{np.mean([p < 0.05 and s < 0 for s, p in tests]):.0%}"
            worse = f"{np.mean([p < 0.05 and s > 0 for s, p in tests]):.0%}"
        name = {"forecast": "HAR + EWMA", "ewma": "EWMA", "realised_21": "trailing 21 sessions"}[model]
        print(f"| {name} | {np.nanmean(other):.4f} | {np.nanmedian(other):.4f} | {won} | {better} | {worse} |")
    for model in MODELS[1:]:
        pooled = [np.nanmean(a[:, enough], axis=1) for a in (loss["forecast"], loss[model])]
        keep = ~np.isnan(pooled[0]) & ~np.isnan(pooled[1])
        statistic, p_value = diebold_mariano(pooled[0][keep], pooled[1][keep], horizon=HORIZON)
        print(f"\nMean loss of all series against {model}: Diebold–Mariano {statistic:.2f}, p = {p_value:.4f}.", end="")
    slopes, biases = [], []
    for column in np.flatnonzero(enough):
        keep = known[:, column]
        forecast = found.forecast[keep, column] / np.sqrt(252)
        slopes.append(mincer_zarnowitz(np.sqrt(outcome[keep, column] / 252), forecast, lags=HORIZON).slope)
        biases.append(bias_statistic(returns[ends[keep] + 1, column], forecast))
    print(
        f"\n\nMincer–Zarnowitz slope of volatilities: median {np.median(slopes):.2f}; bias statistic "
        f"(standard deviation of the next session's return over its forecast): median {np.median(biases):.3f}, "
        f"middle half {np.quantile(biases, 0.25):.3f} to {np.quantile(biases, 0.75):.3f}."
    )


def tail_report(returns: pd.DataFrame, first: int) -> None:
    values = returns.to_numpy()
    found = [
        filtered_historical_simulation(values[end + 1 - LOOK_BACK : end + 1]) for end in range(first, len(values) - 1)
    ]
    after = values[first + 1 :]
    print("\n### One-day value at risk 99 %, every session\n")
    print("| series | sessions | exceedances | rate | Kupiec p | Christoffersen p | Z2 of ES 99 % | last 250: zone |")
    print("|---|---|---|---|---|---|---|---|")
    for column, name in enumerate(returns.columns):
        risk = np.array([day.var_99[column] for day in found])
        short = np.array([day.es_99[column] for day in found])
        keep = ~np.isnan(risk) & ~np.isnan(after[:, column])
        hit = after[keep, column] < -risk[keep]
        rate = kupiec(int(hit.sum()), len(hit), 0.01).p_value
        z2 = acerbi_szekely(after[keep, column], risk[keep], short[keep], 0.01)
        print(
            f"| {name} | {keep.sum()} | {hit.sum()} | {hit.mean():.2%} | {rate:.3f} "
            f"| {christoffersen(hit).p_value:.3f} | {z2:.2f} | {traffic_light(int(hit[-250:].sum()))} |"
        )


def range_report() -> None:
    """The input matters: the index that arch ships has highs and lows."""
    from arch.data import sp500

    prices = sp500.load()
    returns = prices[["Adj Close"]].pct_change().to_numpy()
    ranges = parkinson_variance(prices[["High"]].to_numpy(), prices[["Low"]].to_numpy())
    ends = np.arange(LONGEST, len(returns) - HORIZON)
    outcome = np.array([(returns[end + 1 : end + 1 + HORIZON, 0] ** 2).mean() * 252 for end in ends])
    print(f"\n### Ranges as input: S&P 500, {prices.index[LONGEST]:%Y-%m-%d} to 2018, {len(ends):,} forecasts\n")
    print("| model | mean QLIKE | Diebold–Mariano against HAR + EWMA of squared returns |")
    print("|---|---|---|")
    plain, ranged = (estimate_volatility(returns, ends, ranges=r) for r in (None, ranges))
    loss = {
        "HAR + EWMA of squared returns": qlike(outcome, plain.forecast[:, 0] ** 2),
        "HAR of ranges + EWMA": qlike(outcome, ranged.forecast[:, 0] ** 2),
        "EWMA": qlike(outcome, plain.ewma[:, 0] ** 2),
        "trailing 21 sessions": qlike(outcome, plain.realised_21[:, 0] ** 2),
    }
    first = next(iter(loss.values()))
    for name, values in loss.items():
        same = values is first
        statistic, p_value = (np.nan, np.nan) if same else diebold_mariano(values, first, horizon=HORIZON)
        print(f"| {name} | {values.mean():.4f} | {'–' if same else f'{statistic:.2f}, p = {p_value:.3f}'} |")


def main() -> None:
    wide, origin = prices()
    returns = (wide / wide.shift(1) - 1.0).iloc[1:]
    first = int(np.searchsorted(returns.index, np.datetime64("2014-01-02")))
    print(f"Out of sample on {origin}, {returns.index[first]:%Y-%m-%d} to {returns.index[-1]:%Y-%m-%d}.")
    books = book_returns(returns)
    with np.errstate(invalid="ignore", divide="ignore"):
        scorecard("Symbols", returns.to_numpy(), first)
        scorecard("Portfolios", books.to_numpy(), first)
    range_report()
    tail_report(books.join(returns[["SPY", "TLT", "AAPL", "XOM"]]), first)


if __name__ == "__main__":
    main()
