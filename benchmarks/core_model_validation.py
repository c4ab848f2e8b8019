"""What the constants of the core model rest on, from a file of prices: ``core_model_validation.py PRICES.parquet``.

The file has columns ``date, symbol, adj_close``. Everything is chosen on the sessions up to 2019 and reported on those
from 2020 on: the prior variances of the registry, the next 21 sessions' residual variance with one penalty of 40 for
all, with a penalty of each symbol's own, with the cross-asset factors and with sectors, and the degrees of freedom of
the shocks' multivariate t. The bands of a scenario were chosen on 2014 to 2018 and are reported on 2019 to 2022.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from risk_pipeline.analytics.core_ridge import BeyondSpec, CoreSpec, core_ridge
from risk_pipeline.analytics.covariance import WINDOW, factor_covariance
from risk_pipeline.analytics.exposures import series_fit
from risk_pipeline.analytics.factor_returns import relative_factors, residual_returns
from risk_pipeline.analytics.kernels.constants import UNKNOWN_SECTOR
from risk_pipeline.analytics.ridge_penalty import prior_variances
from risk_pipeline.analytics.stress import band_std, conditional_moves, conditional_std
from risk_pipeline.config.factors import load_factors

HORIZON = 21
PERIODS = ((2010, 2019), (2020, 2022))
FORMER_PENALTY = 40.0
BAND_PERIODS, BOOKS, WILD = ((2014, 2018), (2019, 2022)), 120, 0.01
SHOCKS = {"market": [0], "rates": [1], "market and rates": [0, 1], "market, size and quality": [0, 5, 6]}


class Prices:
    """Daily returns, the core factors, and what the registry says of both."""

    def __init__(self, path: Path) -> None:
        wide = pd.read_parquet(path).pivot(index="date", columns="symbol", values="adj_close").astype(float)
        self.years = pd.DatetimeIndex(wide.index).year.to_numpy()
        self.symbols = list(wide.columns)
        self.returns = (wide / wide.shift(1) - 1.0).to_numpy()
        self.factors = load_factors()
        proxies = self.returns[:, [self.symbols.index(symbol) for symbol in self.factors.core_proxies]]
        self.core = relative_factors(proxies[:, 0], proxies[:, 1], proxies[:, 2:])
        style = self.factors.styles[0]
        self.spec = CoreSpec(
            *(style.window, style.half_life, style.min_observations),
            np.array(self.factors.prior_mean),
            np.array(self.factors.prior_variance),
        )

    def ends(self, first: int, last: int, step: int) -> list[int]:
        """Return rows with a full window of factors before and the horizon after, each ``step`` sessions."""
        rows = np.flatnonzero((self.years >= first) & (self.years <= last))[::step]
        whole = [row - self.spec.window + 1 for row in rows]
        return [
            int(row)
            for row, start in zip(rows, whole, strict=True)
            if start > 0 and row + HORIZON < len(self.core) and not np.isnan(self.core[start : row + 1]).any()
        ]


def calibrated(prices: Prices) -> None:
    """Print the prior variances that each period suggests: medians over the ends of its years."""
    own = {f.proxy for f in prices.factors.factors}
    others = [at for at, symbol in enumerate(prices.symbols) if symbol not in own]
    print("Prior variance by factor, ×1e-6:", *prices.factors.core_names)
    print("  registry ", *(f"{value * 1e6:.2f}" for value in prices.factors.prior_variance))
    for first, last in PERIODS:
        found = []
        for year in range(first, last + 1):
            (end,) = prices.ends(year, year, 1)[-1:] or [0]
            if end:
                rows = slice(end + 1 - prices.spec.window, end + 1)
                window = prices.returns[rows][:, others], prices.core[rows]
                found.append(
                    prior_variances(*window, half_life=prices.spec.half_life, prior=prices.spec.prior).variance
                )
        print(f"  {first}-{last}", *(f"{value * 1e6:.2f}" for value in np.median(found, axis=0)))


def one_penalty_for_all(prices: Prices, rows: slice, columns: np.ndarray) -> np.ndarray:
    """Return the coefficients (K, N) of the former model: a penalty of 40 for every symbol."""
    x, y, decay = prices.core[rows], prices.returns[rows][:, columns], prices.spec.decay
    weight = decay * (len(decay) / decay.sum())
    centred = x - (weight[:, None] * x).mean(axis=0)
    scale = np.sqrt((weight[:, None] * centred**2).mean(axis=0))
    z, beyond = centred / scale, y - (x * prices.spec.prior).sum(axis=1)[:, None]
    gram = z.T @ (weight[:, None] * z) + FORMER_PENALTY * np.eye(x.shape[1])
    return np.linalg.solve(gram, z.T @ (weight[:, None] * beyond)) / scale[:, None] + prices.spec.prior[:, None]


def residuals(prices: Prices, first: int, last: int) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Yield the columns without a gap and the squared residuals of the next sessions, by model."""
    factors, symbols = prices.factors, prices.symbols
    cross = [f for f in factors.cross_asset if f.proxy in symbols]
    sectors = [f for f in factors.sectors if f.proxy in symbols]
    proxies = np.array([symbols.index(f.proxy) for f in (*cross, *sectors)])
    for end in prices.ends(first, last, HORIZON):
        rows, after = slice(end + 1 - prices.spec.window, end + 1), slice(end + 1, end + 1 + HORIZON)
        columns = np.flatnonzero(~np.isnan(prices.returns[rows.start : after.stop]).any(axis=0))
        beyond = BeyondSpec(
            cross=proxies[: len(cross)],
            prior_variance=np.array([f.prior_variance for f in cross]),
            sectors=proxies[len(cross) :],
            sector_of=np.full((1, len(symbols)), UNKNOWN_SECTOR),
        )
        fit = core_ridge(prices.returns, prices.core, np.array([end]), prices.spec, beyond)
        x, y = prices.core[after], prices.returns[after][:, columns]
        own = y - x @ fit.coefficients[0, columns].T
        others = residual_returns(
            x, prices.returns[after][:, proxies], fit.coefficients[0, proxies], fit.cross[0, proxies]
        )
        others = np.nan_to_num(others)
        wider = own - others[:, : len(cross)] @ np.nan_to_num(fit.cross[0, columns]).T
        number = np.maximum(fit.sector[0, columns], 0)
        widest = wider - others[:, len(cross) :][:, number] * np.nan_to_num(fit.sector_beta[0, columns])
        former = y - x @ one_penalty_for_all(prices, rows, columns)
        models = {"penalty 40": former, "own penalty": own, "cross-asset": wider, "sectors": widest}
        yield columns, {name: ((rest - rest.mean(axis=0)) ** 2).sum(axis=0) for name, rest in models.items()}


