"""Delta reads and writes by contract; io/lake/places.py knows where a table lies."""

from __future__ import annotations

import datetime as dt
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from fuserank.common.errors import LakeError
from fuserank.common.streams import Packed
from fuserank.io.lake import written_files
from fuserank.io.lake.lock import commits
from fuserank.io.lake.places import is_catalog, is_memory, local_path, place_of, quoted
from fuserank.io.lake.session_settings import written_by
from fuserank.tables import Table
from fuserank.tables.contract import broken_contract, differences
from fuserank.tables.spark import conform

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

__all__ = ["Lake", "LakeError", "known_rows", "known_rows_each"]
T = TypeVar("T")
# A write keeps a task's rows in their order: it holds a file open for each partition value, of which no task has more
# here. Otherwise Spark sorts the rows once more by the partition columns alone, as constants on top hide that they
# are sorted: bronze would pay for nothing, and where that sort spills, rows of one partition change places.
_OPEN_FILES = {"spark.sql.maxConcurrentOutputFileWriters": "1024"}
# Of a hundred float columns hardly one keeps its dictionary, and trying takes a third of the write.
_NO_DICTIONARY = {"parquet.enable.dictionary": "false"}
# Nor do hashes: no two are alike.
_HASHES = {"parquet.enable.dictionary#event_id": "false", "parquet.enable.dictionary#row_hash": "false"}
_WRITING: dict[str, threading.RLock] = defaultdict(threading.RLock)  # by name: one writer a table in this process
_ASKING = threading.Lock()


