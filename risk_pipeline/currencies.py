"""Currency pairs as symbols, and through which of them money of one currency becomes money of another.

A pair is a symbol of the panel like any other, in Yahoo's spelling: ``EURUSD=X`` is the price of one euro in dollars,
``JPY=X`` short for ``USDJPY=X``. Every currency has one pair against the dollar, in the order in which the market
quotes it; two other currencies are exchanged through the dollar. So a currency's risk has one name, whoever holds it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DOLLAR = "USD"
QUOTED_IN_DOLLARS = ("EUR", "GBP", "AUD", "NZD")
"""Currencies whose market quote is dollars per unit; of the others it is units per dollar."""
PREFIX = "FX "
"""What the name of a currency risk begins with: ``FX EURUSD``."""
_PAIR = re.compile(r"([A-Z]{3})?([A-Z]{3})=X")


class Leg(NamedTuple):
    """A currency pair and the power of its price in an exchange rate: 1, or -1 for its inverse."""

    symbol: str
    power: int


def pair_symbol(base: str, quote: str) -> str:
    """Return the symbol whose price is one unit of ``base`` in ``quote``."""
    return f"{base}{quote}=X"


def pair_currencies(symbol: str) -> tuple[str, str] | None:
    """Return the base and quote currency of a pair, None if the symbol is none."""
    match = _PAIR.fullmatch(symbol)
    return (match[1] or DOLLAR, match[2]) if match else None


def legs(currency: str, into: str) -> tuple[Leg, ...]:
    """Return the pairs, none to two, the product of whose powers is the price of ``currency`` in ``into``."""
    if currency == into:
        return ()
    return (*_dollars(currency, 1), *_dollars(into, -1))


def _dollars(currency: str, power: int) -> tuple[Leg, ...]:
    if currency == DOLLAR:
        return ()
    if currency in QUOTED_IN_DOLLARS:
        return (Leg(pair_symbol(currency, DOLLAR), power),)
    return (Leg(pair_symbol(DOLLAR, currency), -power),)


def conventional(symbol: str) -> Leg:
    """Return a pair as the market quotes it: ``USDEUR=X`` is the inverse of ``EURUSD=X``.

    A cross of two currencies other than the dollar stays as it is.
    """
    currencies = pair_currencies(symbol)
    if currencies is None:
        raise ValueError(f"{symbol!r} is no currency pair")
    parts = legs(*currencies)
    return parts[0] if len(parts) == 1 else Leg(pair_symbol(*currencies), 1)


def risk_name(symbol: str) -> str:
    """Return the name of a conventional pair's risk: ``FX EURUSD`` of ``EURUSD=X``."""
    return PREFIX + symbol.removesuffix("=X")
