"""Where a lake's tables lie: below a folder or URL, or in a schema of a catalog.

The only place where a table meets a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fuserank.common.errors import LakeError
from fuserank.io.lake.delta_log import commit_info, newest_version
from fuserank.io.lake.session_settings import written_by
from fuserank.tables import Table
from fuserank.tables.contract import Column
from fuserank.tables.spark import constraints, ddl, ddl_of

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import DataFrame, SparkSession

CATALOG, MEMORY = "catalog:", "memory:"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")  # a colon further on may stand in a folder's name
_SCHEMA = re.compile(r"[\w-]+\.[\w-]+")


class Place(Protocol):
    """How a table is named, read and written in one kind of lake."""

    root: str

    def name(self, table: Table) -> str:
        """The table as Spark SQL takes it."""

    def version(self, table: Table) -> int:
        """The current Delta version; -1 where the table does not exist yet."""

    def commit(self, table: Table, version: int) -> dict[str, Any]:
        """What the commit of that version says of itself: operation, operationMetrics."""

    def folder(self, table: Table) -> str | None:
        """The table's folder as Python opens it on all nodes; None where there is none, or only Hadoop may open it."""

    def read(self, table: Table, version: int | None) -> DataFrame:
        """The table at a version, or as it is now."""

    def count(self, table: Table) -> int:
        """Rows of the table as it is now."""

    def overwrite(self, table: Table, frame: DataFrame, where: str) -> None:
        """Replace the rows for which ``where`` holds."""

    def append(self, table: Table, frame: DataFrame, options: Mapping[str, str]) -> None:
        """Add rows, with options of Delta's writer."""

    def merge(
        self, table: Table, frame: DataFrame, update_when: str | None, gone: str | None, options: Mapping[str, str]
    ) -> None:
        """Insert the rows of new keys; see ``Lake.merge`` for the two conditions. ``options``: as of ``append``."""

    def make(self, table: Table) -> None:
        """An empty table by its contract, constraints and all, in one commit; nothing where it is there."""

    def add_columns(self, table: Table, columns: Iterable[Column]) -> None:
        """Columns of a newer contract, which may be empty."""

    def allow_local_times(self, table: Table) -> None:
        """Let the table have timestamps without a zone, before the first of them is written."""

    def check(self) -> None:
        """Raise LakeError where no table can lie here."""


def is_catalog(root: str) -> bool:
    """Whether a lake's root names a catalog's schema, not a folder or URL."""
    return root.startswith(CATALOG)


def is_memory(root: str) -> bool:
    """Whether a lake's root names one in memory, which has no folder."""
    return root.startswith(MEMORY)


def quoted(text: str) -> str:
    """What stands between the quotes of a SQL string."""
    return text.replace("\\", "\\\\").replace("'", "\\'")


def is_local(url: str) -> bool:
    """Whether Python opens it as a file: a folder, or a ``file:`` URL."""
    return not _SCHEME.match(url) or url.startswith("file:")


def local_path(url: str) -> str:
    """The folder behind a local root."""
    return url.removeprefix("file://").removeprefix("file:")


def place_of(spark: SparkSession, root: str) -> Place:
    """The place of a root: ``catalog:<catalog>.<schema>``, ``memory:<name>``, a URL that Hadoop reads, or a folder."""
    if is_catalog(root):
        return CatalogPlace(spark, root)
    if is_memory(root):
        from fuserank.io.lake.memory_place import MemoryPlace

        return MemoryPlace(spark, root)
    if "#" in root or "?" in root:
        visible = re.split("[#?]", root)[0]  # what stands behind may be a signature
        raise LakeError(f"lake root {visible}…: '#' and '?' cannot stand in a file URL; choose another folder")
    return FolderPlace(spark, root)


