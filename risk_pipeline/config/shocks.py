"""Typed shocks: what a scenario does to a factor and to implied volatility."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from ..analytics.arrays import Float1D

RETURN_LIMITS = (-1.0, 3.0)
YIELD_LIMITS = (-0.2, 0.2)
"""The open intervals in which a shock is possible."""


class _FactorShock(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    factor: str


class ReturnShock(_FactorShock):
    """A return of the factor's proxy; an absolute one for a style."""

    unit: Literal["return"]
    size: float = Field(gt=RETURN_LIMITS[0], lt=RETURN_LIMITS[1])


class RelativeShock(_FactorShock):
    """A return of a style beyond the market's."""

    unit: Literal["relative"]
    size: float = Field(gt=RETURN_LIMITS[0], lt=RETURN_LIMITS[1])


class YieldShock(_FactorShock):
    """A change of the yield of the rates factor's proxy."""

    unit: Literal["yield_change"]
    size: float = Field(gt=YIELD_LIMITS[0], lt=YIELD_LIMITS[1])


Shock: TypeAlias = Annotated[ReturnShock | RelativeShock | YieldShock, Field(discriminator="unit")]
"""A shock to one factor; its unit says what the number measures."""

_SHOCK: TypeAdapter[Shock] = TypeAdapter(Shock)


def read_shock(factor: str, written: Any) -> Shock:
    """Return the shock that ``{unit: size}`` states.

    Raises
    ------
    ValidationError
        The unit is unknown, or the size is no number or outside the unit's range.
    """
    unit, size = next(iter(written.items())) if isinstance(written, dict) and len(written) == 1 else (None, None)
    return _SHOCK.validate_python({"factor": factor, "unit": unit, "size": size})


class VolatilityShock(BaseModel):
    """What happens to implied volatility: points (20 is twenty per cent a year more) or a share of what it is now."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: float | None = Field(default=None, gt=-100, lt=500)
    relative: float | None = Field(default=None, gt=-1, lt=10)

    @model_validator(mode="after")
    def _one_of_both(self) -> VolatilityShock:
        if (self.points is None) == (self.relative is None):
            raise ValueError("write {points: 20} or {relative: 1.5}")
        return self

    def change(self, volatility: Float1D) -> Float1D:
        """Return the change of annual volatilities, (n,)."""
        if self.points is not None:
            return np.full(len(volatility), self.points / 100.0)
        return volatility * (self.relative or 0.0)


class RatesConversion(BaseModel):
    """Effective duration (years) and convexity of the rates proxy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    duration: float = Field(gt=0, lt=60)
    convexity: float = Field(ge=0, lt=5000)

    def to_return(self, yield_change: float) -> float:
        """Return the proxy's return when its yield changes: ``-D dy + C dy^2 / 2``."""
        return -self.duration * yield_change + 0.5 * self.convexity * yield_change**2

    @property
    def limit(self) -> float:
        """The rise of the yield from which on the parabola would say that bonds gain by a further rise."""
        return self.duration / self.convexity if self.convexity else float("inf")
