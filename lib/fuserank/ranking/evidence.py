"""What each source can point to: event ids and item ids, and the sentence that they carry.

Every function gives (user_index, item_index, source, reason, evidence) for those of the rows it is asked about
(user_index, item_index, source) for which there is evidence; where the evidence goes, so does the reason.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.config.ranking import RankingConfig
from fuserank.ranking.lists import MOST_TAKEN, NO_HISTORY

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COLUMNS = ("user_index", "item_index", "source", "reason", "evidence")


def repeat(asked: DataFrame, bought: DataFrame, cfg: RankingConfig) -> DataFrame:
    """The user's own latest purchases of the item, as ``event:<id>``."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    mine = asked.where("source = 'repeat'").select("user_index", "item_index")
    latest = Window.partitionBy("user_index", "item_index").orderBy(F.desc("event_time"), "event_id")
    own = bought.join(mine, ["user_index", "item_index"], "left_semi")
    numbered = own.withColumn("place", F.row_number().over(latest))
    named = F.when(
        F.col("place") <= cfg.evidence_events, F.struct("place", F.concat(F.lit("event:"), "event_id").alias("id"))
    )
    told = numbered.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("times"),
        F.max("event_date").alias("last"),
        F.sort_array(F.collect_list(named)).alias("ids"),
    )
    reason = F.when(F.col("times") == 1, F.concat(F.lit("You bought it on "), F.col("last").cast("string"))).otherwise(
        F.concat(
            F.lit("You bought it "),
            F.col("times").cast("string"),
            F.lit(" times, last on "),
            F.col("last").cast("string"),
        )
    )
    return _told(told, "repeat", reason, F.col("ids.id"))


def linked(
    asked: DataFrame, own: DataFrame, neighbours: DataFrame, names: DataFrame, source: str, words: str
) -> DataFrame:
    """co_purchase, and members that learn such links: the bought item that leads to this one by the strongest, as ``item:<id>``.
    ``own``: user_index, item_index; ``neighbours``: item_index, neighbour_index, similarity.
    """
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == source).select("user_index", F.col("item_index").alias("wanted"))
    links = neighbours.select(
        F.col("item_index").alias("from_item"), F.col("neighbour_index").alias("wanted"), "similarity"
    ).join(F.broadcast(mine.select("wanted").distinct()), "wanted", "left_semi")
    by_user = mine.join(own.select("user_index", F.col("item_index").alias("from_item")), "user_index")
    link = F.struct(F.col("similarity"), (-F.col("from_item")).alias("lower_first"))
    strongest = (
        by_user.join(links, ["wanted", "from_item"]).groupBy("user_index", "wanted").agg(F.max(link).alias("link"))
        .select("user_index", F.col("wanted").alias("item_index"), (-F.col("link.lower_first")).alias("from_item"))
    )  # fmt: skip
    told = strongest.join(_called(names, "from_item", "from"), "from_item")
    reason = F.concat(F.lit(words), F.col("from_name"), F.lit(", which you buy"))
    return _told(told, source, reason, F.array("from_ref"))


def nearest(asked: DataFrame, similar: DataFrame, names: DataFrame, source: str) -> DataFrame:
    """als, and members that learn such factors: own items whose factors are nearest. ``similar``: user_index, item_index, from_item,
    place (``similarity.nearest_own``)."""
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == source).select("user_index", "item_index")
    told = (
        similar.join(mine, ["user_index", "item_index"], "left_semi").join(_called(names, "from_item", "from"), "from_item")
        .groupBy("user_index", "item_index")
        .agg(F.sort_array(F.collect_list(F.struct("place", "from_name", "from_ref"))).alias("own"))
    )  # fmt: skip
    reason = F.concat(
        F.lit("Others who buy what you buy also take it; closest to it in your history: "),
        F.array_join("own.from_name", " and "),
    )
    return _told(told, source, reason, F.col("own.from_ref"))


_SHARED = {
    "brand": "Of the same brand as ", "category": "Of the same category as ", "coupon": "On the same coupon as ",
    "campaign": "In the same campaign as ", "department": "From the same department as ", "manufacturer_id": "By the maker of ",
    "package_size": "Packed like ", "product_type": "Of the same kind as ", "promotion": "Promoted now, as is ",
}  # fmt: skip


