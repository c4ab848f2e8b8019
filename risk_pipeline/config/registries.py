"""The registries together, as computations take them."""

from __future__ import annotations

from typing import Protocol

from .factors import FactorRegistry
from .scenarios import ScenarioLibrary


class Registries(Protocol):
    """The validated factors, and the scenarios that shock them."""

    @property
    def factors(self) -> FactorRegistry:
        """The factor registry."""
        ...

    @property
    def scenarios(self) -> ScenarioLibrary:
        """The scenario library."""
        ...
