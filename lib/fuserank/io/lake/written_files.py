"""Parquet files that kernels write themselves, and the one commit by which they are a table's.

Spark takes every cell of a row out of Arrow and puts it into Parquet one by one: of tables with some hundred columns
that is half of a write. Files get names that never were, so a killed task leaves files that no commit names, as Spark's
own does. A commit goes through Delta's transaction, which finds what came between, after what Spark would have refused
has been refused: types, NULLs and constraints of the contract.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fuserank.common.errors import LakeError
from fuserank.common.streams import rows_in
from fuserank.tables.contract import Table
from fuserank.tables.spark import constraints, refuse_other, schema

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyspark.sql import DataFrame, SparkSession

_WRITTEN = "path string, cells string, size long, rows long"
_ROW_GROUP_BYTES = 128 << 20  # Spark's own: a shard of samples is one row group
_HELD_BYTES = 512 << 20  # of all files of a task that wait to be written
_Cells = tuple[str, ...]  # a row's partition, as Delta's log spells it


@dataclass(frozen=True)
class WrittenFile:
    """A file that no commit names yet: its path below the table, its partition, bytes, rows."""

    path: str
    cells: Mapping[str, str]
    size: int
    rows: int

    def action(self, written_at: int) -> str:
        """The line of Delta's log that adds it (protocol, "Add File"); ``written_at`` in ms since 1970."""
        add = {
            "path": quote(self.path, safe="/="),
            "partitionValues": dict(self.cells),
            "size": self.size,
            "modificationTime": written_at,
            "dataChange": True,
            "stats": json.dumps({"numRecords": self.rows}),
        }
        return json.dumps({"add": add})


def can_write(table: Table) -> bool:
    """Whether a commit of files alone replaces a slice: whole partitions, and no feed of changes to be written."""
    return set(table.slice_by) <= set(table.partition_by) and not table.change_feed and not table.stats_columns


def write(streams: DataFrame, table: Table, folder: str, constants: Mapping[str, Any]) -> list[WrittenFile]:
    """Runs ``streams`` (column rows: Arrow streams of the table's columns but ``constants``), a file for each partition
    of a task below ``folder``, which all nodes see. Raises as a write by Spark would.
    """
    found = streams.mapInArrow(_Writer(table, folder, constants), _WRITTEN).collect()
    files = [WrittenFile(row.path, json.loads(row.cells), row.size, row.rows) for row in found]
    _refuse_broken(streams.sparkSession, table, folder, files)
    return files


def commit(spark: SparkSession, table: Table, folder: str, files: Iterable[WrittenFile], where: str, new: bool) -> None:
    """The files instead of the rows for which ``where`` (SQL over partition columns) holds, in one commit.

    ``new``: the table never had rows, so that none are looked for; one who writes meanwhile is found, and this raises.
    """
    jvm: Any = spark._jvm
    delta, seq = jvm.org.apache.spark.sql.delta, jvm.org.apache.spark.api.python.PythonUtils.toSeq
    transaction = delta.DeltaLog.forTable(spark._jsparkSession, folder).startTransaction()
    files, now = list(files), int(time.time() * 1000)
    actions = [_action(jvm)(one.action(now)) for one in files]
    if new:
        transaction.readWholeTable()
    else:
        condition = spark._jsparkSession.sessionState().sqlParser().parseExpression(where)
        replaced = transaction.filterFiles(seq([condition]), False)
        actions += [replaced.apply(n).removeWithTimestamp(now, True) for n in range(replaced.size())]
    counts = {"numFiles": len(files), "numOutputRows": sum(f.rows for f in files)}
    counts["numOutputBytes"] = sum(f.size for f in files)
    transaction.registerSQLMetrics(spark._jsparkSession, _metrics(spark, counts))
    mode = jvm.org.apache.spark.sql.SaveMode.valueOf("Append" if new else "Overwrite")
    option = jvm.scala.Option.apply
    by, predicate = option(seq(list(table.partition_by))), option(None if new else where)
    transaction.commit(seq(actions), delta.DeltaOperations.Write(mode, by, predicate, option(None)))


def _action(jvm: Any) -> Any:
    """Delta's own reader of a line of its log."""
    return getattr(getattr(jvm.org.apache.spark.sql.delta.actions, "Action$"), "MODULE$").fromJson


def _metrics(spark: SparkSession, counts: Mapping[str, int]) -> Any:
    """The numbers as a commit tells them."""
    jvm: Any = spark._jvm
    made = jvm.java.util.HashMap()
    for name, value in counts.items():
        metric = jvm.org.apache.spark.sql.execution.metric.SQLMetrics.createMetric(spark._jsc.sc(), name)
        metric.set(value)
        made.put(name, metric)
    return jvm.org.apache.spark.api.python.PythonUtils.toScalaMap(made)


