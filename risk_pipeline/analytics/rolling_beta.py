"""Single-factor betas over trailing windows, with standard errors robust to autocorrelation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Float1D, Float2D, Int1D, Int2D
from .returns import by_symbol


@dataclass(frozen=True)
class RollingBeta:
    """OLS with intercept of each symbol on one factor; every field has shape (D, N).

    NaN in all but ``observations`` means too few pairs, or a factor that did not move. ``beta`` is return per
    unit of factor return. ``std_error`` is Newey-West's: Bartlett kernel, lag ``floor(4 (n / 100)^(2/9))``, no
    small-sample correction; zero where the residual is only rounding, as of a proxy on itself, and ``t_stat`` then
    NaN. ``r_squared`` is NaN also where the symbol's returns did not move. ``observations`` counts the pairs in the
    window.
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
    from .kernels.rolling_regression import write_rolling_betas

    if len(ends) and not (ends.min() >= 0 and ends.max() < len(factor)):
        raise IndexError(f"ends must be rows 0 to {len(factor) - 1}, not {ends.min()} to {ends.max()}")
    y, x = by_symbol(returns), np.where(np.isfinite(factor), factor, np.nan)
    fields = np.empty((4, len(ends), len(y)))
    observations = np.empty((len(ends), len(y)), dtype=np.int64)
    write_rolling_betas(y, x, ends.astype(np.int64), window, max(min_observations, 1), fields, observations)
    beta, std_error, t_stat, r_squared = fields
    return RollingBeta(beta, std_error, t_stat, r_squared, observations)
