"""Kernels on several threads: they run without Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np

MOST_THREADS = 8

Made = TypeVar("Made", bound=np.ndarray)


def in_parts(make: Callable[[slice], Made], count: int, *, least: int, axis: int = 0) -> Made:
    """Return what is made of ``count`` things, in parts of at least ``least``, each on a thread of its own.

    No thing's numbers may depend on which others are made with it. The parts are joined along ``axis``.
    """
    threads = min(os.cpu_count() or 1, MOST_THREADS, count // least)
    if threads < 2:
        return make(slice(0, count))
    edges = np.linspace(0, count, threads + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(make, map(slice, edges[:-1], edges[1:])))
    return np.concatenate(parts, axis=axis)  # type: ignore[return-value]
