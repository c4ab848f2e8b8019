"""How good the volatility forecast and value at risk were out of sample: prints a Markdown report.

On the real prices of the tests or, with ``--prices``, on a file of one's own (``date,symbol,adj_close`` in Parquet).
What is shipped was chosen on the first half, up to 2018; the second half, from 2019 on, is the report. Forecasts are
made every session with what was known then, and met by the 21 sessions after; tests allow for the overlap.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from risk_pipeline.analytics.backtests import acerbi_szekely, christoffersen, dynamic_quantile, kupiec, traffic_light
from risk_pipeline.analytics.evaluation import diebold_mariano, mincer_zarnowitz, qlike
from risk_pipeline.analytics.kernels.constants import HORIZON
from risk_pipeline.analytics.kernels.constants import LOOK_BACK as LONGEST
from risk_pipeline.analytics.var import LOOK_BACK, TailRisk, filtered_historical_simulation
from risk_pipeline.analytics.volatility import HAR_SHARE, blend, estimate_volatility, parkinson_variance

FIXTURE = Path(__file__).parents[1] / "risk_pipeline_tests" / "data" / "real_prices.parquet"
HALVES = {"Chosen on": ("2014-01-01", "2018-12-31"), "Reported on": ("2019-01-01", "2022-12-28")}
BOOKS = {
    "60/40": {"SPY": 0.6, "TLT": 0.4},
    "ten stocks": dict.fromkeys(["AAPL", "MSFT", "JPM", "JNJ", "XOM", "PG", "HD", "UNH", "KO", "CVX"], 0.1),
    "long/short": {"MSFT": 0.5, "UNH": 0.4, "HD": 0.4, "XOM": -0.4, "BAC": -0.4, "IWM": -0.3},
    "styles": {"VTV": 0.25, "VUG": 0.25, "IWM": 0.25, "USMV": 0.25},
    "levered equity": {"SPY": 1.5},
}
MODELS = {
    "shipped": "**⅔ HAR + ⅓ EWMA (ours)**",
    "plain": "the same without leverage",
    "drawn": "ours, its log drawn a fifth to the year's mean",
    "half": "½ HAR + ½ EWMA (shipped before)",
    "har": "HAR alone",
    "ewma": "EWMA",
    "trailing": "trailing 21 sessions",
}
RIVALS = {"garch": "GARCH(1,1)", "gjr": "GJR-GARCH(1,1)"}
FILTERS: dict[str, dict[str, object]] = {
    "fast and slow filter (shipped)": {},
    "one asymmetric filter (shipped before)": {"speeds": ((0.94, 1.5),)},
}
SAMPLE, REFIT, GARCH_WINDOW = 30, 21, 1000


def prices(path: Path) -> pd.DataFrame:
    wide = pd.read_parquet(path).pivot(index="date", columns="symbol", values="adj_close")
    wide.index = pd.to_datetime(wide.index)
    return wide.loc[:"2022-12-28"]


def book_returns(returns: pd.DataFrame, drawn: int = 0) -> pd.DataFrame:
    """Return the books' returns, and those of ``drawn`` random ones: two long-only books to one long/short."""
    books = {name: (returns[list(w)] * pd.Series(w)).sum(axis=1, skipna=False) for name, w in BOOKS.items()}
    whole = returns.columns[returns.loc["2014-01-03":].notna().all()]
    rng = np.random.default_rng(0)
    for number in range(drawn):
        chosen = list(rng.choice(whole, 10, replace=False))
        weights = np.full(10, 0.1) * (1 if number % 3 else np.where(np.arange(10) < 6, 1.5, -1.5))
        books[f"random {number}"] = returns[chosen] @ weights
    return pd.DataFrame(books)


