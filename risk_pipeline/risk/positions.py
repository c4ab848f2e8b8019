"""The rows of ``position_values``: what every held lot is worth, its greeks and its part of the risk."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..analytics.arrays import Float1D
from .inputs import Inputs

DAYS_A_YEAR = 365.0


def position_rows(inputs: Inputs, risk: Float1D) -> pd.DataFrame:
    """Return a row per session and held lot; ``risk`` is by holding, so without the private ones."""
    rows, lots = inputs.book.positions, inputs.lots
    lot = rows.lot
    contribution = np.full(len(lot), np.nan)
    contribution[~lots.is_private[lot]] = risk
    shares = rows.quantity * lots.multiplier[lot]
    return pd.DataFrame(
        {
            "session": np.array(inputs.sessions, dtype="datetime64[s]")[rows.session],
            "position_id": np.array(inputs.position_ids, dtype=object)[lot],
            "portfolio_id": np.array(inputs.portfolio_ids, dtype=object)[lots.portfolio[lot]],
            "symbol": np.array(inputs.lot_symbols, dtype=object)[lot],
            "quantity": rows.quantity,
            "price": rows.price,
            "value": rows.value,
            "delta_value": np.where(lots.is_private[lot], np.nan, rows.delta * shares * rows.spot),
            "gamma": rows.gamma * shares * rows.spot**2 * 0.01,
            "vega": rows.vega * shares * 0.01,
            "theta": rows.theta * shares / DAYS_A_YEAR,
            "volatility": rows.volatility,
            "risk_contribution": contribution,
            "is_stale": rows.is_stale,
        }
    )
