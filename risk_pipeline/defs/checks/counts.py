"""How many rows each portfolio has on each session."""

from collections.abc import Collection

import pandas as pd

from ...reports.quarantine import KEY


def count_of_each(rows: pd.DataFrame, column: str, **among: Collection[str]) -> pd.DataFrame:
    """Return ``session, portfolio_id, rows``, and by name how many of the rows' ``column`` are among some texts.

    >>> rows = pd.DataFrame({"session": "2025-06-30", "portfolio_id": ["P", "P", "Q"], "factor": ["x", "y", "x"]})
    >>> count_of_each(rows, "factor", known={"x"})
          session portfolio_id  rows  known
    0  2025-06-30            P     2      1
    1  2025-06-30            Q     1      1
    """
    found = {name: rows[column].isin(list(texts)) for name, texts in among.items()}
    groups = rows[KEY].assign(**found).groupby(KEY, sort=False)
    return groups.size().to_frame("rows").join(groups[list(found)].sum()).reset_index()
