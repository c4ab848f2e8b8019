"""64-bit hashes of rows that add up: the hash of a set of rows is the wrapped sum of theirs, in any order.

Only equality matters, never an adversary. The same on every machine and with every version of NumPy and pandas.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from .arrays import Int1D

UInt = np.ndarray[Any, np.dtype[np.uint64]]


def mixed(values: UInt) -> UInt:
    """Scramble 64-bit numbers one to one (the finaliser of SplitMix64; Steele, Lea and Flood 2014)."""
    with np.errstate(over="ignore"):
        z = values + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return np.asarray(z ^ (z >> np.uint64(31)))


def text_hash(text: str) -> int:
    """Return a 64-bit hash of a text."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def texts_hash(texts: list[str]) -> UInt:
    """Return the hash of each text, shape (n,)."""
    return np.array([text_hash(text) for text in texts], dtype=np.uint64)


def numbers_hash(numbers: np.ndarray[Any, Any]) -> UInt:
    """Return the hash of each number or day; equal numbers have one, -0 is 0."""
    if numbers.dtype.kind == "M":
        return mixed(numbers.astype("datetime64[D]").astype(np.int64).view(np.uint64))
    return mixed((numbers.astype(np.float64) + 0.0).view(np.uint64))


def rows_hash(columns: Mapping[str, tuple[UInt, np.ndarray[Any, Any]]], count: int) -> UInt:
    """Return the hash of each of ``count`` rows from the hashes of its fields and which of them are there.

    What is absent leaves no trace, so that a new optional column changes no hash.
    """
    out = np.zeros(count, dtype=np.uint64)
    for name, (values, present) in columns.items():
        with np.errstate(over="ignore"):
            out += np.where(present, mixed(values ^ np.uint64(text_hash(name))), np.uint64(0))
    return mixed(out)


def running_sums(row: Int1D, column: Int1D, values: UInt, shape: tuple[int, int]) -> UInt:
    """Add values into the cells of a (rows, columns) array and sum down each column, wrapping at 64 bits.

    A row equal to the number of rows is beyond the end and left out.
    """
    out = np.zeros(shape, dtype=np.uint64)
    inside = row < shape[0]
    with np.errstate(over="ignore"):
        np.add.at(out, (row[inside], column[inside]), values[inside])
        return np.asarray(np.cumsum(out, axis=0, dtype=np.uint64))
