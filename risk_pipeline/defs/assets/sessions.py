"""Computes an analytic over the sessions of a run, block by block, and reports the results to the Dagster UI."""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import date
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any

import dagster as dg

from ...analytics.reasons import Reason
from ...config.factors import FactorRegistry
from ...risk.inputs import Frames, Inputs
from ...storage.database import replace_sessions
from ...storage.queries import group_ids, portfolios
from ...storage.tables import by_table
from ..partitions import run_sessions, run_started
from ..resources import Database, PriceCache, Registries
from .inputs import Reader, shared_inputs
from .made_from import MadeFrom
from .metadata import MONEY, Stopwatch, materialized, session_numbers, session_tables

if TYPE_CHECKING:
    import sqlalchemy as sa

SESSIONS_AT_ONCE = 64
LEAST_SESSIONS = 11
CELLS_AT_ONCE = 8_000
"""Maximum sessions of a block, the least for which blocks are made smaller to have one for each thread, and maximum
sessions x portfolios. They bound memory on long ranges: a block is written while the next ones are computed."""
MOST_THREADS = 4
"""Blocks that are computed at once, at most: each takes some hundred megabytes."""


def compute_sessions(
    context: dg.AssetExecutionContext,
    db: Database,
    cache: PriceCache,
    registries: Registries,
    compute: Callable[[Inputs], Frames],
    read: Reader | None = None,
    derived: Sequence[str] = (),
    cells: int = CELLS_AT_ONCE,
    threads: int = MOST_THREADS,
    of_newest: Callable[["sa.Engine", date], dict[str, Any]] | None = None,
) -> dg.MaterializeResult:
    """Compute an analytic over the run's sessions and replace its partitions, block by block.

    Each block is one transaction: the skips of the analytic are replaced together with its rows. Blocks are computed
    on up to ``threads`` threads, and written in their order on another; none reads what another writes. Where the run
    has derived all kinds of ``derived`` for a block, ``read`` is not called. ``of_newest`` makes what only the event
    of the run's newest session shows, from the stored rows.
    """
    analytic = context.asset_key.to_user_string()
    watch = Stopwatch()
    shown: dict[date, dict[str, Any]] = {}
    origin: dict[date, dict[str, Any]] = {}
    written: dict[str, int] = {}
    made_from = MadeFrom(db.engine, registries)
    code_version = context.assets_def.code_versions_by_key[context.asset_key] or "unknown"
    upstream = {key.to_user_string() for key in context.assets_def.asset_deps[context.asset_key]}
    made_at = run_started(context).replace(tzinfo=None)
    book = portfolios(db.engine)
    alike = book["currency"].nunique() < 2
    without = group_ids(db.engine)
    threads = min(threads, os.cpu_count() or 1)
    pending: Future[dict[str, int]] | None = None

    def computed(whole: Inputs, block: list[date]) -> tuple[Frames, float]:
        began = perf_counter()
        inputs = whole.of(block, {})
        if read and not (derived and inputs.derived.has(derived, inputs.ends)):
            inputs = whole.of(block, read(db.engine, registries, block[0], block[-1]))
        return compute(inputs), perf_counter() - began

    def written_by_now() -> None:
        if pending is not None:
            with watch.stage("write"):
                for name, count in pending.result().items():
                    written[name] = written.get(name, 0) + count

    with ThreadPoolExecutor(1) as writer:
        for panel, sessions in cache.panels(db, run_sessions(context)):
            whole = shared_inputs(db, cache, registries, panel, sessions)
            blocks = _blocks(sessions, cells // max(len(book), 1), threads)
            for block, computing in _ahead(blocks, partial(computed, whole), threads):
                with watch.stage("fingerprints"):  # while the block is computed
                    made = made_from.rows(analytic, block, code_version, upstream, panel.symbols, made_at)
                with watch.stage("compute"):
                    frames, seconds = computing()
                frames = {**frames, **made}
                written_by_now()
                pending = writer.submit(replace_sessions, db.engine, block, by_table(frames), analytic=analytic)
                log_skips(context, frames)
                shown |= _shown(frames, block, registries.factors, add_money=alike, without=without)
                made_by = {"panel": cache.hash_of(panel), "seconds": round(seconds / len(block), 4)}
                origin |= dict.fromkeys(block, made_by)
        written_by_now()
    last = run_sessions(context)[-1]
    if of_newest is not None:  # tables over many sessions, which no other session's event carries
        shown[last] = {**shown[last], **of_newest(db.engine, last)}
    rows = {f"run/rows/{name}": count for name, count in written.items()}
    return materialized(context, {day: {**shown[day], **rows, **origin[day]} for day in shown}, watch.metadata)


def _blocks(sessions: list[date], most: int, threads: int) -> list[list[date]]:
    """Split sessions into blocks of at most ``most``, and so that each thread has one if that is worth it."""
    share = max(-(-len(sessions) // threads), LEAST_SESSIONS)
    size = max(min(SESSIONS_AT_ONCE, most, share), 1)
    size = -(-len(sessions) // -(-len(sessions) // size))  # as many blocks, of one length: the longest takes the memory
    return [sessions[start : start + size] for start in range(0, len(sessions), size)]


def _ahead(
    blocks: list[list[date]], compute: Callable[[list[date]], tuple[Frames, float]], threads: int
) -> Iterator[tuple[list[date], Callable[[], tuple[Frames, float]]]]:
    """Yield each block and what waits for its result; as many as there are threads are computed ahead of it."""
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[tuple[Frames, float]]] = deque(pool.submit(compute, block) for block in blocks[:threads])
        try:
            for number, block in enumerate(blocks):
                yield block, ahead.popleft().result
                if number + threads < len(blocks):
                    ahead.append(pool.submit(compute, blocks[number + threads]))
        finally:
            pool.shutdown(cancel_futures=True)


def _shown(
    frames: Frames, block: list[date], factors: FactorRegistry, *, add_money: bool, without: set[str]
) -> dict[date, dict[str, Any]]:
    """Return what each partition's event shows first: its own table, and its numbers, which the UI draws.

    Money is added up where all portfolios are in one currency.
    """
    numbers, tables_shown = session_numbers(frames, without), session_tables(frames, factors)
    if not add_money:
        numbers = numbers.drop(columns=[*MONEY], errors="ignore")
    out = {}
    for day in block:
        day_numbers = numbers.loc[day].dropna().to_dict() if day in numbers.index else {"rows": 0}
        out[day] = {**tables_shown.get(day, {}), **day_numbers}
    return out


def log_skips(context: dg.AssetExecutionContext, frames: Frames) -> None:
    """Say at info level which portfolios were skipped, and why; one line a portfolio."""
    skips = frames.get("analytics_skips")
    if skips is None or skips.empty:
        return
    for (entity, reason), rows in skips[skips["entity_type"] == "portfolio"].groupby(["entity", "reason"]):
        context.log.info(f"portfolio {entity} skipped on {len(rows)} session(s): {Reason(reason).explain()}")
