"""The positions as the page names them: lots of one name are one, an option is called by its terms."""

from __future__ import annotations

import numpy as np
import pandas as pd

NAME = ["session", "portfolio_id", "symbol", "kind"]


def positions_by_name(lots: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of ``position_values`` added up by session, portfolio and name.

    ``kind`` is the investment class; ``priced`` the symbol whose price values it, empty of a private asset. ``gain``
    is the session's P&L, of lots that were sold too; NaN where it is not stored. ``is_held`` is false of a name that
    was wholly sold or expired on the session. ``contribution`` is the part of the factor model's volatility, NaN
    where the model has none; ``specific`` what the factors leave of the session's price P&L, NaN likewise; ``var_part``
    and ``es_part`` the parts of value at risk and expected shortfall at 99 %, shares of equity. ``proxy`` and
    ``proxy_beta`` are what the risk of a private asset is assumed to follow.
    """
    kind = lots["investment_class"].fillna("")
    is_held = lots["quantity"] != 0
    priced = lots["underlying"].where(lots["underlying"].notna(), lots["symbol"])
    named = pd.DataFrame(
        {
            "session": lots["session"].dt.date,
            "portfolio_id": lots["portfolio_id"],
            "symbol": lots["contract"].where(lots["contract"].notna(), lots["symbol"]),
            "kind": kind,
            "priced": np.where(kind == "PRIVATE", "", priced),
            "quantity": lots["quantity"],
            "price": lots["price"].where(is_held),
            "value": lots["value"],
            "is_stale": lots["is_stale"],
            "marked": lots["mark_date"],
            "proxy": lots["proxy"],
            "proxy_beta": lots["proxy_beta"],
            "is_held": is_held,
            "gain": lots["daily_pnl"],
            "contribution": lots["risk_contribution"],
            "specific": lots["specific_pnl"],
            "var_part": lots["component_var_99"],
            "es_part": lots["component_es_99"],
        }
    ).groupby(NAME, sort=True)
    out = named.agg(
        {
            "priced": "first",
            "quantity": "sum",
            "price": "first",
            "value": "sum",
            "is_stale": "max",
            "marked": "first",
            "proxy": "first",
            "proxy_beta": "first",
            "is_held": "max",
        }
    )
    sums = {name: named[name].sum(min_count=1) for name in ("gain", "contribution", "specific", "var_part", "es_part")}
    return out.assign(**sums).reset_index()
