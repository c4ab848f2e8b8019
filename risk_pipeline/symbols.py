"""One spelling of each symbol, and each vendor's spelling of it.

========================================  ===========  ===========
written                                   canonical    Yahoo
========================================  ===========  ===========
``BRK.B`` ``BRK-B`` ``BRK/B`` ``BRK B``   ``BRK.B``    ``BRK-B``
``" aapl "``                              ``AAPL``     ``AAPL``
``EQIX``                                  ``EQIX``     ``EQIX``
``VOD.L`` (an exchange, not a class)      ``VOD.L``    ``VOD.L``
``BTC-USD``                               ``BTC-USD``  ``BTC-USD``
========================================  ===========  ===========

Options are also known by the name that the Options Clearing Corporation gives them: root, expiry, C or P and the
strike in thousandths, ``SPY   221216C00400000``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

_SHARE_CLASS = re.compile(r"([A-Z0-9]+)[-./ ]([A-C])")


def canonical(symbol: str) -> str:
    """Return the one spelling: upper case, no outer blanks, a share class A to C after a dot."""
    text = " ".join(symbol.upper().split())
    match = _SHARE_CLASS.fullmatch(text)
    return f"{match[1]}.{match[2]}" if match else text


def yahoo_form(symbol: str) -> str:
    """Return Yahoo's spelling of a canonical symbol: a share class after a hyphen."""
    match = _SHARE_CLASS.fullmatch(symbol)
    return f"{match[1]}-{match[2]}" if match else symbol


_OCC = re.compile(r"([A-Z][A-Z.]{0,5}\d?) *(\d{6})([CP])(\d{8})")
_ROOTS = {"BRKB": "BRK.B", "BRKA": "BRK.A", "BFB": "BF.B", "SPXW": "SPX", "NDXP": "NDX", "RUTW": "RUT", "VIXW": "VIX"}
"""Roots that are not their underlying's symbol."""
EUROPEAN = frozenset(("SPX", "NDX", "RUT", "VIX", "XSP", "DJX", "XND", "MRUT", "^SPX", "^GSPC", "^NDX", "^RUT", "^VIX"))
"""Underlyings whose listed options can be exercised at expiry only: indices."""


@dataclass(frozen=True)
class OccName:
    """What the name of a listed option says."""

    underlying: str
    expiry: date
    option_type: str
    strike: float
    is_adjusted: bool
    """Whether the contract delivers something else than 100 shares (its root ends in a digit)."""


def made_occ_name(underlying: str, expiry: date, option_type: str | None, strike: float) -> str:
    """Return the OCC name of an option, without blanks; a star stands for a type that is either.

    Examples
    --------
    >>> made_occ_name("SPY", date(2022, 12, 16), "CALL", 400.0)
    'SPY221216C00400000'
    """
    root = underlying.replace(".", "").lstrip("^")
    return f"{root}{expiry:%y%m%d}{(option_type or '*')[0]}{round(strike * 1000):08d}"


def occ_name(symbol: str) -> OccName | None:
    """Return what an OCC name says, None if the symbol is none."""
    match = _OCC.fullmatch(" ".join(symbol.upper().split()))
    if not match:
        return None
    root, day, kind, strike = match.groups()
    try:
        expiry = datetime.strptime(day, "%y%m%d").date()
    except ValueError:
        return None
    bare = root.rstrip("0123456789")
    option_type = "CALL" if kind == "C" else "PUT"
    return OccName(_ROOTS.get(bare, canonical(bare)), expiry, option_type, int(strike) / 1000, bare != root)


def priced_symbol(lots: pd.DataFrame) -> pd.Series:
    """Return the symbol whose market price each lot of ``positions`` needs, null for none.

    Its own, an option's underlying, a private asset's proxy.
    """
    own = lots["underlying"].where(lots["underlying"].notna(), lots["symbol"])
    proxy = lots["proxy"] if "proxy" in lots else own.where(own.isna())
    return own.where(lots["investment_class"] != "PRIVATE", proxy)


def priced_symbols(lots: pd.DataFrame) -> list[str]:
    """Return the symbols with a market price that the lots need, their proxies among them; sorted."""
    return sorted(set(priced_symbol(lots).dropna()))