class Lake:
    """One shop's lake: tables under ``<root>/<layer>/<table>``, or ``<catalog>.<schema>.<layer>_<table>``.

    ``files`` is the folder or URL of what is no table (``models/``); it is the root unless told.
    Every version that is read or written is kept in ``versions_read`` and ``versions_written`` for the run ledger.
    """

    def __init__(self, spark: SparkSession, root: str, run_id: str, files: str | None = None) -> None:
        self.place = place_of(spark, root)
        self.root = self.place.root
        self.spark, self.run_id = spark, run_id
        self._files = str(Path(files).absolute()) if files and ":" not in files else files
        self.versions_read: dict[str, int] = {}
        self.versions_written: dict[str, int] = {}
        self.rows_written: dict[str, int] = {}
        self._pinned: dict[str, int] = {}
        self._grown: set[str] = set()
        self._as_promised: set[tuple[str, int]] = set()
        self._answers: dict[tuple[str, int, str], Any] = {}
        self._asking: dict[tuple[str, int, str], threading.Lock] = defaultdict(threading.Lock)

    def name(self, table: Table) -> str:
        """The table as Spark SQL takes it."""
        return self.place.name(table)

    @property
    def home(self) -> str:
        """Folder or URL under which ``models/`` lies; raises where a lake without a folder was told none."""
        if self._files:
            return self._files.rstrip("/")
        if is_catalog(self.root) or is_memory(self.root):
            raise LakeError(
                f"lake {self.root} has no place for files of models; name a folder or volume: --set files=/Volumes/…"
            )
        return self.root

    def exists(self, table: Table) -> bool:
        """Whether the table was ever written; a table without rows exists."""
        return self.version(table) >= 0

    def version(self, table: Table) -> int:
        """The current Delta version; -1 where the table does not exist yet."""
        return self.place.version(table)

    def read(self, table: Table, version: int | None = None, **slice_values: Any) -> DataFrame:
        """The table, or the rows of one slice, at one version (the current one unless told)."""
        newest = self.version(table)
        if newest < 0:
            raise LakeError(
                f"table {table.name} is not in the lake {self.root}; the job that writes it is jobs/{table.writer}.py"
            )
        version = self._pinned.get(table.name) if version is None else version
        self.versions_read[table.name] = newest if version is None else version
        frame = self.place.read(table, version)
        self._refuse_other(table, frame)
        frame = _whole(table, frame)
        condition = _condition(table, slice_values)
        return frame.where(condition) if condition else frame

    def _refuse_other(self, table: Table, frame: DataFrame) -> None:
        """Raises LakeError where the table is not what its contract says: by its schema, once for each version."""
        at = (table.name, self.versions_read[table.name])
        if at in self._as_promised:
            return
        fields = {f.name: (f.dataType.simpleString(), f.nullable) for f in frame.schema.fields}
        if wrong := differences(table, fields):
            raise LakeError(broken_contract(table, self.root, wrong))
        self._as_promised.add(at)

    def known(self, table: Table, as_of: dt.date) -> DataFrame:
        """The one as-of reader: only rows that were known before 00:00 UTC of ``as_of``."""
        return known_rows(table, self.read(table), as_of)

    def known_each(self, table: Table, days: Sequence[dt.date], where: str = "true") -> DataFrame:
        """The same for several days, by one scan: a row once for each day (as_of_date) as of which it holds.

        ``where``: SQL over the table, of rows that matter to any of the days; the others are not looked at once a day.
        """
        return known_rows_each(table, self.read(table).where(where), days)

    def once(self, table: Table, question: str, ask: Callable[[], T]) -> T:
        """What ``ask`` finds out of a table, by the name ``question``: run once for each
        version of it; who asks meanwhile waits.
        """
        key = (table.name, self._pinned.get(table.name, self.version(table)), question)
        with _ASKING:
            lock = self._asking[key]
        with lock:
            if key not in self._answers:
                self._answers[key] = ask()
            return self._answers[key]  # type: ignore[no-any-return]

    def holds(self, table: Table, condition: str) -> bool:
        """Whether any row of the table meets the condition, SQL.

        Runs a job, the first time that it is asked of a version.
        """
        return self.once(table, condition, lambda: not self.read(table).where(condition).isEmpty())

    def count(self, table: Table) -> int:
        """Rows of the table as it is now, or as it is pinned; it must be there."""
        at = self._pinned.get(table.name)
        return self.place.count(table) if at is None else self.read(table, at).count()

    def alone(self) -> AbstractContextManager[None]:
        """While the body runs, no other process writes what stream and batch both write (``lock.commits``)."""
        return commits(self.root)

    @contextmanager
    def _writing(self, table: Table) -> Iterator[None]:
        with _WRITING[self.name(table)], self.alone() if table.streamed else nullcontext():
            yield

    def pin(self, *tables: Table) -> None:
        """From now on these are read as they are now, whatever a stream writes beside: a chain sees one version.

        Not for what this lake writes itself later.
        """
        with self.alone():
            self._pinned |= {table.name: self.version(table) for table in tables}

    def replace(self, table: Table, frame: DataFrame | Packed, **slice_values: Any) -> int:
        """Replace exactly one slice (replaceWhere, no txn), or, where a value is a list, one for each, of which the
        frame has the column; in one commit. Returns the rows written.

        Packed rows are written by the kernels themselves where the lake's place lets them.
        """
        if set(slice_values) != set(table.slice_by):
            raise LakeError(f"table {table.name} is replaced by {table.slice_by}, not by {tuple(slice_values)}")
        with self._writing(table):
            new = self._is_new(table, self.ensure(table))
            if isinstance(frame, Packed):
                folder = self.place.folder(table) if written_files.can_write(table) else None
                if folder is not None:
                    self._replace_by_files(table, frame, folder, new, slice_values)
                    return self._written(table)
                frame = frame.rows
            frame = conform(self._with_constants(table, frame, slice_values), table)
            condition = _condition(table, slice_values)
            several = any(isinstance(value, list) for value in slice_values.values())
            settings = _OPEN_FILES | _NO_DICTIONARY if table.torch_reads else _OPEN_FILES if several else {}
            with written_by(self.spark, settings):
                # nothing to replace: Delta need not look for it, which takes longer than to write a small table
                if new:
                    self.place.append(table, _refusing(frame, condition), {})
                if not new or self.version(table) != 1:  # another driver came between
                    self.place.overwrite(table, frame, condition)
            return self._written(table)

    def _replace_by_files(
        self, table: Table, packed: Packed, folder: str, new: bool, slice_values: dict[str, Any]
    ) -> None:
        files = written_files.write(packed.streams, table, folder, self._constants(table, slice_values))
        for name, values in slice_values.items():
            allowed = {str(value) for value in (values if isinstance(values, list) else [values])}
            if other := sorted({f.cells[name] for f in files} - allowed):
                raise LakeError(f"table {table.name}: rows of {name} {', '.join(other)} are not of the slice replaced")
        written_files.commit(self.spark, table, folder, files, _condition(table, slice_values), new)

    def _is_new(self, table: Table, version: int) -> bool:
        """Whether nothing was ever written to the table."""
        return version == 0 and self.place.commit(table, version).get("operation") == "CREATE TABLE"

    def append(self, table: Table, frame: DataFrame, txn: tuple[str, int] | None = None) -> int:
        """Append; with ``txn`` (app id, version) Delta drops a second append of the same file."""
        with self._writing(table):
            before = self.ensure(table)
            frame = conform(self._with_constants(table, frame, {}), table)
            options = _once_only(txn)
            if table.open_schema:
                options["mergeSchema"] = "true"
                before = self._take_local_times(table, frame, before)
            with written_by(self.spark, _OPEN_FILES if table.open_schema else _HASHES):
                self.place.append(table, frame, options)
            return self._written(table) if self.version(table) > before else 0

    def _take_local_times(self, table: Table, frame: DataFrame, before: int) -> int:
        """Delta adds a column of timestamps without a zone only to a table that says it has such; the version then."""
        if "timestamp_ntz" not in str(frame.dtypes) or "timestamp_ntz" in str(self.place.read(table, None).dtypes):
            return before
        self.place.allow_local_times(table)
        return self.version(table)

    def merge(
        self,
        table: Table,
        frame: DataFrame,
        update_when: str | None = None,
        gone: str | None = None,
        insert_only: bool = False,
        txn: tuple[str, int] | None = None,
    ) -> int:
        """Insert new keys, update rows whose ``row_hash`` differs, leave the rest untouched; returns rows changed.

        :param update_when: another condition than that, over ``t`` (the table) and ``s`` (the frame)
        :param gone: of rows that the frame has not, those where this holds are deleted
        :param insert_only: what is there stays as it is
        :param txn: (app id, version): Delta drops a merge of the same, or of a lower version
        """
        with self._writing(table):
            before = self.ensure(table)
            # the first rows of a table: there is nothing to compare them with
            if self._is_new(table, before) or self.place.count(table) == 0:
                return self.append(table, frame, txn)
            frame = conform(self._with_constants(table, frame, {}), table)
            if "row_hash" in table.column_names and not insert_only:
                update_when = update_when or "t.row_hash <> s.row_hash"
            self.place.merge(table, frame, update_when, gone, _once_only(txn))
            return self._written(table) if self.version(table) > before else 0

    def files(self, table: Table, **slice_values: Any) -> list[str]:
        """The Parquet files of a slice at the current version, as plain ``file://`` URLs, sorted."""
        return sorted(unquote(f) for f in self.read(table, **slice_values).inputFiles())

    def plain_files(self, table: Table, **slice_values: Any) -> list[str] | None:
        """The same as paths that Python opens on all nodes; None where the lake's place promises none."""
        if self.place.folder(table) is None:
            return None
        return [local_path(url) for url in self.files(table, **slice_values)]

    def artifact_dir(self, model_id: str) -> str:
        """Folder or URL for the files of a model, below ``home``; it need not exist yet."""
        return f"{self.home}/models/artifacts/{model_id}"

    def ensure(self, table: Table) -> int:
        """Make the table by its contract if it is not there; returns the version before the write."""
        with self._writing(table):
            version = self.version(table)
            if version < 0:
                self.place.make(table)
                return self.version(table)
            # a first contract has no older one, and looking takes a second
            if table.version > 1 and table.name not in self._grown:
                self._grown.add(table.name)
                version = self._grow(table, version)
            return version

    def _grow(self, table: Table, version: int) -> int:
        """A table of an older contract gets the columns that may be empty; one that lacks others is refused."""
        have = set(self.place.read(table, None).columns)
        missing = [c for c in table.columns if c.name not in have]
        if not missing:
            return version
        needed = [c.name for c in missing if not c.nullable]
        if needed:
            raise LakeError(
                f"table {table.name} in {self.root} is of an older fuserank: it lacks {', '.join(needed)}; take another"
                " --lake"
            )
        self.place.add_columns(table, missing)
        return self.version(table)

    def _constants(self, table: Table, slice_values: dict[str, Any]) -> dict[str, Any]:
        """What is the same in all rows of a write, by column."""
        constants = {name: value for name, value in slice_values.items() if not isinstance(value, list)}
        return constants | ({"run_id": self.run_id} if "run_id" in table.column_names else {})

    def _with_constants(self, table: Table, frame: DataFrame, slice_values: dict[str, Any]) -> DataFrame:
        from pyspark.sql import functions as F

        for name, value in self._constants(table, slice_values).items():
            if name not in frame.columns:
                frame = frame.withColumn(name, F.lit(value))
        return frame

    def _written(self, table: Table) -> int:
        version = self.version(table)
        commit = self.place.commit(table, version)
        counted = commit.get("operationMetrics") or {}
        metrics = {name: int(value) for name, value in counted.items() if value.isdecimal()}
        rows = metrics.get("numOutputRows", metrics.get("numTargetRowsInserted", 0))
        if commit.get("operation") == "MERGE":
            rows = metrics.get("numTargetRowsInserted", 0) + metrics.get("numTargetRowsUpdated", 0)
        self.versions_written[table.name] = version
        self.rows_written[table.name] = self.rows_written.get(table.name, 0) + rows
        return rows


