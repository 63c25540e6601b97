"""The solver of a half step of implicit ALS: conjugate gradients on the normal equations of each row.

For a row with ratings c_k of the other side's rows y_k, A = G + Σ (c_k − 1) y_k y_kᵀ with G = YᵀY + λI, and
A x = Σ c_k y_k (Hu, Koren, Volinsky 2008, eq. 4). A is never made: its product with a vector takes D² operations for G
and 4 D for each rating (Takács, Pilászy, Tikk 2011, section 4). Four ratings, and four rows of G, go at a time, so
that the result's numbers are loaded and stored a quarter as often.

Shapes: R rows, N ratings in CSR form, O rows of the other side, D factor length. Imported where it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled, inlined

Floats = npt.NDArray[np.float32]
_ONE = np.float32(1)
_ZERO = np.float32(0)
_SOLVED = np.float32(1e-20)  # a squared residual below which a row is left as it is


@inlined
def _add_gram(gram_DD: Floats, p_D: Floats, sign: Any, out_D: Floats) -> None:
    """out += sign · G p; G is symmetric."""
    depth = p_D.shape[0]
    fours = depth // 4 * 4
    for e in range(0, fours, 4):
        p0, p1, p2, p3 = sign * p_D[e], sign * p_D[e + 1], sign * p_D[e + 2], sign * p_D[e + 3]
        for d in range(depth):
            out_D[d] += p0 * gram_DD[e, d] + p1 * gram_DD[e + 1, d] + p2 * gram_DD[e + 2, d] + p3 * gram_DD[e + 3, d]
    for e in range(fours, depth):
        p0 = sign * p_D[e]
        for d in range(depth):
            out_D[d] += p0 * gram_DD[e, d]


@inlined
def _add_ratings(
    indices_N: Any,
    data_N: Floats,
    start: Any,
    stop: Any,
    y_OD: Floats,
    p_D: Floats,
    once: Any,
    sign: Any,
    out_D: Floats,
) -> None:
    """out += Σ over the ratings of (once · c + sign · (c − 1) y·p) y."""
    depth = p_D.shape[0]
    fours = start + (stop - start) // 4 * 4
    for n in range(start, fours, 4):
        i0, i1, i2, i3 = indices_N[n], indices_N[n + 1], indices_N[n + 2], indices_N[n + 3]
        s0, s1, s2, s3 = _ZERO, _ZERO, _ZERO, _ZERO
        for d in range(depth):
            s0 += y_OD[i0, d] * p_D[d]
            s1 += y_OD[i1, d] * p_D[d]
            s2 += y_OD[i2, d] * p_D[d]
            s3 += y_OD[i3, d] * p_D[d]
        s0 = once * data_N[n] + sign * (data_N[n] - _ONE) * s0
        s1 = once * data_N[n + 1] + sign * (data_N[n + 1] - _ONE) * s1
        s2 = once * data_N[n + 2] + sign * (data_N[n + 2] - _ONE) * s2
        s3 = once * data_N[n + 3] + sign * (data_N[n + 3] - _ONE) * s3
        for d in range(depth):
            out_D[d] += s0 * y_OD[i0, d] + s1 * y_OD[i1, d] + s2 * y_OD[i2, d] + s3 * y_OD[i3, d]
    for n in range(fours, stop):
        i0, s0 = indices_N[n], _ZERO
        for d in range(depth):
            s0 += y_OD[i0, d] * p_D[d]
        s0 = once * data_N[n] + sign * (data_N[n] - _ONE) * s0
        for d in range(depth):
            out_D[d] += s0 * y_OD[i0, d]


@compiled
def solve(
    indptr_R: Any, indices_N: Any, data_N: Floats, x_RD: Floats, y_OD: Floats, gram_DD: Floats, steps: int
) -> None:
    """Improves each row of ``x_RD`` in place by ``steps`` conjugate-gradient steps from where it stands.

    A row without ratings becomes zero. Rows are independent of each other.
    """
    depth = y_OD.shape[1]
    r_D, p_D, q_D = np.empty(depth, np.float32), np.empty(depth, np.float32), np.empty(depth, np.float32)
    for row in range(x_RD.shape[0]):
        start, stop, x_D = indptr_R[row], indptr_R[row + 1], x_RD[row]
        if start == stop:
            x_D[:] = _ZERO
            continue
        r_D[:] = _ZERO
        _add_gram(gram_DD, x_D, -_ONE, r_D)
        _add_ratings(indices_N, data_N, start, stop, y_OD, x_D, _ONE, -_ONE, r_D)
        before = _ZERO
        for d in range(depth):
            p_D[d] = r_D[d]
            before += r_D[d] * r_D[d]
        if before < _SOLVED:
            continue
        for _ in range(steps):
            q_D[:] = _ZERO
            _add_gram(gram_DD, p_D, _ONE, q_D)
            _add_ratings(indices_N, data_N, start, stop, y_OD, p_D, _ZERO, _ONE, q_D)
            curvature = _ZERO
            for d in range(depth):
                curvature += p_D[d] * q_D[d]
            length, after = before / curvature, _ZERO
            for d in range(depth):
                x_D[d] += length * p_D[d]
                r_D[d] -= length * q_D[d]
                after += r_D[d] * r_D[d]
            if after < _SOLVED:
                break
            for d in range(depth):
                p_D[d] = r_D[d] + after / before * p_D[d]
            before = after
