"""How good the volatility forecast and value at risk were out of sample: prints a Markdown report.

On the real prices of the tests or, with ``--prices``, on a file of one's own (``date,symbol,adj_close`` in Parquet),
from three years after it begins. Forecasts are made every session with what was known then, and met by the 21 sessions
after; tests allow for the overlap.
"""

from __future__ import annotations

import argparse
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

FIXTURE = Path(__file__).parents[1] / "risk_pipeline_tests" / "data" / "real_prices.parquet"
BOOKS = {
    "60/40": {"SPY": 0.6, "TLT": 0.4},
    "ten stocks": dict.fromkeys(["AAPL", "MSFT", "JPM", "JNJ", "XOM", "PG", "HD", "UNH", "KO", "CVX"], 0.1),
    "long/short": {"MSFT": 0.5, "UNH": 0.4, "HD": 0.4, "XOM": -0.4, "BAC": -0.4, "IWM": -0.3},
    "styles": {"VTV": 0.25, "VUG": 0.25, "IWM": 0.25, "USMV": 0.25},
    "levered equity": {"SPY": 1.5},
}
MODELS = {
    "shipped": "HAR + EWMA",
    "ewma": "EWMA",
    "trailing": "trailing 21 sessions",
    "har": "HAR alone",
    "geometric": "geometric mean of HAR and EWMA",
}


def prices(path: Path) -> pd.DataFrame:
    wide = pd.read_parquet(path).pivot(index="date", columns="symbol", values="adj_close")
    wide.index = pd.to_datetime(wide.index)
    return wide.loc[:"2022-12-28"]


def book_returns(returns: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {name: (returns[list(w)] * pd.Series(w)).sum(axis=1, skipna=False) for name, w in BOOKS.items()}
    )


