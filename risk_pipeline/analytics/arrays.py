"""Array types of the numerics, with their dimensions in the name."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Float1D: TypeAlias = NDArray[np.float64]
Float2D: TypeAlias = NDArray[np.float64]
Float3D: TypeAlias = NDArray[np.float64]
Int1D: TypeAlias = NDArray[np.int64]
Int2D: TypeAlias = NDArray[np.int64]
Bool1D: TypeAlias = NDArray[np.bool_]
Bool2D: TypeAlias = NDArray[np.bool_]
Date1D: TypeAlias = NDArray[np.datetime64]
Text2D: TypeAlias = NDArray[np.object_]
