"""A shock of one's own on the portfolios of a stored session; nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING, Any

from ..analytics.reasons import Reason
from ..config.factors import FactorRegistry
from ..config.registries import Registries
from ..config.scenario_file import scenario_of
from ..config.scenarios import CURRENCIES, Scenario
from ..config.shocks import RETURN_LIMITS
from ..risk.inputs import Frames
from ..risk.stress import compute_stress
from ..storage.errors import StorageError
from ..storage.portfolio_ids import require_open, require_portfolio
from ..storage.queries import portfolios, read_table
from .inputs import (
    StoredRegistries,
    book_frames,
    inputs_of,
    only_portfolios,
    panel_of,
    read_stress_inputs,
    seen_by,
)

if TYPE_CHECKING:
    import sqlalchemy as sa

NAME = "own_shock"
SHOCK = re.compile(r"(?P<key>[A-Za-z_]+(?: [A-Za-z_]+)*)\s*=\s*(?P<size>[+-]?\d*\.?\d+)\s*(?P<unit>bp|%|)")
VOLATILITY = re.compile(r"(?P<size>[+-]?\d*\.?\d+)(?P<unit>%|)")
PAIR = re.compile(r"[A-Z]{6}")


def own_scenario(shocks: Iterable[str], volatility: str | None, registries: Registries) -> Scenario:
    """Return the scenario that texts such as ``Market=-0.10``, ``Rates=+100bp`` or ``EURUSD=-5%`` state.

    ``Rates`` stands for the rates factor's key and takes basis points, a change of yield; the key itself also takes a
    return of the proxy, which is the other way. A style's move is relative to the market. ``volatility`` is in points
    (``+20``), or relative with a % sign.

    Raises
    ------
    ValueError
        If a text states no shock; a ConfigError, which is one, if a shock is impossible.
    """
    written: dict[str, Any] = {}
    factors = registries.factors
    rates = factors.rates.scenario_key
    for text in shocks:
        match = SHOCK.fullmatch(text.strip())
        if match is None:
            raise ValueError(f"--shock {text!r} states no shock: write Market=-0.10, Rates=+100bp or EURUSD=-5%")
        key, unit = match["key"], match["unit"]
        size = float(match["size"]) / {"bp": 1e4, "%": 100.0, "": 1.0}[unit]
        if not unit and not RETURN_LIMITS[0] < size < RETURN_LIMITS[1]:
            likely = "bp" if key.lower() in ("rates", str(rates).lower()) else "%"
            raise ValueError(f"--shock {text!r} is a move of {100 * size:,.0f} %: write {key}={match['size']}{likely}")
        if key.lower() == "rates" and unit != "bp":
            raise ValueError(
                f"--shock {text!r} states no change of rates: write Rates=+100bp for a rise of one point, or "
                f"{rates}={match['size']}{unit} for a return of its proxy, which falls when rates rise"
            )
        if PAIR.fullmatch(key):
            written.setdefault(CURRENCIES, {})[key] = size
            continue
        key = _key(key, factors, rates)
        if key in written:
            raise ValueError(f"--shock {key} is given twice: keep one")
        factor = factors.by_scenario_key[key]
        kind = "yield_change" if unit == "bp" else "relative" if factor.factor_type == "style" else "return"
        written[key] = {kind: size}
    return scenario_of(NAME, written, registries, None if volatility is None else _volatility(volatility))


def _key(written: str, factors: FactorRegistry, rates: str | None) -> str:
    keys = {key.lower(): key for key in factors.by_scenario_key}
    if rates is not None:
        keys["rates"] = rates
    if written.lower() not in keys:
        raise ValueError(
            f"--shock {written} is no factor: there are Rates, {', '.join(factors.by_scenario_key)}, and "
            "currency pairs in capitals, such as EURUSD or USDJPY"
        )
    return keys[written.lower()]


def _volatility(text: str) -> dict[str, float]:
    match = VOLATILITY.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"--vol {text!r} states no change: write +20 for points, +50% for half as much again")
    size = float(match["size"])
    if size <= -100:
        raise ValueError(f"--vol {text!r} takes away all volatility: write more than -100")
    return {"relative": size / 100.0} if match["unit"] else {"points": size}


def own_stress(
    engine: sa.Engine, registries: Registries, session: date, scenario: Scenario, portfolio: str | None = None
) -> Frames:
    """Return the rows that a run with this scenario in its library would store of it, by table.

    They are of the book that the session was computed from: its stored exposures are, whatever was imported since.

    Raises
    ------
    StorageError
        If there was no such portfolio then, or the session has not been computed.
    NoSessionError
        If it is no session.
    """
    panel = panel_of(engine, session)
    library = registries.scenarios.model_copy(update={"active": (scenario,)})
    book = book_frames(seen_by(engine, session), session)
    stored = read_stress_inputs(engine, registries, session, session)
    if portfolio is not None:
        if portfolio not in set(book.portfolios["portfolio_id"]):
            require_portfolio(portfolio, portfolios(engine)["portfolio_id"])
            raise StorageError(
                f"{portfolio} was imported after {session} was computed: "
                f"`risk-pipeline run --date {session}` computes it"
            )
        book = only_portfolios(book, [portfolio])
        rows = stored["factor_exposures"]
        stored["factor_exposures"] = rows[rows["portfolio_id"] == portfolio].reset_index(drop=True)
    if stored["factor_exposures"].empty:
        raise StorageError(_why_no_exposures(engine, session, portfolio))
    inputs = inputs_of(book, panel, [session], StoredRegistries(registries.factors, library))
    inputs.stored.update(stored)
    return compute_stress(inputs)


def _why_no_exposures(engine: sa.Engine, session: date, portfolio: str | None) -> str:
    """Say why a session, or a portfolio on it, has no exposures: it has no risk to measure, or was not computed."""
    skips = read_table(engine, "analytics_skips", first=session, last=session)
    reasons = skips.loc[(skips["entity"] == portfolio) & (skips["analytic"] == "factor_exposures"), "reason"]
    if len(reasons):
        return f"{portfolio} has no exposures on {session}: {Reason(reasons.iloc[0]).explain()}"
    if portfolio:
        require_open(portfolio, portfolios(engine), session)
    whose = f" of {portfolio}" if portfolio else ""
    return f"there are no exposures{whose} on {session}: `risk-pipeline run --date {session}` makes them"
