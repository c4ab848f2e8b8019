"""Rolling regressions of 5,000 symbols over 1,000 sessions: ours, other libraries' and what the machine allows.

One factor and eight, windows of 90 and 252, on one core. Slow rivals run on a part of the symbols or windows and
are scaled up; the table says which part. ``--quick`` is a small market, for a smoke test.

The floors: ``DGEMM`` is one matrix product with as many multiplications as the betas need, into memory that is
there; ``memory`` reads the returns and writes the betas once. Errors are against least squares in long double.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from statsmodels.regression.rolling import RollingOLS

from risk_pipeline.analytics.core_ridge import CoreSpec, core_ridge
from risk_pipeline.analytics.rolling_beta import rolling_beta


@dataclass
class Row:
    """One line of the table: seconds for the whole market, what part was run, largest error of a beta."""

    name: str
    seconds: float
    part: str = "all"
    error: float | None = None


def best(run: Callable[[], object], times: int) -> float:
    """Return the shortest wall time in seconds."""
    seconds = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def market(sessions: int, symbols: int, factors: int) -> tuple[np.ndarray, np.ndarray]:
    """Return returns (T, N) and factors (T, K) with fat tails, without gaps."""
    rng = np.random.default_rng(0)
    f = rng.standard_t(5, (sessions, factors)) * 0.01
    betas = rng.normal(0.5, 0.5, (factors, symbols))
    return f @ betas + rng.standard_t(5, (sessions, symbols)) * 0.015, f


def reference(returns: np.ndarray, factors: np.ndarray, window: int, ends: np.ndarray) -> np.ndarray:
    """Return betas (D, N, K) by normal equations of centred values in long double."""
    out = np.empty((len(ends), returns.shape[1], factors.shape[1]))
    for day, end in enumerate(ends):
        x = factors[end - window + 1 : end + 1].astype(np.longdouble)
        y = returns[end - window + 1 : end + 1].astype(np.longdouble)
        x, y = x - x.mean(axis=0), y - y.mean(axis=0)
        left, right = x.T @ x, x.T @ y
        for k in range(len(left)):  # Gauss and Jordan, since LAPACK has no long double
            right[k], left[k] = right[k] / left[k, k], left[k] / left[k, k]
            for row in range(len(left)):
                if row != k:
                    right[row] -= left[row, k] * right[k]
                    left[row] -= left[row, k] * left[k]
        out[day] = right.T.astype(float)
    return out


def rolling_ols(returns: np.ndarray, factors: np.ndarray, window: int) -> np.ndarray:
    exog = np.column_stack([np.ones(len(factors)), factors])
    fits = [RollingOLS(y, exog, window).fit(params_only=True).params[window - 1 :, 1:] for y in returns.T]
    return np.stack(fits, axis=1)


def linear_regressions(returns: np.ndarray, factors: np.ndarray, window: int, ends: np.ndarray) -> np.ndarray:
    return np.stack(
        [LinearRegression().fit(factors[e - window + 1 : e + 1], returns[e - window + 1 : e + 1]).coef_ for e in ends]
    )


def pandas_betas(returns: np.ndarray, factor: np.ndarray, window: int) -> np.ndarray:
    x = pd.Series(factor)
    frame = pd.DataFrame(returns)
    return (frame.rolling(window).cov(x).div(x.rolling(window).var(), axis=0)).to_numpy()[window - 1 :, :, None]


def floors(returns: np.ndarray, window: int, days: int, factors: int, repeats: int) -> list[Row]:
    betas = np.empty((days * factors, returns.shape[1]))
    weights = np.random.default_rng(1).normal(size=(days * factors, window))
    copy = np.empty_like(returns)

    def memory() -> None:
        np.copyto(copy, returns)
        betas.fill(0.0)

    rows = returns[:window].copy()
    return [
        Row("floor: memory", best(memory, repeats)),
        Row("floor: DGEMM", best(lambda: np.matmul(weights, rows, out=betas), repeats)),
    ]


def one_factor(returns: np.ndarray, factor: np.ndarray, window: int, quick: bool) -> list[Row]:
    repeats = 3 if quick else 9
    symbols, ends = returns.shape[1], np.arange(window - 1, len(returns))
    few, some_ends = min(20, symbols), ends[:: max(len(ends) // 30, 1)]
    truth = reference(returns[:, :few], factor[:, None], window, ends)

    def error(betas: np.ndarray, days: slice | np.ndarray = slice(None)) -> float:
        return float(np.abs(betas[:, :few].reshape(truth[days].shape) - truth[days]).max())

    def complete(panel: np.ndarray) -> np.ndarray:
        return rolling_beta(panel, factor, ends, window=window, min_observations=60).beta

    gappy = returns.copy()
    gappy[:, 7::20][np.random.default_rng(2).random(gappy[:, 7::20].shape) < 0.01] = np.nan

    rows = [
        *floors(returns, window, len(ends), 1, repeats),
        Row(
            "ours: with HAC errors, t, R2",
            best(lambda: complete(returns), min(repeats, 5)),
            error=error(complete(returns)),
        ),
        Row("ours: the same, 5 % of symbols with gaps", best(lambda: complete(gappy), min(repeats, 3))),
    ]
    scale = symbols / few
    rows.append(
        Row(
            "statsmodels RollingOLS",
            best(lambda: rolling_ols(returns[:, :few], factor[:, None], window), 2) * scale,
            f"{few} symbols",
            error(rolling_ols(returns[:, :few], factor[:, None], window)),
        )
    )
    rows.append(
        Row(
            "scikit-learn, window by window",
            best(lambda: linear_regressions(returns, factor[:, None], window, some_ends), 2)
            * len(ends)
            / len(some_ends),
            f"{len(some_ends)} windows",
            error(linear_regressions(returns[:, :few], factor[:, None], window, some_ends), some_ends - ends[0]),
        )
    )
    rows.append(
        Row(
            "pandas rolling cov / var",
            best(lambda: pandas_betas(returns[:, :few], factor, window), 2) * scale,
            f"{few} symbols",
            error(pandas_betas(returns[:, :few], factor, window)),
        )
    )
    return rows


def eight_factors(returns: np.ndarray, factors: np.ndarray, window: int, quick: bool) -> list[Row]:
    """Joint regressions: the ridge without its penalty or decay, so that all estimate the same."""
    symbols, ends = returns.shape[1], np.arange(window - 1, len(returns))
    few, some_ends = min(10, symbols), ends[-64:]  # in a row, as the pipeline asks for them
    part = len(ends) / len(some_ends)
    truth = reference(returns[:, :few], factors, window, some_ends)

    def ours(panel: np.ndarray) -> np.ndarray:
        width = factors.shape[1]
        spec = CoreSpec(window, np.inf, 60, np.zeros(width), np.full(width, 1e6))
        return core_ridge(panel, factors, some_ends, spec).coefficients

    def error(betas: np.ndarray) -> float:
        return float(np.abs(betas[:, :few] - truth).max())

    by_statsmodels = rolling_ols(returns[:, :few], factors, window)[some_ends - ends[0]]
    windows = f"{len(some_ends)} windows"
    return [
        *floors(returns, window, len(ends), factors.shape[1], 1 if quick else 3),
        Row(
            "ours: ridge, errors and R2 included",
            best(lambda: ours(returns), 3) * part,
            windows,
            error(ours(returns)),
        ),
        Row(
            "statsmodels RollingOLS",
            best(lambda: rolling_ols(returns[:, :few], factors, window), 2) * symbols / few,
            f"{few} symbols",
            error(by_statsmodels),
        ),
        Row(
            "scikit-learn, window by window",
            best(lambda: linear_regressions(returns, factors, window, some_ends), 2) * part,
            windows,
            error(linear_regressions(returns, factors, window, some_ends)),
        ),
    ]


def show(title: str, rows: list[Row]) -> None:
    own = next(row.seconds for row in rows if row.name.startswith("ours"))
    print(f"\n{title}")
    print(f"{'':44}{'seconds':>10}{'x first of ours':>17}{'largest error':>15}  measured on")
    for row in rows:
        error = "" if row.error is None else f"{row.error:.1e}"
        print(f"{row.name:44}{row.seconds:>10.4f}{row.seconds / own:>17,.2f}{error:>15}  {row.part}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small market")
    quick = parser.parse_args().quick
    sessions, symbols = (300, 300) if quick else (1000, 5000)
    returns, factors = market(sessions, symbols, 8)
    print(f"{symbols:,} symbols x {sessions:,} sessions, {os.environ['OPENBLAS_NUM_THREADS']} BLAS thread")
    for window in (90, 252):
        show(f"one factor, window {window}", one_factor(returns, factors[:, 0], window, quick))
    for window in (90, 252):
        show(f"eight factors jointly, window {window}", eight_factors(returns, factors, window, quick))


if __name__ == "__main__":
    main()
