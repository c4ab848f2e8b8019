"""Sums that are robust to autocorrelation, of Newey and West (1987, 1994)."""

from __future__ import annotations

import math

import numpy as np

from ..arrays import Float1D
from .compiled import part
from .vectors import dot


@part
def newey_west_lag(observations: int) -> int:
    """Return the largest lag, ``floor(4 (n / 100)^(2/9))``, for the Bartlett kernel."""
    lag: int = math.floor(4.0 * (observations / 100.0) ** (2.0 / 9.0))
    return lag


@part
def bartlett_weights(observations: int) -> Float1D:
    """Return what each autocovariance counts for: 1 at lag 0, ``2 (1 - l / (L + 1))`` at ``l``."""
    lag = newey_west_lag(observations)
    weights = np.ones(lag + 1)
    for k in range(1, lag + 1):
        weights[k] = 2.0 * (1.0 - k / (lag + 1.0))
    return weights


@part
def long_run_sum(values: Float1D, weights: Float1D, scratch: Float1D) -> float:
    """Return ``sum_l weights_l sum_t values_t values_(t-l)``, not below zero; ``scratch`` is as long as the values."""
    smooth, weight = scratch[: len(values)], weights[0]
    for row in range(len(values)):
        smooth[row] = weight * values[row]
    for lag in range(1, len(weights)):
        later, earlier, weight = smooth[lag:], values[: len(values) - lag], weights[lag]
        for row in range(len(later)):
            later[row] += weight * earlier[row]
    return max(dot(values, smooth), 0.0)