def _once_only(txn: tuple[str, int] | None) -> dict[str, str]:
    """Options by which Delta drops a write of a transaction (app id, version) that came before."""
    return {"txnAppId": txn[0], "txnVersion": str(txn[1])} if txn is not None else {}


def _whole(table: Table, frame: DataFrame) -> DataFrame:
    """The frame of an older contract with the columns that may be empty, which it lacks."""
    from pyspark.sql import functions as F

    if table.version == 1:
        return frame
    have = set(frame.columns)
    lacking = {c.name: F.lit(None).cast(c.type) for c in table.columns if c.nullable and c.name not in have}
    return frame.withColumns(lacking) if lacking else frame


def known_rows(table: Table, frame: DataFrame, as_of: dt.date) -> DataFrame:
    """Rows of ``frame`` (columns of ``table``) that were known before 00:00 UTC of
    ``as_of``; of versions the one that held.
    """
    from pyspark.sql import functions as F

    table.column("known_at")
    if "event_date" in table.partition_by:  # prunes partitions; known_at decides
        frame = frame.where(F.col("event_date") < F.lit(as_of))
    return frame.where(_held(table, F.lit(as_of)))


def known_rows_each(table: Table, frame: DataFrame, days: Sequence[dt.date]) -> DataFrame:
    """Rows of ``frame``, each once for every one of the days before which it was known, with
    the day as as_of_date; see ``known_rows``.
    """
    from pyspark.sql import functions as F

    if "event_date" in table.partition_by:
        raise LakeError(f"table {table.name} is read day by day: its rows would come {len(days)} times")
    each = frame.withColumn("as_of_date", F.explode(F.array(*(F.lit(day) for day in days))))
    return each.where(_held(table, F.col("as_of_date")))


