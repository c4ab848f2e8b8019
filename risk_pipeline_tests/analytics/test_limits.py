"""Limits: kept or not, how much is used, and since when one is broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from risk_pipeline.analytics.limits import AT_LEAST, AT_MOST, WITHIN_BOTH, keeps, unbroken_since, utilisation

NUMBERS = st.floats(-1e6, 1e6, allow_subnormal=False)


def one(function, operator, value, limit):
    return function(np.array([operator], dtype=object), np.array([value]), np.array([limit]))[0]


@pytest.mark.parametrize(
    ("operator", "value", "limit", "used"),
    [
        (AT_MOST, 1.5, 2.0, 0.75),
        (AT_MOST, 2.5, 2.0, 1.25),
        (AT_MOST, -1.0, 2.0, 0.0),
        (AT_LEAST, -0.05, -0.10, 0.5),
        (AT_LEAST, 0.03, -0.10, 0.0),
        (AT_LEAST, 0.04, 0.02, 0.5),
        (AT_LEAST, 0.01, 0.02, 2.0),
        (AT_LEAST, -0.01, 0.02, np.nan),
        (AT_MOST, -200.0, -100.0, 0.5),
        (WITHIN_BOTH, -0.3, 0.4, 0.75),
        (WITHIN_BOTH, 0.3, 0.0, np.nan),
        (AT_MOST, np.nan, 2.0, np.nan),
    ],
)
def test_utilisation_is_the_share_of_the_limit_that_is_used(operator, value, limit, used):
    np.testing.assert_allclose(one(utilisation, operator, value, limit), used, rtol=1e-15)


@given(operator=st.sampled_from([AT_MOST, AT_LEAST, WITHIN_BOTH]), value=NUMBERS, limit=NUMBERS)
def test_more_than_all_is_used_exactly_where_the_limit_is_not_kept(operator, value, limit):
    if operator == WITHIN_BOTH:
        limit = abs(limit)
    used = one(utilisation, operator, value, limit)
    if not np.isnan(used) and abs(used - 1.0) > 1e-9:
        assert (used > 1.0) == (not one(keeps, operator, value, limit))


@given(states=arrays(np.int64, st.integers(0, 30), elements=st.integers(0, 2)))
def test_a_breach_lasts_from_its_first_session_over_those_without_a_value(states):
    broken, unknown = states == 1, states == 2
    since = unbroken_since(broken, unknown)
    for row in range(len(states)):
        if not broken[row]:
            assert since[row] == -1
            continue
        begin = row
        while begin > 0 and states[begin - 1] != 0:
            begin -= 1
        assert since[row] == next(at for at in range(begin, row + 1) if broken[at])
