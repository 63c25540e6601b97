"""A sparse matrix times a narrow dense one, which stays in the cache. Imported where it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled

Floats = npt.NDArray[np.float32]


@compiled
def product(indptr_R: Any, indices_N: Any, data_N: Floats, x_CB: Floats, out_RB: Floats) -> None:
    """out (R, B) = A x of a CSR matrix A (R, C) and x (C, B); sums in the order of the entries, whatever B is."""
    for r in range(out_RB.shape[0]):
        out_RB[r] = np.float32(0)
        for n in range(indptr_R[r], indptr_R[r + 1]):
            value, column = data_N[n], indices_N[n]
            for b in range(out_RB.shape[1]):
                out_RB[r, b] = out_RB[r, b] + value * x_CB[column, b]
