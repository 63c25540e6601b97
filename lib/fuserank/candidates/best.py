"""The best of a block of scores, in the one shape that the retrieval family gives. Shapes: B users, I items."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.candidates.co_purchase import best_by_row

if TYPE_CHECKING:
    import scipy.sparse as sp

Floats = npt.NDArray[np.float32]


class Best(NamedTuple):
    """row (of the block), column (of the member's items), score and rank from 1, by row and rank."""

    row: npt.NDArray[np.int64]
    column: npt.NDArray[np.int64]
    score: Floats
    rank: npt.NDArray[np.int32]


def best_dense(scores_BI: Floats, seen: sp.csr_matrix | None, k: int) -> Best:
    """The k highest of each row, ties to the lower column. ``seen`` (B, I): entries that may not be listed; overwrites."""
    from fuserank.candidates.best_kernel import highest

    if seen is not None:
        scores_BI[np.repeat(np.arange(seen.shape[0]), np.diff(seen.indptr)), seen.indices] = -np.inf
    k = min(k, scores_BI.shape[1])
    column_BK, score_BK = np.empty((len(scores_BI), k), np.int64), np.empty((len(scores_BI), k), np.float32)
    if k:
        highest(np.ascontiguousarray(scores_BI, np.float32), k, column_BK, score_BK)
    row, place = np.nonzero(column_BK >= 0)
    return Best(row, column_BK[row, place], score_BK[row, place], (place + 1).astype(np.int32))


def best_sparse(scores_BI: sp.csr_matrix, seen: sp.csr_matrix | None, k: int) -> Best:
    """The same of the positive entries of a sparse matrix: where a row has fewer than k, its list is shorter."""
    if seen is not None:
        scores_BI = scores_BI - scores_BI.multiply(seen != 0)
    scores_BI = scores_BI.tocsr()
    scores_BI.sort_indices()
    row, column, score, rank = best_by_row(scores_BI, k)
    return Best(row, column.astype(np.int64), score, rank)
