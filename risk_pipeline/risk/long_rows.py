"""Long rows, as tables hold them, spread out into an array with an axis for each of some columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..analytics.arrays import Bool1D, Int1D


@dataclass(frozen=True)
class Cells:
    """Where each of n rows belongs in an array: ``places`` (axes, n), and ``known`` (n,) whether it has a place."""

    shape: tuple[int, ...]
    places: tuple[Int1D, ...]
    known: Bool1D

    @classmethod
    def of(cls, rows: pd.DataFrame, **axes: Iterable[object]) -> Cells:
        """Find the rows' cells by the labels of each column's axis, in the order of the axes; sessions are dates.

        >>> rows = pd.DataFrame({"symbol": ["B", "A"], "factor": ["x", "y"], "beta": [1.0, 2.0]})
        >>> Cells.of(rows, symbol=["A", "B"], factor=["x", "y"]).spread(rows["beta"])
        array([[nan,  2.],
               [ 1., nan]])
        """
        indexes = {name: _index(name, labels) for name, labels in axes.items()}
        places = tuple(_places(index, name, rows[name]) for name, index in indexes.items())
        known = np.logical_and.reduce([place >= 0 for place in places])
        return cls(tuple(len(index) for index in indexes.values()), places, known)

    def spread(self, values: pd.Series, fill: float = np.nan) -> NDArray[np.float64]:
        """Return the values in their cells, ``fill`` where no row has one; rows without a place are left out."""
        out = np.full(self.shape, fill)
        out[tuple(place[self.known] for place in self.places)] = values.to_numpy(dtype=float)[self.known]
        return out

    def gather(self, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return each row's cell of an array (n,); NaN for a row without a place."""
        out = np.full(len(self.known), np.nan)
        out[self.known] = array[tuple(place[self.known] for place in self.places)]
        return out


def _places(index: pd.Index, name: str, values: pd.Series) -> Int1D:
    """Return where each value stands in an index, -1 where it does not; each different one is looked up once."""
    codes, distinct = pd.factorize(values)
    places = np.append(index.get_indexer(_index(name, distinct)), -1)
    return np.asarray(places[codes])


def _index(name: str, labels: Iterable[object]) -> pd.Index:
    if name == "session":
        return pd.DatetimeIndex(np.asarray(labels, dtype="datetime64[s]"))
    return pd.Index(labels)
