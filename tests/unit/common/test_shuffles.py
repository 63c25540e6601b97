"""How many tasks a shuffle has, also where the session says no number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fuserank.common.shuffles import shuffle_tasks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


class Says:
    """A session whose setting is no number, as Databricks' may be; open-source Spark refuses to be told so."""

    def __init__(self, spark: SparkSession, partitions: str) -> None:
        self.sparkContext, self.conf = spark.sparkContext, {"spark.sql.shuffle.partitions": partitions}


@pytest.mark.parametrize("partitions", ["auto", ""])
def test_without_a_number_there_is_a_task_for_each_core(spark: SparkSession, partitions: str) -> None:
    assert shuffle_tasks(Says(spark, partitions)) == spark.sparkContext.defaultParallelism  # type: ignore[arg-type]


def test_the_session_s_number_counts(spark: SparkSession) -> None:
    assert shuffle_tasks(spark) == int(str(spark.conf.get("spark.sql.shuffle.partitions")))
    assert shuffle_tasks(Says(spark, "37")) == 37  # type: ignore[arg-type]