def held_out(prices: Prices) -> None:
    """Print each model's residual variance over the next sessions, relative to one penalty of 40 for all."""
    for first, last in PERIODS:
        sums: dict[str, np.ndarray] = {}
        for columns, squares in residuals(prices, first, last):
            for name, values in squares.items():
                np.add.at(sums.setdefault(name, np.zeros(len(prices.symbols))), columns, values)
        base = sums["penalty 40"]
        known = base > 0
        print(f"Residual variance of the next {HORIZON} sessions, {first}-{last}, {known.sum()} symbols:")
        for name, values in sums.items():
            ratio = values[known] / base[known]
            print(
                f"  {name:12} mean {ratio.mean():.3f}, median {np.median(ratio):.3f}, better {(ratio < 1).mean():.0%}"
            )


def tails(prices: Prices) -> None:
    """Print the degrees of freedom that fit the next session's moves best, given the covariance before it."""
    from scipy.optimize import minimize_scalar
    from scipy.special import gammaln
    from scipy.stats import f as fisher

    for name, shocked in SHOCKS.items():
        for first, last in PERIODS:
            ends = np.array([end for end in prices.ends(first, last, 1) if end >= WINDOW])
            covariance = factor_covariance(prices.core, ends).covariance[:, shocked][:, :, shocked]
            moves = prices.core[ends + 1][:, shocked]
            known = ~np.isnan(covariance).any(axis=(1, 2)) & ~np.isnan(moves).any(axis=1)
            solved = np.linalg.solve(covariance[known], moves[known][..., None])[..., 0]
            squared, k = (moves[known] * solved).sum(axis=1), len(shocked)

            def loss(log_excess: float, squared: np.ndarray = squared, k: int = k) -> float:
                nu = 2.0 + np.exp(log_excess)
                scale = (nu - 2.0) / nu
                constant = gammaln((nu + k) / 2) - gammaln(nu / 2) - k / 2 * np.log(nu * np.pi * scale)
                return float(-(constant - (nu + k) / 2 * np.log1p(squared / (nu * scale))).sum())

            best = 2.0 + np.exp(minimize_scalar(loss, bounds=(-4.0, 5.0), method="bounded").x)
            own = prices.factors.degrees_of_freedom.of(k)
            rarest = fisher.sf(squared / k * own / (own - 2.0), k, own)
            print(
                f"{name}, {first}-{last}: {len(squared)} days, best {best:.1f} degrees of freedom; with the registry's "
                f"{own:.0f}, {(rarest < 1e-2).mean():.2%} rarer than 1 in 100, {(rarest < 1e-4).sum()} than 1 in 10,000"
            )


