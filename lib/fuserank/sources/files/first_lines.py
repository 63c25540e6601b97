"""The first lines of a text file, of this machine or of any place that Hadoop knows, and how its lines end."""

from __future__ import annotations

import bz2
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_BYTES = 1 << 20
_SMALL = 16 << 20  # bytes: a file of this machine that is read here before a job of Spark's has begun
_PACKED = {".gz", ".bgz", ".bz2", ".deflate", ".lz4", ".lzo", ".snappy", ".xz", ".zst", ".zstd"}


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


def has_a_row_a_line(spark: SparkSession, path: str, options: Mapping[str, str]) -> bool:
    """Whether no line of a CSV file ends inside of quotes: then all cores read it, and its
    lines may end in \\n or \\r\\n, or in both.

    A file with line breaks in quotes is one stream, for one core, and its first line's end is that of all.

    :param path: as Spark takes it, the signs of a glob behind backslashes
    """
    if "16" in options["encoding"] or "32" in options["encoding"]:  # a line's end has more than one byte there
        return False
    # a carriage return inside of a line is a cell's, or ends a line of an old Macintosh: the other reader knows
    plain = re.sub(r"\\(.)", r"\1", path).removeprefix("file://")
    if "://" not in plain and (file := Path(plain)).suffix.lower() not in _PACKED and file.stat().st_size <= _SMALL:
        lines = file.read_bytes().split(b"\n")
        odd = bool(options["quote"]) and any(line.count(b'"') % 2 for line in lines)
        return not odd and not any(b"\r" in line.rstrip(b"\r") for line in lines)
    quotes = "octet_length(value) - octet_length(replace(value, '\"', ''))" if options["quote"] else "0"
    broken = f"({quotes}) % 2 = 1 OR instr(rtrim('\\r', value), '\\r') > 0"
    return spark.read.option("lineSep", "\n").text(path).where(broken).isEmpty()


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
