"""A file's rows without a lake: as bronze reads them and as silver types them, by what the jobs themselves call."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fuserank.jobs.parts.bronze_tables import readable_rows
from fuserank.sources.files.read import find_files, hashed
from fuserank.stages.silver.events import typed_events
from tests.support.shop import NOW

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig


def in_bronze(spark: SparkSession, dataset: DatasetConfig) -> DataFrame:
    """The rows of the one file of ``sales``, in a thread of a pool, as the job has them."""
    (found,) = find_files(spark, dataset.root.folder, dataset.files["sales"].path)
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(readable_rows, spark, dataset, "sales", hashed(spark, found), 1).result()


def in_silver(rows: DataFrame, dataset: DatasetConfig) -> DataFrame:
    """Bronze's rows as events, with ``_problem``; lazy."""
    return typed_events(rows, dataset, dataset.events[0], NOW)
