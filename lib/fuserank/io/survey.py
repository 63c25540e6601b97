"""What can be known of a run before it: sizes of source files, former runs, free disk. Without Spark where all is local."""

from __future__ import annotations

import datetime as dt
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.common.errors import IngestError
from fuserank.io.files import local_files
from fuserank.io.places import is_local, local_path
from fuserank.io.table_formats import live_files
from fuserank.tables import Table
from fuserank.tables.ops import INGESTED, RUNS
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HEAD_BYTES = 1 << 20  # of a text file, from which the length of its lines is taken


@dataclass(frozen=True)
class FileSize:
    """A source file: its name under the root, bytes, rows (text: by the mean line of its first MB), when it was last changed."""

    name: str
    bytes: int
    rows: int
    changed_at: dt.datetime


def source_sizes(root: str, pattern: str, form: str, spark: SparkSession | None = None) -> list[FileSize]:
    """The files of a path or glob under the root; raises IngestError where there is none. Other roots need ``spark``."""
    if is_local(root):
        base = Path(local_path(root))
        found = [_local_size(Path(f.path), base, form) for f in local_files(str(base), pattern)]
    else:
        if spark is None:
            raise ValueError(f"{root} can only be listed with Spark")
        found = _remote_sizes(spark, root, pattern, form)
    if not found:
        raise IngestError("the file is not there", file=f"{root}/{pattern}", cure="mend root and path in the mapping")
    return found


def _local_size(path: Path, base: Path, form: str) -> FileSize:
    status = path.stat()
    if form == "parquet":
        try:
            rows = pq.read_metadata(path).num_rows
        except pa.ArrowInvalid as problem:
            raise IngestError(f"cannot be read: {problem}", file=path.name, cure="is it parquet? mend format in the mapping") from None  # fmt: skip
    else:
        with path.open("rb") as stream:
            rows = _lines(stream.read(_HEAD_BYTES), status.st_size)
    changed = dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
    return FileSize(path.relative_to(base).as_posix(), status.st_size, rows, changed)


def _lines(head: bytes, size: int) -> int:
    return round(head.count(b"\n") * size / len(head)) if head else 0


def _remote_sizes(spark: SparkSession, root: str, pattern: str, form: str) -> list[FileSize]:
    """By Hadoop's listing; Parquet rows by a count that reads footers alone."""
    jvm: Any = spark.sparkContext._jvm
    glob = jvm.org.apache.hadoop.fs.Path(f"{root}/{pattern}")
    system = glob.getFileSystem(spark.sparkContext._jsc.hadoopConfiguration())
    found = []
    for status in system.globStatus(glob) or []:
        if not status.isFile():
            continue
        path, size = status.getPath(), int(status.getLen())
        if form == "parquet":
            rows = spark.read.parquet(path.toString()).count()
        else:
            stream = system.open(path)
            head = bytes(stream.readNBytes(_HEAD_BYTES))
            stream.close()
            rows = _lines(head, size)
        changed = dt.datetime.fromtimestamp(status.getModificationTime() / 1000, dt.UTC)
        found.append(FileSize(path.toString().split(root, 1)[-1].lstrip("/"), size, rows, changed))
    return found


def runs(root: str, spark: SparkSession | None = None) -> list[dict[str, Any]]:
    """The lake's run ledger, oldest first: job, state, seconds, stage_seconds, rows_written, metrics; [] where there is none."""
    names = ["job", "state", "started_at", "stage_seconds", "rows_written", "metrics"]
    rows = _rows(root, RUNS, names, spark)
    for row in rows:
        for name in ("stage_seconds", "rows_written", "metrics"):
            row[name] = dict(row[name])  # Arrow tells a map as a list of pairs
    return sorted(rows, key=lambda r: r["started_at"])


def ingested(root: str, dataset: str, spark: SparkSession | None = None) -> dict[tuple[str, str], dt.datetime]:
    """(source table, file's name) → when bronze took it in last, of one data set."""
    rows = _rows(root, INGESTED, ["stage", "dataset", "source_table", "file", "ingested_at"], spark)
    taken: dict[tuple[str, str], dt.datetime] = {}
    for r in rows:
        if r["stage"] == "bronze" and r["dataset"] == dataset:
            key, at = (r["source_table"], r["file"]), _utc(r["ingested_at"])
            taken[key] = max(at, taken.get(key, at))
    return taken


def events(root: str, columns: Sequence[str], most: int) -> pa.Table | None:
    """These columns of silver.events of a lake on this machine; None where it has more than ``most`` rows, or none."""
    files = live_files(Path(local_path(root)) / EVENTS.name.replace(".", "/"))
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    if not 0 < rows <= most:
        return None
    return pa.concat_tables([pq.ParquetFile(file).read(columns=list(columns)) for file in files])


def _utc(at: dt.datetime) -> dt.datetime:
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _rows(root: str, table: Table, names: list[str], spark: SparkSession | None) -> list[dict[str, Any]]:
    if is_local(root):
        files = live_files(Path(local_path(root)) / table.name.replace(".", "/"))
        return [row for file in files for row in pq.ParquetFile(file).read(columns=names).to_pylist()]
    if spark is None:
        return []
    from fuserank.io.lake import Lake

    lake = Lake(spark, root, run_id="survey")
    return [r.asDict() for r in lake.read(table).select(*names).collect()] if lake.exists(table) else []


def disk(path: Path) -> tuple[int, int]:
    """(device, free bytes) of the file system that holds ``path``, or will: its nearest folder that is there."""
    there = next(p for p in (path.absolute(), *path.absolute().parents) if p.exists())
    return there.stat().st_dev, shutil.disk_usage(there).free


def local_dirs(conf: dict[str, str], spark: SparkSession | None = None) -> list[Path]:
    """Where Spark on this machine puts shuffles and spills: as the session says, else the environment, the settings, its defaults."""
    named = os.environ.get("SPARK_LOCAL_DIRS") or (
        spark.sparkContext.getConf().get("spark.local.dir")
        if spark
        else conf.get("spark.local.dir") or default_of("spark.local.dir")
    )
    return [Path(p.strip()) for p in (named or "/tmp").split(",")]


def default_of(key: str) -> str | None:
    """What SPARK_HOME/conf/spark-defaults.conf says of a setting; None where it says nothing."""
    import pyspark

    home = os.environ.get("SPARK_HOME") or str(Path(pyspark.__file__).parent)
    file = Path(os.environ.get("SPARK_CONF_DIR") or f"{home}/conf") / "spark-defaults.conf"
    if not file.is_file():
        return None
    found = re.search(rf"^{re.escape(key)}[ \t=]+(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found.group(1) if found else None
