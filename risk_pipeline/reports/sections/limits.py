"""How much of each limit is used, breaches first."""

from __future__ import annotations

import re
from typing import Any

from ..charts import Span
from ..formatting import MINUS
from ..limit_words import OPERATORS, breaches_first, measure_form, measure_name, status_text
from ..page_rows import PortfolioDay

LONGEST = 2.0
"""Utilisation at which a bar is cut: a limit used ten times over must not flatten the others."""
NEGATIVE = re.compile(r"(?<!\w)-(?=\d)")
"""The sign of a number, not a hyphen of a date."""


def build(day: PortfolioDay) -> dict[str, Any] | None:
    """Return a row per limit; None where the portfolio has none."""
    if not day.limits:
        return None
    rows = breaches_first(day.limits)
    span = Span.of([1.1, *(min(row["utilisation"] or 0.0, LONGEST) for row in rows)])
    counts = {status: sum(row["status"] == status for row in rows) for status in ("breach", "warning", "unknown")}
    return {
        "rows": [
            {
                **row,
                "name": measure_name(row["measure"]),
                "form": measure_form(row["measure"], row["limit_value"]),
                "must": OPERATORS[row["operator"]],
                "said": status_text(row),
                "moved_by": NEGATIVE.sub(MINUS, row["cause"] or ""),
                "bar": None if row["utilisation"] is None else span.between(0.0, min(row["utilisation"], LONGEST)),
                "key": f"{row['measure']}/{row['operator']}",
            }
            for row in rows
        ],
        "full": span.at(1.0),
        **counts,
    }
