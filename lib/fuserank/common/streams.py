"""Arrow rows as one value, and back: what travels by Spark without being taken apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_ROWS_A_STREAM = 65_536


@dataclass(frozen=True)
class Packed:
    """Rows that kernels make, lazy: ``streams`` has one column, rows, of Arrow streams; ``schema`` (DDL) is theirs.

    A lake that kernels can write to takes them as they are (``Lake.replace``); Spark takes them apart by ``rows``.
    """

    streams: DataFrame
    schema: str

    @property
    def rows(self) -> DataFrame:
        """The rows as Spark has them."""
        return self.streams.mapInArrow(opened, self.schema)


def stream_of(rows: pa.Table | pa.RecordBatch) -> bytes:
    """The rows as an Arrow stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write(rows)
    return sink.getvalue().to_pybytes()


def rows_in(stream: Any) -> pa.Table:
    """The rows of ``stream_of``; ``stream``: a scalar of a binary column, whose bytes are not copied."""
    import pyarrow as pa

    return pa.ipc.open_stream(stream.as_buffer()).read_all()


def packed_of(spark: SparkSession, parts: Sequence[pa.Table | pa.RecordBatch], schema: str) -> Packed:
    """Rows that the driver holds: as a few large values, which Spark does not take apart on their way."""
    import pyarrow as pa

    streams = [
        stream_of(part.slice(start, _ROWS_A_STREAM))
        for part in parts
        for start in range(0, part.num_rows, _ROWS_A_STREAM)
    ]
    return Packed(spark.createDataFrame(pa.table({"rows": pa.array(streams, pa.binary())})), schema)


def opened(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A kernel: the rows of each stream of column ``rows``."""
    for batch in batches:
        for stream in batch.column("rows"):
            yield from rows_in(stream).to_batches(max_chunksize=16_384)
