"""Frames as checked columns: what is about to be stored, held against its table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

from ..analytics.arrays import Bool1D, Int1D
from .errors import StorageError


@dataclass(frozen=True)
class Column:
    """A column ready to be stored.

    ``values`` are numbers, truth values, days or times; of texts and JSON, places in ``texts``. What they are where
    ``absent`` is true says nothing.
    """

    name: str
    kind: type
    values: np.ndarray[Any, Any]
    absent: Bool1D
    texts: list[str] | None = None

    @property
    def ranks(self) -> np.ndarray[Any, Any]:
        """Return numbers that sort as the column does; texts by code point. Small ones sort in a fifth of the time."""
        if self.texts is None:
            if not (issubclass(self.kind, sa.Date) and len(self.values)):
                return self.values
            days = (self.values - self.values.min()).astype(np.int64)
            return np.asarray(days.astype(np.min_scalar_type(days.max())))
        rank = np.empty(len(self.texts) + 1, dtype=np.min_scalar_type(len(self.texts)))
        rank[sorted(range(len(self.texts)), key=self.texts.__getitem__)] = np.arange(len(self.texts))
        return np.asarray(rank[self.values])

    def take(self, rows: Int1D) -> Column:
        """Return the rows in another order."""
        return Column(self.name, self.kind, self.values[rows], self.absent[rows], self.texts)


def checked_columns(table: sa.Table, frame: pd.DataFrame, sessions: Sequence[date] | None) -> list[Column]:
    """Return a frame's columns in the table's order, and its rows in that of the primary key.

    Rows that arrive in the order of the key are stored half as fast again.

    Raises
    ------
    StorageError
        If the frame doesn't have exactly the table's columns, holds another session than ``sessions``, or a
        value that its column can't hold.
    """
    names = [column.name for column in table.columns]
    missing = [name for name in names if name not in frame]
    unknown = [name for name in frame if name not in names]
    if missing or unknown:
        raise StorageError(
            f"{table.name}: columns missing {missing}, unknown {unknown}; give exactly the table's columns"
        )
    columns = [_column(table, column, frame[column.name]) for column in table.columns]
    if sessions is not None and len(frame):
        days = columns[names.index("session")].values
        strange = np.setdiff1d(days, np.array(sessions, dtype="datetime64[D]"))
        if len(strange):
            raise StorageError(f"{table.name}: rows of {strange[0]}, which is not among the sessions to replace")
    ranks = [columns[names.index(key.name)].ranks for key in table.primary_key.columns]
    if _in_order(ranks):
        return columns
    order = np.lexsort(ranks[::-1])
    return [column.take(order) for column in columns]


def _in_order(ranks: list[np.ndarray[Any, Any]]) -> bool:
    """Return whether rows never fall; the first of the ranks counts most."""
    rises, level = np.zeros(max(len(ranks[0]) - 1, 0), dtype=bool), True
    for rank in ranks:
        rises |= level & (rank[1:] > rank[:-1])
        level &= rank[1:] == rank[:-1]
    return bool((rises | level).all())


def _column(table: sa.Table, column: sa.Column[Any], values: pd.Series) -> Column:
    kind, label = type(column.type), f"{table.name}.{column.name}"
    absent = values.isna().to_numpy(dtype=bool)
    if absent.any() and not column.nullable:
        raise StorageError(f"{label} is missing in row {int(np.argmax(absent))} of {len(values)}; every row needs it")
    if issubclass(kind, sa.String):
        if isinstance(values.dtype, pd.CategoricalDtype):
            codes, distinct = values.cat.codes.to_numpy(), values.cat.categories
        else:
            codes, distinct = pd.factorize(values)
        texts = [str(text) for text in distinct]
        limit, longest = getattr(column.type, "length", None) or np.inf, max(texts, key=len, default="")
        if len(longest) > limit:
            raise StorageError(f"{label}: {longest[:20]}… is over {limit} characters; shorten it")
        return Column(column.name, sa.String, codes.astype(np.int32), absent, texts)
    if issubclass(kind, sa.JSON):
        texts = [json.dumps(value) for value in values]
        return Column(column.name, sa.JSON, np.arange(len(texts)), absent, texts)
    if issubclass(kind, sa.Date):
        return Column(column.name, kind, pd.to_datetime(values).to_numpy().astype("datetime64[D]"), absent)
    if issubclass(kind, sa.DateTime):
        return Column(column.name, kind, pd.to_datetime(values).to_numpy().astype("datetime64[us]"), absent)
    if issubclass(kind, sa.Boolean):
        return Column(column.name, kind, values.to_numpy(dtype=object, na_value=False).astype(bool), absent)
    is_float = isinstance(values.dtype, np.dtype) and values.dtype.kind == "f"  # without a copy
    numbers = values.to_numpy(dtype=float) if is_float else values.to_numpy(dtype=float, na_value=np.nan)
    if issubclass(kind, sa.Integer):
        numbers = np.where(absent, 0.0, numbers)
        if not np.all((numbers == np.round(numbers)) & (np.abs(numbers) < 2**31)):
            raise StorageError(f"{label} holds a number that is no 32-bit integer; round it")
        numbers = numbers.astype(np.int64)
    return Column(column.name, kind, numbers, absent)


def sorted_by(frame: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Return rows numbered from 0 in the order of some columns, nulls last; as they are if they are in it.

    Texts are compared by code point, each different one once.
    """
    ranks = [_ranks(frame[name]) for name in names]
    return frame if _in_order(ranks) else frame.iloc[np.lexsort(ranks[::-1])].reset_index(drop=True)


def _ranks(values: pd.Series) -> Int1D:
    codes, distinct = pd.factorize(values, sort=True)
    return np.where(codes < 0, len(distinct), codes)
