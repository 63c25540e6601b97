"""A Delta table: first all of it as of one version, then what each commit brought; a Parquet file each.

A file a commit, named by its version: a row that was changed twice comes twice, and what the later file says counts,
however often one fetches. Spark reads (so deletion vectors and column mapping are its concern) and writes beside the
landing folder's files; the table's log says which commits there are, and what kind each is.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from fuserank.config.mapping.connect import DeltaConfig
from fuserank.io.lake.delta_log import actions, versions
from fuserank.io.lake.places import CATALOG, is_catalog
from fuserank.io.runtime.executors import root_cause
from fuserank.sources.connectors.delta_commits import Commit, Stretch, read_commit, stretches
from fuserank.sources.connectors.landing import STATE, FetchError, Piece

if TYPE_CHECKING:
    from delta.tables import DeltaTable
    from pyspark.sql import Column, DataFrame, SparkSession

_SCRATCH = ".spark"  # in the landing folder: whoever reads what landed can reach it
# A column of each piece: where it came from, and so that no two pieces have the
# same bytes (bronze reads a content once).
COLUMN = "_delta_version"
_VERSION, _FILE = "_fuserank_version", "_fuserank_file"
_WRITERS = 8


@dataclass(frozen=True)
class Table:
    """The source as it is now."""

    id: str
    location: str
    feed: bool  # whether it records changes
    have: set[int]  # versions in its log

    @property
    def newest(self) -> int:
        """The highest version in its log; -1 where there is none."""
        return max(self.have, default=-1)


class DeltaConnector:
    """The cursor: ``table`` (its id), the ``version`` that is in, ``feed`` (whether it recorded changes then), rows
    ``deleted`` there so far; ``snapshot`` instead of ``version`` while all of that version is under way.

    :param folder: where the pieces will land
    """

    def __init__(
        self, config: DeltaConfig, spark: SparkSession, folder: Path, say: Callable[[str], None] = lambda line: None
    ) -> None:
        self.config, self.spark, self.folder, self.say = config, spark, folder.absolute(), say
        self.again = f"take {folder / STATE} away to fetch the table as it is now"

    def fetch(self, cursor: Mapping[str, Any]) -> Iterator[Piece]:
        """Each piece holds what one version brought; they come in the order of versions."""
        table = self._look()
        self._refuse_another(table, cursor)
        self._clear()
        try:
            state = dict(cursor)
            if "version" not in state:
                state = yield from self._whole(table, state)
            elif state["version"] == table.newest:
                self.say(f"    {self.config.path}: nothing new since version {table.newest}")
            if state["version"] < table.newest and self.config.full:
                yield from self._whole(table, {"deleted": state["deleted"]})
            elif state["version"] < table.newest:
                yield from self._changes(table, state)
        finally:
            self._clear()

    def _look(self) -> Table:
        with self._as_fetch_error("cannot be opened", "fix connect.path in the mapping"):
            handle, name = self._handle(), self.config.path
            location = handle.detail().collect()[0]["location"] if is_catalog(name) else _place(name)
            have = versions(self.spark, location)  # before the settings: a commit in between is walked over next time
            detail = handle.detail().collect()[0]
            feed = detail["properties"].get("delta.enableChangeDataFeed", "false") == "true"
        return Table(detail["id"], location, feed, have)

    def _refuse_another(self, table: Table, cursor: Mapping[str, Any]) -> None:
        if not cursor:
            return
        if table.id != cursor.get("table"):
            raise FetchError(
                f"{self.config.path}: this is another table than the one that was fetched (its id is {table.id}, "
                f"not {cursor.get('table')}); {self.again}, or connect it to a table of its own"
            )
        last = cursor.get("version", cursor.get("snapshot", -1))
        if table.newest < last:
            raise FetchError(
                f"{self.config.path}: the table is at version {table.newest}, but {last} was fetched: it was put back;"
                f" {self.again}"
            )

    def _whole(self, table: Table, state: dict[str, Any]) -> Generator[Piece, None, dict[str, Any]]:
        """All of one version. It is chosen first: a run that goes on after a cut
        takes the same. Returns the new state.
        """
        if "snapshot" not in state:
            plain = {"table": table.id, "feed": table.feed, "deleted": state.get("deleted", 0)}
            state = {**plain, "snapshot": table.newest}
            yield Piece(None, _nothing, state)
        from pyspark.sql import functions as F

        version = state["snapshot"]
        with self._as_fetch_error(f"version {version} cannot be read"):
            self._write(self._versioned(self._read(versionAsOf=version).coalesce(1), F.lit(version)))
        done = {k: v for k, v in state.items() if k != "snapshot"} | {"version": version}
        yield self._piece(version, "-all", self._scratch, done)
        return done

    def _changes(self, table: Table, state: dict[str, Any]) -> Iterator[Piece]:
        since = range(state["version"] + 1, table.newest + 1)
        gone = [v for v in since if v not in table.have]
        if gone:
            raise FetchError(
                f"{self.config.path}: version {gone[0]} is in its log no longer (it is kept for"
                f" delta.logRetentionDuration); {self.again}"
            )
        for stretch in stretches((self._commit(table, v) for v in since), state["feed"]):
            state = state | {"feed": stretch.feed}
            for commit in stretch.commits:
                if commit.rewrites and not stretch.feed:
                    raise FetchError(
                        f"{self.config.path}: version {commit.version} ({commit.operation}) changed or deleted rows,"
                        " and the table does not record which; set delta.enableChangeDataFeed there for what comes,"
                        f" and {self.again} (full: true in the mapping does so at each new version)"
                    )
            if any(c.brings for c in stretch.commits):
                state = yield from self._stretch(stretch, state)
        if state["version"] < table.newest:
            yield Piece(None, _nothing, state | {"version": table.newest})

    def _commit(self, table: Table, version: int) -> Commit:
        with self._as_fetch_error(f"the log of version {version} cannot be read"):
            return read_commit(version, actions(self.spark, table.location, version))

    def _stretch(self, stretch: Stretch, state: dict[str, Any]) -> Generator[Piece, None, dict[str, Any]]:
        """One read of all its commits, a piece each; returns the new state."""
        from pyspark.sql import functions as F

        first, last = stretch.commits[0].version, stretch.commits[-1].version
        with self._as_fetch_error(f"versions {first} to {last} cannot be read"):
            rows, deleted = (self._changed if stretch.feed else self._appended)(stretch.commits)
            rows = self._versioned(rows, F.col(_VERSION)).repartition(min(_WRITERS, last - first + 1), _VERSION)
            self._write(rows, _VERSION)
        for commit in stretch.commits:
            version, lost = commit.version, deleted.get(commit.version, 0)
            if not commit.brings and not lost:
                continue
            state = state | {"version": version, "deleted": state["deleted"] + lost}
            piece = self._piece(version, "", self._scratch / f"{_VERSION}={version}", state, lost)
            if not stretch.feed and commit.rows is not None and commit.rows != piece.rows:
                raise FetchError(
                    f"{self.config.path}: version {version} added {commit.rows:,} rows by its log, {piece.rows:,} were"
                    f" found; set delta.enableChangeDataFeed there for what comes, and {self.again}"
                )
            yield piece
        return state

    def _changed(self, commits: list[Commit]) -> tuple[DataFrame, dict[int, int]]:
        """By the change feed: rows as they are after each commit, and how many each one deleted."""
        from pyspark.sql import functions as F

        feed = self._read(readChangeFeed=True, startingVersion=commits[0].version, endingVersion=commits[-1].version)
        lost: dict[int, int] = {}
        if any(c.rewrites for c in commits):
            counted = feed.where("_change_type = 'delete'").groupBy("_commit_version").agg(F.count("*").alias("rows"))
            lost = {r["_commit_version"]: r["rows"] for r in counted.collect()}
        rows = feed.where(F.col("_change_type").isin("insert", "update_postimage"))
        rows = rows.drop("_change_type", "_commit_timestamp").withColumnRenamed("_commit_version", _VERSION)
        return rows, lost

    def _appended(self, commits: list[Commit]) -> tuple[DataFrame, dict[int, int]]:
        """Without the feed: rows of the files that the commits added, all of which are there at the last of them."""
        from pyspark.sql import functions as F

        added = [(name, c.version) for c in commits for name in c.added]
        names = self.spark.createDataFrame(added, f"{_FILE} string, {_VERSION} long")
        frame = self._read(versionAsOf=commits[-1].version)
        frame = frame.withColumn(_FILE, frame.metadataColumn("_metadata")["file_name"])
        return frame.join(F.broadcast(names), _FILE).drop(_FILE), {}

    def _versioned(self, rows: DataFrame, version: Column) -> DataFrame:
        if COLUMN in {name.lower() for name in rows.columns}:
            raise FetchError(f"{self.config.path}: the name of its column {COLUMN} is taken; rename it there")
        return rows.withColumn(COLUMN, version.cast("long"))

    def _write(self, rows: DataFrame, *by: str) -> None:
        """Beside the landing folder's files, a file for each value of ``by``."""
        import pyarrow.parquet as pq
        from pyspark.sql import Observation
        from pyspark.sql import functions as F

        seen = Observation()
        counted = rows.observe(seen, F.count(F.lit(1)).alias("rows"))
        counted.write.mode("overwrite").partitionBy(*by).parquet(f"file://{self._scratch}")
        there = sum(pq.read_metadata(file).num_rows for file in self._scratch.rglob("part-*"))
        if there != seen.get["rows"]:
            raise FetchError(
                f"Spark wrote {seen.get['rows']:,} rows and {there:,} are in {self._scratch}: its executors run where"
                " that folder is another; fetch on one machine (spark.master local[*])"
            )

    def _piece(self, version: int, mark: str, written: Path, cursor: dict[str, Any], deleted: int = 0) -> Piece:
        import pyarrow.parquet as pq

        files = sorted(written.glob("part-*"))
        if len(files) > 1:
            raise FetchError(f"{self.config.path}: Spark wrote version {version} as {len(files)} files, not as one")
        rows = pq.read_metadata(files[0]).num_rows if files else 0
        if not rows:
            return Piece(None, _nothing, cursor, deleted=deleted)
        name = f"{version:020d}-{cursor['table'][:8]}{mark}.parquet"
        return Piece(name, _copy(files[0]), cursor, rows, fixed=True, deleted=deleted)

    def _read(self, **options: Any) -> DataFrame:
        reader, name = self.spark.read.format("delta").options(**options), self.config.path
        return reader.table(_quoted(name)) if is_catalog(name) else reader.load(_place(name))

    def _handle(self) -> DeltaTable:
        from delta.tables import DeltaTable

        name = self.config.path
        if is_catalog(name):
            return DeltaTable.forName(self.spark, _quoted(name))
        return DeltaTable.forPath(self.spark, _place(name))

    @property
    def _scratch(self) -> Path:
        return self.folder / _SCRATCH

    def _clear(self) -> None:
        shutil.rmtree(self._scratch, ignore_errors=True)

    @contextmanager
    def _as_fetch_error(
        self, what: str, cure: str = "run again when that is fixed: what came before is kept"
    ) -> Iterator[None]:
        """Spark's own errors as one line with the cure."""
        from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
        from pyspark.errors import PySparkException

        try:
            yield
        except (PySparkException, Py4JJavaError) as problem:
            message = str(problem)
            if "FILE_NOT_EXIST" in message or "FileNotFoundException" in message:
                message, cure = "files of it are gone (VACUUM takes what is older than its retention)", self.again
            raise FetchError(f"{self.config.path}: {what}: {root_cause(message)}; {cure}") from problem


def _place(path: str) -> str:
    """As Spark takes it: a URL as it was typed, a folder from the root on."""
    return path if "://" in path else str(Path(path.removeprefix("file:")).absolute())


def _quoted(name: str) -> str:
    return ".".join(f"`{part}`" for part in name.removeprefix(CATALOG).split("."))


def _copy(file: Path) -> Callable[[IO[bytes]], None]:
    def write(out: IO[bytes]) -> None:
        with file.open("rb") as source:
            shutil.copyfileobj(source, out, 1 << 20)

    return write


def _nothing(out: IO[bytes]) -> None:
    """Of a piece without a file."""
