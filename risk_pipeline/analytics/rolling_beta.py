"""Single-factor betas over trailing windows, with standard errors robust to autocorrelation.

Full windows share the factor's rows, so their sums are band products (``rolling_sums.py``, ``window_weights.py``).
Windows with gaps are fitted from their own pairs (``masked_beta.py``), and so are the few full ones whose
residuals are too small a part of the returns for sums of products to keep their digits. No sum runs on from one
window to the next, so no earlier print can reach a later window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Float3D, Int1D, Int2D
from .masked_beta import fit_windows
from .rolling_sums import SESSIONS, padded_columns, pairs_in_window, window_sums
from .window_weights import WindowBlock, window_blocks

FEW_DIGITS = 1e-4
"""Below this share of the sums they are differences of, residual sums are computed from residuals."""


@dataclass(frozen=True)
class RollingBeta:
    """OLS with intercept of each symbol on one factor; every field has shape (D, N).

    NaN in all but ``observations`` means too few pairs, or a factor that did not move. ``beta`` is return per
    unit of factor return. ``std_error`` is Newey-West's: Bartlett kernel, lag ``floor(4 (n / 100)^(2/9))``, no
    small-sample correction. ``t_stat`` is NaN where that error is zero, as of a proxy on itself; ``r_squared``
    also where the symbol's returns did not move. ``observations`` counts the pairs in the window.
    """

    beta: Float2D
    std_error: Float2D
    t_stat: Float2D
    r_squared: Float2D
    observations: Int2D


def rolling_beta(returns: Float2D, factor: Float1D, ends: Int1D, *, window: int, min_observations: int) -> RollingBeta:
    """Regress each symbol on the factor over the ``window`` sessions up to each end.

    Pairwise complete: a gap in one symbol leaves the others alone, and lags count observations across it. Ends
    with fewer rows before them use the rows there are. Nothing is clipped.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN or infinite is a gap.
    factor : (T,) simple returns of the factor.
    ends : (D,) row of each window's last session, in any order.

    Raises
    ------
    IndexError : an end that is no row of ``returns``.

    References
    ----------
    Newey & West (1987), Econometrica 55; (1994), Review of Economic Studies 61. Equal to statsmodels'
    ``OLS(...).fit(cov_type="HAC", cov_kwds={"maxlags": lag})``, whose ``use_correction`` is off by default.
    """
    x = _padded_factor(factor, ends, window)
    blocks = list(window_blocks(x, ends, window))
    usable = np.isfinite(factor)
    fields = np.empty((4, len(ends), returns.shape[1]))
    observations = np.empty((len(ends), returns.shape[1]), dtype=np.int64)
    for place, y, present in padded_columns(returns, window):
        paired = present & usable[:, None]
        count = pairs_in_window(paired, ends, window)
        estimates = fields[:, :, place]
        refit = _full_windows(y, blocks, estimates) | (count < window)
        missing = count < max(min_observations, 1)
        estimates[:, missing] = np.nan
        days, columns = np.nonzero(refit & ~missing)
        rows = slice(window - 1, window - 1 + len(factor))
        estimates[:, days, columns] = fit_windows(y[rows], x[rows], paired, ends, days, columns, window)
        observations[:, place] = count
    beta, std_error, t_stat, r_squared = fields
    return RollingBeta(beta, std_error, t_stat, r_squared, observations)


def _padded_factor(factor: Float1D, ends: Int1D, window: int) -> Float1D:
    """Put zero for gaps, and around the rows so that every block of windows has all of its rows."""
    if len(ends) and not (ends.min() >= 0 and ends.max() < len(factor)):
        raise IndexError(f"ends must be rows 0 to {len(factor) - 1}, not {ends.min()} to {ends.max()}")
    return np.pad(np.where(np.isfinite(factor), factor, 0.0), (window - 1, SESSIONS - 1))


def _full_windows(y: Float2D, blocks: list[WindowBlock], out: Float3D) -> Bool2D:
    """Write beta, error, t statistic and R-squared of windows taken as full; return where digits are doubtful."""
    doubtful = np.zeros(out.shape[1:], dtype=bool)
    width = out.shape[2]
    products = [y * y]
    for lag in range(1, len(blocks[0].lagged) + 1 if blocks else 1):
        product = np.zeros_like(y)
        np.multiply(y[lag:], y[:-lag], out=product[lag:])
        products.append(product)
    for block in blocks:
        doubts = _full_block(y, products, block, out)
        doubtful[block.days] = doubts[block.place, :width]
    return doubtful


def _full_block(y: Float2D, products: list[Float2D], block: WindowBlock, out: Float3D) -> Bool2D:
    """Combine the sums and write the fields; ``window_weights`` lists the sums."""
    beta, mean, with_mean, with_slope = window_sums(block.linear, y[block.rows])
    raw, own_meat = window_sums(block.square, products[0][block.rows])
    meat = own_meat - mean * with_mean - beta * with_slope
    for bands, product in zip(block.lagged, products[1:], strict=True):
        meat += window_sums(bands, product[block.rows])[0]
    constant = block.constant[:, :, None]
    meat += mean * mean * constant[0] + mean * beta * constant[1] + beta * beta * constant[2]
    spread = block.spread[:, None]
    total = raw - block.window * mean * mean
    loss = total - beta * beta * spread
    sound = (loss > FEW_DIGITS * raw) & (meat > FEW_DIGITS * own_meat)
    std_error = np.sqrt(np.where(sound, meat, np.nan)) / spread
    r_squared = 1.0 - loss / np.where(sound, total, np.nan)
    for field_index, field in enumerate((beta, std_error, beta / std_error, r_squared)):
        out[field_index, block.days] = field[block.place, : out.shape[2]]
    return np.asarray(~sound)
