"""The Spark session: found right or refused, never mended in code."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.config.secrets import unset
from fuserank.io.executors import await_executors, refuse_bad_addresses

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings

# What must stand before the JVM starts; rendered into spark-defaults.conf by `make setup`.
REQUIRED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
_OF_DELTA = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog")


class SessionError(FuserankError):
    """Spark does not start, or lacks a setting that must stand before the JVM starts; the message gives the line to add."""


def start(app_name: str, executors_wait_seconds: float = 60.0) -> SparkSession:
    """The session of this process, UTC, with Delta; raises SessionError with the line to add where one is missing.

    On a cluster it also waits for an executor and tries its Python (ClusterError): a job would wait for ever.
    """

    os.environ["TZ"] = "UTC"
    time.tzset()
    # spark-submit sets this from spark.pyspark.python; plain python would start workers with whatever python3 is
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = _started(app_name)
    spark.sparkContext.setLogLevel("ERROR")
    for key, want in required().items():
        have = spark.conf.get(key, "")
        if want not in (have or ""):
            raise SessionError(f"{key} is {have!r}; add `--conf {key}={want}` or run `make setup`")
    await_executors(spark, executors_wait_seconds)
    return spark


def required() -> dict[str, str]:
    """What must stand here: Databricks' runtime brings Delta without a word in the settings, and its own catalog."""
    brought = _OF_DELTA if "DATABRICKS_RUNTIME_VERSION" in os.environ else ()
    return {key: want for key, want in REQUIRED.items() if key not in brought}


def _started(app_name: str) -> SparkSession:
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark import SparkConf, SparkContext
    from pyspark.sql import SparkSession

    if SparkContext._active_spark_context is None:
        SparkContext._ensure_initialized()  # the JVM that spark-submit started, or a new one: it knows the settings
        refuse_bad_addresses(SparkConf())
    try:
        return SparkSession.builder.appName(app_name).getOrCreate()
    except Py4JJavaError as problem:
        said = str(problem.java_exception)
        if "BindException" not in said:
            raise
        host = SparkConf().get("spark.driver.host", "")
        raise SessionError(
            f"the driver can't listen at spark.driver.host={host}: it is no address of this machine; give one that every "
            "worker reaches, and spark.driver.bindAddress where the machine knows itself by another"
        ) from None


def require_secrets(settings: Settings) -> None:
    """Raise SessionError where a setting refers to an environment variable that this process has not."""
    lacking = unset({**settings.submit, **settings.spark}, os.environ)
    if lacking:
        raise SessionError(lacking[0])


def apply_runtime(spark: SparkSession, conf: dict[str, str]) -> None:
    """Settings that may change while a session lives (shuffle partitions …); others are refused by Spark itself."""
    for key, value in conf.items():
        spark.conf.set(key, value)
