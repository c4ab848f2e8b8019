"""Standard errors of a book's exposures: of the regression of its own constant-weight return series."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D
from .blocks import column_blocks
from .window_weights import bartlett_weights, newey_west_lag

NO_SPREAD = 1e-20
"""A residual below this share of the series' squares is rounding error, not a residual."""


def series_errors(
    series: Float2D, factors: Float2D, *, min_observations: int, weight: Float1D | None = None
) -> Float2D:
    """Return the HAC standard error of each slope, (P, K), of series (W, P) on factors (W, K) and an intercept.

    Least squares, weighted where ``weight`` (W,) is given; Bartlett kernel, Newey and West's lag. The errors of a
    book's symbols are not independent, so they can't be added up; without gaps the book's slope is the sum of its
    symbols', and this is that slope's own error. NaN with fewer than ``min_observations`` common sessions.

    The error is a quadratic form of the residuals: with ``a`` the weights that make a slope of returns,
    ``V = sum_l k_l sum_t a_t a_(t-l) e_t e_(t-l)``. So each lag is one product for all slopes.

    References
    ----------
    Newey & West (1987, 1994); equal to statsmodels' ``WLS(...).fit(cov_type="HAC")``.
    """
    out = np.full((series.shape[1], factors.shape[1]), np.nan)
    usable = np.asarray(~np.isnan(factors).any(axis=1))
    present = ~np.isnan(series) & usable[:, None]
    weights = np.ones(len(series)) if weight is None else weight
    groups: dict[bytes, list[int]] = {}
    for column, key in enumerate(np.packbits(present, axis=0).T):
        groups.setdefault(key.tobytes(), []).append(column)
    for members in groups.values():
        rows = present[:, members[0]]
        count = int(rows.sum())
        if count < max(min_observations, factors.shape[1] + 2):
            continue
        design = np.column_stack([np.ones(count), factors[rows]])
        root = np.sqrt(weights[rows])[:, None]
        if np.linalg.matrix_rank(root * design) < design.shape[1]:
            continue
        slopes = np.linalg.pinv(root * design) * root.T
        kernel = bartlett_weights(newey_west_lag(count))
        pairs = [k * slopes[1:, lag:] * slopes[1:, : count - lag] for lag, k in enumerate(kernel)]
        for place, block in column_blocks(series[rows][:, members]):
            rest = block - design @ (slopes @ block)
            rest = np.where((rest * rest).sum(axis=0) > NO_SPREAD * (block * block).sum(axis=0), rest, 0.0)
            variance = np.zeros((factors.shape[1], block.shape[1]))
            for lag, pair in enumerate(pairs):
                variance += pair @ (rest[lag:] * rest[: count - lag])
            columns = members[place]
            out[columns] = np.sqrt(np.maximum(variance, 0.0)).T[: place.stop - place.start]
    return out
