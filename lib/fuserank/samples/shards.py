"""Where a sample lies: a global position in hash order, and its shard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.tables.samples import SHARDS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame


def positions(keys: DataFrame, seed: int, partitions: int) -> DataFrame:
    """user_index, item_index, position (long, 0..n−1 in the order of xxhash64(user_index, item_index, seed)).

    Exact and without a sort of all rows in one place: the hash space is cut into equal ranges, one a partition; the
    rows of each are counted (``partitions`` numbers reach the driver) and numbered from the sum of those before.
    """
    from pyspark.sql import functions as F

    order = F.xxhash64("user_index", "item_index", F.lit(seed))
    bucket = F.pmod(F.shiftright(order, 40), F.lit(1 << 24)).cast("long") * F.lit(partitions)
    cut = F.shiftright(bucket, 24).cast("int")
    hashed = keys.select("user_index", "item_index", order.alias("order"), cut.alias("range"))
    counts = {r["range"]: r["count"] for r in hashed.groupBy("range").count().collect()}
    before = np.concatenate([[0], np.cumsum([counts.get(k, 0) for k in range(partitions)])])
    laid = hashed.repartition(partitions, "range").sortWithinPartitions("range", "order", "user_index", "item_index")
    return laid.mapInArrow(_Number(before), "user_index int, item_index int, position long")


class _Number:
    """Rows (user_index, item_index, order, range) sorted by (range, order): numbered from where their range begins."""

    def __init__(self, before: np.ndarray) -> None:
        self.before = before

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        seen = np.zeros(len(self.before), np.int64)
        for batch in batches:
            ranges = batch.column(3).to_numpy()
            if len(ranges) == 0:
                continue
            starts = np.concatenate([[0], np.flatnonzero(np.diff(ranges)) + 1])
            lengths = np.diff(np.append(starts, len(ranges)))
            within = np.arange(len(ranges)) - np.repeat(starts, lengths)
            place = self.before[ranges] + np.repeat(seen[ranges[starts]], lengths) + within
            seen[ranges[starts]] += lengths
            yield pa.RecordBatch.from_arrays(
                [batch.column(0), batch.column(1), pa.array(place)], ["user_index", "item_index", "position"]
            )


def with_position(rows: DataFrame, placed: DataFrame) -> DataFrame:
    """``rows`` with the position of their pair; by user, as the joins that follow need them."""
    return rows.join(placed.repartition("user_index").hint("shuffle_hash"), ["user_index", "item_index"])


def sharded(rows: DataFrame, partitions: int) -> DataFrame:
    """``rows`` (with position) with shard, laid out so that the write makes one file a shard, rows by position."""
    from pyspark.sql import functions as F

    shard = (F.col("position") % F.lit(SHARDS)).cast("int")
    return rows.withColumn("shard", shard).repartition(partitions, "shard").sortWithinPartitions("shard", "position")
