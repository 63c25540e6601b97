"""Where a sample lies: its shard, one file each, rows by position.

A sample has more than a hundred columns, so samples travel to their shards packed, some thousands to a row: Spark would
take every cell of every row apart for a shuffle and a sort, and numpy sorts a shard in a fraction of that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.streams import Packed, rows_in, stream_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

PACKED = "shard int, samples binary"
_BATCH_ROWS = 16_384  # rows of a stream: what Spark takes apart at a time
_SHARDS_A_TASK = 4  # a write keeps all files of its task open, each with its rows in memory


def sharded(rows: DataFrame, partitions: int) -> DataFrame:
    """``rows`` (with shard and position), laid out so that the write makes one file a shard, rows by position."""
    schema = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in rows.schema)
    return laid_out(rows.mapInArrow(packed, PACKED), schema, partitions).rows


def tasks(shards: int, partitions: int) -> int:
    """Tasks that write so many shards: ``partitions``, or more where each would have too many files open."""
    return max(partitions, -(-shards // _SHARDS_A_TASK))


def laid_out(packed_rows: DataFrame, schema: str, partitions: int) -> Packed:
    """The same from rows that ``packed`` made, within their own kernel; ``schema``: DDL of what was packed.

    A task holds one shard at a time, and what ``spark.sql.execution.arrow.maxBytesPerBatch`` lets into a batch.
    """
    at_home = packed_rows.repartition(partitions, "shard").sortWithinPartitions("shard")
    return Packed(at_home.mapInArrow(_sorted, "rows binary"), schema)


def packed(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Each batch (with shard) as one row a shard: its rows of that shard as an Arrow stream."""
    import pyarrow as pa

    for batch in batches:
        shard_R = batch.column("shard").to_numpy()
        if len(shard_R) == 0:
            continue
        order_R = np.argsort(shard_R, kind="stable")
        shards, starts = np.unique(shard_R[order_R], return_index=True)
        ordered, ends = batch.take(pa.array(order_R)), [*starts[1:], len(shard_R)]
        streams = [stream_of(ordered.slice(a, b - a)) for a, b in zip(starts, ends, strict=True)]
        yield pa.RecordBatch.from_arrays(
            [pa.array(shards, pa.int32()), pa.array(streams, pa.binary())], ["shard", "samples"]
        )


def _sorted(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Packed rows by shard → the rows of each shard by position, as streams."""
    import pyarrow as pa

    rows = (row for batch in batches for row in zip(*(batch.column(n) for n in ("shard", "samples")), strict=True))
    for _, of_shard in groupby(rows, key=lambda row: row[0].as_py()):
        for part in _by_position([rows_in(stream) for _, stream in of_shard]):
            yield pa.RecordBatch.from_arrays([pa.array([stream_of(part)], pa.binary())], ["rows"])


def _by_position(tables: list[pa.Table]) -> Iterator[pa.Table]:
    import pyarrow as pa

    table = pa.concat_tables(tables).combine_chunks()
    order = np.argsort(table.column("position").to_numpy(), kind="stable")
    for start in range(0, len(order), _BATCH_ROWS):
        yield table.take(pa.array(order[start : start + _BATCH_ROWS]))
