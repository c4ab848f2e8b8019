"""The factor registry: what is regressed on what, over which window, under which name."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .errors import ConfigError, read_yaml

DEFAULT = Path(__file__).with_name("factors.yaml")

FactorType = Literal["market", "macro", "style"]
Method = Literal["rolling_regression", "provider_data", "ridge_regression", "spread_regression"]


class Factor(BaseModel):
    """One factor definition; windows count sessions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    order: int = Field(ge=0)
    factor_type: FactorType
    method: Method
    proxy: str
    proxy_minus: str | None = None
    window: int = Field(default=0, ge=0)
    min_observations: int = Field(default=0, ge=0)
    half_life: int = 0
    prior_variance: float = Field(default=0.0, ge=0)
    scenario_key: str | None = None


class CorePriorVariance(BaseModel):
    """Prior variances of the core model's coefficients that are no style's, z-scored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    market: float = Field(gt=0)
    rates: float = Field(gt=0)


class CrossAsset(BaseModel):
    """A factor beyond the core: what the core leaves of its proxy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    proxy: str = Field(min_length=1)
    prior_variance: float = Field(gt=0)


class Sector(BaseModel):
    """A sector's factor, and what profiles call the sector."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=64)
    proxy: str = Field(min_length=1)
    spellings: tuple[str, ...] = Field(min_length=1)


class DegreesOfFreedom(BaseModel):
    """Degrees of freedom of the shocks' multivariate t."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    one: float = Field(gt=2)
    several: float = Field(gt=2)

    def of(self, shocked: int) -> float:
        """Return the degrees of freedom of a shock to ``shocked`` factors."""
        return self.one if shocked == 1 else self.several


class FactorRegistry(BaseModel):
    """All factor definitions in their order, and the aliases that are retired."""

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    factors: tuple[Factor, ...]
    core_market: str
    core_rates: str
    core_prior_variance: CorePriorVariance
    cross_asset: tuple[CrossAsset, ...] = ()
    sectors: tuple[Sector, ...] = ()
    history: int = Field(default=2520, ge=504)
    degrees_of_freedom: DegreesOfFreedom
    proxy_currency: str = Field(pattern=r"^[A-Z]{3}$")
    aliases: dict[str, str]

    @cached_property
    def by_name(self) -> dict[str, Factor]:
        """Factors by name."""
        return {factor.name: factor for factor in self.factors}

    @property
    def names(self) -> tuple[str, ...]:
        """Names in order."""
        return tuple(factor.name for factor in self.factors)

    def _only(self, factor_type: FactorType, method: Method) -> Factor:
        (factor,) = [f for f in self.factors if (f.factor_type, f.method) == (factor_type, method)]
        return factor

    @cached_property
    def market(self) -> Factor:
        """The rolling market beta."""
        return self._only("market", "rolling_regression")

    @cached_property
    def provider(self) -> Factor:
        """The vendor's beta."""
        return self._only("market", "provider_data")

    @cached_property
    def rates(self) -> Factor:
        """The interest-rate beta."""
        return self._only("macro", "rolling_regression")

    @cached_property
    def styles(self) -> tuple[Factor, ...]:
        """The ridge style factors, in order."""
        return tuple(f for f in self.factors if f.method == "ridge_regression")

    @cached_property
    def single_factor(self) -> tuple[Factor, ...]:
        """The factors estimated one at a time: market, rates and the spreads."""
        return tuple(f for f in self.factors if f.method in ("rolling_regression", "spread_regression"))

    @cached_property
    def core_names(self) -> tuple[str, ...]:
        """Names of the core model's coefficients in its order: market, rates, styles."""
        return (self.core_market, self.core_rates, *(style.name for style in self.styles))

    def label(self, name: str) -> str:
        """Return what readers call a factor: the core's own market and rates coefficients have names in words."""
        return {self.core_market: "Market", self.core_rates: "Interest rates"}.get(name, name)

    @cached_property
    def prior_mean(self) -> tuple[float, ...]:
        """Prior means of the core model's coefficients, in raw units: one for the market, zero for the others."""
        return (1.0, *(0.0 for _ in self.core_names[1:]))

    @cached_property
    def prior_variance(self) -> tuple[float, ...]:
        """Prior variances of the core model's z-scored coefficients, in its order."""
        core_variance = self.core_prior_variance
        return (core_variance.market, core_variance.rates, *(style.prior_variance for style in self.styles))

    @cached_property
    def core_proxies(self) -> tuple[str, ...]:
        """Symbols of the core model's proxies in its order."""
        return (self.market.proxy, self.rates.proxy, *(style.proxy for style in self.styles))

    @cached_property
    def beyond_names(self) -> tuple[str, ...]:
        """Names of the factors beyond the core: cross-asset, then sectors."""
        return (*(f.name for f in self.cross_asset), *(f.name for f in self.sectors))

    @cached_property
    def beyond_proxies(self) -> tuple[str, ...]:
        """Symbols of the proxies of ``beyond_names``; a session can do without any of them."""
        return (*(f.proxy for f in self.cross_asset), *(f.proxy for f in self.sectors))

    @cached_property
    def model_names(self) -> tuple[str, ...]:
        """Names of all factors of the model: the core's, then those beyond."""
        return (*self.core_names, *self.beyond_names)

    @cached_property
    def sector_spellings(self) -> dict[str, int]:
        """Number of a sector by what profiles call it, in lower case."""
        return {spelling.lower(): index for index, f in enumerate(self.sectors) for spelling in f.spellings}

    @cached_property
    def by_scenario_key(self) -> dict[str, Factor]:
        """Factors by the name that stress scenarios use."""
        return {f.scenario_key: f for f in self.factors if f.scenario_key}

    def core_position(self, scenario_key: str) -> int:
        """Return the position in the core model of the factor that a scenario shocks."""
        factor = self.by_scenario_key[scenario_key]
        name = {self.market.name: self.core_market, self.rates.name: self.core_rates}.get(factor.name)
        return self.core_names.index(name or factor.name)

    @cached_property
    def proxies(self) -> tuple[str, ...]:
        """Symbols of all proxies, short legs of spreads and those beyond the core included, sorted."""
        legs = {symbol for f in self.factors for symbol in (f.proxy, f.proxy_minus) if symbol}
        return tuple(sorted({*legs, *self.beyond_proxies}))

    @cached_property
    def required_proxies(self) -> tuple[str, ...]:
        """Proxies without whose prices a session can't be analysed: the market's and the rates'."""
        return tuple(sorted({self.market.proxy, self.rates.proxy}))

    @cached_property
    def look_back(self) -> int:
        """The longest window, in sessions."""
        return max(factor.window for factor in self.factors)

    def frame(self) -> pd.DataFrame:
        """Return the rows of the table ``factor_definitions``."""
        rows = [
            {
                "factor_name": f.name,
                "factor_order": f.order,
                **f.model_dump(include={"factor_type", "method", "proxy", "proxy_minus"}),
                "half_life": f.half_life or None,
                "penalty": None,
                "prior_variance": f.prior_variance or None,
                "window": f.window or None,
                "min_observations": f.min_observations or None,
                "is_active": True,
            }
            for f in self.factors
        ]
        return pd.DataFrame(rows).astype(object).where(lambda frame: frame.notna(), None)


