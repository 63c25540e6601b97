"""What an item's profile is counted from: small aggregates of silver, ranking and neighbours, by
Spark; ``item_lines`` says the same without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.baskets import basket_name

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def kinds(events: DataFrame) -> DataFrame:
    """event_type, role, events, first, last (UTC), dataset_low, dataset_high."""
    from pyspark.sql import functions as F

    return events.groupBy("event_type", "role").agg(
        F.count("*").alias("events"),
        F.min("event_time").alias("first"),
        F.max("event_time").alias("last"),
        F.min("dataset").alias("dataset_low"),
        F.max("dataset").alias("dataset_high"),
    )


def weekly(taken: DataFrame, zone: str) -> DataFrame:
    """One row per week with events: monday, events, buyers, quantity, amount_minor (null where not told), and for the
    price priced_minor over priced_quantity: of the lines that tell an amount and have a unit (no quantity is one).
    """
    from pyspark.sql import functions as F

    units = F.coalesce(F.col("quantity"), F.lit(1))
    priced = F.col("amount_minor").isNotNull() & (units > 0)
    day = F.from_utc_timestamp("event_time", zone).cast("date")
    return taken.groupBy(F.trunc(day, "week").alias("monday")).agg(
        F.count("*").alias("events"),
        F.countDistinct("user_index").alias("buyers"),
        F.sum("quantity").alias("quantity"),
        F.sum("amount_minor").alias("amount_minor"),
        F.sum(F.when(priced, F.col("amount_minor"))).alias("priced_minor"),
        F.sum(F.when(priced, units)).alias("priced_quantity"),
        F.count_if(F.col("discount_minor") > 0).alias("discounted"),
    )


def buyers(taken: DataFrame) -> DataFrame:
    """baskets, n: how many users have the item in so many baskets."""
    from pyspark.sql import functions as F

    by_user = taken.groupBy("user_index").agg(F.countDistinct(basket_name()).alias("baskets"))
    return by_user.groupBy("baskets").agg(F.count("*").alias("n"))


def promoted(promotions: DataFrame, item: str) -> DataFrame:
    """week_start, displays, mailers: stores that had it on display, in the mailer."""
    from pyspark.sql import functions as F

    return (
        promotions.where(F.col("item_id") == item)
        .groupBy("week_start")
        .agg(F.count_if("on_display").alias("displays"), F.count_if("in_mailer").alias("mailers"))
    )


def listed(ranking: DataFrame, item: str) -> DataFrame:
    """One row: users (with a list), listed (with the item), firsts, top10, best_rank (null: nobody has it).

    ``ranking``: one surface of ranking.ranking as of one date.
    """
    from pyspark.sql import functions as F

    mine = F.col("item_id") == item
    return ranking.agg(
        F.countDistinct("user_id").alias("users"),
        F.count_if(mine).alias("listed"),
        F.count_if(mine & (F.col("rank") == 1)).alias("firsts"),
        F.count_if(mine & (F.col("rank") <= 10)).alias("top10"),
        F.min(F.when(mine, F.col("rank"))).alias("best_rank"),
    )


def together(neighbours: DataFrame, dictionary: DataFrame, items: DataFrame, item: str, most: int = 10) -> DataFrame:
    """item_id, name, similarity: what leads from the item, the most similar first, ties to the lower item_index."""
    from pyspark.sql import functions as F

    ids = dictionary.select("item_id", "item_index")
    mine = neighbours.join(ids.where(F.col("item_id") == item).select("item_index"), "item_index", "left_semi")
    best = mine.orderBy(F.desc("similarity"), "neighbour_index").limit(most)
    named = best.join(ids.withColumnRenamed("item_index", "neighbour_index"), "neighbour_index")
    return named.join(items.select("item_id", "name"), "item_id", "left").select(
        "item_id", "name", "similarity", "neighbour_index"
    )
