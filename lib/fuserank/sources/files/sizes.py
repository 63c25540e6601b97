"""Sizes of source files, before any is read. Without Spark where all is local."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.common.errors import IngestError
from fuserank.io.lake.places import is_local, local_path
from fuserank.sources.files.read import local_files

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_HEAD_BYTES = 1 << 20  # of a text file, from which the length of its lines is taken


@dataclass(frozen=True)
class FileSize:
    """A source file: its name under the root, bytes, rows (text: by the mean line of
    its first MB), when it was last changed.
    """

    name: str
    bytes: int
    rows: int
    changed_at: dt.datetime


def source_sizes(root: str, pattern: str, form: str, spark: SparkSession | None = None) -> list[FileSize]:
    """The files of a path or glob under the root; raises IngestError where none is. Other roots need ``spark``."""
    if is_local(root):
        base = Path(local_path(root))
        found = [_local_size(Path(f.path), base, form) for f in local_files(str(base), pattern)]
    else:
        if spark is None:
            raise ValueError(f"{root} can only be listed with Spark")
        found = _remote_sizes(spark, root, pattern, form)
    if not found:
        raise IngestError("the file is not there", file=f"{root}/{pattern}", cure="fix root and path in the mapping")
    return found


def _local_size(path: Path, base: Path, form: str) -> FileSize:
    status = path.stat()
    if form == "parquet":
        try:
            rows = pq.read_metadata(path).num_rows
        except pa.ArrowInvalid as problem:
            raise IngestError(
                f"cannot be read: {problem}", file=path.name, cure="is it parquet? fix format in the mapping"
            ) from None
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
