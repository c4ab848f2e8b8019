"""Opens the market-data source that the settings name."""

from __future__ import annotations

from pathlib import Path

from .source import MarketDataSource, SourceError


def open_source(name: str, *, path: Path | None = None, seed: int = 7) -> MarketDataSource:
    """Return the source that the settings name: ``simulated``, ``files`` or ``yahoo``.

    Raises
    ------
    SourceError
        If there is no such source, it lacks its path, or its library isn't installed.
    """
    if name == "simulated":
        from .simulated import SimulatedMarket

        return SimulatedMarket(seed=seed)
    if name == "files":
        from .files import FileMarket

        if path is None:
            raise SourceError("the source 'files' needs a path: set RISK_PIPELINE_MARKET__PATH")
        return FileMarket(path)
    if name == "yahoo":
        from .yahoo import YahooMarket

        return YahooMarket()
    raise SourceError(f"there is no market source {name!r}: use simulated, files or yahoo")
