"""The scenario library: typed shocks to registered factors, and what each is as a return."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field

from ..analytics.arrays import Float1D
from .factors import FactorRegistry
from .shocks import RatesConversion, ReturnShock, Shock, VolatilityShock, YieldShock

SEVERITIES = ((0.05, "base"), (0.10, "mild"), (0.20, "moderate"), (0.35, "severe"))


CURRENCIES = "FX"
"""The key under which a scenario shocks currency pairs: ``FX: {EURUSD: -0.10}``."""


VOLATILITY = "vol"
"""The key under which the stored shocks name that of implied volatility."""


class Scenario(BaseModel):
    """A scenario; ``horizon`` is the number of sessions over which it happens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(pattern=r"^[a-z][a-z0-9_]{1,62}$")
    name: str = Field(min_length=1, max_length=120)
    category: str = Field(min_length=1, max_length=24)
    kind: Literal["hypothetical", "historical"] = "hypothetical"
    horizon: int = Field(default=1, ge=1, le=2520)
    replay: tuple[date, date] | None = None
    shocks: tuple[Shock, ...] = ()
    currencies: dict[str, float] = {}
    """Conventional pair, such as ``EURUSD=X`` -> its return."""
    vol: VolatilityShock | None = None


class ScenarioLibrary(BaseModel):
    """All scenarios, and how a change of yield becomes a return."""

    model_config = ConfigDict(frozen=True, ignored_types=(cached_property,))

    rates_conversion: RatesConversion
    spot_volatility_response: float = 1.0
    """Points of implied volatility that a market fall of one per cent adds."""
    active: tuple[Scenario, ...]

    @cached_property
    def pairs(self) -> tuple[str, ...]:
        """Symbols of the currency pairs that any scenario shocks, sorted."""
        return tuple(sorted({symbol for scenario in self.active for symbol in scenario.currencies}))

    @cached_property
    def replays(self) -> tuple[Scenario, ...]:
        """The scenarios with realised returns to replay."""
        return tuple(scenario for scenario in self.active if scenario.replay)

    def shock_return(self, scenario: Scenario, shock: Shock, factors: FactorRegistry) -> float:
        """Return a shock as a return of the core factor that it hits.

        Core styles are relative to the market, so a relative shock is one as it stands and an absolute return
        of a style has the scenario's market return taken off.
        """
        if isinstance(shock, YieldShock):
            return self.rates_conversion.to_return(shock.size)
        if isinstance(shock, ReturnShock) and factors.by_scenario_key[shock.factor].factor_type == "style":
            return shock.size - sum(
                other.size for other in scenario.shocks if factors.by_scenario_key[other.factor].factor_type == "market"
            )
        return shock.size

    def volatility_change(
        self, scenario: Scenario, factors: FactorRegistry, market_move: float, volatility: Float1D
    ) -> Float1D:
        """Return the change of the options' annual implied volatilities, (n,).

        The scenario's own shock; where it shocks the market and nothing else, the response to the market's move.
        """
        if scenario.vol is not None:
            return scenario.vol.change(volatility)
        types = {factors.by_scenario_key[shock.factor].factor_type for shock in scenario.shocks}
        responds = types == {"market"} and not scenario.currencies
        return np.full(len(volatility), -self.spot_volatility_response * market_move if responds else 0.0)

    def moves(self, scenario: Scenario, factors: FactorRegistry) -> dict[int, float]:
        """Return the returns of the shocked core factors, by position in the core model."""
        return {
            factors.core_position(shock.factor): self.shock_return(scenario, shock, factors)
            for shock in scenario.shocks
        }

    def severity(self, scenario: Scenario) -> str:
        """Return the band of the market-equivalent: the largest shocked return of the scenario."""
        sizes = [
            self.rates_conversion.to_return(s.size) if isinstance(s, YieldShock) else s.size for s in scenario.shocks
        ]
        largest = max(abs(size) for size in (*sizes, *scenario.currencies.values()))
        return next((band for limit, band in SEVERITIES if largest <= limit + 1e-12), "extreme")

    def frame(self) -> pd.DataFrame:
        """Return the rows of the table ``stress_scenarios``."""
        return pd.DataFrame(
            [
                {
                    "scenario_id": s.id,
                    "name": s.name,
                    "category": s.category,
                    "severity": self.severity(s),
                    "kind": s.kind,
                    "shocks": {
                        **{shock.factor: {shock.unit: shock.size} for shock in s.shocks},
                        **({CURRENCIES: s.currencies} if s.currencies else {}),
                        **({VOLATILITY: s.vol.model_dump(exclude_none=True)} if s.vol else {}),
                    },
                    "horizon": s.horizon,
                    "replay_first": s.replay[0] if s.replay else None,
                    "replay_last": s.replay[1] if s.replay else None,
                    "is_active": True,
                }
                for s in self.active
            ]
        )
