"""Sums over many windows at once are the sums over each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from risk_pipeline.analytics.rolling_sums import LONGEST_SEGMENT, SESSIONS, _segments, bands, window_sums


@pytest.mark.parametrize("window", [1, 2, 89, 90, 112, 113, 252, 504])
def test_each_sum_is_that_of_its_window_and_exact_in_integers(window):
    rng = np.random.default_rng(window)
    weights = rng.integers(-9, 9, (3, SESSIONS, window)).astype(float)
    rows = rng.integers(-9, 9, (window + SESSIONS - 1, 5)).astype(float)
    found = window_sums(bands(weights), rows)
    for session in range(SESSIONS):
        np.testing.assert_array_equal(found[:, session], weights[:, session] @ rows[session : session + window])


@pytest.mark.parametrize("window", range(1, 600, 7))
def test_segments_cover_the_window_and_fit_a_block_of_the_processor(window):
    segments = _segments(window)
    assert [segments[0][0], segments[-1][1]] == [0, window]
    assert all(a[1] == b[0] for a, b in pairwise(segments))
    assert all(0 < stop - start <= LONGEST_SEGMENT for start, stop in segments)
    assert LONGEST_SEGMENT + SESSIONS <= 128


@pytest.mark.parametrize("window", [90, 252])
def test_a_sum_does_not_depend_on_its_place_in_the_band_to_the_last_bit(window):
    """What BLAS must keep: products within a block are added in their order."""
    rng = np.random.default_rng(0)
    weights, data = rng.normal(size=window), rng.normal(size=(window, 256))
    found = []
    for session in range(SESSIONS):
        others = rng.normal(size=(2, SESSIONS, window))
        rows = rng.normal(size=(window + SESSIONS - 1, 256))
        others[1, session], rows[session : session + window] = weights, data
        found.append(window_sums(bands(others), rows)[1, session])
    np.testing.assert_array_equal(found, np.tile(found[0], (SESSIONS, 1)))
