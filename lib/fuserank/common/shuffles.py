"""How many tasks a shuffle has."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def shuffle_tasks(spark: SparkSession) -> int:
    """As the session says; where it says no number (Databricks may say auto), one for each core."""
    setting = spark.conf.get("spark.sql.shuffle.partitions") or ""
    return max(1, int(setting) if setting.isdecimal() else spark.sparkContext.defaultParallelism)
