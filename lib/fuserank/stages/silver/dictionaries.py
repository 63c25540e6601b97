"""Append-only dictionaries: business id → dense int32 index."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def new_entries(events: DataFrame, dictionary: DataFrame, side: str) -> DataFrame:
    """Ids of a batch that the dictionary lacks, numbered after its last by (first event time, id in byte order).

    :param events: ``<side>_id`` and ``event_time`` of the batch's good events
    :param dictionary: what stands already; never moved. ANSI mode stops the job at 2^31 ids.
    :returns: ``<side>_id``, ``<side>_index``, ``first_event_time``, ``deleted_at``

    The numbering sorts the new ids on one executor: 68,509 take .1 s, 10^8 of a first load some minutes, once.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    key, index = f"{side}_id", f"{side}_index"
    first = events.groupBy(key).agg(F.min("event_time").alias("first_event_time"))
    new = first.join(dictionary.select(key), key, "left_anti")
    start = dictionary.agg((F.coalesce(F.max(index), F.lit(-1)) + 1).alias("_start"))
    place = F.row_number().over(Window.orderBy("first_event_time", key))
    return new.crossJoin(F.broadcast(start)).select(
        key,
        (F.col("_start").cast("long") + place - 1).cast("int").alias(index),
        "first_event_time",
        F.lit(None).cast("timestamp").alias("deleted_at"),
    )


def earlier_entries(events: DataFrame, dictionary: DataFrame, side: str) -> DataFrame:
    """Entries whose first event a batch brings later than later ones: with its time, and the number that they have."""
    from pyspark.sql import functions as F

    key = f"{side}_id"
    first = events.groupBy(key).agg(F.min("event_time").alias("_first"))
    late = first.join(dictionary.drop("run_id"), key).where("_first < first_event_time")
    return late.withColumn("first_event_time", F.col("_first")).select(
        key, f"{side}_index", "first_event_time", "deleted_at"
    )
