"""The surface of implied volatility: its own quotes come back, and nothing beyond them is invented."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_pipeline.analytics.volatility_surface import VolatilitySurface

MONEYNESS = np.array([-0.2, 0.0, 0.1, -0.1, 0.1])
YEARS = np.array([0.1, 0.1, 0.1, 0.5, 0.5])
VOLATILITY = np.array([0.35, 0.22, 0.2, 0.26, 0.21])
SURFACE = VolatilitySurface.of(MONEYNESS, YEARS, VOLATILITY)


def test_the_surface_goes_through_its_quotes():
    np.testing.assert_allclose(SURFACE.volatility(MONEYNESS, YEARS), VOLATILITY, rtol=1e-12)


def test_it_is_flat_beyond_the_quotes():
    beyond = SURFACE.volatility(np.array([-1.0, 0.9, -0.2, 0.1]), np.array([0.1, 0.1, 0.01, 4.0]))
    np.testing.assert_allclose(beyond, [0.35, 0.2, 0.35, 0.21], rtol=1e-12)


def test_total_variance_is_linear_in_time_between_two_expiries():
    years = np.linspace(0.1, 0.5, 9)
    total = SURFACE.volatility(np.zeros(9), years) ** 2 * years
    np.testing.assert_allclose(np.diff(total, 2), 0.0, atol=1e-15)


def test_quotes_of_one_point_are_averaged_in_variance():
    both = VolatilitySurface.of(np.zeros(2), np.ones(2), np.array([0.1, 0.3]))
    np.testing.assert_allclose(both.volatility(np.zeros(1), np.ones(1)), np.sqrt(0.05))


@settings(deadline=None, max_examples=50)
@given(moneyness=st.floats(-3, 3), years=st.floats(1e-4, 10))
def test_no_volatility_is_beyond_the_quoted_ones_at_flat_total_variance(moneyness, years):
    one = SURFACE.volatility(np.array([moneyness]), np.array([years]))[0]
    total = (VOLATILITY**2 * YEARS).max()
    assert one >= 0.2 - 1e-12 or one**2 * years <= total + 1e-12
    assert one <= 0.35 + 1e-12
