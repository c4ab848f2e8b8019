"""How kernels are compiled, and where their machine code is kept from one process to the next."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

SOURCES = Path(__file__).parent
logger = logging.getLogger("risk_pipeline.kernels")
config: Any = numba.config
one_at_a_time = threading.RLock()
"""The first call of a kernel imports its module, in whichever thread; where caches lie is a setting of the process."""
compile_function = partial(numba.njit, nogil=True, error_model="numpy")
"""Strict arithmetic, in the order written: the same bits on every processor. Threads may run kernels side by side."""

F = TypeVar("F", bound=Callable[..., Any])


def kernel(signature: str) -> Callable[[F], F]:
    """Compile a function for arrays of one kind, when its module is imported, or read its machine code.

    ``signature`` is numba's, with the result; arrays of another kind raise ``TypeError``.
    """

    def compiled(function: F) -> F:
        with one_at_a_time:
            others, config.CACHE_LOCATOR_CLASSES = config.CACHE_LOCATOR_CLASSES, f"{__name__}.{KernelLocator.__name__}"
            try:
                return cast("F", compile_function(signature, cache=True)(function))
            except (OSError, EOFError, pickle.UnpicklingError) as error:  # a full disk, a damaged file
                warn_once(str(error))
                return cast("F", compile_function(signature)(function))
            finally:
                config.CACHE_LOCATOR_CLASSES = others

    return compiled


def part(function: F) -> F:
    """Compile a function that kernels call; each kernel holds its machine code."""
    return cast("F", compile_function(function))


@lru_cache
def warn_once(why: str) -> None:
    """Say why kernels are compiled in memory."""
    logger.warning(
        "Each process compiles kernels anew, which takes seconds: %s. "
        "Run `python -m risk_pipeline.analytics.kernels` as who may write there, or set NUMBA_CACHE_DIR.",
        why,
    )


class KernelLocator:
    """Tells numba where the machine code of a function is, by the methods that it asks a locator of caches for.

    Numba's own locators take no folder that can't be written to, so a read-only image would never use what it holds;
    and they look at no other file than the function's own, so an edited part would keep giving the old numbers.
    """

    def __init__(self, function: Callable[..., Any], file: str) -> None:
        self._py_file, self._line = file, function.__code__.co_firstlineno

    @classmethod
    def from_function(cls, function: Callable[..., Any], file: str) -> KernelLocator:
        """Return the locator of a function."""
        return cls(function, file)

    def get_cache_path(self) -> str:
        """Return the folder."""
        return str(kernel_folder())

    def ensure_cache_path(self) -> None:
        """Make the folder; numba calls this before it writes."""
        kernel_folder().mkdir(parents=True, exist_ok=True)
        if not os.access(kernel_folder(), os.W_OK):
            raise PermissionError(f"{kernel_folder()} can't be written to")

    def get_source_stamp(self) -> str:
        """Return nothing: the folder's name tells the sources."""
        return ""

    def get_disambiguator(self) -> str:
        """Return what tells functions of one name apart."""
        return str(self._line)


@lru_cache
def kernel_folder() -> Path:
    """Return the folder of machine code, named by a hash of all kernels' sources.

    It lies in ``NUMBA_CACHE_DIR`` if that is set. Else it lies beside the sources, where installing has put it; if it
    is not there and can't be, in the user's cache.
    """
    digest = hashlib.sha256()
    for path in sorted(SOURCES.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    name = f"kernels-{digest.hexdigest()[:12]}"
    if config.CACHE_DIR:
        return Path(config.CACHE_DIR, name)
    beside = SOURCES / "__pycache__"
    if (beside / name).is_dir() or os.access(beside if beside.is_dir() else SOURCES, os.W_OK):
        return beside / name
    return Path(os.path.expanduser("~/.cache/risk_pipeline"), name)
