"""Top-N lists and their quality, for many users at once: numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Grid:
    """Rows sorted by (user, item), laid out as one padded line per user: U users, at most L rows each."""

    users_U: IntArray
    row_of_N: IntArray  # line of each of the N rows
    column_of_N: IntArray  # its place within the line
    width: int

    @classmethod
    def of(cls, user_N: IntArray) -> Grid:
        """The grid of a user column (N,) whose equal values stand together."""
        if len(user_N) == 0:
            return cls(user_N, user_N, user_N, 0)
        starts = np.concatenate([[0], np.flatnonzero(np.diff(user_N)) + 1])
        lengths = np.diff(np.append(starts, len(user_N)))
        row = np.repeat(np.arange(len(starts)), lengths)
        return cls(user_N[starts], row, np.arange(len(user_N)) - starts[row], int(lengths.max()))

    def spread(self, values_N: NDArray, fill: float | bool | int) -> NDArray:
        """Values of the rows (N,) as lines (U, L), padded with ``fill``."""
        out = np.full((len(self.users_U), self.width), fill, dtype=values_N.dtype)
        out[self.row_of_N, self.column_of_N] = values_N
        return out


def top_columns(score_UL: FloatArray, k: int) -> IntArray:
    """Columns of the k highest scores of every line, best first, ties to the lower column: (U, min(k, L)).

    Exact: where the k-th score is tied, the line is sorted in full. -inf marks what may not be listed; it comes last.
    """
    if score_UL.shape[1] <= k:
        return np.argsort(-score_UL, axis=1, kind="stable")
    best = np.sort(np.argpartition(-score_UL, k - 1, axis=1)[:, :k], axis=1)
    values = np.take_along_axis(score_UL, best, axis=1)
    top = np.take_along_axis(best, np.argsort(-values, axis=1, kind="stable"), axis=1)
    tied = np.flatnonzero((score_UL >= values.min(axis=1, keepdims=True)).sum(axis=1) > k)
    if len(tied):
        top[tied] = np.argsort(-score_UL[tied], axis=1, kind="stable")[:, :k]
    return top


def ndcg(hit_UK: BoolArray, truth_U: IntArray, k: int) -> FloatArray:
    """NDCG@k per user (U,), binary gains (Järvelin & Kekäläinen 2002): Σ hit/log2(1+rank) over the same sum of an
    ideal list of min(n, k) hits; 0 where a user has no truth."""
    discount = 1.0 / np.log2(np.arange(2, k + 2, dtype=np.float64))
    dcg = np.zeros(len(hit_UK))
    for place in range(hit_UK.shape[1]):  # one rank after the other: the same order of summation everywhere
        dcg = dcg + np.where(hit_UK[:, place], discount[place], 0.0)
    ideal = np.concatenate([[0.0], np.cumsum(discount)])[np.minimum(truth_U, k)]
    return np.divide(dcg, ideal, out=np.zeros_like(dcg), where=ideal > 0)


def recall(hit_UK: BoolArray, truth_U: IntArray) -> FloatArray:
    """Recall@k per user (U,) of lists of k: hits over all n of the truth, as published
    tables have it; 0 where a user has no truth.
    """
    hits = hit_UK.sum(axis=1).astype(np.float64)
    return np.divide(hits, truth_U, out=np.zeros_like(hits), where=truth_U > 0)


def capped_recall(hit_UK: BoolArray, truth_U: IntArray, k: int) -> FloatArray:
    """Capped recall@k per user (U,): hits over min(n, k), which a list of k can reach; 0 where a user has no truth."""
    return recall(hit_UK, np.minimum(truth_U, k))
