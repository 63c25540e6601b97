"""Similarity of the columns of a weighted matrix, for item_cf and, with the matrix turned, user_cf.

Cosine (Sarwar et al. 2001), tf-idf and BM25 weights before it (Robertson and Zaragoza 2009, eq. 3.15), and Swing
(Yang et al. 2020). Shapes: R rows, C columns, K neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders import state

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.alike import Alike
    from fuserank.learning.recommenders.settings import SimilarityConfig

Floats = npt.NDArray[np.float32]
Fill = Callable[[int, npt.NDArray[np.int32], Floats], None]  # from a column on: its nearest, and how near they are
_COLUMNS_AT_ONCE = 1024
_ALIKE_TIMES = 3
_SWING_ROWS = 500  # rows of a column that Swing takes pairs of: those with the fewest entries, which say the most


class Apart(NamedTuple):
    """Ages of a matrix's entries, in its structure; the distance of two at which they count half; and what
    the older of two counts beside the younger.
    """

    age_RC: sp.csr_matrix
    half: float
    backward: float


def weighted(matrix_RC: sp.csr_matrix, cfg: SimilarityConfig) -> sp.csr_matrix:
    """The matrix with the weights of ``cfg.similarity``; a row stands for a word, a column for a document."""
    import scipy.sparse as sp

    rows, columns = matrix_RC.shape
    count_R, count_C = np.diff(matrix_RC.indptr), np.bincount(matrix_RC.indices, minlength=columns)
    row = np.repeat(np.arange(rows), count_R)
    data = matrix_RC.data.astype(np.float64)
    if cfg.similarity in ("tfidf", "bm25"):
        rarity_R = np.log1p(columns / np.maximum(count_R, 1))
        if cfg.similarity == "bm25":
            length_C = 1 - cfg.bm25_b + cfg.bm25_b * count_C / max(count_C.mean(), 1e-9)
            data = data * (cfg.bm25_k1 + 1) / (cfg.bm25_k1 * length_C[matrix_RC.indices] + data)
        else:
            data = np.sqrt(data)
        data = data * rarity_R[row]
    return sp.csr_matrix((data.astype(np.float32), matrix_RC.indices, matrix_RC.indptr), shape=matrix_RC.shape)


def neighbours(
    matrix_RC: sp.csr_matrix,
    names_C: npt.NDArray[np.int32],
    cfg: SimilarityConfig,
    block: tuple[int, int],
    apart: Apart | None = None,
    alike: Alike | None = None,
) -> Iterator[pa.RecordBatch]:
    """Edges of part ``near``, from each column of block b of n (``block`` = (b, n)) to its nearest ones.

    ``apart``: given where two entries of a row count by how far apart they are; ``alike``: where columns that are alike
    count more. Memory: the matrix twice, and K numbers for a thousand columns.
    """
    columns = matrix_RC.shape[1]
    if matrix_RC.nnz == 0:
        return
    number, blocks = block
    low, high = columns * number // blocks, columns * (number + 1) // blocks
    fill = _swing(matrix_RC, cfg) if cfg.similarity == "swing" else _cosine(matrix_RC, cfg, apart)
    k = min(cfg.neighbours, columns)
    most = k if alike is None else min(_ALIKE_TIMES * k, columns)  # one that is much alike comes up from behind
    for start in range(low, high, _COLUMNS_AT_ONCE):
        count = min(_COLUMNS_AT_ONCE, high - start)
        near_BK, similarity_BK = np.empty((count, most), np.int32), np.empty((count, most), np.float32)
        fill(start, near_BK, similarity_BK)
        if alike is not None:
            near_BK, similarity_BK = alike.raised(start, near_BK, similarity_BK, k)
        row, place = np.nonzero(near_BK >= 0)
        yield from state.edges("near", names_C[start + row], names_C[near_BK[row, place]], similarity_BK[row, place])


def _cosine(matrix_RC: sp.csr_matrix, cfg: SimilarityConfig, apart: Apart | None) -> Fill:
    from fuserank.learning.recommenders.kernels.knn import nearest

    x_RC = weighted(matrix_RC, cfg)
    square_C = np.bincount(x_RC.indices, x_RC.data.astype(np.float64) ** 2, minlength=x_RC.shape[1])
    square_C[square_C == 0] = 1
    count_R = np.diff(x_RC.indptr)
    x_RC.data *= np.repeat(np.maximum(count_R, 1) ** -cfg.row_power, count_R).astype(np.float32)
    by_column = x_RC.tocsc()
    own_C = (square_C ** (1 - cfg.popularity_power)).astype(np.float32)
    other_C = (square_C**cfg.popularity_power).astype(np.float32)
    worth_T, ages = np.empty(0, np.float32), (x_RC.data, by_column.data)  # any of the type, where none is looked at
    if apart is not None:
        furthest = int(apart.age_RC.data.max(initial=0))
        worth_T = np.exp2(-np.arange(furthest + 1) / apart.half).astype(np.float32)
        ages = (apart.age_RC.data, apart.age_RC.tocsc().data)
    columns = (by_column.indptr, by_column.indices, by_column.data, ages[1])
    rows = (x_RC.indptr, x_RC.indices, x_RC.data, ages[0])
    backward = np.float32(1 if apart is None else apart.backward)
    shrinkage = np.float32(cfg.shrinkage)
    return lambda low, near, value: nearest(
        *columns, *rows, worth_T, backward, own_C, other_C, shrinkage, low, near, value
    )


def _swing(matrix_RC: sp.csr_matrix, cfg: SimilarityConfig) -> Fill:
    from fuserank.learning.recommenders.kernels.knn import swing

    count_R = np.diff(matrix_RC.indptr)
    short_first = matrix_RC[np.argsort(count_R, kind="stable")]
    count_R = np.diff(short_first.indptr)
    by_column = short_first.tocsc()
    weight_R = (np.maximum(count_R, 1) ** -cfg.row_power).astype(np.float32)
    sides = (by_column.indptr, by_column.indices, short_first.indptr, short_first.indices, weight_R)
    return lambda low, near, value: swing(*sides, np.float32(cfg.swing_smoothing), _SWING_ROWS, low, near, value)
