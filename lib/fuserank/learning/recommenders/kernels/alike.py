"""Products of pairs of sparse rows. Imported where it runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled

Floats = npt.NDArray[np.float32]


@compiled
def cosines(ptr: Any, indices: Any, data: Floats, low: int, near_BK: Any, cosine_BK: Floats) -> None:
    """Fills in the product of row low + b with row near[b, k], both of length 1; −1 there is passed over.

    The rows are of a CSR matrix, columns ascending: sums are taken in their order.
    """
    for b in range(near_BK.shape[0]):
        begin, end = ptr[low + b], ptr[low + b + 1]
        for k in range(near_BK.shape[1]):
            other = near_BK[b, k]
            if other < 0:
                continue
            n, m, last, total = begin, ptr[other], ptr[other + 1], np.float32(0)
            while n < end and m < last:
                if indices[n] == indices[m]:
                    total += data[n] * data[m]
                    n += 1
                    m += 1
                elif indices[n] < indices[m]:
                    n += 1
                else:
                    m += 1
            cosine_BK[b, k] = total
