"""Lines of the inbox as bronze keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.tables.exposures import LINES
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_CORRUPT = "_corrupt"
_ADDED = ("_file", "_day", "_batch", "run_id")


def read_segments(spark: SparkSession, paths: Sequence[str], batch: int) -> DataFrame:
    """All lines of whole segments, with their files; a line that is no JSON object stands in ``_corrupt``.

    :param paths: their names begin with the UTC time at which they were begun, as 20240603T120000Z
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructType

    fields = StructType([f for f in schema(LINES).fields if f.name not in _ADDED])
    for field in fields.fields:
        field.nullable = True
    rows = spark.read.schema(fields).option("columnNameOfCorruptRecord", _CORRUPT).json(list(paths))
    name = F.element_at(F.split(F.input_file_name(), "/"), -1)
    return rows.select(
        *fields.names,
        name.alias("_file"),
        F.to_date(F.substring(name, 1, 8), "yyyyMMdd").alias("_day"),
        F.lit(batch).cast("long").alias("_batch"),
    )


def without_names(lines: DataFrame, pseudonym: Column) -> DataFrame:
    """The lines with ``pseudonym`` for the user; of one that could not be read only that it was there."""
    from pyspark.sql import functions as F

    corrupt = F.when(F.col(_CORRUPT).isNotNull(), F.lit("not kept: the line may hold an id"))
    return lines.withColumns({"user": pseudonym, _CORRUPT: corrupt})
