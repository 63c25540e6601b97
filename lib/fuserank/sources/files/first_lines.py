"""The first lines of a text file, of this machine or of any place that Hadoop knows."""

from __future__ import annotations

import bz2
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BYTES = 1 << 20


def first_lines(spark: SparkSession, path: str, encoding: str) -> list[str]:
    """Lines of the first megabyte, without their ends and without a byte order mark; the last may be cut off.

    :param path: as a URL or as a path of this machine; gzip and bzip2 by the ending
    :param encoding: as a mapping names it; characters that are none of it come as the sign for such
    """
    raw = _head(spark, path) if "://" in path else _local_head(path)
    if path.lower().endswith(".gz"):
        raw = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(raw, _BYTES)
    elif path.lower().endswith(".bz2"):
        raw = bz2.BZ2Decompressor().decompress(raw, _BYTES)
    text = raw.decode("utf-8-sig" if encoding.upper() in {"UTF-8", "UTF8"} else encoding, "replace")
    return re.split(r"\r\n|\n|\r", text)


def _local_head(path: str) -> bytes:
    with Path(path).open("rb") as stream:
        return stream.read(_BYTES)


def _head(spark: SparkSession, path: str) -> bytes:
    jvm: Any = spark.sparkContext._jvm
    context: Any = spark.sparkContext._jsc
    made = jvm.org.apache.hadoop.fs.Path(path)
    stream = made.getFileSystem(context.hadoopConfiguration()).open(made)
    try:
        return bytes(stream.readNBytes(_BYTES))
    finally:
        stream.close()
