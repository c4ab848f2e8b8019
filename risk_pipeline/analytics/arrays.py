"""Array types of the numerics, with their dimensions in the name, which mypy checks."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TypeAlias, TypeVar

import numpy as np

Float1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.float64]]
Float2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Float3D: TypeAlias = np.ndarray[tuple[int, int, int], np.dtype[np.float64]]
Int1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
Int2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.int64]]
Bool1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]
Bool2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.bool_]]
Bytes1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
Date1D: TypeAlias = "np.ndarray[tuple[int], np.dtype[np.datetime64[date]]]"
Text1D: TypeAlias = np.ndarray[tuple[int], np.dtype[np.object_]]
Text2D: TypeAlias = np.ndarray[tuple[int, int], np.dtype[np.object_]]

S = TypeVar("S", bound="BySession")


class BySession:
    """A dataclass of arrays whose first axis is that of sessions."""

    def take(self: S, sessions: Int1D | slice) -> S:
        """Return the arrays of some sessions."""
        return type(self)(**{name: values[sessions] for name, values in vars(self).items()})

    @classmethod
    def join(cls: type[S], parts: Sequence[S]) -> S:
        """Return the arrays of several sessions after each other."""
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])})
