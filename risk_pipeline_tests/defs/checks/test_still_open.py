"""A check's warning about one session stays on its page when another is run again, and goes when its rows are well."""

from __future__ import annotations

from datetime import date

import dagster as dg
import pandas as pd
import pytest

from risk_pipeline.defs.checks.common import ERROR, WARN, Finding
from risk_pipeline.defs.checks.still_open import BAD_SESSIONS, bad_sessions, open_stretches

CHECK = dg.AssetCheckKey(dg.AssetKey("numbers"), "are_good")
DAYS = [date(2025, 6, 2), date(2025, 6, 3), date(2025, 6, 5)]


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


def evaluated(instance: dg.DagsterInstance, sessions: list[str]) -> None:
    """Store an evaluation that found something on the sessions."""

    @dg.asset
    def numbers() -> None: ...

    @dg.asset_check(asset=numbers)
    def are_good() -> dg.AssetCheckResult:
        listed = {BAD_SESSIONS: dg.MetadataValue.json(sessions)} if sessions else {}
        return dg.AssetCheckResult(passed=not sessions, metadata=listed)

    definitions = dg.Definitions([numbers], asset_checks=[are_good])
    assert definitions.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance).success


def opened(instance: dg.DagsterInstance, sessions: list[date]) -> list[list[date]]:
    return list(open_stretches(instance, "numbers", "are_good", sessions))


def test_before_the_first_evaluation_nothing_is_open(instance):
    assert opened(instance, [date(2025, 6, 9)]) == []


def test_sessions_found_bad_are_looked_at_again_in_stretches_but_for_a_run_s_own(instance):
    evaluated(instance, [str(day) for day in DAYS])
    assert opened(instance, [date(2025, 6, 9)]) == [DAYS[:2], DAYS[2:]]
    assert opened(instance, [DAYS[0]]) == [DAYS[1:2], DAYS[2:]]


def test_the_last_evaluation_counts(instance):
    evaluated(instance, [str(day) for day in DAYS])
    evaluated(instance, [])
    assert opened(instance, [date(2025, 6, 9)]) == []


def test_rows_of_no_session_are_those_of_the_newest():
    assert bad_sessions(pd.DataFrame(), DAYS[0]) == []
    assert bad_sessions(pd.DataFrame({"symbol": ["A"]}), DAYS[0]) == ["2025-06-02"]
    assert bad_sessions(pd.DataFrame({"session": [DAYS[1], DAYS[0], DAYS[1]]}), DAYS[2]) == ["2025-06-02", "2025-06-03"]


def test_what_is_joined_keeps_the_rows_of_both_and_the_worse_severity():
    nothing = Finding(3, "rows", pd.DataFrame())
    warned = Finding(2, "rows", pd.DataFrame({"symbol": ["A"]}), WARN)
    failed = Finding(1, "rows", pd.DataFrame({"session": [DAYS[1]], "symbol": ["B"]}), ERROR)
    assert nothing.joined(nothing, *DAYS[:2]).bad.empty
    both = warned.joined(failed, DAYS[2], DAYS[1])
    assert (both.looked_at, both.severity) == (3, ERROR)
    assert bad_sessions(both.bad, DAYS[2]) == ["2025-06-03", "2025-06-05"]
    assert nothing.joined(warned, DAYS[2], DAYS[0]).bad["session"].tolist() == [pd.Timestamp(DAYS[0])]
