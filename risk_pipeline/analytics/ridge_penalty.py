"""Which penalty of the core model suits a universe: the Bayes ratio of noise to the spread of true betas."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D


@dataclass(frozen=True)
class BayesRatio:
    """The penalty that least squares suggests, in z-scored units, and what it is made of.

    ``ratio`` is ``residual_variance`` (the symbols' median, of daily returns) over the mean of ``beta_variance``
    (K,): by factor, how much the symbols' true z-scored betas differ, the noise of their estimates taken off. It is
    infinite where they don't differ beyond that noise.
    """

    ratio: float
    residual_variance: float
    beta_variance: Float1D
    symbols: int


def bayes_ratio(returns: Float2D, factors: Float2D, *, half_life: float) -> BayesRatio:
    """Return the ratio from one window of returns (W, N) on the core factors (W, K), by weighted least squares.

    Symbols with a gap and sessions that lack a factor are left out; weights and z-scores are ``core_ridge``'s.

    Raises
    ------
    ValueError : fewer than ten symbols are left, or too few sessions.

    References
    ----------
    Hoerl, Kennard & Baldwin (1975), Communications in Statistics 4; Vasicek (1973), J. Finance 28.
    """
    usable = ~np.isnan(factors).any(axis=1)
    x, y = factors[usable], returns[usable]
    y = y[:, ~np.isnan(y).any(axis=0)]
    (count, width), symbols = x.shape, y.shape[1]
    if symbols < 10 or count < 2 * width + 2:
        raise ValueError(
            f"{symbols} symbols without a gap over {count} sessions are too few: at least 10 over {2 * width + 2}"
        )
    weight = 0.5 ** (np.arange(len(factors) - 1, -1, -1) / half_life)[usable, None]
    weight *= count / weight.sum()
    centred = x - (weight * x).mean(axis=0)
    root = np.sqrt(weight)
    z = root * centred / np.sqrt((weight * centred**2).mean(axis=0))
    operator = np.linalg.pinv(z)
    target = root * (y - (weight * y).mean(axis=0))
    betas = operator @ target
    variance = ((target - z @ betas) ** 2).sum(axis=0) / (count - width - 1)
    sampling = ((operator * root.T) ** 2).sum(axis=1) * variance.mean()
    spread = np.maximum(betas.var(axis=1, ddof=1) - sampling, 0.0)
    noise = float(np.median(variance))
    return BayesRatio(noise / float(spread.mean()) if spread.any() else np.inf, noise, spread, symbols)
