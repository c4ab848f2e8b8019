"""The bytes of rows in Postgres' binary COPY: two of the number of fields, and four of the length before each value."""

from __future__ import annotations

from ..arrays import Bool2D, Bytes1D, Int1D, Int2D
from .compiled import kernel


@kernel(
    "int64(Array(int64, 2, 'C', True), Array(boolean, 2, 'C', True), int64, Array(int64, 1, 'C', True), "
    "Array(uint8, 1, 'C', True), Array(int64, 1, 'C', True), Array(int64, 1, 'C', True), uint8[::1])"
)
def write_rows(
    values: Int2D,
    absent: Bool2D,
    rows: int,
    width: Int1D,
    texts: Bytes1D,
    ends: Int1D,
    first: Int1D,
    out: Bytes1D,
) -> int:
    """Write rows to ``out``, which is large enough, and return how many bytes they take.

    Parameters
    ----------
    values : (C, R) bits of numbers, of which the last ``width`` (C,) bytes count; of a text, width 0, its place among
        those of its column.
    absent : (C, R) values that are null.
    rows : how many of the R are written.
    texts : (B,) each with its length before it, one after the other; text ``k`` ends at ``ends[k]``.
    first : (C,) where the column's texts begin in ``ends``, after the end of the one before.
    """
    at = 0
    for r in range(rows):
        out[at] = 0
        out[at + 1] = len(width)
        at += 2
        for c in range(len(width)):
            if absent[c, r]:
                for k in range(4):
                    out[at + k] = 255
                at += 4
            elif width[c] == 0:
                text = first[c] + values[c, r]
                for k in range(ends[text - 1], ends[text]):
                    out[at] = texts[k]
                    at += 1
            else:
                value, size = values[c, r], width[c]
                for k in range(3):
                    out[at + k] = 0
                out[at + 3] = size
                for k in range(size):
                    out[at + 4 + k] = (value >> (8 * (size - 1 - k))) & 255
                at += 4 + size
    return at