class _DeltaPlace:
    """What SQL does by a table's name alone, wherever the table lies."""

    spark: SparkSession

    def name(self, table: Table) -> str:
        raise NotImplementedError

    def read(self, table: Table, version: int | None) -> DataFrame:
        raise NotImplementedError

    def count(self, table: Table) -> int:
        """Delta answers this out of its log."""
        return int(self.read(table, None).count())

    def handle(self, table: Table) -> DeltaTable:
        raise NotImplementedError

    def merge(
        self, table: Table, frame: DataFrame, update_when: str | None, gone: str | None, options: Mapping[str, str]
    ) -> None:
        on = " AND ".join(f"t.`{k}` = s.`{k}`" for k in table.keys)
        merge = self.handle(table).alias("t").merge(frame.alias("s"), on)
        if update_when:
            merge = merge.whenMatchedUpdateAll(update_when)
        if gone:
            merge = merge.whenNotMatchedBySourceDelete(gone)
        with written_by(self.spark, {f"spark.databricks.delta.write.{k}": v for k, v in options.items()}):
            merge.whenNotMatchedInsertAll().execute()

    def make(self, table: Table) -> None:
        properties = {
            "delta.enableChangeDataFeed": str(table.change_feed).lower(),
            "delta.enableDeletionVectors": "false",
            "delta.columnMapping.mode": "none",
            "delta.dataSkippingNumIndexedCols": str(table.stats_columns),
            "fuserank.version": str(table.version),
            **({"delta.logRetentionDuration": f"interval {table.log_days} days"} if table.log_days else {}),
            # as ALTER TABLE ADD CONSTRAINT leaves them, but in the first commit: a run
            # killed between would leave a table without
            **{f"delta.constraints.{name}": check for name, check in constraints(table).items()},
        }
        props = ", ".join(f"'{k}' = '{quoted(v)}'" for k, v in properties.items())
        parts = f"PARTITIONED BY ({', '.join(f'`{p}`' for p in table.partition_by)})" if table.partition_by else ""
        doc = table.doc.replace("'", "’")
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name(table)} ({ddl(table)}) USING delta {parts} "
            f"COMMENT '{doc}' TBLPROPERTIES ({props})"
        )

    def add_columns(self, table: Table, columns: Iterable[Column]) -> None:
        self.spark.sql(f"ALTER TABLE {self.name(table)} ADD COLUMNS ({ddl_of(columns)})")

    def allow_local_times(self, table: Table) -> None:
        self.spark.sql(f"ALTER TABLE {self.name(table)} SET TBLPROPERTIES ('delta.feature.timestampNtz' = 'supported')")


class FolderPlace(_DeltaPlace):
    """Tables under ``<root>/<layer>/<table>``. A URL reaches Spark as it was typed, but for slashes at its end."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        # Spark SQL takes a path as a table's name only where it is absolute.
        self.spark, self.root = spark, root.rstrip("/") if ":" in root else str(Path(root).absolute())

    def path(self, table: Table) -> str:
        """Folder or URL of the table, whether it is there or not."""
        return f"{self.root}/{table.name.replace('.', '/')}"

    def name(self, table: Table) -> str:
        """By its path, as Delta lets SQL name a table that no catalog knows."""
        return f"delta.`{self.path(table)}`"

    def version(self, table: Table) -> int:
        """The highest one in the table's log, which is listed again each time; -1 without a log."""
        return newest_version(self.spark, self.path(table))

    def commit(self, table: Table, version: int) -> dict[str, Any]:
        """From the log's file of that version; {} where it says nothing."""
        return commit_info(self.spark, self.path(table), version)

    def read(self, table: Table, version: int | None) -> DataFrame:
        """Lazy; of an older version, the files must not have been vacuumed."""
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).load(self.path(table))

    def folder(self, table: Table) -> str | None:
        """Where Hadoop, too, takes the path for one of this file system; its default may be another."""
        path = self.path(table)
        if not is_local(path):
            return None
        jvm: Any = self.spark._jvm
        conf = self.spark._jsparkSession.sessionState().newHadoopConf()
        scheme = jvm.org.apache.hadoop.fs.Path(path).getFileSystem(conf).getScheme()
        return local_path(path) if scheme == "file" else None

    def overwrite(self, table: Table, frame: DataFrame, where: str) -> None:
        """By replaceWhere, in one commit; a row of the frame for which ``where`` does not hold is refused by Delta."""
        frame.write.format("delta").mode("overwrite").option("replaceWhere", where).save(self.path(table))

    def append(self, table: Table, frame: DataFrame, options: Mapping[str, str]) -> None:
        """In one commit; with txnAppId and txnVersion, Delta skips one that came before."""
        frame.write.format("delta").mode("append").options(**options).save(self.path(table))

    def handle(self, table: Table) -> DeltaTable:
        """By the table's path; raises Spark's AnalysisException where there is none."""
        from delta.tables import DeltaTable

        return DeltaTable.forPath(self.spark, self.path(table))

    def check(self) -> None:
        """Hadoop must know the scheme and open the store; the folder is made by the first write."""
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

        if is_local(self.root):
            return
        try:
            newest_version(self.spark, self.root)  # of no table: it asks the store once
        except Py4JJavaError as problem:
            scheme, message = self.root.partition("://")[0], str(problem.java_exception)
            if "ClassNotFoundException" in message or "No FileSystem for scheme" in message:
                raise LakeError(
                    f"lake {self.root}: Spark has no driver for {scheme}://; add its jar before Spark starts, as "
                    "--packages org.apache.hadoop:hadoop-aws:3.4.1 for s3a"
                ) from None
            raise LakeError(f"lake {self.root} cannot be opened: {message.splitlines()[0]}") from None


