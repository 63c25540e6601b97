"""A Parquet file as other writers make it: nanoseconds, times of day and bytes become what a mapping can declare."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from fuserank.sources.files.unreadable import refuse_names
from fuserank.spellings.casting import named

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_PARTS = {"MILLIS": 1_000, "MICROS": 1_000_000, "NANOS": 1_000_000_000}  # of a second
_AS_LONG = "spark.sql.legacy.parquet.nanosAsLong"


def read_parquet(spark: SparkSession, path: str, literal: str, file: str, declared: Collection[str]) -> DataFrame:
    """The rows of one file; types that Spark cannot read become others that hold the same values.

    Nanoseconds become timestamps in microseconds, times of day text (HH:mm:ss), bytes of ``declared`` columns text
    and NaN null, UUIDs their usual text. Columns of other types (16-bit floats, intervals) are left out.

    :param literal: the path as Spark takes it, where some signs stand for others
    """
    from pyspark.sql.types import StructType

    spark.conf.set(_AS_LONG, "true")  # else Spark refuses the whole file
    fields = list(_fields(spark, path))
    refuse_names([f["name"] for f, _ in fields], "parquet", file)
    frame = spark.read.schema(StructType.fromJson({"type": "struct", "fields": [f for f, _ in fields]})).parquet(
        literal
    )
    cells = (_cell(f["name"], f["type"], logical_type, f["name"] in declared) for f, logical_type in fields)
    return frame.select(*cells, "_metadata.row_index")


def _fields(spark: SparkSession, path: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Of each column that can be read: its field as Spark writes one in JSON, and what Parquet
    says of it, such as TIMESTAMP(NANOS,true).
    """
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    jvm: Any = spark._jvm
    context: Any = spark.sparkContext._jsc
    made = jvm.org.apache.hadoop.fs.Path(path)
    of_file = jvm.org.apache.parquet.hadoop.util.HadoopInputFile.fromPath(made, context.hadoopConfiguration())
    reader = jvm.org.apache.parquet.hadoop.ParquetFileReader.open(of_file)
    try:
        schema = reader.getFileMetaData().getSchema()
    finally:
        reader.close()
    settings = spark._jsparkSession.sessionState().conf()
    convert = jvm.org.apache.spark.sql.execution.datasources.parquet.ParquetToSparkSchemaConverter(settings).convert
    for field in schema.getFields():
        annotation = field.getLogicalTypeAnnotation()
        logical_type = annotation.toString() if annotation is not None else ""
        alone = jvm.java.util.ArrayList()
        alone.add(field)
        if logical_type.startswith("TIME("):
            yield {"name": field.getName(), "type": "long", "nullable": True, "metadata": {}}, logical_type
            continue
        try:
            as_json = convert(jvm.org.apache.parquet.schema.MessageType("one", alone)).json()
        except Py4JJavaError:
            continue
        yield json.loads(as_json)["fields"][0] | {"nullable": True}, logical_type


def _cell(name: str, found: Any, logical_type: str, declared: bool) -> Column:
    from pyspark.sql import functions as F

    cell = named(name)
    if logical_type.startswith("TIMESTAMP(NANOS"):
        moment = F.timestamp_micros(_floor(cell, 1000))
        return (moment if logical_type.endswith("true)") else moment.cast("timestamp_ntz")).alias(name)
    if logical_type.startswith("TIME("):
        seconds = _floor(cell, _PARTS[logical_type[5:].split(",")[0]])
        parts = (_floor(seconds, 3600), _floor(seconds, 60) % 60, seconds % 60)
        clock = F.concat_ws(":", *(F.lpad(part.cast("string"), 2, "0") for part in parts))
        return F.when(cell.isNotNull(), clock).alias(name)
    if logical_type == "UUID":
        groups = "(.{8})(.{4})(.{4})(.{4})(.{12})"
        return F.regexp_replace(F.lower(F.hex(cell)), groups, "$1-$2-$3-$4-$5").alias(name)
    if declared and found in ("float", "double"):  # how numpy writes that there is none
        return F.nanvl(cell, F.lit(None).cast(found)).alias(name)
    if found == "binary" and declared:
        return cell.cast("string").alias(name)
    return cell


def _floor(cell: Column, by: int) -> Column:
    """Whole division downwards, of whole numbers alone: doubles would lose the last digits of nanoseconds."""
    from pyspark.sql import functions as F

    return F.call_function("div", cell - F.pmod(cell, F.lit(by)), F.lit(by))
