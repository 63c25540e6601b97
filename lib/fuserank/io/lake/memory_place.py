"""A lake in this process: nothing is left when it ends. For a look at what jobs would write, and for tests of rules."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from fuserank.common.errors import LakeError
from fuserank.tables import Table
from fuserank.tables.contract import Column
from fuserank.tables.spark import constraints, schema

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

_BROKEN, _OLD, _NEW, _DONE = "_broken", "_old", "_new", "_done"
_MERGED = {"insert": "numTargetRowsInserted", "update": "numTargetRowsUpdated", "delete": "numTargetRowsDeleted"}


class _Commit(NamedTuple):
    """A version of a table: all its rows, and what the write says of itself."""

    types: StructType
    rows: pa.Table
    operation: str
    metrics: dict[str, int]


class _Lake:
    """What lies under one root: the commits of each table by its name, and the last transaction of each writer."""

    def __init__(self) -> None:
        self.commits: dict[str, list[_Commit]] = defaultdict(list)
        self.transactions: dict[tuple[str, str], int] = {}


LAKES: dict[str, _Lake] = defaultdict(_Lake)  # by root


class MemoryPlace:
    """Tables as Arrow tables, all versions; a write is one Spark job, and a read none.

    It keeps the promises of Delta that the jobs build on (slices, versions, transactions, constraints, metrics of a
    commit); files it has none.
    """

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark, self.root = spark, root

    @property
    def _lake(self) -> _Lake:
        return LAKES[self.root]

    def _commits(self, table: Table) -> list[_Commit]:
        return self._lake.commits[table.name]

    def name(self, table: Table) -> str:
        """The table as Spark SQL takes it."""
        return f"`{self.root}`.`{table.name}`"

    def version(self, table: Table) -> int:
        """The current Delta version; -1 where the table does not exist yet."""
        return len(self._commits(table)) - 1

    def commit(self, table: Table, version: int) -> dict[str, Any]:
        """What the commit of that version says of itself: operation, operationMetrics."""
        commit = self._commits(table)[version]
        return {"operation": commit.operation, "operationMetrics": {k: str(v) for k, v in commit.metrics.items()}}

    def read(self, table: Table, version: int | None) -> DataFrame:
        """The table at a version, or as it is now."""
        commit = self._commits(table)[-1 if version is None else version]
        return self.spark.createDataFrame(commit.rows, commit.types)

    def folder(self, table: Table) -> str | None:
        """None: it has no files."""

    def count(self, table: Table) -> int:
        """Rows of the table as it is now."""
        return int(self._commits(table)[-1].rows.num_rows)

    def overwrite(self, table: Table, frame: DataFrame, where: str) -> None:
        """Replace the rows for which ``where`` holds."""
        from pyspark.sql import functions as F

        newest, inside = self._commits(table)[-1], F.coalesce(F.expr(where), F.lit(False))
        rows = self._rows(table, frame, newest.types, {"the slice that is replaced": where})
        remaining = newest.rows
        if remaining.num_rows:
            remaining = _widened(self.read(table, None).where(~inside).toArrow(), newest.rows.schema)
        self._commit(table, newest.types, [remaining, rows], "WRITE", {"numOutputRows": rows.num_rows})

    def append(self, table: Table, frame: DataFrame, options: Mapping[str, str]) -> None:
        """Add rows, with options of Delta's writer."""
        if self._came(table, options):
            return
        newest, types = self._commits(table)[-1], None
        types = _merged(newest.types, frame.schema) if options.get("mergeSchema") == "true" else newest.types
        rows = self._rows(table, frame, types, {})
        if options.get("txnAppId") is None and not rows.num_rows:
            return
        self._commit(table, types, [newest.rows, rows], "WRITE", {"numOutputRows": rows.num_rows}, options)

    def _came(self, table: Table, options: Mapping[str, str]) -> bool:
        """Whether a transaction of the writer that the options name, or a later one, is in the table."""
        writer = options.get("txnAppId")
        if writer is None:
            return False
        return int(options["txnVersion"]) <= self._lake.transactions.get((table.name, writer), -1)

    def merge(
        self, table: Table, frame: DataFrame, update_when: str | None, gone: str | None, options: Mapping[str, str]
    ) -> None:
        """Insert the rows of new keys; see ``Lake.merge`` for the two conditions."""
        import pyarrow.compute as pc
        from pyspark.sql import functions as F

        if self._came(table, options):
            return
        newest = self._commits(table)[-1]
        old = self.read(table, None).withColumn(_OLD, F.lit(True)).alias("t")
        new = frame.withColumn(_NEW, F.lit(True)).alias("s")
        on = " AND ".join(f"t.`{k}` = s.`{k}`" for k in table.keys)
        done = F.expr(
            f"CASE WHEN t.{_OLD} IS NULL THEN 'insert' WHEN s.{_NEW} IS NOT NULL AND ({update_when or 'false'}) "
            f"THEN 'update' WHEN s.{_NEW} IS NULL AND ({gone or 'false'}) THEN 'delete' ELSE 'keep' END"
        )
        columns = [
            F.when(F.col(_DONE).isin("insert", "update"), F.col(f"s.`{c}`")).otherwise(F.col(f"t.`{c}`")).alias(c)
            for c in frame.columns
        ]
        matched = F.expr(f"t.{_OLD} IS NOT NULL").alias(_OLD)
        joined = old.join(new, F.expr(on), "full_outer").withColumn(_DONE, done)
        joined = joined.select(*columns, _DONE, matched)
        rows = self._rows(table, joined, newest.types, {}, keep=(_DONE, _OLD))
        kinds = rows.column(_DONE)
        counts = {kind: pc.sum(pc.equal(kinds, kind)).as_py() or 0 for kind in _MERGED}
        if counts["update"] and pc.sum(rows.column(_OLD)).as_py() > newest.rows.num_rows:
            raise LakeError(f"table {table.name}: two rows of the frame have the same keys; a merge takes one")
        rows = rows.filter(pc.not_equal(kinds, "delete")).select(newest.rows.column_names)
        metrics = {_MERGED[kind]: n for kind, n in counts.items()}
        self._commit(table, newest.types, [rows], "MERGE", metrics, options)

    def make(self, table: Table) -> None:
        """An empty table by its contract, constraints and all, in one commit; nothing where it is there."""
        if self.version(table) < 0:
            self._commit(table, schema(table), [], "CREATE TABLE", {})

    def add_columns(self, table: Table, columns: Iterable[Column]) -> None:
        """Columns of a newer contract, which may be empty."""
        from pyspark.sql.types import StructType

        newest = self._commits(table)[-1]
        more = StructType.fromDDL(", ".join(f"`{c.name}` {c.type}" for c in columns))
        assert isinstance(more, StructType)
        self._commit(table, _merged(newest.types, more), [newest.rows], "ADD COLUMNS", {})

    def allow_local_times(self, table: Table) -> None:
        """They need no leave here."""

    def check(self) -> None:
        """It is always there."""

    def _rows(
        self, table: Table, frame: DataFrame, types: StructType, also: Mapping[str, str], keep: tuple[str, ...] = ()
    ) -> pa.Table:
        """The frame's rows in the table's types, by one job, ``keep`` beside them;
        LakeError where a constraint is broken.
        """
        from pyspark.sql import functions as F
        from pyspark.sql.types import StructType

        have = {f.name.lower(): f for f in frame.schema.fields}  # Delta tells names apart by any case, too
        names = [n for n in types.names if n.lower() in have]
        # each call of the JVM for a column takes as long as to copy a hundred rows
        as_they_are = [have[n.lower()].name == n and have[n.lower()].dataType == types[n].dataType for n in names]
        cells = (
            F.col(f"`{n}`") if plain else F.col(f"`{have[n.lower()].name}`").cast(types[n].dataType).alias(n)
            for n, plain in zip(names, as_they_are, strict=True)
        )
        frame = frame.select(*cells, *keep)
        checks = {**constraints(table), **also}
        if checks:
            broken = (f"CASE WHEN NOT coalesce(({check}), false) THEN '{name}' END" for name, check in checks.items())
            frame = frame.withColumn(_BROKEN, F.expr(f"concat_ws(', ', {', '.join(broken)})"))
        found = frame.toArrow()
        if checks:
            violated = [b for b in found.column(_BROKEN).unique().to_pylist() if b]
            if violated:
                raise LakeError(f"table {table.name}: rows break {'; '.join(sorted(violated))}")
        empty = [n for n in names if not types[n].nullable and found.column(n).null_count]
        empty += [f.name for f in types if not f.nullable and f.name not in names]
        if empty:
            raise LakeError(f"table {table.name}: {', '.join(empty)} may not be NULL")
        rows = _widened(found.select(names), _arrow(StructType([types[n] for n in names])))
        for name in keep:
            rows = rows.append_column(name, found.column(name))
        return rows

    def _commit(
        self,
        table: Table,
        types: StructType,
        parts: list[pa.Table],
        operation: str,
        metrics: dict[str, int],
        options: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        import pyarrow as pa

        want = _arrow(types)
        whole = pa.concat_tables([want.empty_table(), *(_widened(part, want) for part in parts)])
        self._commits(table).append(_Commit(types, whole.combine_chunks(), operation, metrics))
        if (writer := options.get("txnAppId")) is not None:
            self._lake.transactions[table.name, writer] = int(options["txnVersion"])


def _widened(rows: pa.Table, want: pa.Schema) -> pa.Table:
    """The rows in these columns; those that they lack are empty."""
    import pyarrow as pa

    have = set(rows.column_names)
    columns = [rows.column(f.name) if f.name in have else pa.nulls(rows.num_rows, f.type) for f in want]
    return pa.Table.from_arrays(columns, schema=want)


def _arrow(types: StructType) -> pa.Schema:
    from pyspark.sql.pandas.types import to_arrow_schema

    return to_arrow_schema(types)


def _merged(have: StructType, more: StructType) -> StructType:
    """The columns of both, each as it first came; names are told apart as Delta does, by any case."""
    from pyspark.sql.types import StructField, StructType

    known = {name.lower() for name in have.names}
    added = [StructField(f.name, f.dataType, True) for f in more if f.name.lower() not in known]
    return StructType([*have.fields, *added])
