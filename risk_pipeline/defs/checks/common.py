"""How a check looks at a run's sessions and reports what is wrong in one table."""

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, ParamSpec

import dagster as dg
import pandas as pd

from ...dagster_ext.check_targets import Target
from ...storage.queries import latest_session
from ...storage.shared_reads import reading_once
from ..assets.failures import with_remedy
from ..assets.metadata import table_metadata
from ..partitions import CALENDAR, run_sessions
from ..resources import Database, Registries
from .causes import with_causes
from .still_open import BAD_SESSIONS, bad_sessions, open_stretches

if TYPE_CHECKING:
    import sqlalchemy as sa

P = ParamSpec("P")

Event = dg.AssetCheckResult | dg.AssetCheckEvaluation | dg.Output[None]
CHECKS_AT_ONCE = 2
NAMED = 5
"""Symbols or portfolios that the line of a failed check names."""
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


@dataclass(frozen=True)
class Finding:
    """What a check found: how many things it looked at, what they are, and the bad ones with their sessions.

    ``sessions`` has the session of each thing looked at, where a check is evaluated session by session. A column
    ``excused`` of the bad ones says which of them are no error: if all are, the check warns.
    """

    looked_at: int
    what: str
    bad: pd.DataFrame
    severity: dg.AssetCheckSeverity | None = None
    sessions: pd.Series | None = None

    @classmethod
    def by_session(cls, looked_at: pd.Series, what: str, bad: pd.DataFrame) -> "Finding":
        """Return what a check found, given the session of each thing looked at."""
        return cls(len(looked_at), what, bad, sessions=looked_at)

    def on(self, day: date) -> "Finding":
        """Return what was found of one session."""
        if self.sessions is None:
            raise ValueError(f"the {self.what} were not counted by session")
        session = pd.Timestamp(day)
        bad = self.bad if self.bad.empty else self.bad[pd.to_datetime(self.bad["session"]) == session]
        return Finding(self._looked_at_on.get(session, 0), self.what, bad, self.severity)

    @functools.cached_property
    def _looked_at_on(self) -> dict[pd.Timestamp, int]:
        return pd.to_datetime(self.sessions).value_counts().to_dict()

    def joined(self, other: "Finding", day: date, other_day: date) -> "Finding":
        """Return what was found here and on other sessions; rows of no session are those of the given days."""
        if other.bad.empty:
            return replace(self, looked_at=self.looked_at + other.looked_at, sessions=None)
        parts = [
            part.bad if "session" in part.bad else part.bad.assign(session=pd.Timestamp(of_day))
            for part, of_day in ((self, day), (other, other_day))
            if not part.bad.empty
        ]
        bad = pd.concat([part.assign(session=pd.to_datetime(part["session"])) for part in parts], ignore_index=True)
        severities = {part.severity for part in (self, other) if not part.bad.empty}
        severity = ERROR if ERROR in severities else next(iter(severities - {None}), None)
        return Finding(self.looked_at + other.looked_at, self.what, bad, severity)

    @property
    def warned(self) -> int:
        """How many of the bad rows are excused: they warn."""
        return int(self.bad["excused"].sum()) if "excused" in self.bad else 0

    @property
    def is_excused(self) -> bool:
        """Whether everything bad is excused."""
        return 0 < self.warned == len(self.bad)


Find = Callable[["sa.Engine", Registries, list[date]], Finding]


