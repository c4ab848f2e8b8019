"""Why a portfolio's row is bad: which of its symbols lack what, in plain words."""

from typing import TYPE_CHECKING

import pandas as pd

from ...analytics.reasons import Reason
from ...storage.check_queries import skipped_symbols

if TYPE_CHECKING:
    import sqlalchemy as sa

KEY = ["session", "portfolio_id"]
MOST = 5


def with_causes(engine: "sa.Engine", bad: pd.DataFrame) -> pd.DataFrame:
    """Return bad rows of portfolios with ``symbols`` and ``reason`` of those that an analytic could not compute.

    Rows of anything else stay as they are, and so do the others where no symbol was skipped. A column of either name
    that the check has filled itself is kept.
    """
    if bad.empty or not set(KEY) <= set(bad.columns):
        return bad
    days = pd.to_datetime(bad["session"])
    skips = skipped_symbols(engine, days.min().date(), days.max().date())
    if skips.empty:
        return bad
    words = skips.assign(reason=[Reason(reason).explain() for reason in skips["reason"]])
    each = words.groupby(KEY).agg(
        symbols=("symbol", lambda names: _listed(sorted(set(names)))),
        reason=("reason", lambda reasons: "; ".join(sorted(set(reasons)))),
    )
    added = each.drop(columns=[name for name in each.columns if name in bad.columns])  # what the check says itself wins
    merged = bad.assign(session=days).merge(added.reset_index(), on=KEY, how="left")
    return merged.astype(dict.fromkeys(added.columns, object)).where(merged.notna(), None)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
