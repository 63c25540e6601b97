"""The Spark session: found right or refused, never fixed in code."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.config.secrets import unset
from fuserank.io.runtime.chatter import without_chatter
from fuserank.io.runtime.environment import refuse_wrong_environment, use_utf8
from fuserank.io.runtime.executors import await_executors, refuse_bad_addresses, refuse_bad_python, root_cause
from fuserank.io.runtime.jvm_names import look_up_once
from fuserank.io.runtime.shared_classes import sharing
from fuserank.io.runtime.submitted import refuse_bad_submission, refuse_nameless_machine

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings

# What must stand before the JVM starts; rendered into spark-defaults.conf by `fuserank setup`.
REQUIRED = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
}
_DAEMON = "spark.python.daemon.module"
SHARED: tuple[Any, ...] = ()  # how the next JVM uses the archive of classes, other than by reading it
_OF_DELTA = ("spark.sql.extensions", "spark.sql.catalog.spark_catalog")


class SessionError(FuserankError):
    """Spark does not start, or lacks a setting that must stand before the JVM
    starts; the message gives the line to add.
    """


def start(app_name: str, executors_wait_seconds: float = 60.0) -> SparkSession:
    """The session of this process, UTC, with Delta; raises SessionError with the line to add where one is missing.

    On a cluster it also waits for an executor and tries its Python (ClusterError): a job would wait for ever.
    """

    spark = bare(app_name)
    for key, want in required().items():
        have = spark.conf.get(key, "")
        if want not in (have or ""):
            raise SessionError(f"{key} is {have!r}; add `--conf {key}={want}` or run `fuserank setup`")
    refuse_other_version(spark.sparkContext.getConf().get(_DAEMON, "") or "")
    if _OF_DELTA[0] in required():
        _refuse_no_delta(spark)
    await_executors(spark, executors_wait_seconds)
    refuse_bad_python(spark)
    return spark


def refuse_other_version(daemon: str) -> None:
    """Raises SessionError where settings that another fuserank rendered name its own module for Python workers.

    None of them would start, and Spark would say so once for each.
    """
    if daemon.startswith("fuserank.") and not _is_module(daemon):
        raise SessionError(f"{_DAEMON} is {daemon}, of another version of fuserank; run `fuserank setup` once more")


def _is_module(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that should hold it
        return False


def bare(app_name: str) -> SparkSession:
    """The session of this process, UTC, whatever else it lacks: `fuserank doctor`
    looks at what executors have with it.
    """
    os.environ["TZ"] = "UTC"
    time.tzset()
    # spark-submit sets this from spark.pyspark.python; plain python would start workers with whatever python3 is
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    spark = _started(app_name)
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def required() -> dict[str, str]:
    """What must stand here: Databricks' runtime brings Delta without a word in the settings, and its own catalog."""
    brought = _OF_DELTA if "DATABRICKS_RUNTIME_VERSION" in os.environ else ()
    return {key: want for key, want in REQUIRED.items() if key not in brought}


def _started(app_name: str) -> SparkSession:
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    try:
        if SparkContext._active_spark_context is None:
            if "PYSPARK_GATEWAY_PORT" not in os.environ:  # else spark-submit has started the JVM
                refuse_wrong_environment()
                use_utf8()
            refuse_nameless_machine()
            with without_chatter(), sharing(*SHARED):
                # the JVM that spark-submit started, or a new one: it knows the settings
                SparkContext._ensure_initialized()
            jvm: Any = SparkContext._jvm
            refuse_bad_submission(SparkConf(), str(jvm.scala.util.Properties.versionNumberString()))
            refuse_bad_addresses(SparkConf())
            look_up_once(jvm)
        return SparkSession.builder.appName(app_name).getOrCreate()
    except PySparkRuntimeError as problem:
        if problem.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise SessionError(
            "Spark's JVM ended before it began; its own words are above: no Java (`fuserank doctor`), or packages that "
            "spark.jars.packages names and no network brings (give the jars themselves: --jars)"
        ) from None
    except Py4JJavaError as problem:
        raise _not_started(str(problem.java_exception), SparkConf().get("spark.driver.host", "") or "") from problem


def _not_started(message: str, host: str) -> Exception:
    """One line for what a context died of before there was one."""
    if "BindException" in message:
        return SessionError(
            f"the driver can't listen at spark.driver.host={host}: it is no address of this machine; give one that"
            " every worker reaches, and spark.driver.bindAddress where the machine knows itself by another"
        )
    cure = "what --archives, --jars and --files name must be there, and the cluster must let you in"
    return SessionError(f"Spark does not start: {root_cause(message)}; {cure}")


def _refuse_no_delta(spark: SparkSession) -> None:
    """Without its jars Spark starts with a warning, and dies at the first table."""
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    jvm: Any = spark.sparkContext._jvm
    try:
        jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(REQUIRED["spark.sql.extensions"])
    except Py4JJavaError:
        raise SessionError(
            "Delta's jars are not on Spark's class path; add --jars with both of dist/jars (`make package`), or run"
            " `fuserank setup`"
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
