"""How a JVM runs that lives for seconds and sees few rows: no code is made for queries, its own is compiled plainly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# The first compiler alone: the second one's code pays where a loop runs long, and until then takes as much time of the
# processors as all of Spark (measured: the same twelve tests in 93 s instead of 137, on two busy cores).
# Nor is the whole heap cleaned each time that Spark's classes have grown by half.
SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:MetaspaceSize=256m"
FEW_ROWS = {
    # Code made for each query pays from some 100,000 rows on; `make smoke` and the slower proofs run with it.
    "spark.sql.codegen.wholeStage": "false",
    # Nor does code made for each expression: a plan is walked once or twice here, and its code compiled for that.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # Nor is a plan checked again after every rule of the optimizer: those are Spark's own tests.
    "spark.sql.lightweightPlanChangeValidation": "false",
    # The plan as text goes into an event of every query, for a page that nobody opens.
    "spark.sql.ui.explainMode": "simple",
    # A tiny table makes one task rather than one for each core.
    "spark.sql.leafNodeDefaultParallelism": "1",
}
# One task a shuffle, and a plan that is made once instead of again after each of them.
_PLAIN_PLANS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.sources.bucketing.autoBucketedScan.enabled": "false",
}
_VARIABLE = "SPARK_SUBMIT_OPTS"


@contextmanager
def for_few_rows() -> Iterator[None]:
    """A JVM that this process starts within it is such a one; what the environment asks of it counts more."""
    before = os.environ.get(_VARIABLE)
    os.environ[_VARIABLE] = " ".join([SHORT_LIVED, *(f"-D{k}={v}" for k, v in FEW_ROWS.items()), before or ""]).strip()
    try:
        yield
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before


@contextmanager
def plain_plans(spark: SparkSession) -> Iterator[None]:
    """Queries of a session within it are planned for few rows; its settings are as before when it ends."""
    before = {key: spark.conf.get(key) for key in _PLAIN_PLANS}
    try:
        for key, value in _PLAIN_PLANS.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            spark.conf.set(key, str(old))
