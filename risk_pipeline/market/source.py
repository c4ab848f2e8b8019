"""What every source of market data provides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

import pandas as pd

BAR_COLUMNS = ("session", "symbol", "high", "low", "close", "volume", "dividend", "split_factor", "basis")
PROFILE_COLUMNS = ("symbol", "as_of", "name", "sector", "vendor_beta", "currency")

AS_TRADED = "as_traded"
ADJUSTED = "adjusted"


class SourceError(RuntimeError):
    """The source as a whole can't be used; the message ends with the remedy."""


@dataclass(frozen=True)
class MarketBars:
    """Bars of the requested symbols and sessions, and errors by symbol."""

    bars: pd.DataFrame
    """Columns :data:`BAR_COLUMNS`, sorted by session and symbol, unique.

    ``session`` is datetime64[s] at midnight, without a zone; ``symbol`` and ``basis`` are strings, the rest
    floats. ``close`` is as traded (dollars, positive) unless ``basis`` says ``adjusted``. ``high``, ``low``
    and ``volume`` are NaN where the source has none or they can't be right. ``dividend`` is cash per share
    held before the session, 0 on ordinary days; ``split_factor`` is new shares per old, 1 on ordinary days.
    A session on which a symbol has no price has no row.
    """
    errors: Mapping[str, str] = field(default_factory=dict)
    """Symbol -> why nothing of it could be had; such a symbol has no row in ``bars``."""
    dropped: Mapping[str, str] = field(default_factory=dict)
    """Symbol -> which of its bars, or their high and low, were left out as impossible."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Symbol -> what was done that is no fault, such as a dividend carried to the next session with a close."""
    currencies: Mapping[str, str] = field(default_factory=dict)
    """Symbol -> ISO code of the currency of its prices, of those for which the source says one. Quotes in pence or
    cents have been brought to the whole unit."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Symbol -> ``GBX``, ``ILA`` or ``ZAC`` of those whose quotes are in hundredths and were divided."""
    remarks: Sequence[str] = ()
    """Sentences about the source as a whole, such as which columns of a file are not read."""


class MarketDataSource(Protocol):
    """A source of bars and company profiles."""

    @property
    def name(self) -> str:
        """The name that the settings and the metadata use."""
        ...

    def fetch(self, symbols: Sequence[str], sessions: pd.DatetimeIndex) -> MarketBars:
        """Return the bars of the symbols (canonical form) on the sessions.

        Raises
        ------
        SourceError
            If the source as a whole can't be used. An unknown symbol is a value, not an exception.
        """
        ...

    def profiles(self, symbols: Sequence[str], as_of: date | None = None) -> pd.DataFrame:
        """Return every version of the symbols' profiles known on ``as_of`` (all versions if None).

        Columns :data:`PROFILE_COLUMNS`; ``as_of`` (datetime64[s]) is the date from which a version was
        known, null where the source has only the present one. Missing names, sectors and betas are null;
        a symbol without a profile has no row. ``currency`` is the unit of the symbol's quotes as the source writes
        it, null where it says none; of prices, :attr:`MarketBars.currencies` counts.
        """
        ...


def profile_frame(rows: Sequence[Mapping[str, object]]) -> pd.DataFrame:
    """Return profile rows as a frame with the columns and types of :meth:`MarketDataSource.profiles`."""
    frame = pd.DataFrame(list(rows), columns=list(PROFILE_COLUMNS))
    return frame.astype(
        {
            **dict.fromkeys(("symbol", "name", "sector", "currency"), "str"),
            "as_of": "datetime64[s]",
            "vendor_beta": "float64",
        }
    )