@lru_cache
def load_factors(path: Path = DEFAULT) -> FactorRegistry:
    """Read and validate the registry.

    Raises
    ------
    ConfigError
        Names the file, the factor, the field and the remedy.
    """
    content = read_yaml(path)
    entries = content.get("factors")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(path, "file", "factors", "holds no list of factors", "list at least one")
    factors: list[Factor] = []
    for order, entry in enumerate(entries):
        label = f"factor {entry.get('name', order)!r}" if isinstance(entry, dict) else f"factor {order}"
        try:
            factor = Factor.model_validate({"order": order, **entry})
        except (ValidationError, TypeError) as error:
            raise ConfigError(path, label, *_first_problem(error)) from None
        _check(path, factor, factors)
        factors.append(factor)
    try:
        registry = FactorRegistry.model_validate({**content, "factors": factors})
        _ = registry.market, registry.provider, registry.rates
    except ValidationError as error:
        raise ConfigError(path, "registry", *_first_problem(error)) from None
    except ValueError:
        raise ConfigError(
            path,
            "registry",
            "method",
            "lacks or repeats a market, provider or rates factor",
            "define each once",
        ) from None
    every = [*registry.names, *registry.model_names[:2], *registry.beyond_names]
    for name in registry.beyond_names:
        if every.count(name) > 1:
            raise ConfigError(path, f"factor {name!r}", "name", "is used twice", "give each factor its own name")
    for alias, name in registry.aliases.items():
        if name not in registry.by_name or alias in registry.by_name:
            raise ConfigError(path, f"alias {alias!r}", "aliases", "does not lead to a factor", "name a factor")
    return registry


def _first_problem(error: Exception) -> tuple[str, str, str]:
    if isinstance(error, ValidationError):
        problem = error.errors(include_url=False)[0]
        return (
            ".".join(map(str, problem["loc"])),
            problem["msg"],
            "see the fields of the shipped factors.yaml",
        )
    return "entry", "is not a mapping", "write it as {name: …, method: …}"


def _check(path: Path, factor: Factor, earlier: list[Factor]) -> None:
    label = f"factor {factor.name!r}"
    if factor.name in {f.name for f in earlier}:
        raise ConfigError(path, label, "name", "is used twice", "give each factor its own name")
    if factor.scenario_key and factor.scenario_key in {f.scenario_key for f in earlier}:
        raise ConfigError(path, label, "scenario_key", "is used twice", "give each factor its own key")
    if factor.method != "provider_data" and not 2 < factor.min_observations <= factor.window:
        raise ConfigError(
            path,
            label,
            "min_observations",
            f"must be above 2 and at most the window, {factor.window}",
            "lower it",
        )
    if (factor.method == "spread_regression") != (factor.proxy_minus is not None):
        raise ConfigError(path, label, "proxy_minus", "belongs to spread_regression alone", "add or remove it")
    if factor.method == "ridge_regression" and not (factor.half_life and factor.prior_variance):
        raise ConfigError(path, label, "prior_variance", "ridge needs a prior_variance and a half_life", "add both")
