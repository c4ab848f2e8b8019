"""How much of the P&L has had a name: from the stored rows of many sessions."""

from __future__ import annotations

import numpy as np
import pandas as pd

ANNUAL = 252
SPECIFIC_EXCESS = 1.5
"""An unexplained volatility beyond so many times the factor model's specific one is more than chance."""
SESSIONS, LEAST = 63, 21
"""Sessions of the explained share, and how many it needs at least."""


def explained_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Return ``portfolio_id, sessions, explained_share, unexplained_volatility`` over each one's last 63 sessions.

    The share is one less the variance of the unexplained P&L over that of the P&L, both as shares of equity at the
    start of the session; NaN with fewer than 21 sessions, or where the P&L does not vary. The volatility is the
    unexplained's, annualised.

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
        pd.DataFrame(
            {
                "sessions": count,
                "explained_share": share.where(known),
                "unexplained_volatility": np.sqrt(ANNUAL * variance["unexplained"]).where(known),
            }
        )
        .rename_axis("portfolio_id")
        .reset_index()
    )


def poorly_explained(shares: pd.DataFrame, model: pd.DataFrame, least: float) -> pd.DataFrame:
    """Return the rows of ``explained_shares`` that say that something is wrong, with what the model expected.

    A share below ``least`` does where the model expected more, or does not say. Of a book of which it expects less,
    such as a market-neutral one, most P&L is specific by design: it is judged by how large that is, against the
    model's own specific volatility. ``expected_share`` and ``specific_volatility`` are means of variances over the
    sessions.

    Parameters
    ----------
    model : ``portfolio_id, volatility, factor_part`` by session, of the same sessions.
    """
    variances = pd.DataFrame(
        {
            "portfolio_id": model["portfolio_id"],
            "all": model["volatility"] ** 2,
            "factors": model["volatility"] * model["factor_part"],
        }
    ).dropna()
    means = variances.groupby("portfolio_id").mean()
    means["expected_share"] = means["factors"] / means["all"].where(means["all"] > 0)
    means["specific_volatility"] = np.sqrt((means["all"] - means["factors"]).clip(lower=0.0))
    rows = shares.join(means[["expected_share", "specific_volatility"]], on="portfolio_id")
    is_directional = ~(rows["expected_share"] < least)
    is_large = rows["unexplained_volatility"] > SPECIFIC_EXCESS * rows["specific_volatility"]
    return rows[(rows["explained_share"] < least) & (is_directional | is_large)]
