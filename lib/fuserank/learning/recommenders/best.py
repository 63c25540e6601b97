"""The best of a block of scores, in the one shape that the retrieval family gives. Shapes: B users, I items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders.kernels.topk import ItemIndex, SeenItems, topk

if TYPE_CHECKING:
    import scipy.sparse as sp

Floats = npt.NDArray[np.float32]


class Best(NamedTuple):
    """row (of the block), column (of the member's items), score and rank from 1, by row and rank."""

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    score: Floats
    rank: npt.NDArray[np.int32]

    @classmethod
    def of(cls, column_BK: npt.NDArray[np.integer[Any]], score_BK: Floats) -> Best:
        """Lists side by side, best first; −1 where a list has ended."""
        row, place = np.nonzero(column_BK >= 0)
        return cls(row, column_BK[row, place].astype(np.int64), score_BK[row, place], (place + 1).astype(np.int32))


def best_dense(scores_BI: Floats, seen: sp.csr_matrix | None, k: int) -> Best:
    """The k highest of each row, ties to the lower column. ``seen`` (B, I): entries
    that may not be listed; overwrites.
    """
    from fuserank.learning.recommenders.kernels.best import highest

    if seen is not None:
        scores_BI[np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)), seen.indices] = -np.inf
    column_BK, score_BK = _room(scores_BI.shape, k)
    if column_BK.shape[1]:
        highest(np.ascontiguousarray(scores_BI, np.float32), column_BK.shape[1], column_BK, score_BK)
    return Best.of(column_BK, score_BK)


class Products:
    """The best inner products with item factors (I, D); they are made ready at the first call for a k."""

    def __init__(self, factors_ID: Floats) -> None:
        self.factors_ID = factors_ID
        self._index: ItemIndex | None = None

    def best(self, x_BD: Floats, known_B: npt.NDArray[np.bool_], seen: sp.csr_matrix | None, k: int) -> Best:
        """For users of ``known_B`` alone: an unknown user gets no list. ``seen`` as above."""
        k = min(k, len(self.factors_ID))
        if k == 0:
            return Best.of(np.empty((len(x_BD), 0), np.int64), np.empty((len(x_BD), 0), np.float32))
        if self._index is None or self._index.k != k:
            self._index = ItemIndex(self.factors_ID, k)
        masked = None if seen is None else SeenItems(seen.indptr.astype(np.int64), seen.indices.astype(np.int64))
        position_BK, score_BK = topk(x_BD, self._index, masked)
        return Best.of(np.where(known_B[:, None], position_BK, -1), score_BK)


def best_stored(scores_BI: sp.csr_matrix, k: int) -> Best:
    """The same of the positive entries of a sparse matrix: where a row has fewer than k, its list is shorter."""
    from fuserank.learning.recommenders.kernels.best import highest_stored

    column_BK, score_BK = _room(scores_BI.shape, k)
    highest_stored(
        scores_BI.indptr, scores_BI.indices, scores_BI.data.astype(np.float32), column_BK.shape[1], column_BK, score_BK
    )
    return Best.of(column_BK, score_BK)


def best_products(left_BJ: sp.csr_matrix, right_JI: sp.csr_matrix, seen_BI: sp.csr_matrix | None, k: int) -> Best:
    """The same of the product of two sparse matrices, which is never made.
    ``seen_BI``: entries that may not be listed.
    """
    from fuserank.common.compiled import unwritable
    from fuserank.learning.recommenders.kernels.best import highest_products

    users, items = left_BJ.shape[0], right_JI.shape[1]
    seen_ptr, seen_N = (
        (np.zeros(users + 1, np.int32), np.empty(0, np.int32)) if seen_BI is None else (seen_BI.indptr, seen_BI.indices)
    )
    column_BK, score_BK = _room((users, items), k)
    highest_products(
        left_BJ.indptr,
        left_BJ.indices,
        left_BJ.data,
        right_JI.indptr,
        right_JI.indices,
        unwritable(right_JI.data),
        seen_ptr,
        seen_N,
        items,
        column_BK.shape[1],
        column_BK,
        score_BK,
    )
    return Best.of(column_BK, score_BK)


def _room(shape: tuple[int, ...], k: int) -> tuple[npt.NDArray[np.int32], Floats]:
    held = (shape[0], min(k, shape[1]))
    return np.empty(held, np.int32), np.empty(held, np.float32)
