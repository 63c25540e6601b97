"""The shape in which all sources give their candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def of_source(candidates: DataFrame, source: str) -> DataFrame:
    """user_index, item_index, source, rank, score: candidates.candidates without as_of_date and run_id."""
    from pyspark.sql import functions as F

    return candidates.select("user_index", "item_index", F.lit(source).alias("source"), "rank", "score")


def same_list_for_all(scored_items: DataFrame, users: DataFrame, source: str, quota: int) -> DataFrame:
    """The best ``quota`` items (item_index, score double), ties to the lower item_index, given to every user.

    Returns user_index, item_index, source, rank (int), score (float). Only ``quota`` rows are ever in one place.
    """
    from pyspark.sql import functions as F

    best = scored_items.orderBy(F.desc("score"), "item_index").limit(quota)
    entry = F.struct((-F.col("score")).alias("minus_score"), "item_index")
    ranked = best.agg(F.array_sort(F.collect_list(entry)).alias("entries")).select(F.posexplode("entries"))
    listed = ranked.select(
        F.col("col.item_index").alias("item_index"),
        (F.col("pos") + 1).cast("int").alias("rank"),
        (-F.col("col.minus_score")).cast("float").alias("score"),
    )
    return of_source(users.crossJoin(F.broadcast(listed)), source)


def without(candidates: DataFrame, pairs: DataFrame) -> DataFrame:
    """``candidates`` of one source less ``pairs`` (user_index, item_index); what stood below
    them moves up, so that ranks have no gaps.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    remaining = candidates.join(pairs, ["user_index", "item_index"], "left_anti")
    place = F.row_number().over(Window.partitionBy("user_index").orderBy("rank"))
    return remaining.withColumn("rank", place.cast("int"))
