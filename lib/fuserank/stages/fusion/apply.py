"""fusion.fused out of candidates and model scores, on the executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.users import whole_users
from fuserank.config.fusion import FusionConfig
from fuserank.stages.fusion.fitted import Fitted
from fuserank.stages.fusion.parts import parts_of, ranks_of, summed

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

SCHEMA = "user_index int, item_index int, score double, parts map<string,double>, probability double"


def said_by_all(candidates: DataFrame, scores: DataFrame) -> DataFrame:
    """Candidates and model logits under one another: user_index, item_index, source, score, rank."""
    from pyspark.sql import functions as F

    proposed = candidates.select(
        "user_index", "item_index", "source", F.col("score").cast("double").alias("score"), "rank"
    )
    modelled = scores.select(
        "user_index",
        "item_index",
        F.col("kind").alias("source"),
        F.col("logit").cast("double").alias("score"),
        F.lit(None).cast("int").alias("rank"),
    )
    return proposed.unionByName(modelled)


def fuse(wide: DataFrame, fitted: Fitted, cfg: FusionConfig) -> DataFrame:
    """Rows of fusion.fused from a wide frame laid out by user (``history.labels.side_by_side``); lazy."""
    return wide.mapInArrow(_kernel(fitted, cfg.rrf_k), SCHEMA)


def fuse_table(rows: pa.Table, fitted: Fitted, rrf_k: int) -> pa.RecordBatch:
    """One batch of fused rows from wide rows sorted by (user, item).

    score is the sum of the parts in the order of ``fitted.sources``, in double, and nothing after it.
    """
    part_SN, scored_NS = _parts(rows, fitted, rrf_k)
    total_N = summed(part_SN)
    return pa.RecordBatch.from_arrays(
        [
            rows["user_index"].combine_chunks(),
            rows["item_index"].combine_chunks(),
            pa.array(total_N),
            _map_of(fitted.sources, part_SN.T, scored_NS),
            pa.array(fitted.final(total_N)),
        ],
        ["user_index", "item_index", "score", "parts", "probability"],
    )


def scores_of(rows: pa.Table, fitted: Fitted, rrf_k: int) -> np.ndarray:
    """The scores alone of ``fuse_table`` (N,)."""
    return summed(_parts(rows, fitted, rrf_k)[0])


def _parts(rows: pa.Table, fitted: Fitted, rrf_k: int) -> tuple[np.ndarray, np.ndarray]:
    """Parts (S, N), and which sources gave each row (N, S)."""
    user_N = rows["user_index"].to_numpy()
    score_SN = np.stack([_doubles(rows, f"score_{s}") for s in fitted.sources])
    rank_SN = np.stack([ranks_of(rows, s, user_N, score_SN[n]) for n, s in enumerate(fitted.sources)])
    return parts_of(fitted, score_SN, rank_SN, rrf_k), ~np.isnan(score_SN).T


def _map_of(names: tuple[str, ...], value_NS: np.ndarray, scored_NS: np.ndarray) -> pa.MapArray:
    """A map<string,double> per row with the given entries, in the order of the names."""
    offsets = np.concatenate([[0], np.cumsum(scored_NS.sum(axis=1))]).astype(np.int32)
    _, column = np.nonzero(scored_NS)
    keys = pa.array(names, pa.string()).take(pa.array(column))
    return pa.MapArray.from_arrays(pa.array(offsets), keys, pa.array(value_NS[scored_NS]))


def _doubles(rows: pa.Table, name: str) -> np.ndarray:
    return rows[name].to_numpy().astype(np.float64)  # null becomes nan


def _kernel(fitted: Fitted, rrf_k: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows in whole_users(batches):
            yield fuse_table(rows, fitted, rrf_k)

    return run
