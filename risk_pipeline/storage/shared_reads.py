"""Rows that several checks of one step look at, read once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import sqlalchemy as sa

P = ParamSpec("P")
T = TypeVar("T")
_kept: ContextVar[dict[Any, Any] | None] = ContextVar("rows of a step", default=None)


@dataclass
class _Once:
    """What a query returned, if it has, and who may run it."""

    lock: RLock = field(default_factory=RLock)
    rows: list[Any] = field(default_factory=list)


@contextmanager
def reading_once() -> Iterator[None]:
    """Keep what shared queries return until the end of the block, in which nobody may write."""
    before = _kept.set({})
    try:
        yield
    finally:
        _kept.reset(before)


def shared(query: Callable[Concatenate[sa.Engine, P], T]) -> Callable[Concatenate[sa.Engine, P], T]:
    """Mark a query that within ``reading_once`` is run once for the same arguments; callers don't change its rows."""

    @functools.wraps(query)
    def once(engine: sa.Engine, /, *args: P.args, **named: P.kwargs) -> T:
        kept = _kept.get()
        if kept is None:
            return query(engine, *args, **named)
        read = kept.setdefault((query, engine, repr((args, named))), _Once())
        with read.lock:  # of two threads that ask for the same, one reads
            if not read.rows:
                read.rows.append(query(engine, *args, **named))
            return cast("T", read.rows[0])

    return once
