"""The cubic spline through points, "not a knot" at both ends."""

from __future__ import annotations

import numpy as np

from .arrays import Float1D, Float2D, Float3D


def cubic_pieces(x: Float1D, y: Float2D) -> Float3D:
    """Return the pieces between the points, (4, m - 1, n), the highest power of the distance to their left end first.

    As ``scipy.interpolate.CubicSpline(x, y).c``, to the last bit, without the eighth of a second that importing
    ``scipy.interpolate`` takes.

    Parameters
    ----------
    x : (m,) ascending, four or more.
    y : (m, n) values of n curves.
    """
    from scipy.linalg import solve_banded

    step = np.diff(x)
    width = step[:, None]
    slope = np.diff(y, axis=0) / width
    bands, right = np.zeros((3, len(x))), np.empty_like(y)
    bands[1, 1:-1] = 2 * (step[:-1] + step[1:])
    bands[0, 2:], bands[2, :-2] = step[:-1], step[1:]
    right[1:-1] = 3 * (width[1:] * slope[:-1] + width[:-1] * slope[1:])
    first, last = x[2] - x[0], x[-1] - x[-3]
    bands[1, 0], bands[0, 1] = step[1], first
    right[0] = ((width[0] + 2 * first) * width[1] * slope[0] + width[0] ** 2 * slope[1]) / first
    bands[1, -1], bands[2, -2] = step[-2], last
    right[-1] = (width[-1] ** 2 * slope[-2] + (2 * last + width[-1]) * width[-2] * slope[-1]) / last
    at_points = solve_banded((1, 1), bands, right, overwrite_ab=True, overwrite_b=True, check_finite=False)
    bend = (at_points[:-1] + at_points[1:] - 2 * slope) / width
    return np.stack((bend / width, (slope - at_points[:-1]) / width - bend, at_points[:-1], y[:-1]))
