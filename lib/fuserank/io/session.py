"""The Spark session: found right or refused, never mended in code."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# What must stand before the JVM starts; rendered into spark-defaults.conf by `make setup`.
REQUIRED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}


class SessionError(RuntimeError):
    """The session lacks a setting that must stand before the JVM starts; the message gives the line to add."""


def start(app_name: str) -> SparkSession:
    """The session of this process, UTC, with Delta; raises SessionError with the line to add where one is missing."""
    from pyspark.sql import SparkSession

    os.environ["TZ"] = "UTC"
    time.tzset()
    # spark-submit sets this from spark.pyspark.python; plain python would start workers with whatever python3 is
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = SparkSession.builder.appName(app_name).getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    for key, want in REQUIRED.items():
        have = spark.conf.get(key, "")
        if want not in (have or ""):
            raise SessionError(f"{key} is {have!r}; add `--conf {key}={want}` or run `make setup`")
    return spark


def apply_runtime(spark: SparkSession, conf: dict[str, str]) -> None:
    """Settings that may change while a session lives (shuffle partitions …); others are refused by Spark itself."""
    for key, value in conf.items():
        spark.conf.set(key, value)