def _refuse_broken(spark: SparkSession, table: Table, folder: str, files: list[WrittenFile]) -> None:
    """Raises LakeError where a row breaks a constraint: by Spark's SQL, over the columns that constraints name."""
    from pyspark.sql import functions as F

    checks = constraints(table)
    if not checks or not files:
        return
    rows = spark.read.schema(schema(table)).option("basePath", folder).parquet(*(f"{folder}/{f.path}" for f in files))
    counts = [F.count_if(~F.coalesce(F.expr(check), F.lit(False))).alias(name) for name, check in checks.items()]
    broken = {name: n for name, n in rows.agg(*counts).collect()[0].asDict().items() if n}
    if broken:
        counted = "; ".join(f"{name} ({checks[name]}): {n} rows" for name, n in sorted(broken.items()))
        raise LakeError(f"table {table.name}: rows break {counted}")


class _Writer:
    """A kernel: the rows of each stream into files; a row of _WRITTEN for each file when the task has seen all."""

    def __init__(self, table: Table, folder: str, constants: Mapping[str, Any]) -> None:
        self.table, self.folder, self.constants = table, folder, constants

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        files: dict[_Cells, _File] = {}
        for stream in (stream for batch in batches for stream in batch.column("rows")):
            for cells, rows in self._partitions(self._with_constants(rows_in(stream))):
                if cells not in files:
                    files[cells] = _File(self.table, self.folder, cells)
                files[cells].add(rows)
            if sum(one.held_bytes for one in files.values()) > _HELD_BYTES:
                max(files.values(), key=lambda one: one.held_bytes).flush()
        done = [one.closed() for one in files.values()]
        rows = [{"path": f.path, "cells": json.dumps(dict(f.cells)), "size": f.size, "rows": f.rows} for f in done]
        types = pa.schema([("path", pa.string()), ("cells", pa.string()), ("size", pa.int64()), ("rows", pa.int64())])
        yield pa.RecordBatch.from_pylist(rows, schema=types)

    def _with_constants(self, rows: pa.Table) -> pa.Table:
        """The contract's columns in the contract's order; raises where Spark would refuse them."""
        import pyarrow as pa
        from pyspark.sql.pandas.types import from_arrow_type, to_arrow_schema

        types = to_arrow_schema(schema(self.table))
        for name in {*self.constants} - {*rows.column_names}:
            values = [self.constants[name]] * rows.num_rows
            rows = rows.append_column(name, pa.array(values, types.field(name).type))
        refuse_other(self.table, {f.name: from_arrow_type(f.type).simpleString() for f in rows.schema})
        made = rows.select(self.table.column_names)
        for column in self.table.columns:
            if not column.nullable and made.column(column.name).null_count:
                raise LakeError(f"table {self.table.name}: {column.name} may not be NULL")
        return made

    def _partitions(self, rows: pa.Table) -> Iterator[tuple[_Cells, pa.Table]]:
        """The rows by partition, in their order, without the columns that the partition tells."""
        import pyarrow as pa
        import pyarrow.compute as pc

        by = list(self.table.partition_by)
        plain = rows.drop(by)
        groups = rows.select(by).group_by(by).aggregate([]).to_pylist() if rows.num_rows else []
        for group in groups:
            cells = tuple(str(group[name]) for name in by)
            if len(groups) == 1:
                yield cells, plain
                continue
            inside = [pc.equal(rows.column(name), pa.scalar(group[name], rows.schema.field(name).type)) for name in by]
            mask = inside[0]
            for one in inside[1:]:
                mask = pc.and_(mask, one)
            yield cells, plain.filter(mask)


class _File:
    """One file while it is written; rows wait until they make a row group."""

    def __init__(self, table: Table, folder: str, cells: _Cells) -> None:
        self.table, self.cells = table, dict(zip(table.partition_by, cells, strict=True))
        place = "/".join(f"{name}={quote(value, safe='')}" for name, value in self.cells.items())
        self.path = f"{place}/part-{uuid.uuid4()}.snappy.parquet"
        self.where = Path(folder) / self.path
        self.where.parent.mkdir(parents=True, exist_ok=True)
        self.waiting: list[pa.Table] = []
        self.held_bytes = self.rows = 0
        self.writer: pq.ParquetWriter | None = None

    def add(self, rows: pa.Table) -> None:
        self.waiting.append(rows)
        self.held_bytes += rows.nbytes
        self.rows += rows.num_rows
        if self.held_bytes > _ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        """What waits becomes a row group."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self.waiting:
            return
        rows = pa.concat_tables(self.waiting)
        if self.writer is None:
            texts = [f.name for f in rows.schema if pa.types.is_string(f.type)]
            dictionary: Any = texts if self.table.torch_reads else True
            self.writer = pq.ParquetWriter(self.where, rows.schema, compression="snappy", use_dictionary=dictionary)
        self.writer.write_table(rows, row_group_size=rows.num_rows)
        self.waiting, self.held_bytes = [], 0

    def closed(self) -> WrittenFile:
        """The file, whole on disk."""
        self.flush()
        assert self.writer is not None
        self.writer.close()
        return WrittenFile(self.path, self.cells, self.where.stat().st_size, self.rows)
