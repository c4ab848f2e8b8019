"""The HAR forecast of variance 21 sessions ahead, with a leverage term, for many series and sessions at once.

The regression is in ``kernels/har_regression.py``; each is of its own window only.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .arrays import Float1D, Float2D, Float3D, Int1D
from .kernels.constants import LOOK_BACK
from .rolling_sums import COLUMNS_AT_ONCE, SESSIONS, bands, window_sums
from .threads import in_parts

Sums = Callable[[list[Float2D], Int1D, Float1D], Float3D]
"""``trailing_sums`` or ``separate_sums``."""
LEAST_SERIES = 200
"""Series that are worth a thread: some milliseconds."""


def har_forecast(variance: Float2D, returns: Float2D, ends: Int1D) -> Float2D:
    """Forecast the mean daily variance of the next ``HORIZON`` sessions as of each end, (D, N).

    Log of the mean variance ahead on the logs of the daily, weekly and monthly means, and on the week's mean return
    where it is negative (leverage: losses raise volatility more than gains). A squared return can be zero, so a tenth
    of the monthly mean is added to the daily term. The log forecast is turned back with the lognormal correction, and
    kept within what the sample has seen. NaN with fewer than ``MIN_ROWS`` pairs.

    Parameters
    ----------
    variance : (T, N) daily variances; NaN is a gap.
    returns : (T, N) simple returns of the same sessions; NaN is a gap.
    ends : (D,) row of each forecast's session; it reads the ``LOOK_BACK`` rows up to it.

    References
    ----------
    Corsi (2009), J. Financial Econometrics 7(2); leverage: Corsi & Reno (2012), J. Business & Economic Statistics
    30(3); the filter: Bollerslev, Patton & Quaedvlieg (2016).
    """
    from .kernels.har_regression import har_forecasts

    first = max(int(ends.min(initial=len(variance))) + 1 - LOOK_BACK, 0)
    read = slice(first, int(ends.max(initial=0)) + 1)
    variance, returns = (np.ascontiguousarray(values[read].T, dtype=np.float64) for values in (variance, returns))
    rows = np.asarray(ends, dtype=np.int64) - first
    found = in_parts(lambda part: har_forecasts(variance[part], returns[part], rows), len(returns), least=LEAST_SERIES)
    return np.ascontiguousarray(found.T)


def trailing_sums(arrays: list[Float2D], ends: Int1D, weights: Float1D) -> Float3D:
    """Return the weighted sums of each array over the rows up to each end, (arrays, D, columns).

    ``weights`` (W,) are by row, oldest first; rows before the first count as zero. Each array has at most
    ``COLUMNS_AT_ONCE`` columns and is finite.
    """
    laid = bands(np.broadcast_to(weights, (1, SESSIONS, len(weights))))
    width = arrays[0].shape[1]
    out = np.empty((len(arrays), len(ends), width))
    if not len(ends):
        return out
    lead = len(weights) - 1 - int(ends.min())  # rows to add before the first, or to leave out
    kept = [array[max(-lead, 0) : int(ends.max()) + 1] for array in arrays]
    padded = np.zeros((len(arrays), max(lead, 0) + len(kept[0]) + SESSIONS - 1, COLUMNS_AT_ONCE))
    for index, rows in enumerate(kept):
        padded[index, max(lead, 0) : max(lead, 0) + len(rows), :width] = rows
    ends = ends - ends.min()
    left = np.unique(ends)
    while len(left):
        start = int(left[0])
        days = np.flatnonzero((ends >= start) & (ends < start + SESSIONS))
        left = left[left >= start + SESSIONS]
        spanned = slice(start, start + len(weights) + SESSIONS - 1)
        for index, array in enumerate(padded):
            out[index, days] = window_sums(laid, array[spanned])[0][ends[days] - start, :width]
    return out


def separate_sums(arrays: list[Float2D], ends: Int1D, weights: Float1D) -> Float3D:
    """Return ``trailing_sums`` window by window, (arrays, D, columns): cheaper for one or two ends of many series.

    The number of columns must be fixed and at least two: NumPy's order of addition depends on it.
    """
    out = np.empty((len(arrays), len(ends), arrays[0].shape[1]))
    for index, array in enumerate(arrays):
        for place, end in enumerate(ends):
            rows = array[max(end + 1 - len(weights), 0) : end + 1]
            out[index, place] = np.einsum("t,tn->n", weights[len(weights) - len(rows) :], rows)
    return out
