"""The folders of cases from the field: portfolios, positions and made-up prices."""

from __future__ import annotations

from pathlib import Path

CASES = Path(__file__).parents[1] / "cases"
