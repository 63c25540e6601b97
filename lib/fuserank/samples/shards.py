"""Where a sample lies: its shard, one file each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def sharded(rows: DataFrame, partitions: int) -> DataFrame:
    """``rows`` (with shard and position), laid out so that the write makes one file a shard, rows by position."""
    return rows.repartition(partitions, "shard").sortWithinPartitions("shard", "position")
