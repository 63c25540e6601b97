"""Which pairs a split holds: every candidate once, with its label, its weight and its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.config.samples import SamplesConfig
from fuserank.tables.samples import SPLITS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def labelled(candidates: DataFrame, bought: DataFrame | None) -> DataFrame:
    """user_index, item_index, label (float): a row for each pair that a source gave, 1 where ``bought`` has it.

    ``candidates``: long, as candidates.candidates of one date; ``bought``: user_index, item_index, None where nothing
    may be known. One shuffle, without a join.
    """
    from pyspark.sql import functions as F

    def rows(frame: DataFrame, is_candidate: int) -> DataFrame:
        return frame.select("user_index", "item_index", F.lit(is_candidate).cast("byte").alias("given"))

    both = rows(candidates, 1)
    if bought is not None:
        both = both.unionByName(rows(bought, 0))
    pairs = both.groupBy("user_index", "item_index").agg(
        F.max("given").alias("given"), F.max(1 - F.col("given")).cast("float").alias("label")
    )
    return pairs.where("given = 1").drop("given")


def thinned(rows: DataFrame, split: str, cfg: SamplesConfig, seed: int) -> DataFrame:
    """With ``weight``: train rows of label 0 are kept by hash at ``negative_rate``, each then counting 1 / rate."""
    from pyspark.sql import functions as F

    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not one of {SPLITS}")
    if split != "train" or cfg.negative_rate >= 1:
        return rows.withColumn("weight", F.lit(1.0).cast("float"))
    draw = F.pmod(F.xxhash64("user_index", "item_index", F.lit(seed), F.lit("negatives")), F.lit(1 << 20))
    negative = F.col("label") == 0
    remaining = rows.where(~negative | (draw < F.lit(int(cfg.negative_rate * (1 << 20)))))
    return remaining.withColumn(
        "weight", F.when(negative, F.lit(1.0 / cfg.negative_rate)).otherwise(F.lit(1.0)).cast("float")
    )


def hashed(rows: DataFrame, seed: int, ranges: int) -> DataFrame:
    """``rows`` (user_index, item_index, label, weight) with ``order`` = xxhash64(user_index, item_index, seed) and
    ``range`` (int): which of ``ranges`` equal cuts of the hash space it falls into."""
    from pyspark.sql import functions as F

    order = F.xxhash64("user_index", "item_index", F.lit(seed))
    cut = F.shiftright(F.pmod(F.shiftright(order, 40), F.lit(1 << 24)).cast("long") * F.lit(ranges), 24).cast("int")
    return rows.select("user_index", "item_index", "label", "weight", order.alias("order"), cut.alias("range"))


def positions(hashed_rows: DataFrame, ranges: int) -> DataFrame:
    """user_index, item_index, label, weight, position (long, 0..n−1 in the order of the hash).

    Exact and without a sort of all rows in one place: the rows of each range are counted (``ranges`` numbers reach the
    driver) and numbered from the sum of those before. Runs one job over ``hashed_rows``.
    """
    counts = {r["range"]: r["count"] for r in hashed_rows.groupBy("range").count().collect()}
    before = np.concatenate([[0], np.cumsum([counts.get(k, 0) for k in range(ranges)])])
    laid = hashed_rows.repartition(ranges, "range")
    laid = laid.sortWithinPartitions("range", "order", "user_index", "item_index")
    return laid.mapInArrow(_Number(before), "user_index int, item_index int, label float, weight float, position long")


class _Number:
    """Rows (user_index, item_index, label, weight, order, range) sorted by (range, order): numbered from where their
    range begins."""

    def __init__(self, before: np.ndarray) -> None:
        self.before = before

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        seen = np.zeros(len(self.before), np.int64)
        for batch in batches:
            ranges = batch.column("range").to_numpy()
            if len(ranges) == 0:
                continue
            starts = np.concatenate([[0], np.flatnonzero(np.diff(ranges)) + 1])
            lengths = np.diff(np.append(starts, len(ranges)))
            within = np.arange(len(ranges)) - np.repeat(starts, lengths)
            place = self.before[ranges] + np.repeat(seen[ranges[starts]], lengths) + within
            seen[ranges[starts]] += lengths
            names = ["user_index", "item_index", "label", "weight"]
            yield pa.RecordBatch.from_arrays([*map(batch.column, names), pa.array(place)], [*names, "position"])
