"""One finding of ``risk-pipeline doctor``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Diagnosis:
    """What was examined, whether it is fine, and if not what to do."""

    subject: str
    is_fine: bool
    text: str
