"""Make the archive of Spark's classes that JVMs of this environment map.

Usage: python -m fuserank.io.runtime.archive_classes
"""

from __future__ import annotations

import os
import tempfile
from typing import TYPE_CHECKING, Any

from fuserank.io.runtime import session
from fuserank.io.runtime.shared_classes import archive

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def make() -> None:
    """Start a session, do what the chain does on a few rows, end it, and keep its classes."""
    from pyspark import SparkContext

    part = archive().with_suffix(".part")
    part.unlink(missing_ok=True)
    os.environ.setdefault("SPARK_SUBMIT_OPTS", "-XX:TieredStopAtLevel=1")  # it lives for seconds
    session.SHARED = ("ArchiveClassesAtExit", part)
    spark = session.start("classes")
    with tempfile.TemporaryDirectory(prefix="fuserank-classes-") as folder:
        _work(spark, folder)
    gateway: Any = SparkContext._gateway
    spark.stop()
    gateway.shutdown()
    gateway.proc.stdin.close()  # the JVM ends with its parent's pipe, and writes the archive
    gateway.proc.wait()
    if part.is_file():
        part.replace(archive())


def _work(spark: SparkSession, folder: str) -> None:
    """A bit of all that stages do: files in, Delta tables, windows, joins, kernels."""
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    from fuserank.io.lake.digest import digest
    from fuserank.io.lake.lake import Lake
    from fuserank.tables.ops import RUNS
    from fuserank.tables.silver import USER_DICTIONARY, USERS
    from fuserank.tables.spark import schema

    rows = spark.range(100).withColumns(
        {"k": F.col("id") % 7, "t": F.current_timestamp(), "w": F.col("id").cast("string")}
    )
    for kind in ("csv", "json", "parquet"):
        rows.write.format(kind).save(f"{folder}/{kind}")
        spark.read.format(kind).load(f"{folder}/{kind}").count()
    first = Window.partitionBy("k").orderBy("id")
    ranked = rows.withColumn("n", F.row_number().over(first)).join(F.broadcast(rows.groupBy("k").agg(F.sum("id"))), "k")
    ranked.repartition("k").sortWithinPartitions("k").mapInArrow(
        lambda batches: batches, ranked.schema
    ).persist().toArrow()
    lake = Lake(spark, f"{folder}/lake", run_id="classes")
    users = spark.createDataFrame(
        [(f"u{n}", n, None, None) for n in range(9)],
        "user_id string, user_index int, first_event_time timestamp, deleted_at timestamp",
    )
    users = users.withColumn("first_event_time", F.current_timestamp())
    lake.append(USER_DICTIONARY, users)
    lake.merge(USER_DICTIONARY, lake.read(USER_DICTIONARY))
    lake.ensure(RUNS)
    people = spark.createDataFrame([], schema(USERS)).drop("dataset", "run_id")
    lake.replace(USERS, people, dataset="classes")
    digest(lake.read(USER_DICTIONARY), USER_DICTIONARY)


if __name__ == "__main__":
    make()
