"""Keeps freed arrays for the next ones, gives back freed tables of Arrow, leaves what was imported to itself."""

from __future__ import annotations

import atexit
import ctypes
import gc

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


def leave_imports_alone() -> None:
    """Look for cycles among what is made from now on, and seldom; not at all when the process ends.

    What was imported stays. By Python's own thresholds the run of a session looks hundreds of times, and at its end
    three times through everything: over a second in all. Its own cycles are few, but may hold arrays.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)


def give_back_tables() -> None:
    """Return to the system what Arrow keeps of freed tables: prices leave hundreds of MB for the rest of a run."""
    pa.default_memory_pool().release_unused()
