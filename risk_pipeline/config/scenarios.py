"""The scenario library: typed shocks to registered factors, validated when the code location loads."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..analytics.arrays import Float1D
from ..currencies import DOLLAR, conventional, pair_currencies, pair_symbol
from .errors import ConfigError, read_yaml
from .factors import FactorRegistry

DEFAULT = Path(__file__).with_name("scenarios.yaml")

Unit = Literal["return", "relative", "yield_change"]
UNITS: dict[str, tuple[float, float]] = {
    "return": (-1.0, 3.0),
    "relative": (-1.0, 3.0),
    "yield_change": (-0.2, 0.2),
}
"""Each unit with the open interval in which a shock is possible."""

CONSTANTS = {"rates_conversion", "spot_volatility_response"}
SEVERITIES = ((0.05, "base"), (0.10, "mild"), (0.20, "moderate"), (0.35, "severe"))


CURRENCIES = "FX"
"""The key under which a scenario shocks currency pairs: ``FX: {EURUSD: -0.10}``."""


VOLATILITY = "vol"
"""The key under which the stored shocks name that of implied volatility."""


class Shock(BaseModel):
    """What happens to one factor: a number and what it measures."""

    model_config = ConfigDict(frozen=True)

    factor: str
    unit: Unit
    size: float


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
        if shock.unit == "yield_change":
            return self.rates_conversion.to_return(shock.size)
        if shock.unit == "return" and factors.by_scenario_key[shock.factor].factor_type == "style":
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
            self.rates_conversion.to_return(s.size) if s.unit == "yield_change" else s.size for s in scenario.shocks
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


def load_scenarios(factors: FactorRegistry, user_path: Path | None = None) -> ScenarioLibrary:
    """Read and validate the shipped scenarios and the user's own.

    The user's file adds scenarios, and may replace ``rates_conversion`` and ``spot_volatility_response``.

    Raises
    ------
    ConfigError
        Names the file, the scenario, the field and the remedy.
    """
    scenarios: dict[str, Scenario] = {}
    origin: dict[str, Path] = {}
    conversion: RatesConversion | None = None
    response = 1.0
    for path in (DEFAULT, *([user_path] if user_path else [])):
        content = read_yaml(path)
        for field in content.keys() - {"scenarios", *CONSTANTS}:
            remedy = "write `scenarios:`, `rates_conversion:` and `spot_volatility_response:`"
            raise ConfigError(path, "file", str(field), "is unknown", remedy)
        entries = content.get("scenarios", [] if content.keys() & CONSTANTS else None)
        if not isinstance(entries, list):
            raise ConfigError(path, "file", "scenarios", "holds no list", "write `scenarios:` and a list")
        for index, entry in enumerate(entries):
            scenario = _scenario(path, index, entry, factors)
            if scenario.id in scenarios:
                raise ConfigError(path, f"scenario {scenario.id!r}", "id", "is used twice", "choose another id")
            scenarios[scenario.id], origin[scenario.id] = scenario, path
        if "rates_conversion" in content:
            conversion = _conversion(path, content["rates_conversion"])
        response = _response(path, content.get("spot_volatility_response", response))
    library = ScenarioLibrary.model_validate(
        {
            "rates_conversion": conversion,
            "spot_volatility_response": response,
            "active": tuple(scenarios.values()),
        }
    )
    for scenario in library.active:
        for shock in scenario.shocks:
            if shock.unit == "yield_change" and shock.size >= library.rates_conversion.limit:
                raise ConfigError(
                    origin[scenario.id],
                    f"scenario {scenario.id!r}",
                    f"shocks.{shock.factor}",
                    f"{shock.size} is beyond what duration and convexity can tell",
                    f"keep a rise below duration / convexity, {library.rates_conversion.limit:.4f}",
                )
    return library


def _conversion(path: Path, entry: Any) -> RatesConversion:
    try:
        return RatesConversion.model_validate(entry)
    except ValidationError as error:
        field, problem = _first_problem(error)
        raise ConfigError(
            path, "rates_conversion", field, problem, "write {duration: 16.5, convexity: 380}, in years"
        ) from None


def _response(path: Path, written: Any) -> float:
    if isinstance(written, bool) or not isinstance(written, int | float) or not 0 <= written <= 10:
        remedy = "write the points of volatility that a fall of one per cent adds, 0 to 10"
        raise ConfigError(path, "file", "spot_volatility_response", f"{written!r} is impossible", remedy)
    return float(written)


def _first_problem(error: ValidationError) -> tuple[str, str]:
    problem = error.errors(include_url=False)[0]
    return ".".join(map(str, problem["loc"])), problem["msg"]


def _scenario(path: Path, index: int, entry: Any, factors: FactorRegistry) -> Scenario:
    if not isinstance(entry, dict):
        raise ConfigError(path, f"scenario {index}", "entry", "is not a mapping", "write it as {id: …, shocks: …}")
    label = f"scenario {entry.get('id', index)!r}"
    shocks = entry.get("shocks")
    if not isinstance(shocks, dict) or not shocks:
        raise ConfigError(path, label, "shocks", "holds no shock", "write {Market: {return: -0.10}}")
    currencies = _currency_shocks(path, label, shocks.get(CURRENCIES, {}))
    typed = [_shock(path, label, key, value, factors) for key, value in shocks.items() if key != CURRENCIES]
    try:
        scenario = Scenario.model_validate({**entry, "shocks": typed, "currencies": currencies})
    except ValidationError as error:
        field, problem = _first_problem(error)
        raise ConfigError(path, label, field, problem, "see the shipped scenarios.yaml") from None
    types = {factors.by_scenario_key[shock.factor].factor_type: shock for shock in typed if shock.unit == "return"}
    if "style" in types and "market" not in types:
        raise ConfigError(
            path,
            label,
            f"shocks.{types['style'].factor}",
            "is an absolute return without the market's beside it",
            "write {relative: …}, or add the market's return",
        )
    if scenario.replay and not scenario.replay[0] < scenario.replay[1]:
        raise ConfigError(path, label, "replay", "ends before it starts", "write [first day, last day]")
    return scenario


def _currency_shocks(path: Path, label: str, written: Any) -> dict[str, float]:
    """Return the shocked pairs as the market quotes them; a shock to ``USDEUR`` is the inverse one to ``EURUSD``."""
    field, low, high = f"shocks.{CURRENCIES}", *UNITS["return"]
    if not isinstance(written, dict):
        raise ConfigError(path, label, field, f"{written!r} is no mapping", "write {FX: {EURUSD: -0.10}}")
    out: dict[str, float] = {}
    for name, size in written.items():
        pair = pair_currencies(f"{name}=X")
        if pair is None or DOLLAR not in pair or pair[0] == pair[1]:
            remedy = "name a pair against the dollar, such as EURUSD or USDJPY; a cross by its two"
            raise ConfigError(path, label, f"{field}.{name}", "is no pair against the dollar", remedy)
        if isinstance(size, bool) or not isinstance(size, int | float) or not low < size < high:
            remedy = f"a return is a decimal between {low} and {high}"
            raise ConfigError(path, label, f"{field}.{name}", f"{size!r} is impossible", remedy)
        leg = conventional(pair_symbol(*pair))
        if leg.symbol in out:
            raise ConfigError(path, label, f"{field}.{name}", "is shocked twice", "keep one of the two")
        out[leg.symbol] = float((1.0 + size) ** leg.power - 1.0)
    return out


def _shock(path: Path, label: str, key: str, value: Any, factors: FactorRegistry) -> Shock:
    field = f"shocks.{key}"
    factor = factors.by_scenario_key.get(key)
    if factor is None:
        known = ", ".join(factors.by_scenario_key)
        raise ConfigError(path, label, field, "is no factor that can be shocked", f"use one of {known}")
    if not isinstance(value, dict) or len(value) != 1 or next(iter(value)) not in UNITS:
        raise ConfigError(path, label, field, f"{value!r} has no unit", f"write {{{key}: {{return: -0.10}}}}")
    unit, size = next(iter(value.items()))
    if (unit == "yield_change") != (factor.factor_type == "macro") and unit != "return":
        raise ConfigError(path, label, field, f"{unit} does not fit this factor", "yield_change is for rates")
    if unit == "relative" and factor.factor_type != "style":
        raise ConfigError(path, label, field, "relative is a return beyond the market's", "use return")
    low, high = UNITS[unit]
    if isinstance(size, bool) or not isinstance(size, int | float) or not low < size < high:
        raise ConfigError(
            path, label, field, f"{size!r} is impossible", f"a {unit} is a decimal between {low} and {high}"
        )
    return Shock(factor=key, unit=unit, size=float(size))