def random_books(symbols: int, rng: np.random.Generator) -> np.ndarray:
    """Return weights (BOOKS, N) of 5 to 30 names: the first half long only, the second half long and short."""
    weights = np.zeros((BOOKS, symbols))
    for book, row in enumerate(weights):
        chosen = rng.choice(symbols, min(rng.integers(5, 31), symbols), replace=False)
        size = rng.dirichlet(np.full(len(chosen), 2.0))
        row[chosen] = size if book < BOOKS // 2 else 2.0 * size * np.where(np.arange(len(size)) % 2, -1.0, 1.0)
    return weights


def bands(prices: Prices) -> None:
    """Print how often what random books gained on a wild day was within two deviations of the market's scenario.

    The scenario is the market's own return of the day, propagated from the session before.
    """
    own = {f.proxy for f in prices.factors.factors}
    others = np.array([at for at, symbol in enumerate(prices.symbols) if symbol not in own])
    market, degrees = prices.core[:, 0], prices.factors.degrees_of_freedom.of(1)
    inside: dict[tuple[str, str, str, str], list[float]] = {}
    rng = np.random.default_rng(0)
    for first, last in BAND_PERIODS:
        for end in prices.ends(first, last, 1):
            if abs(market[end + 1]) <= WILD:
                continue
            rows = slice(end + 1 - prices.spec.window, end + 1)
            known = others[~np.isnan(prices.returns[rows.start : end + 2, others]).any(axis=0)]
            weights = random_books(len(known), rng)
            fit = core_ridge(prices.returns[:, known], prices.core, np.array([end]), prices.spec)
            exposure = weights @ fit.coefficients[0]
            covariance = factor_covariance(prices.core, np.array([end])).covariance[0]
            moved = conditional_moves(covariance, np.array([0]), market[[end + 1]], degrees_of_freedom=degrees)
            series = series_fit(prices.returns[rows][:, known] @ weights.T, prices.core[rows])
            missed = np.abs(weights @ prices.returns[end + 1, known] - exposure @ moved.move)
            conditional, year = conditional_std(exposure, moved.covariance), series.residual_volatility
            stds = {
                "factors alone": conditional,
                "and the year's own risk": band_std(conditional, 1.0, year, year, 1),
                "shipped": band_std(conditional, moved.tail_scale, year, series.recent_volatility, 1),
            }
            direction = "up" if market[end + 1] > 0 else "down"
            for name, std in stds.items():
                for kind, half in (("long", slice(0, BOOKS // 2)), ("long/short", slice(BOOKS // 2, None))):
                    cell = (name, f"{first}-{last}", kind, direction)
                    inside.setdefault(cell, []).extend((missed <= 2.0 * std)[half].tolist())
    print(f"Within two deviations on days with |market| > {WILD:.0%}:")
    for (name, period, kind, direction), hits in inside.items():
        print(f"  {name:24} {period} {kind:10} {direction:4} {np.mean(hits):.1%} of {len(hits):,}")


def main() -> None:
    """Read the path and print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("prices", type=Path, help="Parquet file with date, symbol, adj_close")
    prices = Prices(parser.parse_args().prices)
    calibrated(prices)
    held_out(prices)
    tails(prices)
    bands(prices)


if __name__ == "__main__":
    main()
