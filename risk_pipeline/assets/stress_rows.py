"""The rows of ``stress_test_results``, ``scenario_factor_moves`` and ``scenario_plausibility``."""

from __future__ import annotations

from .inputs import Frames, Inputs


def compute_stress(inputs: Inputs) -> Frames:
    raise AssertionError
