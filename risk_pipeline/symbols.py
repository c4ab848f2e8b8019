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
"""

from __future__ import annotations

import re

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