def variances(returns: np.ndarray, ends: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the annual variance that each model forecasts, and where HAR had enough history."""
    found = estimate_volatility(returns, ends)
    shipped, ewma, trailing = found.forecast**2, found.ewma**2, found.realised_21**2
    har = 2.0 * shipped - ewma
    models = {"shipped": shipped, "ewma": ewma, "trailing": trailing, "har": har, "geometric": np.sqrt(har * ewma)}
    return models, found.model == "har_ewma"


def scorecard(title: str, returns: np.ndarray, first: int) -> None:
    ends = np.arange(first, len(returns) - HORIZON)
    models, known = variances(returns, ends)
    outcome = np.stack([(returns[end + 1 : end + 1 + HORIZON] ** 2).mean(axis=0) * 252 for end in ends])
    known &= np.logical_and.reduce([outcome > 0, *(variance > 0 for variance in models.values())])
    enough = known.sum(axis=0) >= 504
    known &= enough
    outcome = np.where(known, outcome, np.nan)
    loss = {name: qlike(outcome, variance) for name, variance in models.items()}
    print(f"\n### {title}: {enough.sum()} series, {int(known.sum()):,} forecasts\n")
    print("| model | mean QLIKE | median QLIKE | series won by ours | DM p < 5 % for it | against it | mean loss: DM |")
    print("|---|---|---|---|---|---|---|")
    ours = loss["shipped"][:, enough]
    for model, name in MODELS.items():
        theirs = loss[model][:, enough]
        compared = "– | – | – | –"
        if model != "shipped":
            statistic, p = diebold_mariano(ours, theirs, horizon=HORIZON)
            won = (np.nanmean(ours, axis=0) < np.nanmean(theirs, axis=0)).mean()
            all_series = [np.nanmean(values, axis=1)[:, None] for values in (ours, theirs)]
            (pooled,), (pooled_p,) = diebold_mariano(*all_series, horizon=HORIZON)
            shares = [won, ((p < 0.05) & (statistic < 0)).mean(), ((p < 0.05) & (statistic > 0)).mean()]
            compared = f"{' | '.join(f'{share:.0%}' for share in shares)} | {pooled:.2f}, p = {pooled_p:.4f}"
        print(f"| {name} | {np.nanmean(theirs):.4f} | {np.nanmedian(theirs):.4f} | {compared} |")
    print("\n| model | Mincer–Zarnowitz slope | joint p > 5 % | bias statistic: median | middle half |")
    print("|---|---|---|---|---|")
    after = returns[ends + 1]
    for model in ("shipped", "ewma", "trailing"):
        volatility = np.where(known, np.sqrt(models[model] / 252), np.nan)[:, enough]
        fit = mincer_zarnowitz(np.sqrt(outcome / 252)[:, enough], volatility, lags=HORIZON)
        biases = [
            bias_statistic(own[keep], risk[keep])
            for own, risk, keep in zip(after[:, enough].T, volatility.T, ~np.isnan(volatility.T), strict=True)
        ]
        low, middle, high = np.quantile(biases, [0.25, 0.5, 0.75])
        print(
            f"| {MODELS[model]} | {np.median(fit.slope):.2f} | {(fit.p_value > 0.05).mean():.0%} "
            f"| {middle:.3f} | {low:.3f} to {high:.3f} |"
        )


def tail_report(books: pd.DataFrame, symbols: pd.DataFrame, first: int) -> None:
    returns = books.join(symbols)
    values = returns.to_numpy()
    found = [
        filtered_historical_simulation(values[end + 1 - LOOK_BACK : end + 1]) for end in range(first, len(values) - 1)
    ]
    after = values[first + 1 :]
    tests = {}
    for level, share in (("95", 0.05), ("99", 0.01)):
        risk, short = (np.array([getattr(day, f"{name}_{level}") for day in found]) for name in ("var", "es"))
        hit = np.where(np.isnan(risk) | np.isnan(after), np.nan, after < -risk)
        count, total = np.nansum(hit, axis=0), (~np.isnan(hit)).sum(axis=0)
        tests[level] = pd.DataFrame(
            {
                "sessions": total,
                "exceedances": count.astype(int),
                "rate": count / total,
                "kupiec": kupiec(count, total, share).p_value,
                "clusters": christoffersen(hit).p_value,
                "z2": acerbi_szekely(after, risk, short, share),
                "zone": traffic_light(np.nansum(hit[-250:], axis=0)),
            },
            index=returns.columns,
        )
    print("\n### One-day value at risk, every session\n")
    print("| portfolio | level | sessions | exceedances | rate | Kupiec p | Christoffersen p | Z2 of ES | last 250 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for level, rows in tests.items():
        for name, row in rows.loc[books.columns].iterrows():
            print(
                f"| {name} | {level} % | {row['sessions']} | {row['exceedances']} | {row['rate']:.2%} "
                f"| {row['kupiec']:.3f} | {row['clusters']:.3f} | {row['z2']:.2f} "
                f"| {row['zone'] if level == '99' else '–'} |"
            )
    print("\n| symbols | level | sessions | rate, median | middle half | Kupiec p < 5 % | p < 1 % | clusters p < 5 % |")
    print("|---|---|---|---|---|---|---|---|")
    for level, rows in tests.items():
        own = rows.loc[symbols.columns]
        own = own[own["sessions"] >= 504]
        low, middle, high = own["rate"].quantile([0.25, 0.5, 0.75])
        print(
            f"| {len(own)} | {level} % | {own['sessions'].sum():,} | {middle:.2%} | {low:.2%} to {high:.2%} "
            f"| {(own['kupiec'] < 0.05).mean():.0%} | {(own['kupiec'] < 0.01).mean():.0%} "
            f"| {(own['clusters'] < 0.05).mean():.0%} |"
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
        (statistic,), (p_value,) = diebold_mariano(values[:, None], first[:, None], horizon=HORIZON)
        print(f"| {name} | {values.mean():.4f} | {'–' if same else f'{statistic:.2f}, p = {p_value:.3f}'} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prices", type=Path, default=FIXTURE, help="Parquet with date, symbol, adj_close")
    wide = prices(parser.parse_args().prices)
    returns = (wide / wide.shift(1) - 1.0).iloc[1:]
    first = LONGEST
    print(
        f"Out of sample on {returns.shape[1]} series, {returns.index[first]:%Y-%m-%d} to {returns.index[-1]:%Y-%m-%d}."
    )
    books = book_returns(returns)
    with np.errstate(invalid="ignore", divide="ignore"):
        scorecard("Symbols", returns.to_numpy(), first)
        scorecard("Portfolios", books.to_numpy(), first)
    range_report()
    tail_report(books, returns, first)


if __name__ == "__main__":
    main()
