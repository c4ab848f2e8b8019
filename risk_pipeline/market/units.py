"""Quotes in pence, cents and agorot, converted to the whole unit once, on input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..tabular.currencies import CODES, HUNDREDTHS, HUNDREDTHS_WRITTEN
from .source import MarketBars

MONEY = ("high", "low", "close", "dividend")


def in_whole_units(fetched: MarketBars, written: Mapping[str, str | None]) -> MarketBars:
    """Return bars in whole units of currency, and each symbol's ISO code.

    Parameters
    ----------
    fetched : bars as the source quotes them.
    written : symbol -> what the source calls the unit of its quotes: an ISO code, or ``GBp``, ``GBX``, ``ILA``,
        ``ZAc``, which are hundredths of one. Anything else is no currency and is passed over.
    """
    bars = fetched.bars
    units = {symbol: HUNDREDTHS_WRITTEN.get(unit, unit) for symbol, unit in written.items() if unit}
    small = [symbol for symbol, unit in units.items() if unit in HUNDREDTHS]
    if small:
        rows = bars["symbol"].isin(small).to_numpy()
        # rounded to the float that the whole unit would be written as
        bars = bars.assign(**{name: np.where(rows, np.round(bars[name] / 100.0, 12), bars[name]) for name in MONEY})
    hundredths = {symbol: units[symbol] for symbol in small}
    codes = {symbol: HUNDREDTHS.get(unit, unit) for symbol, unit in units.items()}
    known = {symbol: code for symbol, code in codes.items() if code in CODES}
    return replace(fetched, bars=bars, currencies=known, units=hundredths)


def is_unit(written: str) -> bool:
    """Return whether a text is an ISO code or one of the hundredths."""
    return HUNDREDTHS_WRITTEN.get(written, written) in {*CODES, *HUNDREDTHS}
