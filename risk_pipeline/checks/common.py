"""How a check looks at a run's sessions and reports the bad ones in one table."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import dagster as dg
import pandas as pd

from ..assets.common import run_sessions, table_metadata
from ..resources import Database, PriceCache, Registries

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

Finder = Callable[[Database, Registries, list[date]], "Finding"]


class Finding:
    """What a check found: how many things it looked at, and the rows that are wrong."""

    def __init__(self, looked_at: int, bad: pd.DataFrame, what: str) -> None:
        self.looked_at = looked_at
        self.bad = bad
        self.what = what


def session_check(
    asset: str,
    name: str,
    find: Callable[[Any, Registries, list[date]], Finding],
    *,
    blocking: bool = False,
    severity: dg.AssetCheckSeverity = ERROR,
) -> dg.AssetChecksDefinition:
    """Make an asset check from a function that returns the bad rows of the run's sessions.

    One evaluation a run: a partitioned check costs an event per session, and Dagster stores none of them for
    a range. The bad rows are in the metadata with their sessions. With nothing to look at the check passes
    and says so.
    """

    @dg.asset_check(
        asset=asset, name=name, blocking=blocking, description=find.__doc__, pool=None
    )
    def check(
        context: dg.AssetCheckExecutionContext, db: Database, registries: Registries
    ) -> dg.AssetCheckResult:
        sessions = run_sessions(context.op_execution_context)
        finding = find(db.engine, registries, sessions)
        if finding.looked_at == 0:
            text = f"nothing to check: no {finding.what} in {len(sessions)} session(s)"
        else:
            text = f"{len(finding.bad)} of {finding.looked_at} {finding.what} fail"
        return dg.AssetCheckResult(
            passed=finding.bad.empty,
            severity=severity,
            description=text,
            metadata={
                "looked_at": finding.looked_at,
                "bad": len(finding.bad),
                **(
                    {"rows": table_metadata(finding.bad.to_dict("records"))}
                    if len(finding.bad)
                    else {}
                ),
            },
        )

    return check
