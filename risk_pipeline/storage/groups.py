"""Groups of portfolios: each is a portfolio of its members' lots and flows, made when the book is read.

A group is open while all its members are, so that its NAV is the sum of theirs. Nothing downstream knows of groups.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import pandas as pd

LONGEST_ID = 64


def with_groups(portfolios: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return portfolios and the groups of them, by id; ``members`` has ``group_id, portfolio_id``.

    Equity is the members' together; the first day is the latest of theirs, the closing the earliest; its benchmark is
    theirs if all have the same. A group whose
    members are not all there, or are in several currencies, which an import refuses, is left out.
    """
    rows = []
    for group, names in _by_group(members).items():
        own = portfolios[portfolios["portfolio_id"].isin(names)]
        if len(own) < len(names) or own["currency"].nunique() != 1:
            continue
        rows.append(
            {
                "portfolio_id": group,
                "name": f"{group}, {len(own)} portfolios together",
                "currency": own["currency"].iloc[0],
                "inception_date": own["inception_date"].max(),
                "closed_date": own["closed_date"].min(),
                "starting_equity": own["starting_equity"].sum(),
                "benchmark": own["benchmark"].iloc[0] if own["benchmark"].nunique(dropna=False) == 1 else None,
            }
        )
    return _joined(portfolios, pd.DataFrame(rows, columns=portfolios.columns), ["portfolio_id"])


def lots_with_groups(lots: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return lots and those of the groups again, by portfolio and position; a group's have ids of their own."""
    copies = _copies(lots, members)
    copies["position_id"] = [
        lot_id(group, position) for group, position in zip(copies["portfolio_id"], copies["position_id"], strict=True)
    ]
    return _joined(lots, copies, ["portfolio_id", "position_id"])


def flows_with_groups(flows: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    """Return flows and those of the groups, added up by day."""
    copies = _copies(flows, members).groupby(["portfolio_id", "flow_date"], as_index=False)["amount"].sum()
    return _joined(flows, copies, ["portfolio_id", "flow_date"])


def lot_id(group: str, position: str) -> str:
    """Return the id of a group's lot: the group and the lot, with a hash of both where that is too long."""
    name = f"{group}/{position}"
    if len(name) <= LONGEST_ID:
        return name
    return f"{group[:23]}/{hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()}"


def _by_group(members: pd.DataFrame) -> Mapping[str, list[str]]:
    return {str(group): list(rows) for group, rows in members.groupby("group_id")["portfolio_id"]}


def _copies(rows: pd.DataFrame, members: pd.DataFrame) -> pd.DataFrame:
    merged = rows.merge(members[["group_id", "portfolio_id"]], on="portfolio_id")
    return merged.assign(portfolio_id=merged["group_id"])[rows.columns]


def _joined(rows: pd.DataFrame, more: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    if more.empty:
        return rows
    both = pd.concat([rows, more.astype(rows.dtypes)], ignore_index=True)
    return both.sort_values(by, kind="stable", ignore_index=True)
