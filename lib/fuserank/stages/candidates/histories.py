"""Histories of a lake in the shape in which the retrieval family learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.config.auto import Numbers
from fuserank.learning.recommenders.interactions import of_sums

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def counted(pair_rows: DataFrame) -> Numbers:
    """``interactions.numbers_of`` of ``history.baskets.pairs``.

    Runs two jobs; sums of integers alone, so in any number of partitions the same.
    """
    from pyspark.sql import functions as F

    span, steps = F.max("age_days") - F.min("age_days"), F.count_distinct("age_days") - 1
    by_user = pair_rows.groupBy("user_index").agg(span.alias("span"), steps.alias("steps"))
    by_item = pair_rows.groupBy("item_index").agg(F.count(F.lit(1)).alias("n"))
    (u,) = by_user.agg(
        F.count(F.lit(1)).alias("users"), F.sum("span").alias("span"), F.sum("steps").alias("steps")
    ).collect()
    (i,) = by_item.agg(
        F.count(F.lit(1)).alias("items"), F.sum("n").alias("pairs"), F.sum(F.col("n") * F.col("n")).alias("squares")
    ).collect()
    sums = (u["users"], i["items"], i["pairs"], i["squares"], u["span"], u["steps"])
    return of_sums(*(int(n or 0) for n in sums))


def as_interactions(pair_rows: DataFrame) -> DataFrame:
    """PAIR_COLUMNS of ``history.baskets.pairs``: weight = distinct baskets, age = days since the last."""
    return pair_rows.selectExpr(
        "user_index", "item_index", "cast(baskets as float) weight", "cast(age_days as float) age"
    )