def _held(table: Table, as_of: Column) -> Column:
    """Whether a row was known before 00:00 UTC of a day, and of versions is the one that held."""
    from pyspark.sql import functions as F

    day = as_of.cast("timestamp")
    known = F.col("known_at") < day
    return (
        known & (F.col("valid_to").isNull() | (F.col("valid_to") >= day)) if "valid_to" in table.column_names else known
    )


def _condition(table: Table, slice_values: dict[str, Any]) -> str:
    """A SQL predicate for equality, or for one of a list, with typed literals;
    names are checked against the contract.
    """
    terms = []
    for name, value in slice_values.items():
        column = table.column(name)
        literals = [_literal(column.type, one) for one in (value if isinstance(value, list) else [value])]
        terms.append(f"`{name}` = {literals[0]}" if len(literals) == 1 else f"`{name}` IN ({', '.join(literals)})")
    return " AND ".join(terms)


def _refusing(frame: DataFrame, condition: str) -> DataFrame:
    """The frame, whose write fails at a row for which the condition does not hold, as one by replaceWhere does."""
    from pyspark.sql import functions as F

    message = f"a row is of another slice than {condition}"
    held = F.coalesce(F.expr(condition), F.lit(False))
    return frame.where(F.when(held, F.lit(True)).otherwise(F.raise_error(F.lit(message)).cast("boolean")))


def _literal(type: str, value: Any) -> str:
    if type == "date":
        return f"DATE'{value}'"
    return str(int(value)) if type in {"int", "long"} else f"'{quoted(str(value))}'"
