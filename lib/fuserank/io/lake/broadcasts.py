"""Tables small enough for one executor, on their way into kernels: each Python worker opens them where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from fuserank.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.io.lake.lake import Lake

_IN_CLOSURE_BYTES = 64 << 20  # what is larger goes as a broadcast


def on_executors(spark: SparkSession, held: Any, nbytes: int) -> Callable[[], Any]:
    """A loader of arrays for kernels: they ride in the closure, or as a broadcast where they are large."""
    if nbytes <= _IN_CLOSURE_BYTES:
        return lambda: held
    shared = spark.sparkContext.broadcast(held)
    return lambda: shared.value


class ParquetColumns:
    """A loader for executors: columns of local Parquet files as one Arrow table, sorted where that is asked."""

    def __init__(self, urls: Sequence[str], columns: Sequence[str], sort_by: Sequence[str] = ()) -> None:
        self.paths = [urlsplit(url).path for url in urls]
        self.columns, self.sort_by = list(columns), [(name, "ascending") for name in sort_by]

    def __call__(self) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        parts = [pq.ParquetFile(path).read(columns=self.columns, use_threads=False) for path in self.paths]
        return _sorted(pa.concat_tables(parts), self.sort_by)


def _sorted(table: pa.Table, sort_by: list[tuple[str, str]]) -> pa.Table:
    return (table.sort_by(sort_by) if sort_by else table).combine_chunks()


def columns_of(
    lake: Lake, table: Table, columns: Sequence[str], sort_by: Sequence[str] = (), **where: Any
) -> Callable[[], pa.Table]:
    """A loader of a slice's columns at its current version, for the closure of a kernel.

    From a lake on a file system that all executors see, each worker reads the files; from any other the rows go by the
    driver as a broadcast. Columns are not null; ``where`` may name partition columns only, ``columns`` none of them.
    """
    return columns_in(lake.read(table, **where), columns, sort_by)


def columns_in(saved: DataFrame, columns: Sequence[str], sort_by: Sequence[str] = ()) -> Callable[[], pa.Table]:
    """The same of a frame that reads Parquet files, and no more than some of their rows' partitions."""
    files = sorted(unquote(url) for url in saved.inputFiles())
    if files and all(url.startswith("file:") for url in files):
        return ParquetColumns(files, columns, sort_by)
    rows = _sorted(saved.select(*columns).toArrow(), [(name, "ascending") for name in sort_by])
    held = saved.sparkSession.sparkContext.broadcast(rows)
    return lambda: held.value
