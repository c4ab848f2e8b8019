"""What kernels do with vectors: their products, taking off a multiple of one, which sessions one has."""

from __future__ import annotations

import numpy as np

from ..arrays import Bool1D, Float1D
from .compiled import part


@part
def dot(a: Float1D, b: Float1D) -> float:
    """Return the sum of products, four side by side: one sum alone waits for each addition."""
    one, two, three, four = 0.0, 0.0, 0.0, 0.0
    whole = len(a) - len(a) % 4
    for i in range(0, whole, 4):
        one += a[i] * b[i]
        two += a[i + 1] * b[i + 1]
        three += a[i + 2] * b[i + 2]
        four += a[i + 3] * b[i + 3]
    for i in range(whole, len(a)):
        one += a[i] * b[i]
    return (one + two) + (three + four)


@part
def subtract(factor: float, column: Float1D, out: Float1D) -> None:
    """Take a multiple of one vector off another."""
    for i in range(len(out)):
        out[i] -= factor * column[i]


@part
def has_other_sessions(values: Float1D, present: Bool1D) -> bool:
    """Whether the values are there on other sessions than ``present``, which is written anew; NaN is a gap."""
    changes = 0
    for i in range(len(values)):
        is_present = not np.isnan(values[i])
        changes += is_present != present[i]
        present[i] = is_present
    return changes > 0