def walked(asked: DataFrame, walks: DataFrame, names: DataFrame, source: str) -> DataFrame:
    """kg: the own item that a walk led on from, and what both share. ``walks``: user_index, item_index, from_item, field."""
    from pyspark.sql import functions as F

    mine = asked.where(F.col("source") == source).select("user_index", "item_index")
    told = walks.join(mine, ["user_index", "item_index"], "left_semi").join(
        _called(names, "from_item", "from"), "from_item"
    )
    words = F.lit("Alike in kind to ")
    for field, said in _SHARED.items():
        words = F.when(F.col("field") == field, F.lit(said)).otherwise(words)
    reason = F.concat(words, F.col("from_name"), F.lit(", which you buy"))
    return _told(told, source, reason, F.array("from_ref"))


def counted(
    asked: DataFrame, counts: DataFrame, names: DataFrame, cfg: RankingConfig, like_popular: Sequence[str] = ()
) -> DataFrame:
    """popular and those ``like_popular``, trending, no_history, most_taken: purchases of the item by everyone, as ``item:<id>``. Without recent
    purchases popular and trending have nothing to show; the row of a newcomer and a filler say so either way."""
    from pyspark.sql import functions as F

    popular_ones = ["popular", *like_popular]
    mine = asked.where(F.col("source").isin(*popular_ones, "trending", NO_HISTORY, MOST_TAKEN))
    told = mine.join(counts, "item_index", "left").na.fill(0, ["recent", "earlier", "ever"])
    always = F.col("source").isin(NO_HISTORY, MOST_TAKEN)
    told = told.where((F.col("recent") > 0) | always).join(_called(names, "item_index", "own"), "item_index")
    recent, days = F.format_number("recent", 0), F.lit(f" purchases in the last {cfg.popular_days} days")
    usual = F.format_number(F.round(F.col("earlier") * F.lit(cfg.popular_days / cfg.trend_days)).cast("long"), 0)
    popular = F.concat(F.lit("Among the most bought: "), recent, days)
    trending = F.concat(
        F.lit("On the rise: "), recent, days, F.lit(", against "), usual, F.lit(" in as many days before")
    )
    newcomer = F.concat(F.lit("No purchases of yours to go by; among the most bought of all: "), recent, days)
    filler = F.concat(F.lit("To fill the list: "), F.format_number("ever", 0), F.lit(" purchases by everyone so far"))
    reason = (
        F.when(F.col("source") == "trending", trending)
        .when(F.col("source").isin(*popular_ones), popular)
        .when(F.col("source") == MOST_TAKEN, filler)
        .otherwise(newcomer)
    )
    return told.select(
        "user_index", "item_index", "source", reason.alias("reason"), F.array("own_ref").alias("evidence")
    )


def item_counts(bought: DataFrame, as_of: dt.date, cfg: RankingConfig) -> DataFrame:
    """item_index, recent, earlier and ever (long): purchases in the last days before as_of, in those before them, and in all."""
    from pyspark.sql import functions as F

    age = F.datediff(F.lit(as_of), F.col("event_date"))
    return bought.groupBy("item_index").agg(
        F.count_if(age <= cfg.popular_days).alias("recent"),
        F.count_if((age > cfg.popular_days) & (age <= cfg.popular_days + cfg.trend_days)).alias("earlier"),
        F.count(F.lit(1)).alias("ever"),
    )


def item_names(dictionary: DataFrame, items: DataFrame) -> DataFrame:
    """item_index, item_id, item_name (null where the catalogue does not know the item)."""
    from pyspark.sql import functions as F

    named = items.select("item_id", F.col("name").alias("item_name"))
    return dictionary.select("item_index", "item_id").join(named, "item_id", "left")


def _called(names: DataFrame, index: str, prefix: str) -> DataFrame:
    """``index``, ``<prefix>_name`` and ``<prefix>_ref`` of every item."""
    from pyspark.sql import functions as F

    called = F.coalesce("item_name", F.concat(F.lit("item "), "item_id"))
    return names.select(
        F.col("item_index").alias(index),
        called.alias(f"{prefix}_name"),
        F.concat(F.lit("item:"), "item_id").alias(f"{prefix}_ref"),
    )


def _told(frame: DataFrame, source: str, reason: Column, evidence: Column) -> DataFrame:
    from pyspark.sql import functions as F

    return frame.select(
        "user_index", "item_index", F.lit(source).alias("source"), reason.alias("reason"), evidence.alias("evidence")
    )
