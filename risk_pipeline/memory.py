"""Keeps the memory of freed arrays for the next ones, and gives back that of freed tables of Arrow."""

from __future__ import annotations

import ctypes

import pyarrow as pa

MMAP_THRESHOLD, TRIM_THRESHOLD = -3, -1  # of mallopt(3)
MB = 1 << 20


def keep_freed_arrays() -> None:
    """Let glibc keep up to 512 MB of freed arrays of less than 32 MB; another C library is left as it is.

    A run makes and frees arrays by the million. Given back to the kernel, each is cleared and mapped anew.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(MMAP_THRESHOLD, 32 * MB)
        mallopt(TRIM_THRESHOLD, 512 * MB)


def give_back_tables() -> None:
    """Return to the system what Arrow keeps of freed tables: prices leave hundreds of MB for the rest of a run."""
    pa.default_memory_pool().release_unused()
