"""Factors as Arrow brings them, as arrays. Shapes: N rows, D factor length."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa


def by_index(table: pa.Table) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """Columns index and factor as (rows,), ascending, and (rows, depth)."""
    table = table.combine_chunks()
    index = table.column("index").to_numpy()
    if len(index) == 0:
        return index, np.zeros((0, 0), np.float32)
    column = table.column("factor").chunk(0)
    factors_ND = matrix(column, len(column[0]))
    if (index[1:] > index[:-1]).all():
        return index, factors_ND
    order = np.argsort(index)  # faster than Arrow's sort, which takes lists one by one
    return index[order], factors_ND[order]


def matrix(column: pa.ListArray, depth: int) -> npt.NDArray[np.float32]:
    """An Arrow list column of equal lengths as (rows, depth), without a copy of its values."""
    values: npt.NDArray[np.float32] = column.flatten().to_numpy().astype(np.float32, copy=False)
    if values.size != len(column) * depth:
        raise ValueError(f"factors of {len(column)} rows hold {values.size} numbers; expected {depth} each")
    return values.reshape(len(column), depth)
