"""Each source's part in a score, and their sum."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from fuserank.evaluation.metrics import FloatArray, Grid, IntArray
from fuserank.stages.fusion.fitted import Fitted


def parts_of(fitted: Fitted, score_SN: FloatArray, rank_SN: FloatArray, rrf_k: int) -> FloatArray:
    """Parts (S, N) in the order of ``fitted.sources``; 0 where a source did not give the item (score nan).

    weighted: weight × calibrated probability. reciprocal_rank: 1/(k + rank) (Cormack, Clarke & Buettcher 2009).
    """
    part_SN = np.zeros(score_SN.shape)
    for n, source in enumerate(fitted.sources):
        scored = ~np.isnan(score_SN[n])
        if fitted.method == "reciprocal_rank":
            part_SN[n, scored] = 1.0 / (rrf_k + rank_SN[n, scored])
        else:
            probability = fitted.calibrators[source](score_SN[n, scored], rank_SN[n, scored])
            part_SN[n, scored] = fitted.weights[source] * probability
    return part_SN


def summed(part_SN: FloatArray) -> FloatArray:
    """The score (N,): the parts, one source after the other, in double."""
    total_N = np.zeros(part_SN.shape[1])
    for part_N in part_SN:
        total_N += part_N
    return total_N


def ranks_within(user_N: IntArray, score_N: FloatArray) -> FloatArray:
    """Ranks from 1 within each user by score, ties to the row that comes first; nan where the score is nan."""
    order = np.lexsort((np.arange(len(user_N)), -np.nan_to_num(score_N, nan=-np.inf), user_N))
    grid = Grid.of(user_N[order])
    rank = np.empty(len(user_N))
    rank[order] = grid.column_of_N + 1.0
    return np.where(np.isnan(score_N), np.nan, rank)


def is_ranked(rows: pa.Table, source: str) -> bool:
    """Whether a source ranks what it gives, as sources of candidates do; a model gives scores alone."""
    column = f"rank_{source}"
    return column in rows.column_names and rows[column].null_count < rows.num_rows


def ranks_of(rows: pa.Table, source: str, user_N: IntArray, score_N: FloatArray) -> FloatArray:
    """Ranks (N,) of a source, nan where it did not give the item; of scores alone they are made within the user."""
    if not is_ranked(rows, source):
        return ranks_within(user_N, score_N)
    return rows[f"rank_{source}"].to_numpy().astype(np.float64)  # null becomes nan


def part_alone(
    fitted: Fitted, source: str, score_N: FloatArray, rank_N: FloatArray, rrf_k: int
) -> tuple[FloatArray, FloatArray]:
    """Part (N,) and probability (N,) of items that one source alone gives, to users who are unknown to all others."""
    probability_N = fitted.calibrators[source](score_N, rank_N)
    if fitted.method == "reciprocal_rank":
        return 1.0 / (rrf_k + rank_N), probability_N
    return fitted.weights[source] * probability_N, probability_N
