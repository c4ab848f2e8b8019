"""What was derived from one panel and book for single sessions: kept, so that the analytics of a run share it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import Condition, RLock
from typing import Any, TypeVar, cast

import numpy as np

from ..analytics.arrays import BySession, Int1D
from ..analytics.valuation import Book

MOST_BYTES = 400_000_000
"""Of what is kept of a kind.

A single session and short ranges fit; of a long range what comes first, the rest is made again.
"""

T = TypeVar("T")
R = TypeVar("R", bound="np.ndarray | Book | BySession")


class Derived:
    """Results by kind and row of the panel, and those that no row has part in.

    A number of a session depends on nothing beside it, so it may be made in one block and used in another. Threads may
    share it: what one is making another waits for, and makes what nobody does meanwhile.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._left: defaultdict[Hashable, int] = defaultdict(lambda: most_bytes)
        self._once: dict[str, Any] = {}
        self._making_once: defaultdict[str, RLock] = defaultdict(RLock)
        self._by_row: dict[tuple[Hashable, int], tuple[Any, int]] = {}
        self._being_made: set[tuple[Hashable, int]] = set()
        self._changed = Condition()

    def once(self, kind: str, make: Callable[[], T]) -> T:
        """Return what is the same for all sessions, made at the first call."""
        with self._making_once[kind]:
            if kind not in self._once:
                self._once[kind] = make()
            return cast("T", self._once[kind])

    def at(self, kind: Hashable, rows: Int1D, make: Callable[[Int1D], R]) -> R:
        """Return a result of rows of the panel, each once; ``make`` is asked for those that are not there.

        Its first axis is that of the rows. It can't be written to, since others read it too.
        """
        found: dict[int, tuple[R, int]] = {}
        while missing := [row for row in rows.tolist() if row not in found]:
            with self._changed:
                self._changed.wait_for(lambda: any((kind, row) not in self._being_made for row in missing))
                found |= {row: self._by_row[kind, row] for row in missing if (kind, row) in self._by_row}
                own = [row for row in missing if row not in found and (kind, row) not in self._being_made]
                self._being_made |= {(kind, row) for row in own}
            if own:
                try:
                    made = self.keep(kind, np.array(own), make(np.array(own)))
                finally:  # should it fail, others make it
                    with self._changed:
                        self._being_made -= {(kind, row) for row in own}
                        self._changed.notify_all()
                found |= {row: (made, number) for number, row in enumerate(own)}
        return cast("R", _joined([found[row] for row in rows.tolist()]))

    def has(self, kinds: Iterable[Hashable], rows: Int1D) -> bool:
        """Return whether the results of all the kinds are there at all the rows."""
        return all((kind, row) in self._by_row for kind in kinds for row in rows.tolist())

    def keep(self, kind: Hashable, rows: Int1D, made: R) -> R:
        """Keep a result of some rows unless it is too large, and return it."""
        arrays = _arrays(made)
        size = sum(array.nbytes for array in arrays)
        with self._changed:
            if size <= self._left[kind]:
                self._left[kind] -= size
                for array in arrays:
                    array.flags.writeable = False
                self._by_row |= {(kind, row): (made, number) for number, row in enumerate(rows.tolist())}
        return made


def _arrays(made: np.ndarray | Book | BySession) -> list[np.ndarray]:
    if isinstance(made, np.ndarray):
        return [made]
    nested = [vars(value) if not isinstance(value, np.ndarray) else {"": value} for value in vars(made).values()]
    return [array for fields in nested for array in fields.values()]


def _joined(places: Sequence[tuple[Any, int]]) -> Any:
    """Return the rows at some places of results: consecutive ones of one result are a view of it, without a copy."""
    runs: list[tuple[Any, int, int]] = []
    for made, number in places:
        if runs and runs[-1][0] is made and runs[-1][2] == number:
            runs[-1] = (made, runs[-1][1], number + 1)
        else:
            runs.append((made, number, number + 1))
    parts = [_part(*run) for run in runs]
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts) if isinstance(parts[0], np.ndarray) else type(parts[0]).join(parts)


def _part(made: Any, first: int, stop: int) -> Any:
    if isinstance(made, np.ndarray):
        return made[first:stop]
    return made.part(first, stop) if isinstance(made, Book) else made.take(slice(first, stop))
