"""One thing that ``risk-pipeline doctor`` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """What was looked at, whether it is fine, and if not what to do."""

    subject: str
    is_fine: bool
    text: str