@dataclass(frozen=True)
class Check:
    """A function that finds what is wrong, whose name and docstring are the check's, and what a person can do about it.

    One that blocks, or is ``by_session``, has an evaluation for each session, so that the UI shows which is bad; any
    other has one for the run, with the sessions in its table: on Postgres an event costs 30 ms, for 19 checks and 101
    sessions a minute. What an evaluation by session finds is a fact of its session, which no later one clears.
    """

    find: Callable[..., Finding]
    remedy: str
    blocking: bool = False
    severity: dg.AssetCheckSeverity = ERROR
    by_session: bool = False

    @property
    def is_partitioned(self) -> bool:
        """Return whether each session has an evaluation."""
        return self.blocking or self.by_session

    @property
    def name(self) -> str:
        """Return the name of the function."""
        return self.find.__name__

    def spec(self, asset: str, partitions: dg.PartitionsDefinition | None) -> dg.AssetCheckSpec:
        """Build the Dagster check spec."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.PreviewWarning)  # partitioned checks are, and users can't help it
            return dg.AssetCheckSpec(
                self.name,
                asset=asset,
                blocking=self.blocking,
                description=self.find.__doc__,
                partitions_def=partitions if self.is_partitioned else None,
            )


def evaluate(
    finding: Finding,
    severity: dg.AssetCheckSeverity,
    asset: str | None = None,
    name: str | None = None,
    *,
    remedy: str = "",
    newest: date | None = None,
) -> dg.AssetCheckResult:
    """Turn a finding into a result; with nothing to look at it passes and says so.

    What is wrong comes with its remedy and its sessions; rows of no session are those of the ``newest`` looked at.
    """
    warned = finding.warned
    failed = len(finding.bad) - warned
    counts = [f"{failed} of {finding.looked_at} {finding.what} fail"] if failed or not warned else []
    counts += [f"{warned} {'' if counts else f'of {finding.looked_at} {finding.what} '}warn"] if warned else []
    text = ", ".join(counts) if finding.looked_at else f"nothing to check: there are no {finding.what}"
    text += _named(finding.bad)
    rows = [] if finding.bad.empty else finding.bad.drop(columns="excused", errors="ignore").to_dict("records")
    return dg.AssetCheckResult(
        passed=finding.bad.empty,
        asset_key=asset,
        check_name=name,
        severity=WARN if finding.is_excused else finding.severity or severity,
        description=text,
        metadata={
            **({"bad_rows": table_metadata(rows), "remedy": remedy} if rows else {}),
            "looked_at": finding.looked_at,
            "bad": len(rows),
            **({BAD_SESSIONS: dg.MetadataValue.json(bad_sessions(finding.bad, newest))} if rows and newest else {}),
        },
    )


def _named(bad: pd.DataFrame) -> str:
    """Return the first symbols or portfolios of bad rows, with who holds them where the check knows, for a line."""
    column = next((name for name in ("symbol", "portfolio_id") if name in bad), None)
    if column is None or bad.empty:
        return ""
    if "excused" in bad and not bad["excused"].all():  # those that fail
        bad = bad[~bad["excused"].astype(bool)]
    first = bad.drop_duplicates(column)
    who = first["held_by"] if "held_by" in first else [""] * len(first)
    names = [f"{name} ({owner})" if owner else str(name) for name, owner in zip(first[column], who, strict=True)]
    return f": {', '.join(names[:NAMED])}" + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")


def checked_sessions(context: dg.AssetCheckExecutionContext, db: Database) -> list[date]:
    """Return the sessions of the run; of a check executed by itself, the latest session with a snapshot."""
    step = context.op_execution_context
    if step.has_partition_key or step.has_partition_key_range:
        return run_sessions(step)
    latest = latest_session(db.engine)
    if latest is None:
        raise dg.Failure("there is no snapshot yet: launch a session with the check's asset", allow_retries=False)
    return [latest]


def naming_failures(checks: Sequence[Check]) -> Callable[[Callable[P, Iterator[Event]]], Callable[P, Iterator[Event]]]:
    """Fail a step whose blocking checks fail with the reason and the remedy; Dagster's own message names only a check.

    The evaluations are stored first. While the database is unavailable the step waits, as every step does.
    """
    blocking = {check.name for check in checks if check.blocking}

    def around(step: Callable[P, Iterator[Event]]) -> Callable[P, Iterator[Event]]:
        @functools.wraps(step)
        def run(*args: P.args, **kwargs: P.kwargs) -> Iterator[Event]:
            results = with_remedy(lambda: list(step(*args, **kwargs)))()
            yield from results
            stopped = [
                f"{event.check_name}{f' on {day}' if (day := getattr(event, 'partition', None)) else ''}: "
                f"{event.description}"
                for event in results
                if isinstance(event, dg.AssetCheckResult | dg.AssetCheckEvaluation)
                if event.check_name in blocking and event.severity is ERROR and not event.passed
            ]
            if stopped:
                more = f" (and {len(stopped) - 3} more)" if len(stopped) > 3 else ""
                raise dg.Failure(
                    f"{'; '.join(stopped[:3])}{more}. Nothing after it was run: fix the rows on the check's page, "
                    "then run these sessions again",
                    allow_retries=False,
                )

        return run

    return around


def session_checks(asset: str, *checks: Check) -> dg.AssetChecksDefinition:
    """Make the checks of a partitioned asset: one step, since a step for each takes longer than the analytics."""
    specs = [check.spec(asset, CALENDAR.partitions) for check in checks]

    @dg.multi_asset_check(name=f"checks_of_{asset}", specs=specs, can_subset=True)
    @naming_failures(checks)
    def check_step(context: dg.AssetCheckExecutionContext, db: Database, registries: Registries) -> Iterator[Event]:
        sessions = checked_sessions(context, db)
        newest = materialisations(context, asset, sessions)
        with reading_once():
            for check, of_sessions in found(selected(context, checks), db, registries, sessions):
                finding = of_sessions
                if not check.is_partitioned:  # a warning of another session stays until that session is well
                    for days in open_stretches(context.instance, asset, check.name, sessions):
                        finding = finding.joined(check.find(db.engine, registries, days), sessions[-1], days[-1])
                explained_rows = replace(finding, bad=with_causes(db.engine, finding.bad))
                yield from events(asset, check, explained_rows, sessions, newest)

    return check_step


def table_checks(asset: str, *checks: Check) -> dg.AssetChecksDefinition:
    """Make the checks of a whole table; their functions are given no sessions."""

    @dg.multi_asset_check(
        name=f"checks_of_{asset}", specs=[check.spec(asset, None) for check in checks], can_subset=True
    )
    @naming_failures(checks)
    def check_step(context: dg.AssetCheckExecutionContext, db: Database, registries: Registries) -> Iterator[Event]:
        for check in selected(context, checks):
            finding = check.find(db.engine, registries, [])
            yield evaluate(finding, check.severity, asset, check.name, remedy=check.remedy)

    return check_step


def found(
    checks: Sequence[Check], db: Database, registries: Registries, sessions: list[date]
) -> Iterator[tuple[Check, Finding]]:
    """Yield each check and what it finds. On Postgres some look at once: there it is mostly waiting for the server."""
    with ThreadPoolExecutor(CHECKS_AT_ONCE if db.engine.dialect.name == "postgresql" else 1) as pool:
        look = [functools.partial(copy_context().run, check.find, db.engine, registries, sessions) for check in checks]
        findings = [pool.submit(each) for each in look]
        try:
            yield from ((check, finding.result()) for check, finding in zip(checks, findings, strict=True))
        finally:
            pool.shutdown(cancel_futures=True)


def selected(context: dg.AssetCheckExecutionContext, checks: Sequence[Check]) -> list[Check]:
    """Return those of the checks that the run asks for."""
    names = {key.name for key in context.selected_asset_check_keys}
    return [check for check in checks if check.name in names]


def events(
    asset: str, check: Check, finding: Finding, sessions: list[date], newest: dict[str, Target]
) -> Iterator[Event]:
    """Yield a check's evaluation of the run, or of each session.

    Dagster stores no `AssetCheckResult` by partition in a run over a range, and refuses one in a run without any, so
    evaluations are made here; without the materialisation looked at, the UI would call a session's check missing.
    """
    parts = [(day, finding.on(day)) for day in sessions] if check.is_partitioned else [(None, finding)]
    for day, part in parts:
        result = evaluate(part, check.severity, remedy=check.remedy, newest=day or sessions[-1])
        yield dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(asset),
            check_name=check.name,
            passed=result.passed,
            metadata=result.metadata,
            severity=result.severity,
            description=result.description,
            blocking=check.blocking,
            partition=None if day is None else day.isoformat(),
            target_materialization_data=newest.get((day or sessions[-1]).isoformat()),
        )
    yield dg.Output(None, f"{asset}_{check.name}")


def materialisations(context: dg.AssetCheckExecutionContext, asset: str, sessions: list[date]) -> dict[str, Target]:
    """Return the newest materialisation of each session, by partition key."""
    keys = [day.isoformat() for day in sessions]
    records_filter = dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=keys)
    records = context.instance.fetch_materializations(records_filter, limit=10 * len(keys)).records
    return {
        record.partition_key: Target(run_id=record.run_id, storage_id=record.storage_id, timestamp=record.timestamp)
        for record in reversed(records)
        if record.partition_key is not None
    }
