"""Opens the sources of market data that the settings name: built in, or installed as plugins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path

from ..settings import SOURCE_GROUP
from .chain import ChainedMarket
from .pairs import WithPairs
from .source import MarketDataSource, SourceError


@dataclass(frozen=True)
class SourceOptions:
    """What the settings say: a path, the simulated market's seed, a vendor's key."""

    path: Path | None = None
    seed: int = 7
    key: str | None = field(default=None, repr=False)


def _simulated(options: SourceOptions) -> MarketDataSource:
    from .simulated import SimulatedMarket

    return SimulatedMarket(seed=options.seed)


def _files(options: SourceOptions) -> MarketDataSource:
    from .files import FileMarket

    if options.path is None:
        raise SourceError("the source 'files' needs a path: set RISK_PIPELINE_MARKET__PATH")
    return FileMarket(options.path)


def _yahoo(_: SourceOptions) -> MarketDataSource:
    from .yahoo import YahooMarket

    return YahooMarket()


def _tiingo(options: SourceOptions) -> MarketDataSource:
    from .tiingo import TiingoMarket

    if options.key is None:
        raise SourceError("the source 'tiingo' needs your API token: set RISK_PIPELINE_MARKET__KEY")
    return TiingoMarket(options.key)


BUILT_IN: dict[str, Callable[[SourceOptions], MarketDataSource]] = {
    "simulated": _simulated,
    "files": _files,
    "yahoo": _yahoo,
    "tiingo": _tiingo,
}


def open_source(name: str, *, path: Path | None = None, seed: int = 7, key: str | None = None) -> MarketDataSource:
    """Return the source that the settings name, or several in a chain: ``yahoo,files``.

    Raises
    ------
    SourceError
        If there is no such source, it lacks its path or key, or its library isn't installed.
    """
    names = [part.strip() for part in name.split(",") if part.strip()]
    options = SourceOptions(path, seed, key)
    if len(names) == 1:
        return _open(names[0], options)
    if not names:
        raise SourceError("RISK_PIPELINE_MARKET__SOURCE names no source")
    return ChainedMarket([WithPairs(_open(one, options)) for one in names])


def _open(name: str, options: SourceOptions) -> MarketDataSource:
    if name in BUILT_IN:
        return BUILT_IN[name](options)
    installed = {point.name: point for point in entry_points(group=SOURCE_GROUP)}
    if name not in installed:
        known = [*BUILT_IN, *sorted(installed)]
        there_are = f"{', '.join(known[:-1])} or {known[-1]}"
        raise SourceError(f"RISK_PIPELINE_MARKET__SOURCE: there is no market source {name!r}: use {there_are}")
    try:
        make: Callable[[SourceOptions], MarketDataSource] = installed[name].load()
    except Exception as error:
        where = installed[name].value
        raise SourceError(f"the source {name!r} of {where} can't be loaded ({error}): install it again") from None
    return make(options)
