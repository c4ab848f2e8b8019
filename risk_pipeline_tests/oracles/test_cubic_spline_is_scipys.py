"""Splines of our own equal SciPy's to the last bit."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from risk_pipeline.analytics.cubic_spline import cubic_pieces
from risk_pipeline.analytics.option_scenarios import KNOTS


@pytest.mark.parametrize("curves", [1, 2, 37])
@pytest.mark.parametrize("x", [np.log(KNOTS), np.array([-1.0, 0.25, 0.5, 3.0]), np.arange(12.0) ** 1.5])
def test_the_pieces_are_scipys_to_the_last_bit(x, curves):
    y = np.random.default_rng(curves).lognormal(sigma=3.0, size=(len(x), curves))
    y[:, 0] = 0.0  # a premium that is nothing anywhere
    np.testing.assert_array_equal(cubic_pieces(x, y), CubicSpline(x, y).c)
