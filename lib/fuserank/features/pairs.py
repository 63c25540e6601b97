"""User–item: counts, decayed counts, recency, due-ness, share within the product type; and a user's last items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from fuserank.features.baskets import counted, decayed_counts, decayed_q20, mean_gap, share
from fuserank.tables.features import HISTORY, PAIR_HALF_LIVES_DAYS, PAIR_WINDOWS_DAYS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def pair_counts(baskets: DataFrame) -> DataFrame:
    """``baskets`` (from ``basket_items``) → one row per user and item, with integer sums and gap_days (null below two)."""
    discounted = F.when(F.col("discount_lines") > 0, F.lit(1)).otherwise(F.lit(0)).cast("long")
    counts = baskets.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("baskets_count"),
        *counted("baskets", PAIR_WINDOWS_DAYS),
        *decayed_q20(PAIR_HALF_LIVES_DAYS),
        F.min("age_days").alias("since_last_days"),
        F.max("age_days").alias("since_first_days"),
        F.sum("quantity").alias("quantity_count"),
        F.sum("spend_minor").alias("spend_minor"),
        F.sum(discounted).alias("discount_baskets"),
    )
    return counts.withColumn("gap_days", mean_gap(F.col("baskets_count")))


def user_item(pairs: DataFrame, items: DataFrame, attributes: DataFrame) -> DataFrame:
    """features.user_item of ``pair_counts``, features.item and features.user_attribute."""
    types = attributes.where(F.col("kind") == "product_type").select(
        "user_index", F.col("value_index").alias("product_type_index"), F.col("decayed_60d_count").alias("_type")
    )
    usual = items.select("item_index", "product_type_index", F.col("gap_days").alias("_usual"))
    own = F.col("decayed_60d_count")
    gap = F.coalesce(F.col("gap_days"), F.col("_usual"))
    return (
        pairs.select("*", *decayed_counts(PAIR_HALF_LIVES_DAYS))
        .join(F.broadcast(usual), "item_index", "left")
        .join(types, ["user_index", "product_type_index"], "left")
        .withColumn("dueness_ratio", F.col("since_last_days") / F.greatest(gap, F.lit(1.0)))
        .withColumn("product_type_share", own / (F.coalesce(F.col("_type"), own) + F.lit(0.5)))
        .withColumn("discount_basket_share", share(F.col("discount_baskets"), F.col("baskets_count")))
    )


def user_history(pairs: DataFrame) -> DataFrame:
    """features.user_history of ``pair_counts``: hist_00 is the latest item, −1 pads."""
    latest = Window.partitionBy("user_index").orderBy("since_last_days", F.desc("baskets_count"), "item_index")
    ranked = pairs.select("user_index", "item_index", (F.row_number().over(latest) - 1).alias("place"))
    columns = [
        F.coalesce(F.max(F.when(F.col("place") == k, F.col("item_index"))), F.lit(-1)).cast("int").alias(name)
        for k, name in enumerate(HISTORY)
    ]
    return ranked.where(F.col("place") < len(HISTORY)).groupBy("user_index").agg(*columns)
