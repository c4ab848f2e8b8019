"""What each lot adds to the volatility of its portfolio."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D, Int1D
from .sums import sum_by

SESSIONS_A_YEAR = 252


def volatility_contributions(
    owner: Int1D, exposure: Float1D, returns: Float2D, equity: Float1D, *, min_coverage: float = 0.8
) -> Float1D:
    """Return each lot's Euler part of its portfolio's annualised volatility, (H,).

    The history is what today's holdings would have had, as in ``constant_weight_returns``: on a day on which a
    lot has no return, the lots that have one speak for it. The parts of a portfolio sum to that history's
    sample volatility. NaN where equity is zero or less, or a day has less than ``min_coverage`` of gross covered.

    Parameters
    ----------
    owner : (H,) number of the lot's portfolio.
    exposure : (H,) signed delta-adjusted dollars.
    returns : (W, H) simple total returns of each lot's priced symbol; NaN is a gap.
    equity : (P,) dollars.
    """
    owners = len(equity)
    gross = sum_by(owner, np.abs(exposure), owners)
    gains = np.where(np.isnan(returns), 0.0, returns) * exposure
    covered = np.where(np.isnan(returns), 0.0, np.abs(exposure))
    share = np.stack([sum_by(owner, row, owners) for row in covered]) / np.where(gross > 0, gross, np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(share >= min_coverage - 1e-12, 1.0 / share, np.nan) / np.where(equity > 0, equity, np.nan)
    gains = gains * scale[:, owner]
    total = np.stack([sum_by(owner, row, owners) for row in gains])
    centred = total - total.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0) / (len(returns) - 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = ((gains - gains.mean(axis=0)) * centred[:, owner]).sum(axis=0) / (len(returns) - 1)
        return np.asarray(covariance / spread[owner] * np.sqrt(SESSIONS_A_YEAR))