class CatalogPlace(_DeltaPlace):
    """Tables ``<catalog>.<schema>.<layer>_<table>``, by name alone: a catalog may refuse the paths behind them."""

    def __init__(self, spark: SparkSession, root: str) -> None:
        self.spark, self.root = spark, root
        if not _SCHEMA.fullmatch(root.removeprefix(CATALOG)):
            raise LakeError(f"lake {root!r}: write catalog:<catalog>.<schema>, as catalog:main.shop")
        self.catalog, self.schema = root.removeprefix(CATALOG).split(".")

    def name(self, table: Table) -> str:
        """catalog.schema.layer_table, each part quoted."""
        return f"`{self.catalog}`.`{self.schema}`.`{table.name.replace('.', '_')}`"

    def version(self, table: Table) -> int:
        """By the table's history; -1 where the catalog has no such table."""
        return self._history(table, "LIMIT 1")[0]["version"] if self.spark.catalog.tableExists(self.name(table)) else -1

    def commit(self, table: Table, version: int) -> dict[str, Any]:
        """By the table's history: the newest row, else a scan of all of them;
        IndexError where the version is not in it.
        """
        newest = self._history(table, "LIMIT 1")
        of_version = [c for c in newest if c["version"] == version]  # another driver may have come since
        return (of_version or [c for c in self._history(table, "") if c["version"] == version])[0]

    def _history(self, table: Table, limit: str) -> list[dict[str, Any]]:
        commits = self.spark.sql(f"DESCRIBE HISTORY {self.name(table)} {limit}")
        return [c.asDict() for c in commits.select("version", "operation", "operationMetrics").collect()]

    def read(self, table: Table, version: int | None) -> DataFrame:
        """Lazy; of an older version, the files must not have been vacuumed."""
        reader = self.spark.read.format("delta")
        return (reader if version is None else reader.option("versionAsOf", version)).table(self.name(table))

    def overwrite(self, table: Table, frame: DataFrame, where: str) -> None:
        """In one commit; the table keeps its properties, constraints and grants."""
        from pyspark.sql import functions as F

        frame.writeTo(self.name(table)).overwrite(F.expr(where))  # saveAsTable would make the table again

    def append(self, table: Table, frame: DataFrame, options: Mapping[str, str]) -> None:
        """In one commit; with txnAppId and txnVersion, Delta skips one that came before."""
        frame.writeTo(self.name(table)).options(**options).append()

    def folder(self, table: Table) -> str | None:
        """None: a catalog may refuse it."""

    def handle(self, table: Table) -> DeltaTable:
        """By the table's name; raises Spark's AnalysisException where the catalog has none."""
        from delta.tables import DeltaTable

        return DeltaTable.forName(self.spark, self.name(table))

    def check(self) -> None:
        """The schema must be there, in a catalog that outlives the session."""
        named = f"`{self.catalog}`.`{self.schema}`"
        if self.catalog == "spark_catalog" and self.spark.conf.get("spark.sql.catalogImplementation") == "in-memory":
            raise LakeError(
                f"lake {self.root}: this session's catalog forgets its tables when the session ends; "
                "add `--conf spark.sql.catalogImplementation=hive`, or use a folder"
            )
        if not self.spark.catalog.databaseExists(named):
            raise LakeError(f"lake {self.root}: there is no such schema, or you may not see it; CREATE SCHEMA {named}")
