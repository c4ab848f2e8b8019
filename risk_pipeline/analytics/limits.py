"""Limits on numbers: whether a value keeps one, and how much of it is used."""

from __future__ import annotations

import numpy as np

from .arrays import Bool1D, Float1D, Int1D

AT_MOST, AT_LEAST, WITHIN_BOTH = "<=", ">=", "abs<="
OPERATORS = (AT_MOST, AT_LEAST, WITHIN_BOTH)
"""What must hold: the value is at most the limit, at least the limit, or at most the limit in absolute size."""


def keeps(operator: np.ndarray, value: Float1D, bound: Float1D) -> Bool1D:
    """Return whether each value keeps its bound, (n,); true where either is NaN.

    Parameters
    ----------
    operator : (n,) texts of :data:`OPERATORS`.
    value, bound : (n,) in the same unit.
    """
    beyond = np.where(
        operator == AT_LEAST, value < bound, np.where(operator == WITHIN_BOTH, np.abs(value), value) > bound
    )
    return np.asarray(~beyond)


def utilisation(operator: np.ndarray, value: Float1D, limit: Float1D) -> Float1D:
    """Return the share of each limit that is used, (n,): above 1 where the limit is not kept.

    ``value / limit`` of a ceiling above zero or a floor below it (leverage at most 2, drawdown at least -0.10), 0 where
    the value is on the other side of zero. ``limit / value`` of a floor above zero or a ceiling below it (at least 2 %
    cash, 4 % held: .5), NaN where the value is not on the limit's side of zero. NaN where the limit is 0 or either is
    NaN.
    """
    used = np.where(operator == WITHIN_BOTH, np.abs(value), value)
    grows = np.where(operator == AT_LEAST, limit < 0, limit > 0)  # risk is the distance from zero
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        ratio = np.maximum(used / limit, 0.0)
        inverse = np.where(used * limit > 0, limit / used, np.nan)
    out = np.where(grows, ratio, inverse)
    out[(limit == 0) | np.isnan(value) | np.isnan(limit)] = np.nan
    return out


def unbroken_since(is_broken: Bool1D, is_unknown: Bool1D) -> Int1D:
    """Return, of each session at which a limit is broken, the first of the unbroken run of them; -1 of the others.

    Parameters
    ----------
    is_broken : (n,) by session, in order.
    is_unknown : (n,) sessions without a value: they end no run, and begin none.
    """
    count = np.arange(len(is_broken))
    last_kept = np.maximum.accumulate(np.where(is_broken | is_unknown, -1, count)) if len(count) else count
    upcoming = np.where(is_broken, count, len(count))
    next_broken = np.append(np.minimum.accumulate(upcoming[::-1])[::-1], len(count))
    return np.asarray(np.where(is_broken, next_broken[last_kept + 1], -1))
