"""The solver of a half step of implicit ALS: conjugate gradients on the normal equations of each row.

For a row with ratings c_k of the other side's rows y_k, A = G + Σ (c_k − 1) y_k y_kᵀ with G = YᵀY + λI, and
A x = Σ c_k y_k (Hu, Koren, Volinsky 2008, eq. 4). The caller gives w_k = L⁻¹ y_k with G = L Lᵀ, so that for z = Lᵀ x
it is (I + Σ (c_k − 1) w_k w_kᵀ) z = Σ c_k w_k: conjugate gradients with G as the preconditioner. The matrix is never
made; its product with a vector takes 4 D operations for each rating (Takács, Pilászy, Tikk 2011, section 4), and the D²
of G are not paid at every step. Four ratings go at a time, so that the result's numbers are loaded and stored a quarter
as often.

Shapes: R rows, N ratings in CSR form, O rows of the other side, D factor length. Imported where it runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled, inlined, reducing

Floats = npt.NDArray[np.float32]
_ONE = np.float32(1)
_ZERO = np.float32(0)
_SOLVED = np.float32(1e-20)  # a squared residual below which a row is left as it is


@reducing
def dot(a_D: Floats, b_D: Floats) -> Any:
    """Inner product of two float32 vectors of one length, added up in float32 in the order of their places."""
    total = _ZERO
    for d in range(a_D.shape[0]):
        total += a_D[d] * b_D[d]
    return total


@reducing
def _four_dots(y_OD: Floats, i0: Any, i1: Any, i2: Any, i3: Any, p_D: Floats) -> Any:
    """Inner products of four rows with p."""
    s0, s1, s2, s3 = _ZERO, _ZERO, _ZERO, _ZERO
    for d in range(p_D.shape[0]):
        s0 += y_OD[i0, d] * p_D[d]
        s1 += y_OD[i1, d] * p_D[d]
        s2 += y_OD[i2, d] * p_D[d]
        s3 += y_OD[i3, d] * p_D[d]
    return s0, s1, s2, s3


@inlined
def add(y_D: Floats, s: Any, out_D: Floats) -> None:
    """out += s · y."""
    for d in range(out_D.shape[0]):
        out_D[d] = out_D[d] + s * y_D[d]


@inlined
def add_four(
    y_OD: Floats, i0: Any, i1: Any, i2: Any, i3: Any, s0: Any, s1: Any, s2: Any, s3: Any, out_D: Floats
) -> None:
    """out += s0 · y_i0 + …, one after the other."""
    for d in range(out_D.shape[0]):
        out_D[d] = (((out_D[d] + s0 * y_OD[i0, d]) + s1 * y_OD[i1, d]) + s2 * y_OD[i2, d]) + s3 * y_OD[i3, d]


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
    fours = start + (stop - start) // 4 * 4
    for n in range(start, fours, 4):
        i0, i1, i2, i3 = indices_N[n], indices_N[n + 1], indices_N[n + 2], indices_N[n + 3]
        s0, s1, s2, s3 = _four_dots(y_OD, i0, i1, i2, i3, p_D)
        s0 = once * data_N[n] + sign * (data_N[n] - _ONE) * s0
        s1 = once * data_N[n + 1] + sign * (data_N[n + 1] - _ONE) * s1
        s2 = once * data_N[n + 2] + sign * (data_N[n + 2] - _ONE) * s2
        s3 = once * data_N[n + 3] + sign * (data_N[n + 3] - _ONE) * s3
        add_four(y_OD, i0, i1, i2, i3, s0, s1, s2, s3, out_D)
    for n in range(fours, stop):
        y_D = y_OD[indices_N[n]]
        s0 = once * data_N[n] + sign * (data_N[n] - _ONE) * dot(y_D, p_D)
        add(y_D, s0, out_D)


@compiled
def solve(indptr_R: Any, indices_N: Any, data_N: Floats, z_RD: Floats, w_OD: Floats, steps: int) -> None:
    """Improves each row of ``z_RD`` in place by ``steps`` conjugate-gradient steps from where it stands.

    A row without ratings becomes zero. Rows are independent of each other.
    """
    depth = w_OD.shape[1]
    r_D, p_D, q_D = np.empty(depth, np.float32), np.empty(depth, np.float32), np.empty(depth, np.float32)
    for row in range(z_RD.shape[0]):
        start, stop, z_D = indptr_R[row], indptr_R[row + 1], z_RD[row]
        if start == stop:
            z_D[:] = _ZERO
            continue
        r_D[:] = -z_D
        _add_ratings(indices_N, data_N, start, stop, w_OD, z_D, _ONE, -_ONE, r_D)
        p_D[:] = r_D
        before = dot(r_D, r_D)
        if before < _SOLVED:
            continue
        for _ in range(steps):
            q_D[:] = p_D
            _add_ratings(indices_N, data_N, start, stop, w_OD, p_D, _ZERO, _ONE, q_D)
            length = before / dot(p_D, q_D)
            add(p_D, length, z_D)
            add(q_D, -length, r_D)
            after = dot(r_D, r_D)
            if after < _SOLVED:
                break
            grown = after / before
            for d in range(depth):
                p_D[d] = r_D[d] + grown * p_D[d]
            before = after


@compiled
def add_products(
    indptr_R: Any, indices_N: Any, data_N: Floats, w_OD: Floats, p_RD: Floats, once: Any, sign: Any, out_RD: Floats
) -> None:
    """out += Σ over each row's ratings of (once · c + sign · (c − 1) w·p) w, for
    callers that take their steps together.
    """
    for row in range(out_RD.shape[0]):
        _add_ratings(indices_N, data_N, indptr_R[row], indptr_R[row + 1], w_OD, p_RD[row], once, sign, out_RD[row])
