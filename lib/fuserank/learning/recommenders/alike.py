"""How alike items are by what they are: the cosine of their attribute values, rare ones weighing more.

Shapes: C columns (items), V values, B columns of a block, K neighbours.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content

Floats = npt.NDArray[np.float32]


class Alike(NamedTuple):
    """``unit_CV``: rows of length 1, or empty where nothing is known; ``weight``: what a cosine of 1 adds."""

    unit_CV: sp.csr_matrix
    weight: float

    def raised(
        self, low: int, near_BK: npt.NDArray[np.int32], similarity_BK: Floats, k: int
    ) -> tuple[npt.NDArray[np.int32], Floats]:
        """The k nearest of columns low … low + B once each similarity is multiplied by 1 + weight · cosine.

        Best first, ties to the lower column; −1 where there are fewer.
        """
        from fuserank.learning.recommenders.kernels.alike import cosines

        unit, there = self.unit_CV, near_BK >= 0
        cosine_BK = np.zeros(near_BK.shape, np.float32)
        cosines(unit.indptr, unit.indices, unit.data, low, near_BK, cosine_BK)
        raised_BK = np.where(there, similarity_BK * (1 + np.float32(self.weight) * cosine_BK), -np.inf)
        order = np.lexsort((near_BK, -raised_BK), axis=1)[:, :k]
        rows = np.arange(len(near_BK))[:, None]
        return near_BK[rows, order], raised_BK[rows, order].astype(np.float32)


def alike_of(
    content: Content | None, items: npt.NDArray[np.int32], weight: float, without: Collection[str]
) -> Alike | None:
    """Of the items' fields but ``without``; None where nothing is known of them, or it is to count nothing.

    A value of n of the N items weighs ln(N / n), its inverse document frequency.
    """
    import scipy.sparse as sp

    if content is None or weight == 0:
        return None
    values = content.values("item", [f for f in content.fields("item") if f not in without], items)
    has = values.has
    if not has.nnz:
        return None
    rarity_V = np.log(len(items) / np.maximum(np.bincount(has.indices, minlength=has.shape[1]), 1))
    data = rarity_V[has.indices]
    row = np.repeat(np.arange(len(items)), np.diff(has.indptr))
    length_C = np.sqrt(np.bincount(row, data**2, minlength=len(items)))
    length_C[length_C == 0] = 1
    unit = sp.csr_matrix(((data / length_C[row]).astype(np.float32), has.indices, has.indptr), shape=has.shape)
    return Alike(unit, weight)
