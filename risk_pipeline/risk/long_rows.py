"""Long rows, as tables hold them, and arrays with an axis for each of some of their columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..analytics.arrays import Bool1D, Int1D


def rows_of(
    stored: NDArray[np.bool_],
    axes: Mapping[str, Sequence[object]],
    values: Mapping[str, NDArray[Any]],
    order: Int1D | None = None,
) -> pd.DataFrame:
    """Return a row for each true cell of an array, in order, with the labels of its axes; sessions are dates.

    The opposite of :meth:`Cells.spread`. ``values`` broadcast to ``stored``; ``order``, if given, is that in which the
    last axis is gone through.

    >>> beta = np.array([[1.0, np.nan], [3.0, 4.0]])
    >>> rows_of(~np.isnan(beta), {"symbol": ["A", "B"], "factor": ["x", "y"]}, {"beta": beta})
      symbol factor  beta
    0      A      x   1.0
    1      B      x   3.0
    2      B      y   4.0
    """
    *first, last = np.nonzero(stored if order is None else stored[..., order])
    places = (*first, last if order is None else order[last])
    cells = np.ravel_multi_index(places, stored.shape)  # half the time of a mask
    keys = {
        name: _index(name, labels)[at] if name == "session" else labelled(labels, at)
        for (name, labels), at in zip(axes.items(), places, strict=True)
    }
    columns = {name: np.broadcast_to(array, stored.shape).reshape(-1)[cells] for name, array in values.items()}
    return pd.DataFrame({**keys, **columns}, copy=False)


def labelled(labels: Iterable[object], places: Int1D) -> pd.Categorical:
    """Return the label at each place, null at -1. A row holds the place: millions of texts cost more than numbers."""
    codes, distinct = pd.factorize(np.array([*labels, None], dtype=object))
    return pd.Categorical.from_codes(codes[places], categories=distinct)


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
