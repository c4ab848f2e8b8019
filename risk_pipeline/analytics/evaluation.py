"""How good a volatility forecast was."""

from __future__ import annotations

import numpy as np

from .arrays import Float2D


def qlike(outcome: Float2D, forecast: Float2D) -> Float2D:
    """Return the QLIKE loss ``x/h - ln(x/h) - 1`` of variance forecasts ``h`` against outcomes ``x``.

    Zero for a perfect forecast; ranks forecasts rightly even where the outcome is a noisy proxy.

    References
    ----------
    Patton (2011), J. Econometrics 160(1).
    """
    ratio = outcome / forecast
    return np.asarray(ratio - np.log(ratio) - 1.0)
