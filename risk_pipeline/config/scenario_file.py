"""The scenario files: the shipped one and the user's own, validated when the code location loads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..currencies import DOLLAR, conventional, pair_currencies, pair_symbol
from ..tabular.currencies import CODES
from .errors import ConfigError, read_yaml
from .factors import FactorRegistry
from .registries import Registries
from .scenarios import CURRENCIES, Scenario, ScenarioLibrary
from .shocks import (
    RETURN_LIMITS,
    YIELD_LIMITS,
    RatesConversion,
    RelativeShock,
    ReturnShock,
    Shock,
    YieldShock,
    read_shock,
)

DEFAULT = Path(__file__).with_name("scenarios.yaml")

CONSTANTS = {"rates_conversion", "spot_volatility_response"}


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
        _require_a_loss(origin[scenario.id], scenario, library.rates_conversion)
    return library


def _require_a_loss(path: Path, scenario: Scenario, conversion: RatesConversion) -> None:
    """Refuse a rise of the yield by which bonds would lose less than by a smaller one, or gain."""
    for shock in scenario.shocks:
        if isinstance(shock, YieldShock) and shock.size >= conversion.limit:
            raise ConfigError(
                path,
                f"scenario {scenario.id!r}",
                f"shocks.{shock.factor}",
                f"a rise of {shock.size * 1e4:.0f} bp is beyond what duration and convexity can tell",
                f"keep it below duration / convexity, {conversion.limit * 1e4:.0f} bp",
            )


def scenario_of(name: str, shocks: dict[str, Any], registries: Registries, vol: Any = None) -> Scenario:
    """Return a scenario that is in no file, from shocks as a scenario file writes them.

    Raises
    ------
    ConfigError
        Names the shock and the remedy.
    """
    entry = {"id": name, "name": name, "category": "own", "shocks": shocks, **({"vol": vol} if vol is not None else {})}
    scenario = _scenario(Path("--shock"), 0, entry, registries.factors)
    _require_a_loss(Path("--shock"), scenario, registries.scenarios.rates_conversion)
    return scenario


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
    types = {
        factors.by_scenario_key[shock.factor].factor_type: shock for shock in typed if isinstance(shock, ReturnShock)
    }
    if "style" in types and "market" not in types:
        raise ConfigError(
            path,
            label,
            f"shocks.{types['style'].factor}",
            "is an absolute return without the market's beside it",
            "write {relative: …}, or add the market's return",
        )
    if scenario.replay and not scenario.replay[0] < scenario.replay[1]:
        problem = "holds no session" if scenario.replay[0] == scenario.replay[1] else "ends before it starts"
        remedy = "write [day, last day]: the first session of it is the one after the first day"
        raise ConfigError(path, label, "replay", problem, remedy)
    return scenario


def _currency_shocks(path: Path, label: str, written: Any) -> dict[str, float]:
    """Return the shocked pairs as the market quotes them; a shock to ``USDEUR`` is the inverse one to ``EURUSD``."""
    field, low, high = f"shocks.{CURRENCIES}", *RETURN_LIMITS
    if not isinstance(written, dict):
        raise ConfigError(path, label, field, f"{written!r} is no mapping", "write {FX: {EURUSD: -0.10}}")
    out: dict[str, float] = {}
    for name, size in written.items():
        pair = pair_currencies(f"{name}=X")
        if pair is None or DOLLAR not in pair or pair[0] == pair[1]:
            remedy = "name a pair against the dollar, such as EURUSD or USDJPY; a cross by its two"
            raise ConfigError(path, label, f"{field}.{name}", "is no pair against the dollar", remedy)
        if unknown := [code for code in pair if code not in CODES]:
            remedy = "name a pair against the dollar, such as EURUSD or USDJPY"
            raise ConfigError(path, label, f"{field}.{name}", f"{unknown[0]} is no currency of ISO 4217", remedy)
        if isinstance(size, bool) or not isinstance(size, int | float) or not low < size < high:
            remedy = f"a return is a decimal above {low} and below {high}"
            raise ConfigError(path, label, f"{field}.{name}", f"{size!r} is impossible", remedy)
        leg = conventional(pair_symbol(*pair))
        if leg.symbol in out:
            raise ConfigError(path, label, f"{field}.{name}", "is shocked twice", "keep one of the two")
        out[leg.symbol] = float((1.0 + size) ** leg.power - 1.0)
    return out


def _shock(path: Path, label: str, key: str, written: Any, factors: FactorRegistry) -> Shock:
    field = f"shocks.{key}"
    factor = factors.by_scenario_key.get(key)
    if factor is None:
        known = ", ".join(factors.by_scenario_key)
        raise ConfigError(path, label, field, "is no factor that can be shocked", f"use one of {known}")
    try:
        shock = read_shock(key, written)
    except ValidationError as error:
        raise ConfigError(path, label, field, *_problem_of_shock(key, written, error)) from None
    if isinstance(shock, YieldShock) and factor.factor_type != "macro":
        raise ConfigError(path, label, field, "yield_change does not fit this factor", "yield_change is for rates")
    if isinstance(shock, RelativeShock) and factor.factor_type != "style":
        raise ConfigError(path, label, field, "relative is a return beyond the market's", "use return")
    return shock


def _problem_of_shock(key: str, written: Any, error: ValidationError) -> tuple[str, str]:
    problem = error.errors(include_url=False)[0]
    if problem["loc"][-1:] != ("size",):
        return f"{written!r} has no unit", f"write {{{key}: {{return: -0.10}}}}"
    unit, size = next(iter(written.items()))
    low, high = YIELD_LIMITS if unit == "yield_change" else RETURN_LIMITS
    return f"{size!r} is impossible", f"a {unit} is a decimal above {low} and below {high}"
