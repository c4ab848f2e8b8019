"""Volatility of return series: realised, EWMA and the HAR forecast 21 sessions ahead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .arrays import Bool2D, Float1D, Float2D, Int1D, Int2D, Text2D

SESSIONS_A_YEAR = 252
HORIZON = 21
WEEK, MONTH = 5, 22
HAR_WINDOW = 756
HAR_MIN = 504
EWMA_DECAY = 0.94
EWMA_WINDOW = 252
PERCENTILE_WINDOW, PERCENTILE_MIN = 252, 126
TREND_BAND = 0.10
LOOK_BACK = HAR_WINDOW + MONTH
"""Sessions that an estimate reads, its own included."""


@dataclass(frozen=True)
class VolatilityEstimates:
    """Annualised volatilities as of each end, each (D, N); NaN (None in texts) is too little history.

    ``forecast`` is of the mean over the next 21 sessions; ``model`` says which model made it (``har_ewma``, the
    mean of both variances, or ``ewma`` where history is too short), ``variance_input`` what the daily variance
    was. ``trend`` compares 21 with 63 sessions, ``trend_strength`` is |ln ratio|, ``percentile`` ranks the
    present 21-session volatility in those of the trailing year, from 0 to 1. ``observations`` counts returns
    in the window.
    """

    realised_21: Float2D
    realised_63: Float2D
    realised_252: Float2D
    ewma: Float2D
    forecast: Float2D
    model: Text2D
    variance_input: Text2D
    trend: Text2D
    trend_strength: Float2D
    percentile: Float2D
    observations: Int2D


def estimate_volatility(returns: Float2D, ends: Int1D, *, variance: Float2D | None = None) -> VolatilityEstimates:
    """Estimate every volatility at each end from the ``LOOK_BACK`` rows up to it.

    Parameters
    ----------
    returns : (T, N) simple returns; NaN is a gap, never zero-filled.
    ends : (D,) row of each estimate's session.
    variance : (T, N) daily variances from ranges, on the level of ``returns ** 2``, which is used where
        this is None.

    References
    ----------
    Corsi (2009), J. Financial Econometrics 7(2); RiskMetrics (1996).
    """
    wide, squares = _padded(returns), _padded(returns**2 if variance is None else variance)
    parts = [_estimate(wide, squares, int(end)) for end in ends]
    count = returns.shape[1]
    joined: dict[str, Float2D] = {
        name: np.stack([part[name] for part in parts])[:, :count] if parts else np.empty((0, count))
        for name in (
            "realised_21",
            "realised_63",
            "realised_252",
            "ewma",
            "har",
            "percentile",
            "observations",
        )
    }
    har, ewma = joined.pop("har"), joined["ewma"]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = joined["realised_21"] / joined["realised_63"]
        strength = np.where(ratio > 0, np.abs(np.log(ratio)), np.nan)
    is_har, known = ~np.isnan(har), ~np.isnan(ewma)
    trend = np.where(ratio > 1 + TREND_BAND, "increasing", np.where(ratio < 1 - TREND_BAND, "decreasing", "stable"))
    return VolatilityEstimates(
        realised_21=joined["realised_21"],
        realised_63=joined["realised_63"],
        realised_252=joined["realised_252"],
        ewma=ewma,
        # the mean of the two variances: HAR alone returns to its mean too soon, EWMA alone too late
        forecast=np.where(is_har, np.sqrt((har**2 + ewma**2) / 2.0), ewma),
        model=_text(is_har | known, np.where(is_har, "har_ewma", "ewma")),
        variance_input=_text(is_har | known, np.full(ewma.shape, "squared" if variance is None else "parkinson")),
        trend=_text(~np.isnan(ratio), trend),
        trend_strength=strength,
        percentile=joined["percentile"],
        observations=joined["observations"].astype(np.int64),
    )


def _text(known: Bool2D, values: Text2D) -> Text2D:
    out = np.full(known.shape, None, dtype=object)
    out[known] = values[known]
    return out


def _padded(array: Float2D) -> Float2D:
    """At least two columns: NumPy sums a single one in another order."""
    if array.shape[1] > 1:
        return array
    return np.concatenate([array, np.full((array.shape[0], 2 - array.shape[1]), np.nan)], axis=1)


def _estimate(returns: Float2D, squares: Float2D, end: int) -> dict[str, Float1D]:
    rows = slice(max(end + 1 - LOOK_BACK, 0), end + 1)
    r, v = returns[rows], squares[rows]
    short = _rolling_std(r, 21)
    year = short[-PERCENTILE_WINDOW:]
    ranked = ~np.isnan(year)
    with np.errstate(invalid="ignore", divide="ignore"):
        percentile = (year <= year[-1]).sum(axis=0) / ranked.sum(axis=0)
        percentile = np.where((ranked.sum(axis=0) >= PERCENTILE_MIN) & ranked[-1], percentile, np.nan)
    ewma = _ewma(r[-EWMA_WINDOW:])
    return {
        "realised_21": _realised(r, 21),
        "realised_63": _realised(r, 63),
        "realised_252": _realised(r, 252),
        "ewma": ewma,
        "har": np.where(np.isnan(ewma), np.nan, _har(v)),
        "percentile": percentile,
        "observations": (~np.isnan(r)).sum(axis=0).astype(float),
    }


def _realised(r: Float2D, window: int) -> Float1D:
    """Annualised standard deviation of the last ``window`` returns; NaN unless all are there."""
    if len(r) < window:
        return np.full(r.shape[1], np.nan)
    last = r[-window:]
    deviation = last - last.sum(axis=0) / window
    return np.asarray(np.sqrt((deviation * deviation).sum(axis=0) / (window - 1) * SESSIONS_A_YEAR))


def _rolling_std(r: Float2D, window: int) -> Float2D:
    """Standard deviation of each ``window`` rows, NaN before; each from its own rows, no running sums."""
    out = np.full(r.shape, np.nan)
    if len(r) < window:
        return out
    views = [r[at : len(r) - window + 1 + at] for at in range(window)]
    mean = sum(views[1:], views[0]) / window
    out[window - 1 :] = np.sqrt(sum((view - mean) ** 2 for view in views) / (window - 1))
    return out


def _ewma(r: Float2D) -> Float1D:
    """Root of the exponentially weighted mean square, over a finite window; needs 21 returns."""
    weight = EWMA_DECAY ** np.arange(len(r) - 1, -1, -1.0)[:, None]
    present = ~np.isnan(r)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = (weight * np.where(present, r, 0.0) ** 2).sum(axis=0) / (weight * present).sum(axis=0)
    return np.where((present.sum(axis=0) >= 21) & (mean > 0), np.sqrt(mean * SESSIONS_A_YEAR), np.nan)


def _window_mean(v: Float2D, window: int) -> Float2D:
    """Mean of the present values of each ``window`` rows; NaN with less than two thirds of them."""
    out = np.full(v.shape, np.nan)
    if len(v) < window:
        return out
    present = ~np.isnan(v)
    filled, ones = np.where(present, v, 0.0), present.astype(float)
    pieces = range(window)
    stop = len(v) - window + 1
    total = sum((filled[at : stop + at] for at in pieces), np.zeros((stop, v.shape[1])))
    number = sum((ones[at : stop + at] for at in pieces), np.zeros((stop, v.shape[1])))
    with np.errstate(invalid="ignore", divide="ignore"):
        out[window - 1 :] = np.where(number >= window * 2 / 3, total / number, np.nan)
    return out


def _har(v: Float2D) -> Float1D:
    """Forecast the mean daily variance of the next ``HORIZON`` sessions and return it as a volatility.

    Log of the mean variance ahead on the logs of the daily, weekly and monthly means. A squared return can be
    zero, so a tenth of the monthly mean is added to the daily term. The log forecast is turned back with the
    lognormal correction, and kept within what the sample has seen.
    """
    count = v.shape[1]
    if len(v) < HAR_MIN:
        return np.full(count, np.nan)
    month = _window_mean(v, MONTH)
    with np.errstate(invalid="ignore", divide="ignore"):
        features = [np.log(v + 0.1 * month), np.log(_window_mean(v, WEEK)), np.log(month)]
        ahead = np.full(v.shape, np.nan)
        ahead[:-HORIZON] = _window_mean(v, HORIZON)[HORIZON:]
        target = np.log(ahead)
    usable = np.isfinite(target) & np.isfinite(features[0]) & np.isfinite(features[1]) & np.isfinite(features[2])
    number = usable.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        centres = [np.where(usable, f, 0.0).sum(axis=0) / number for f in features]
        middle = np.where(usable, target, 0.0).sum(axis=0) / number
        x = [np.where(usable, f - c, 0.0) for f, c in zip(features, centres, strict=True)]
        y = np.where(usable, target - middle, 0.0)
        gram = np.stack([np.stack([(a * b).sum(axis=0) for a in x], axis=-1) for b in x], axis=-1)
        moment = np.stack([(a * y).sum(axis=0) for a in x], axis=-1)
        enough = (number >= HAR_MIN - MONTH - HORIZON) & np.isfinite(gram).all(axis=(-1, -2))
        gram[~enough] = np.eye(3)
        # a constant series has no slope: a little on the diagonal keeps the solution finite
        gram += 1e-10 * np.trace(gram, axis1=-2, axis2=-1)[:, None, None] * np.eye(3)
        enough &= np.abs(np.linalg.det(gram)) > 0
        gram[~enough] = np.eye(3)
        slope = np.linalg.solve(gram, moment[..., None])[..., 0]
        residual = y - sum(a * slope[:, k] for k, a in enumerate(x))
        noise = (residual * residual).sum(axis=0) / (number - 4)
        log_forecast = middle + sum((features[k][-1] - centres[k]) * slope[:, k] for k in range(3))
        forecast = np.exp(log_forecast + noise / 2.0)
        seen = np.where(usable, ahead, np.nan)
        low = np.where(usable, seen, np.inf).min(axis=0)
        high = np.where(usable, seen, -np.inf).max(axis=0)
        forecast = np.minimum(np.maximum(forecast, low), high)
        return np.where(enough, np.sqrt(forecast * SESSIONS_A_YEAR), np.nan)
