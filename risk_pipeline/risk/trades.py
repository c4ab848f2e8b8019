"""Trades of a session on a book: what is bought are lots, what is sold leaves the oldest lots first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

DUST = 1e-9
"""A quantity below this part of a trade is the rounding of its sums."""
OPTION_COLUMNS = ("underlying", "option_type", "strike", "expiry", "implied_volatility", "exercise", "multiplier")


@dataclass(frozen=True)
class Trade:
    """A trade at a price per unit; ``quantity`` is signed, ``terms`` further columns of ``positions`` of its lot."""

    portfolio_id: str
    symbol: str
    quantity: float
    price: float
    investment_class: str = "PUBLIC"
    terms: tuple[tuple[str, Any], ...] = ()


def with_trades(lots: pd.DataFrame, trades: Sequence[Trade], session: date) -> pd.DataFrame:
    """Return the lots of ``positions`` after trades on a session, in their order of portfolio and id.

    A trade against what is held closes the oldest lots (first in, first out) on the session at its price, the last of
    them in part, which takes its share of the fees of entry along; what is left opens a lot. A lot that leaves after
    the session is held. Lots are in units of their entry date: a split since then is undone by ``units_since`` of the
    lot where it is given.
    """
    day = pd.Timestamp(session)
    rows = lots.to_dict("records")
    for number, trade in enumerate(trades, 1):
        left = trade.quantity
        held = [
            row
            for row in sorted(rows, key=lambda row: (row["entry_date"], row["position_id"]))
            if row["portfolio_id"] == trade.portfolio_id
            and row["symbol"] == trade.symbol
            and row["investment_class"] == trade.investment_class
            and (pd.isna(row["exit_date"]) or row["exit_date"] > day)
            and (pd.isna(row["expiry"]) or row["expiry"] > day)
            and row["quantity"] * trade.quantity < 0
        ]
        for row in held:
            ratio = row.get("units_since", 1.0)
            available = row["quantity"] * ratio
            taken = -np.sign(left) * min(abs(available), abs(left))
            if abs(taken) < DUST * abs(trade.quantity):
                break
            if abs(available - taken) > DUST * abs(available):
                fees, share = row.get("fees", np.nan), taken / available
                rest = {
                    **row,
                    "quantity": (available - taken) / ratio,
                    "fees": fees * (1.0 - share),
                    "position_id": f"{row['position_id']}.rest"[-64:],
                }
                rows.append(rest)
                row["fees"] = fees * share
            row |= {"quantity": taken / ratio, "exit_date": day, "exit_price": trade.price}
            left += taken
        if abs(left) > DUST * abs(trade.quantity):
            rows.append(_opened(lots, trade, left, day, number))
    out = pd.DataFrame(rows, columns=list(lots.columns)).astype(lots.dtypes.to_dict())
    return out.sort_values(["portfolio_id", "position_id"], kind="stable", ignore_index=True)


def _opened(lots: pd.DataFrame, trade: Trade, quantity: float, day: pd.Timestamp, number: int) -> dict[str, Any]:
    nothing = {name: None if kind == object else np.nan for name, kind in lots.dtypes.items()}  # noqa: E721
    return {
        **nothing,
        "units_since": 1.0,
        "position_id": f"whatif:{trade.portfolio_id}:{number:04d}"[-64:],
        "portfolio_id": trade.portfolio_id,
        "symbol": trade.symbol,
        "investment_class": trade.investment_class,
        "quantity": quantity,
        "entry_date": day,
        "entry_price": trade.price,
        "is_deleted": False,
        **dict(trade.terms),
    }
