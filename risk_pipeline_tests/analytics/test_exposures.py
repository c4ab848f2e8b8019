"""Numbers of one portfolio on one session don't depend, to the last bit, on which others are computed with them."""

from __future__ import annotations

import numpy as np
import pytest

from risk_pipeline.analytics.exposures import model_risk
from risk_pipeline.analytics.stress import reverse_stress

SESSIONS, FACTORS, CORE = 5, 12, [2, 3, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("portfolios", [1, 2, 6])
def test_risk_and_reverse_stress_of_a_portfolio_alone_are_those_among_others(portfolios):
    """The core factors are picked from a larger array, whose layout their number decides."""
    random = np.random.default_rng(1)
    exposure = random.normal(size=(SESSIONS, portfolios, FACTORS))
    root = random.normal(size=(SESSIONS, len(CORE), len(CORE)))
    covariance = root @ root.transpose(0, 2, 1) * 1e-4
    residual = np.abs(random.normal(size=(SESSIONS, portfolios)))
    risk = model_risk(exposure[..., CORE], covariance, residual)
    reverse = reverse_stress(exposure[..., CORE], covariance, residual)
    for day in range(SESSIONS):
        for owner in range(portfolios):
            one = slice(day, day + 1), slice(owner, owner + 1)
            alone = model_risk(exposure[one][..., CORE], covariance[one[0]], residual[one])
            np.testing.assert_array_equal(alone.total[0, 0], risk.total[day, owner])
            np.testing.assert_array_equal(alone.factor[0, 0], risk.factor[day, owner])
            moves = reverse_stress(exposure[one][..., CORE], covariance[one[0]], residual[one])
            np.testing.assert_array_equal(moves[0, 0], reverse[day, owner])
