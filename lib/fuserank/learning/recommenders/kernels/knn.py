"""The nearest columns of each column of a sparse matrix: one row of the item² table at a time, never the table.

Shapes: R rows (users), C columns (items), N entries; K neighbours. Imported where it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled
from fuserank.learning.recommenders.kernels.best import NOTHING_HELD, best_first

Floats = npt.NDArray[np.float32]
_ZERO, _ONE = np.float32(0), np.float32(1)


@compiled
def nearest(
    column_ptr: Any,
    column_rows: Any,
    column_data: Floats,
    column_age: Floats,
    row_ptr: Any,
    row_columns: Any,
    row_data: Floats,
    row_age: Floats,
    worth_T: Floats,
    backward: Any,
    own_norm_C: Floats,
    other_norm_C: Floats,
    shrinkage: Any,
    low: int,
    neighbour_BK: Any,
    similarity_BK: Floats,
) -> None:
    """Fills in the K nearest of columns low … low + B, best first, ties to the lower column; −1 where there are fewer.

    similarity of c and j = Σ_r x_rc x_rj / (own_c · other_j + shrinkage). The matrix comes by columns and by rows,
    rows ascending in both: sums are taken in the order of the rows. Where ``worth_T`` is not empty, a product
    counts worth_T[t] times, its ages being t apart (the last entry holds for all that is further), and ``backward``
    times on top where j was taken before c.
    """
    columns, furthest = len(own_norm_C), len(worth_T) - 1
    k = neighbour_BK.shape[1]
    sum_C, met_C = np.zeros(columns, np.float32), np.empty(columns, np.int32)
    seen_C = np.zeros(columns, np.bool_)
    value_H, column_H = np.empty(columns, np.float32), np.empty(columns, np.int32)
    for b in range(neighbour_BK.shape[0]):
        c, met = low + b, 0
        for n in range(column_ptr[c], column_ptr[c + 1]):
            row, x = column_rows[n], column_data[n]
            for m in range(row_ptr[row], row_ptr[row + 1]):
                j = row_columns[m]
                if not seen_C[j]:
                    seen_C[j] = True
                    met_C[met] = j
                    met += 1
                product = x * row_data[m]
                if furthest >= 0:
                    later = column_age[n] - row_age[m]
                    product *= worth_T[min(int(abs(later)), furthest)] * (backward if later < _ZERO else _ONE)
                sum_C[j] += product
        held = NOTHING_HELD
        for n in range(met):
            j = met_C[n]
            value = sum_C[j] / (own_norm_C[c] * other_norm_C[j] + shrinkage)
            if j != c and value > _ZERO:
                value_H[held], column_H[held] = value, j
                held += 1
            sum_C[j], seen_C[j] = _ZERO, False
        best_first(value_H, column_H, held, k, neighbour_BK[b], similarity_BK[b])


@compiled
def swing(
    column_ptr: Any,
    column_rows: Any,
    row_ptr: Any,
    row_columns: Any,
    weight_R: Floats,
    smoothing: Any,
    most: int,
    low: int,
    neighbour_BK: Any,
    similarity_BK: Floats,
) -> None:
    """The same by Swing (Yang et al. 2020, eq. 1): Σ over pairs of rows (u, v) that have both columns of w_u w_v /
    (smoothing + |columns of u and v|). Of a column with more than ``most`` rows the first ones count: rows are to be
    ordered so that the most telling come first.
    """
    columns, k = int(row_columns.max()) + 1 if len(row_columns) else 0, neighbour_BK.shape[1]
    sum_C, met_C = np.zeros(columns, np.float32), np.empty(columns, np.int32)
    seen_C, common_C = np.zeros(columns, np.bool_), np.empty(columns, np.int32)
    value_H, column_H = np.empty(columns, np.float32), np.empty(columns, np.int32)
    for b in range(neighbour_BK.shape[0]):
        c, met = low + b, NOTHING_HELD
        start = column_ptr[c]
        stop = min(column_ptr[c + 1], start + most)
        for n in range(start, stop):
            u = column_rows[n]
            for m in range(n + 1, stop):
                v = column_rows[m]
                at_u, at_v, common = row_ptr[u], row_ptr[v], 0
                while at_u < row_ptr[u + 1] and at_v < row_ptr[v + 1]:
                    x, y = row_columns[at_u], row_columns[at_v]
                    if x == y:
                        common_C[common] = x
                        common += 1
                    at_u += x <= y
                    at_v += y <= x
                worth = weight_R[u] * weight_R[v] / (smoothing + np.float32(common))
                for n_common in range(common):
                    j = common_C[n_common]
                    if j != c:
                        if not seen_C[j]:
                            seen_C[j] = True
                            met_C[met] = j
                            met += 1
                        sum_C[j] += worth
        for n in range(met):
            j = met_C[n]
            value_H[n], column_H[n] = sum_C[j], j
            sum_C[j], seen_C[j] = _ZERO, False
        best_first(value_H, column_H, met, k, neighbour_BK[b], similarity_BK[b])
