"""The commits of a Delta table, read from its log folder; ``history(1)`` asks the same by a Spark job of .1 s.

Only what the protocol fixes is used: commits are files ``<20 digits>.json`` of one action a line, and one of them holds
``commitInfo`` (Delta Transaction Log Protocol, "Delta Log Entries" and "Commit Provenance Information").
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_COMMIT = re.compile(r"(\d{20})\.json")


def newest_version(spark: SparkSession, path: str) -> int:
    """The version of the newest commit of the table at ``path`` (any URL that Hadoop reads); -1 where there is none."""
    return max(versions(spark, path), default=-1)


def versions(spark: SparkSession, path: str) -> set[int]:
    """The versions whose commits are in the log; old ones are cleaned away (``delta.logRetentionDuration``)."""
    folder, files = _log(spark, path)
    if not files.exists(folder):
        return set()
    found = (_COMMIT.fullmatch(status.getPath().getName()) for status in files.listStatus(folder))
    return {int(match[1]) for match in found if match}


def commit_info(spark: SparkSession, path: str, version: int) -> dict[str, Any]:
    """What the commit says of itself: operation, operationMetrics (strings), …; {} where it says nothing."""
    for line in _lines(spark, path, version):
        if line.startswith('{"commitInfo"'):
            info: dict[str, Any] = json.loads(line)["commitInfo"]
            return info
    return {}


def actions(spark: SparkSession, path: str, version: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind (add, remove, cdc, metaData, …) and content of each action of the commit."""
    for line in _lines(spark, path, version):
        if line.strip():
            yield from json.loads(line).items()


def _lines(spark: SparkSession, path: str, version: int) -> list[str]:
    folder, files = _log(spark, path)
    jvm: Any = spark._jvm
    stream = files.open(jvm.org.apache.hadoop.fs.Path(folder, f"{version:020}.json"))
    try:
        # a line ends by \n alone: other marks that Python takes for one may stand in texts
        return str(jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")).split("\n")
    finally:
        stream.close()


def _log(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """The log folder and its file system, as Java objects."""
    jvm: Any = spark._jvm
    folder = jvm.org.apache.hadoop.fs.Path(f"{path}/_delta_log")
    return folder, folder.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