def variances(returns: np.ndarray, ends: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return the daily variance that each model forecasts, and where HAR had enough history."""
    found = estimate_volatility(returns, ends)
    shipped, ewma, trailing = (np.square(x) / 252 for x in (found.forecast, found.ewma, found.realised_21))
    without_losses = estimate_volatility(np.abs(returns), ends)  # a leverage term that never moves
    har, plain = (
        np.where(made.model == "har_ewma", (made.forecast**2 / 252 - (1 - HAR_SHARE) * ewma) / HAR_SHARE, np.nan)
        for made in (found, without_losses)
    )
    year = np.stack([np.nanmean(returns[max(end - 251, 0) : end + 1] ** 2, axis=0) for end in ends])
    models = {
        "shipped": shipped,
        "plain": blend(plain, ewma),
        "drawn": shipped**0.8 * year**0.2,
        "half": (plain + ewma) / 2.0,
        "har": har,
        "ewma": ewma,
        "trailing": trailing,
    }
    return models, found.model == "har_ewma"


def outcomes(returns: np.ndarray, ends: np.ndarray) -> np.ndarray:
    return np.stack([(returns[end + 1 : end + 1 + HORIZON] ** 2).mean(axis=0) for end in ends])


def scorecard(title: str, returns: pd.DataFrame, half: str, extra: dict[str, pd.DataFrame] | None = None) -> None:
    """Print how the models did on the forecasts made in a half and met within it."""
    values = returns.to_numpy()
    first, last = (int(i) for i in np.searchsorted(returns.index, np.array(HALVES[half], dtype="datetime64[ns]")))
    ends = np.arange(max(first, LONGEST), min(last, len(values)) - HORIZON)
    if not len(ends):
        print(f"\n### {title}, {half.lower()}: too little history\n")
        return
    models, known = variances(values, ends)
    models |= {name: frame.to_numpy()[ends] for name, frame in (extra or {}).items()}
    outcome = outcomes(values, ends)
    known &= np.logical_and.reduce([outcome > 0, *(variance > 0 for variance in models.values())])
    enough = known.sum(axis=0) >= 504
    known = (known & enough)[:, enough]
    outcome = np.where(known, outcome[:, enough], np.nan)
    models = {name: np.where(known, variance[:, enough], np.nan) for name, variance in models.items()}
    loss = {name: qlike(outcome, variance) for name, variance in models.items()}
    after = values[ends + 1][:, enough]
    span = f"{returns.index[ends[0]]:%Y-%m-%d} to {returns.index[ends[-1]]:%Y-%m-%d}"
    print(f"\n### {title}, {half.lower()} {span}: {enough.sum()} series, {int(known.sum()):,} forecasts\n")
    print(
        "| model | mean QLIKE | median QLIKE | won by ours | DM p < 5 % for ours | against | mean loss: DM "
        "| MZ slope | joint p > 5 % | bias |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    ours = loss["shipped"]
    for model, variance in models.items():
        theirs, compared = loss[model], "– | – | – | –"
        if model != "shipped":
            statistic, p = diebold_mariano(ours, theirs, horizon=HORIZON)
            won = (np.nanmean(ours, axis=0) < np.nanmean(theirs, axis=0)).mean()
            all_series = [np.nanmean(losses, axis=1)[:, None] for losses in (ours, theirs)]
            (pooled,), (pooled_p,) = diebold_mariano(*all_series, horizon=HORIZON)
            shares = [won, ((p < 0.05) & (statistic < 0)).mean(), ((p < 0.05) & (statistic > 0)).mean()]
            compared = f"{' | '.join(f'{share:.0%}' for share in shares)} | {pooled:.2f}, p = {pooled_p:.4f}"
        fit = mincer_zarnowitz(outcome, variance, lags=HORIZON)
        biases = [
            np.std(own[keep] / np.sqrt(risk[keep]), ddof=1)
            for own, risk, keep in zip(after.T, variance.T, known.T, strict=True)
        ]
        name = (MODELS | RIVALS)[model]
        print(
            f"| {name} | {np.nanmean(theirs):.4f} | {np.nanmedian(theirs):.4f} | {compared} "
            f"| {np.median(fit.slope):.2f} | {(fit.p_value > 0.05).mean():.0%} | {np.median(biases):.3f} |"
        )


def garch_forecasts(returns: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Forecast the mean variance of the next 21 sessions by arch, refitted every 21 sessions on the 1,000 before."""
    from arch import arch_model

    out = {name: pd.DataFrame(np.nan, returns.index, returns.columns) for name in RIVALS}
    for symbol in returns:
        series = 100.0 * returns[symbol]
        for end in range(GARCH_WINDOW, len(series), REFIT):
            rows = series.iloc[end - GARCH_WINDOW : end + REFIT]
            for name, asymmetry in (("garch", 0), ("gjr", 1)):
                settings = {"mean": "Constant", "vol": "GARCH", "p": 1, "o": asymmetry, "q": 1, "rescale": False}
                fit = arch_model(rows.iloc[:GARCH_WINDOW], **settings).fit(disp="off", show_warning=False)
                made = arch_model(rows, **settings).fix(fit.params).forecast(horizon=HORIZON, start=GARCH_WINDOW - 1)
                mean = made.variance.mean(axis=1).iloc[:REFIT] / 1e4
                out[name].loc[mean.index, symbol] = mean.to_numpy()
    return out


def tail_report(returns: pd.DataFrame, half: str, **filter_settings: object) -> None:
    """Print the backtests of one-day value at risk of every session of a half."""
    values = returns.to_numpy()
    first, last = (int(i) for i in np.searchsorted(returns.index, np.array(HALVES[half], dtype="datetime64[ns]")))
    rows = range(max(first, 525), min(last, len(values) - 1))
    if not rows:
        print(f"\n{half}: too little history\n")
        return
    found = [tail(values[max(end + 1 - LOOK_BACK, 0) : end + 1], **filter_settings) for end in rows]
    after = values[np.array(rows) + 1]
    groups = {name: [returns.columns.get_loc(name)] for name in BOOKS}
    is_random = returns.columns.str.startswith("random")
    groups["random books"] = np.flatnonzero(is_random).tolist()
    groups["symbols"] = np.flatnonzero(~is_random & ~returns.columns.isin(list(BOOKS))).tolist()
    print(
        "| series | level | sessions | rate | Kupiec p < 5 % | clusters p < 5 % | dyn. quantile p < 5 % | Z2 | zone |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for level, share in (("95", 0.05), ("99", 0.01)):
        risk, short = (np.array([getattr(day, f"{name}_{level}") for day in found]) for name in ("var", "es"))
        hit = np.where(np.isnan(risk) | np.isnan(after), np.nan, after < -risk)
        count, total = np.nansum(hit, axis=0), (~np.isnan(hit)).sum(axis=0)
        tests = [
            kupiec(count, total, share).p_value,
            christoffersen(hit).p_value,
            dynamic_quantile(after, risk, share).p_value,
        ]
        z2, zone = acerbi_szekely(after, risk, short, share), traffic_light(np.nansum(hit[-250:], axis=0))
        for name, columns in groups.items():
            own = [column for column in columns if total[column] >= 504]
            if not own:
                continue
            rejected = " | ".join(
                f"{p[own[0]]:.3f}" if len(own) == 1 else f"{(p[own] < 0.05).mean():.0%}" for p in tests
            )
            title = name if len(own) == 1 else f"{len(own)} {name}"
            last_zone = zone[own[0]] if len(own) == 1 and level == "99" else "–"
            print(
                f"| {title} | {level} % | {total[own].sum():,} | {count[own].sum() / total[own].sum():.2%} "
                f"| {rejected} | {np.median(z2[own]):.2f} | {last_zone} |"
            )


def tail(returns: np.ndarray, **filter_settings: object) -> TailRisk:
    return filtered_historical_simulation(returns, **filter_settings)  # type: ignore[arg-type]


def range_report() -> None:
    """The input matters: the index that arch ships has highs and lows."""
    from arch.data import sp500

    prices = sp500.load()
    returns = prices[["Adj Close"]].pct_change().to_numpy()
    ranges = parkinson_variance(prices[["High"]].to_numpy(), prices[["Low"]].to_numpy())
    ends = np.arange(LONGEST, len(returns) - HORIZON)
    outcome = outcomes(returns, ends)[:, 0] * 252
    print(f"\n### Ranges as input: S&P 500, {prices.index[LONGEST]:%Y-%m-%d} to 2018, {len(ends):,} forecasts\n")
    print("| model | mean QLIKE | Diebold–Mariano against ours of squared returns |")
    print("|---|---|---|")
    plain, ranged = (estimate_volatility(returns, ends, ranges=r) for r in (None, ranges))
    loss = {
        "ours of squared returns": qlike(outcome, plain.forecast[:, 0] ** 2),
        "ours of ranges": qlike(outcome, ranged.forecast[:, 0] ** 2),
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
    parser.add_argument("--tail-symbols", type=int, default=100, help="how many symbols have their tail tested")
    chosen = parser.parse_args()
    wide = prices(chosen.prices)
    returns = (wide / wide.shift(1) - 1.0).iloc[1:]
    books = book_returns(returns, drawn=60)
    rng = np.random.default_rng(1)
    whole = returns.columns[returns.notna().mean() > 0.98]
    sample = returns[sorted(rng.choice(whole, min(SAMPLE, len(whole)), replace=False))]
    with np.errstate(invalid="ignore", divide="ignore"):
        for half in HALVES:
            scorecard("Symbols", returns, half)
            scorecard("Five portfolios", books[list(BOOKS)], half)
        rivals = garch_forecasts(sample.dropna())
        for half in HALVES:
            scorecard(f"Against GARCH on {sample.shape[1]} symbols", sample.dropna(), half, rivals)
    range_report()
    tested = sorted(rng.choice(returns.columns, min(chosen.tail_symbols, returns.shape[1]), replace=False))
    series = books.join(returns[tested])
    for half in HALVES:
        for name, filter_settings in FILTERS.items():
            print(f"\n### One-day value at risk, {half.lower()}: {name}\n")
            tail_report(series, half, **filter_settings)


if __name__ == "__main__":
    main()
