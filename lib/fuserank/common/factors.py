"""Factors as Arrow brings them, as arrays. Shapes: N rows, D factor length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa


def by_index(table: pa.Table) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Columns index and factor as (rows,), ascending, and (rows, depth)."""
    index, factors_ND = ascending(table.column("index").to_numpy(), stacked(table.column("factor")))
    return index, factors_ND


def ascending(index: npt.NDArray[Any], *others: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], ...]:
    """``index``, without repeats, in ascending order, and the others' rows with it; as they are where they stand so."""
    if (index[1:] > index[:-1]).all():
        return index, *others
    order = np.argsort(index)  # faster than Arrow's sort, which takes lists one by one
    return index[order], *(other[order] for other in others)


def stacked(column: pa.ChunkedArray) -> npt.NDArray[np.float32]:
    """A list column of equal lengths as (rows, depth). Its pieces need not fit into one, whose lists end by 32 bits."""
    pieces = [piece for piece in column.chunks if len(piece)]
    if not pieces:
        return np.zeros((0, 0), np.float32)
    return np.concatenate([matrix(piece, len(pieces[0][0])) for piece in pieces])


def matrix(column: pa.ListArray, depth: int) -> npt.NDArray[np.float32]:
    """An Arrow list column of equal lengths as (rows, depth), without a copy of its values."""
    values: npt.NDArray[np.float32] = column.flatten().to_numpy().astype(np.float32, copy=False)
    if values.size != len(column) * depth:
        raise ValueError(f"factors of {len(column)} rows hold {values.size} numbers; expected {depth} each")
    return values.reshape(len(column), depth)
