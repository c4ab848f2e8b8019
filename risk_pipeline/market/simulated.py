"""The bundled market: simulated prices, the same for the same seed, on every machine and in every year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd

from ..currencies import DOLLAR
from .simulated_paths import Paths, simulate
from .simulated_universe import stream, universe
from .source import AS_TRADED, MarketBars, SourceError, profile_frame
from .validate import checked_bars


class SimulatedMarket:
    """Funds, four currency pairs and some sixty companies, from 2009 to 2035.

    Prices are invented, whatever the symbols suggest; only the sell-offs of 2020 and 2022 repeat the size of the
    real ones. Among them are payers of dividends, splits and a
    reverse split, a listing (NOVR), a delisting (OLDM) and thin symbols with missing bars (KELP, PNBK).
    A bar is the same in any range of sessions and any set of symbols.

    Parameters
    ----------
    seed : any integer from 0 on; another seed is another market.
    """

    name = "simulated"

    def __init__(self, seed: int = 7) -> None:
        if seed < 0:
            raise SourceError(f"the seed of the simulated market is {seed}: use 0 or more")
        self.seed = seed

    @cached_property
    def paths(self) -> Paths:
        """All paths, drawn once in a process."""
        return _drawn(self.seed)

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols, sorted."""
        return tuple(company.symbol for company in universe())

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols on the sessions; see :class:`~.source.MarketDataSource`."""
        paths = self.paths
        wanted_symbols = sorted(set(symbols))
        known = [symbol for symbol in wanted_symbols if symbol in paths.symbols]
        asked = np.unique(np.asarray(sessions, dtype="datetime64[D]"))
        asked = asked[np.isin(asked, paths.days)]
        cells = np.ix_(np.searchsorted(paths.days, asked), np.searchsorted(paths.symbols, known))
        row, column = np.nonzero(paths.has_bar[cells])
        bars = pd.DataFrame(
            {
                "session": asked.astype("datetime64[s]")[row],
                "symbol": pd.array(known, dtype="str").take(column),
                **{
                    field: getattr(paths, field)[cells][row, column]
                    for field in ("high", "low", "close", "volume", "dividend", "split_factor")
                },
                "basis": pd.array([AS_TRADED], dtype="str").take(np.zeros(len(row), dtype=int)),
            }
        )
        unknown = {
            symbol: "is not in the simulated market; for your own symbols set RISK_PIPELINE_MARKET__SOURCE"
            for symbol in wanted_symbols
            if symbol not in known
        }
        return replace(checked_bars(bars, sessions, unknown), currencies=dict.fromkeys(known, DOLLAR))

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return one version a year: the true beta with an error that changes slowly."""
        latest = as_of or self.paths.days[-1].item()
        rows = []
        for index, company in enumerate(universe()):
            if company.symbol not in symbols:
                continue
            start = date.fromisoformat(company.first) if company.first else date(2009, 1, 1)
            end = min(latest, date.fromisoformat(company.last)) if company.last else latest
            draws = stream(self.seed, f"vendor beta {company.symbol}")
            errors = 0.05 * draws.standard_normal() + 0.02 * draws.standard_normal(60).cumsum()
            for year in range(start.year, end.year + 1):
                known_from = max(start, date(year, 1, 1))
                if known_from <= end:
                    beta = self.paths.market_beta[index] + errors[year - 2009]
                    rows.append(
                        {
                            "symbol": company.symbol,
                            "as_of": known_from,
                            "name": company.name,
                            "sector": company.sector,
                            "vendor_beta": round(float(beta), 2),
                        }
                    )
        return profile_frame(rows)


@lru_cache(maxsize=2)
def _drawn(seed: int) -> Paths:
    return simulate(seed)
