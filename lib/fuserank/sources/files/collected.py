"""Lines of the collector's segments: JSON by the names of the mapping's columns, all read as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.sources.files.read import number_rows
from fuserank.sources.files.reader_options import CORRUPT

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

NAME = "_segment"
COLLECTED = "collected-"  # what _content_hash of such rows begins with, then a day: no file's does
BATCH = 0  # their bronze batch: a file's, from 1, corrects them


def read_collected(spark: SparkSession, paths: Sequence[str], columns: Sequence[str]) -> DataFrame:
    """All lines of segments: the columns as text, null where a line has none, ``_row`` from 0 over all of them,
    ``_corrupt``, and the segment's name.

    :param paths: as Spark takes them letter for letter
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import StringType, StructField, StructType

    fields = StructType([StructField(name, StringType()) for name in (*columns, CORRUPT)])
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": CORRUPT, "multiLine": "false"}
    rows = spark.read.schema(fields).options(**options).json(list(paths))
    name = F.element_at(F.split(F.input_file_name(), "/"), -1)
    return number_rows(rows.withColumn(NAME, name), several=True)
