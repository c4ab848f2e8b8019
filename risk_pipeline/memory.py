"""Keeps the memory of freed arrays for the next ones."""

from __future__ import annotations

import ctypes

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
