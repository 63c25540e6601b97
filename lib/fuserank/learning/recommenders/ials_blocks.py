"""The half step of ials by blocks of a factor's entries (Rendle, Krichene, Zhang, Koren 2021,
"iALS++: Speeding up Matrix Factorization with Subspace Optimization", algorithm 1): one block after
the other is solved exactly, the others held.

Of all pairs the products x·y are kept, 4 bytes each, so that a pair costs d operations for the
slope and d² for the curvature of a block.

Shapes: R rows, N pairs, O rows of the other side, D factor length, d entries of a block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled, inlined
from fuserank.learning.recommenders.kernels.als import add, add_four, dot

if TYPE_CHECKING:
    from fuserank.learning.recommenders.ials_equations import Equations

Floats = npt.NDArray[np.float32]
_ZERO, _ONE = np.float32(0), np.float32(1)
_FLAT = np.float32(1e-20)  # a pivot that rounding has eaten


def improve(
    x_RD: Floats, y_OD: Floats, gram_DD: npt.NDArray[np.float64], rows: Equations, block: int, together: int
) -> None:
    """One pass over the blocks of ``x_RD``, in place; ``gram_DD`` = α0 YᵀY. Rows without pairs are left as
    they are. ``together`` rows are multiplied at once: any number of ranks must take the same.
    """
    common_DD = gram_DD.astype(np.float32)
    product_N = np.empty(len(rows.indices), np.float32)
    _products(rows.indptr, rows.indices, x_RD, y_OD, product_N)
    depth = x_RD.shape[1]
    for low in range(0, depth, block):
        part = slice(low, min(low + block, depth))
        y_Od = np.ascontiguousarray(y_OD[:, part])
        for start in range(0, len(x_RD), together):
            some = slice(start, start + together)
            slope_Rd = -(x_RD[some] @ common_DD[:, part]) - rows.penalty_R[some, None] * x_RD[some, part]
            ptr = rows.indptr[some.start : some.start + len(slope_Rd) + 1]
            _solve(
                ptr,
                rows.indices,
                rows.weight,
                y_Od,
                common_DD[part, part].copy(),
                rows.penalty_R[some],
                slope_Rd,
                product_N,
            )
            x_RD[some, part] += slope_Rd


@compiled
def _products(indptr_R: Any, indices_N: Any, x_RD: Floats, y_OD: Floats, product_N: Floats) -> None:
    for row in range(x_RD.shape[0]):
        for n in range(indptr_R[row], indptr_R[row + 1]):
            product_N[n] = dot(x_RD[row], y_OD[indices_N[n]])


@compiled
def _solve(
    indptr_R: Any,
    indices_N: Any,
    weight_N: Floats,
    y_Od: Floats,
    gram_dd: Floats,
    penalty_R: Floats,
    slope_Rd: Floats,
    product_N: Floats,
) -> None:
    """Turns ``slope_Rd`` (less what the pairs add to it) into the steps of the rows, and adds these to the products."""
    depth = y_Od.shape[1]
    h_dd = np.empty((depth, depth), np.float32)
    for row in range(slope_Rd.shape[0]):
        start, stop, b_d = indptr_R[row], indptr_R[row + 1], slope_Rd[row]
        if start == stop:
            b_d[:] = _ZERO
            continue
        h_dd[:] = gram_dd
        for i in range(depth):
            h_dd[i, i] += penalty_R[row]
        fours = start + (stop - start) // 4 * 4
        for n in range(start, fours, 4):  # four pairs at a time, the lower half alone
            i0, i1, i2, i3 = indices_N[n], indices_N[n + 1], indices_N[n + 2], indices_N[n + 3]
            w0, w1, w2, w3 = weight_N[n], weight_N[n + 1], weight_N[n + 2], weight_N[n + 3]
            for i in range(depth):
                s0, s1, s2, s3 = w0 * y_Od[i0, i], w1 * y_Od[i1, i], w2 * y_Od[i2, i], w3 * y_Od[i3, i]
                add_four(y_Od, i0, i1, i2, i3, s0, s1, s2, s3, h_dd[i, : i + 1])
            s0, s1 = w0 * (_ONE - product_N[n]), w1 * (_ONE - product_N[n + 1])
            s2, s3 = w2 * (_ONE - product_N[n + 2]), w3 * (_ONE - product_N[n + 3])
            add_four(y_Od, i0, i1, i2, i3, s0, s1, s2, s3, b_d)
        for n in range(fours, stop):
            y_d = y_Od[indices_N[n]]
            for i in range(depth):
                add(y_d, weight_N[n] * y_d[i], h_dd[i, : i + 1])
            add(y_d, weight_N[n] * (_ONE - product_N[n]), b_d)
        _solve_triangles(h_dd, b_d)
        for n in range(start, stop):
            product_N[n] += dot(y_Od[indices_N[n]], b_d)


@inlined
def _solve_triangles(h_dd: Floats, b_d: Floats) -> None:
    """b = H⁻¹ b by Cholesky, H given by its lower half, which is spent."""
    depth = b_d.shape[0]
    for i in range(depth):
        for j in range(i):
            h_dd[i, j] = (h_dd[i, j] - dot(h_dd[i, :j], h_dd[j, :j])) / h_dd[j, j]
        h_dd[i, i] = np.sqrt(max(h_dd[i, i] - dot(h_dd[i, :i], h_dd[i, :i]), _FLAT))
        b_d[i] = (b_d[i] - dot(h_dd[i, :i], b_d[:i])) / h_dd[i, i]
    for i in range(depth - 1, -1, -1):
        b_d[i] = b_d[i] / h_dd[i, i]
        add(h_dd[i], -b_d[i], b_d[:i])
