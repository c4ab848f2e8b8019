"""The price panel: sessions by symbols, immutable, named by the hash of its content, memory-mapped."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.arrays import Bool1D, Date1D, Float2D
from ..analytics.returns import returns_for_estimates
from .errors import StorageError, storage_errors
from .market_data import read_bars

ARRAYS = ("close", "high", "low", "dividend", "split_factor", "returns")
UNFINISHED, LEFT_BEHIND = ".writing-", 3600
"""Name of a panel that is being written, and the seconds after which it was left by a killed process."""
EMPTY = {"dividend": 0.0, "split_factor": 1.0}
"""What arrays hold where there is no bar; NaN in the others."""


class PanelError(StorageError):
    """A panel that is missing or damaged; the text says what to materialise."""


@dataclass(frozen=True)
class PricePanel:
    """Prices of ``symbols`` (sorted) on ``dates`` (consecutive sessions); arrays are (T, N) float64.

    ``close``, ``high`` and ``low`` are as traded, NaN where there is no bar. ``dividend`` is cash per share
    held before the session and ``split_factor`` new shares per old: 0 and 1 where nothing happened.
    ``returns`` are total returns, NaN unless a session and the one before have a close that is not carried forward
    (``analytics.returns``); all estimates read them, valuation reads ``close``.
    """

    dates: Date1D
    symbols: tuple[str, ...]
    close: Float2D
    high: Float2D
    low: Float2D
    dividend: Float2D
    split_factor: Float2D
    returns: Float2D

    @property
    def nbytes(self) -> int:
        """Return the size of all arrays."""
        return sum(int(getattr(self, name).nbytes) for name in ARRAYS)

    def with_symbols(self, symbols: Iterable[str]) -> PricePanel:
        """Return the panel with further symbols that have no price on any session; the others' numbers stay.

        To the last bit, what is computed from them too.
        """
        names = sorted({*self.symbols, *symbols})
        if len(names) == len(self.symbols):
            return self
        place = {symbol: column for column, symbol in enumerate(self.symbols)}
        columns = np.array([place.get(symbol, -1) for symbol in names])
        arrays = {  # rows contiguous, as they were: NumPy sums columns that are in another order
            name: np.ascontiguousarray(
                np.where(columns >= 0, np.asarray(getattr(self, name))[:, columns], EMPTY.get(name, np.nan))
            )
            for name in ARRAYS
        }
        return PricePanel(dates=self.dates, symbols=tuple(names), **arrays)

    def content_hash(self) -> str:
        """Return the SHA-256 of dates, symbols and arrays."""
        digest = hashlib.sha256(self.dates.astype("datetime64[D]").tobytes())
        digest.update("\0".join(self.symbols).encode())
        for name in ARRAYS:
            digest.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return digest.hexdigest()


def build_panel(engine: sa.Engine, dates: Date1D, symbols: list[str]) -> PricePanel:
    """Scatter the stored bars of ``symbols`` over ``dates`` (consecutive sessions)."""
    names = tuple(sorted(symbols))
    bars = read_bars(engine, dates[0].item(), dates[-1].item(), names)
    sessions = bars["session"].to_numpy().astype("datetime64[D]")
    row = np.searchsorted(dates, sessions)
    code, distinct = pd.factorize(bars["symbol"])
    column = np.searchsorted(np.array(names), distinct.to_numpy(dtype=str))[code]
    on_session = (row < len(dates)) & (dates[np.minimum(row, len(dates) - 1)] == sessions)
    kept: slice | Bool1D = slice(None) if on_session.all() else on_session  # millions of rows are not copied in vain
    place = row * len(names) + column

    def scatter(name: str, empty: float) -> Float2D:
        out = np.full((len(dates), len(names)), empty)
        out.reshape(-1)[place[kept]] = bars[name].to_numpy(dtype=float)[kept]
        return out

    close, dividend, split = scatter("close", np.nan), scatter("dividend", 0.0), scatter("split_factor", 1.0)
    return PricePanel(
        dates=dates,
        symbols=names,
        close=close,
        high=scatter("high", np.nan),
        low=scatter("low", np.nan),
        dividend=dividend,
        split_factor=split,
        returns=returns_for_estimates(close, dividend, split),
    )


@storage_errors()
def write_panel(folder: Path, panel: PricePanel) -> str:
    """Store a panel under its hash, all or nothing; an intact one that exists already is kept.

    A damaged panel is replaced; processes that already mapped it keep the old files.
    """
    name = panel.content_hash()
    try:
        open_panel(folder, name, verify=True)
        return name
    except PanelError:
        folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{UNFINISHED}{uuid4().hex}"
    scratch.mkdir()  # with the permissions of the settings, which a folder of tempfile's has not
    try:
        for array in ARRAYS:
            np.save(scratch / f"{array}.npy", np.ascontiguousarray(getattr(panel, array)))
        content = {"symbols": panel.symbols, "dates": np.datetime_as_string(panel.dates).tolist()}
        (scratch / "panel.json").write_text(json.dumps(content), encoding="utf-8")
        with suppress(FileNotFoundError):
            os.replace(folder / name, scratch.with_name(f"{scratch.name}-damaged"))
        try:
            os.replace(scratch, folder / name)
        except OSError:  # another process wrote the same panel in this moment
            open_panel(folder, name, verify=True)
    finally:
        for leftover in folder.glob(f"{scratch.name}*"):
            shutil.rmtree(leftover, ignore_errors=True)
    return name


def panel_files() -> tuple[str, ...]:
    """Return the names of a panel's files; the last makes it complete."""
    return (*(f"{array}.npy" for array in ARRAYS), "panel.json")


def open_panel(folder: Path, name: str, *, verify: bool = False) -> PricePanel:
    """Open a stored panel read-only and memory-mapped; ``verify`` compares its content with its name.

    Raises
    ------
    PanelError
        If it is missing, unreadable or, with ``verify``, not what its name says.
    """
    remedy = "materialise price_cache again for these sessions"
    try:
        content: dict[str, Any] = json.loads((folder / name / "panel.json").read_text(encoding="utf-8"))
        arrays = {array: np.load(folder / name / f"{array}.npy", mmap_mode="r") for array in ARRAYS}
    except (OSError, ValueError) as error:
        raise PanelError(f"price panel {name[:12]} can't be read ({type(error).__name__}): {remedy}") from None
    panel = PricePanel(
        dates=np.array(content["dates"], dtype="datetime64[D]"), symbols=tuple(content["symbols"]), **arrays
    )
    if verify and panel.content_hash() != name:
        raise PanelError(f"price panel {name[:12]} does not hold what its name says: {remedy}")
    return panel


def prune_panels(folder: Path, keep: set[str], spared: timedelta = timedelta()) -> int:
    """Delete the stored panels not in ``keep`` that are older than the newest one by more than ``spared``.

    What a killed process left half-written goes too.

    Returns how many. Ages are the differences of the files' times: nothing here reads the clock.
    """
    stored = {path: path.stat().st_mtime for path in folder.iterdir() if path.is_dir() and len(path.name) == 64}
    newest = max(stored.values(), default=0.0)
    gone = [path for path, age in stored.items() if path.name not in keep and newest - age >= spared.total_seconds()]
    unfinished = [path for path in folder.glob(f"{UNFINISHED}*") if newest - path.stat().st_mtime > LEFT_BEHIND]
    for path in (*gone, *unfinished):
        shutil.rmtree(path, ignore_errors=True)
    return len(gone)
