"""Array types of the numerics, with their dimensions in the name, which mypy checks."""

from __future__ import annotations

from datetime import date
from typing import TypeAlias

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
