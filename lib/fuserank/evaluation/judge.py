"""Lists of ten, judged per user on the executors: full ranking, both tracks, every source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.users import whole_users
from fuserank.evaluation.metrics import Grid, capped_recall, ndcg, recall, top_columns

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

LENGTH = 10  # the metrics' names say so: ndcg@10, recall@10, capped_recall@10, hitrate@10
TRACKS = ("all", "new")
_NUMBERS = ("truth", "truth_hash", "hits", "ndcg", "recall", "capped_recall", "hit")
SCHEMA = (
    "user_index int, track string, source string, truth int, truth_hash long, hits int, ndcg double, recall double,"
    " capped_recall double, hit double, items array<int>"
)


def judge(wide: DataFrame, sources: tuple[str, ...]) -> DataFrame:
    """One row per user with truth, track and source; lazy.

    ``wide``: ``history.labels.side_by_side`` of the evaluation window. Each source is ranked by its own score over its
    own candidates, ties to the lower item_index; on the track `new` what the user had bought before is masked, in the
    lists and in the truth. ``items`` is the list, best first, of at most ten; a source without candidates has none.
    ``truth_hash`` tells one truth of a user from another: two evaluations judged alike where it is the same.
    """
    return wide.mapInArrow(_kernel(sources), SCHEMA)


def judge_table(rows: pa.Table, sources: tuple[str, ...]) -> pa.Table:
    """``judge`` on rows in memory, sorted by (user_index, item_index)."""
    item_N = rows["item_index"].to_numpy()
    grid = Grid.of(rows["user_index"].to_numpy())
    item_UL = grid.spread(item_N, -1)
    label_UL = grid.spread(rows["label"].to_numpy() > 0, False)
    own_UL = grid.spread(rows["own"].to_numpy() > 0, False)
    truths = {"all": label_UL, "new": label_UL & ~own_UL}
    hashes = {track: truth_hash(item_UL, truth_UL) for track, truth_UL in truths.items()}
    out: list[pa.RecordBatch] = []
    for source in sources:
        score_N = rows[f"score_{source}"].to_numpy().astype(np.float64)
        score_UL = np.where(np.isnan(score_N), -np.inf, score_N)
        score_UL = grid.spread(score_UL, -np.inf)
        for track in TRACKS:
            if track == "new":
                score_UL = np.where(own_UL, -np.inf, score_UL)
            out.append(_judged(grid, item_UL, score_UL, truths[track], hashes[track], track, source))
    return pa.Table.from_batches(out)


def truth_hash(item_UL: np.ndarray, truth_UL: np.ndarray) -> np.ndarray:
    """64 bits (U,) of the set of each user's true items: the sum of each item's hash by SplitMix64 (Steele, Lea, Flood
    2014), whatever their order.
    """
    z_UL = (item_UL.astype(np.int64).view(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z_UL = (z_UL ^ (z_UL >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z_UL = (z_UL ^ (z_UL >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z_UL ^= z_UL >> np.uint64(31)
    return np.where(truth_UL, z_UL, np.uint64(0)).sum(axis=1, dtype=np.uint64).view(np.int64)


def _judged(
    grid: Grid,
    item_UL: np.ndarray,
    score_UL: np.ndarray,
    truth_UL: np.ndarray,
    hash_U: np.ndarray,
    track: str,
    source: str,
) -> pa.RecordBatch:
    judged = np.flatnonzero(truth_UL.any(axis=1))
    score_UL, truth_UL, item_UL = score_UL[judged], truth_UL[judged], item_UL[judged]
    truth_U = truth_UL.sum(axis=1)
    top_UK = top_columns(score_UL, LENGTH)
    listed_UK = np.isfinite(np.take_along_axis(score_UL, top_UK, axis=1))
    hit_UK = np.take_along_axis(truth_UL, top_UK, axis=1) & listed_UK
    offsets = np.concatenate([[0], np.cumsum(listed_UK.sum(axis=1))]).astype(np.int32)
    items = np.take_along_axis(item_UL, top_UK, axis=1)[listed_UK].astype(np.int32)
    n = len(judged)
    return pa.RecordBatch.from_arrays(
        [
            pa.array(grid.users_U[judged].astype(np.int32)),
            pa.array([track] * n, pa.string()),
            pa.array([source] * n, pa.string()),
            pa.array(truth_U.astype(np.int32)),
            pa.array(hash_U[judged]),
            pa.array(hit_UK.sum(axis=1).astype(np.int32)),
            pa.array(ndcg(hit_UK, truth_U, LENGTH)),
            pa.array(recall(hit_UK, truth_U)),
            pa.array(capped_recall(hit_UK, truth_U, LENGTH)),
            pa.array(hit_UK.any(axis=1).astype(np.float64)),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(items)),
        ],
        ["user_index", "track", "source", *_NUMBERS, "items"],
    )


def _kernel(sources: tuple[str, ...]) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in whole_users(batches):
            yield from judge_table(rows, sources).combine_chunks().to_batches()

    return run
