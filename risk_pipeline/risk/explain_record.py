"""How much of the P&L has had a name: from the stored rows of many sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd

SESSIONS, LEAST = 63, 21
"""Sessions of the explained share, and how many it needs at least."""


def explained_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``portfolio_id, sessions, explained_share`` over the last 63 sessions of each portfolio.

    One less the variance of the unexplained P&L over that of the P&L, both as shares of equity at the start of the
    session. NaN with fewer than 21 sessions, or where the P&L does not vary.

    Parameters
    ----------
    rows : ``session, portfolio_id, daily_pnl, nav, unexplained``, by portfolio and session.
    """
    newest = rows.groupby("portfolio_id", sort=True).tail(SESSIONS)
    base = newest["nav"] - newest["daily_pnl"]
    base = base.where(base > 0)
    shares = pd.DataFrame(
        {name: newest[name] / base for name in ("unexplained", "daily_pnl")} | {"portfolio_id": newest["portfolio_id"]}
    ).dropna()
    groups = shares.groupby("portfolio_id", sort=True)
    variance, count = groups.var(), groups.size()
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 1.0 - variance["unexplained"] / variance["daily_pnl"]
    known = (count >= LEAST) & (variance["daily_pnl"] > 0)
    return (
        pd.DataFrame({"sessions": count, "explained_share": share.where(known)})
        .rename_axis("portfolio_id")
        .reset_index()
    )
