"""Stores: which one is a user's, what sells there, and what is promoted there this week."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from fuserank.features.baskets import weight_q20

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.features import FeaturesConfig


def promotions_of_week(
    promotions: DataFrame, item_dictionary: DataFrame, as_of: dt.date, cfg: FeaturesConfig
) -> DataFrame:
    """The promotions of the last week that is known: item_index, store_id, display_count, mailer_count (0 or 1, int).

    Promoted items that the dictionary does not have stay, as item_index null: their stores count as promoting. A week
    is known from its first day, so that the one that begins on ``as_of`` is not: the one before it counts.
    """
    since = as_of - dt.timedelta(days=cfg.promotion_days)
    week = promotions.where((F.col("week_start") >= F.lit(since)) & (F.col("week_start") < F.lit(as_of)))
    return (
        week.where(F.col("on_display") | F.col("in_mailer"))
        .join(F.broadcast(item_dictionary.select("item_id", "item_index")), "item_id", "left")
        .groupBy("item_index", "store_id")
        .agg(
            F.max(F.col("on_display").cast("int")).alias("display_count"),
            F.max(F.col("in_mailer").cast("int")).alias("mailer_count"),
        )
    )


def main_stores(visits: DataFrame, cfg: FeaturesConfig) -> DataFrame:
    """user_index, main_store_id: the store with the most decayed baskets, ties to the lower id.

    ``visits``: one row per user and basket, from ``users.visits``.
    """
    votes = (
        visits.where(F.col("store_id").isNotNull())
        .groupBy("user_index", "store_id")
        .agg(F.sum(weight_q20(cfg.main_store_half_life_days)).alias("votes"))
    )
    best = F.min(F.struct((-F.col("votes")).alias("minus_votes"), F.col("store_id")))
    return (
        votes.groupBy("user_index")
        .agg(best.alias("best"))
        .select("user_index", F.col("best.store_id").alias("main_store_id"))
    )


def store_item(
    baskets: DataFrame,
    visits: DataFrame,
    items: DataFrame,
    mains: DataFrame,
    promoted: DataFrame,
    cfg: FeaturesConfig,
) -> DataFrame:
    """features.store_item, for the main stores of users and the items that anyone bought (features.item)."""
    stores = F.broadcast(mains.select(F.col("main_store_id").alias("store_id")).distinct())
    within = F.col("age_days") <= cfg.store_window_days
    all_baskets = visits.where(within).groupBy("store_id").agg(F.count(F.lit(1)).alias("all_baskets"))
    sold = (
        baskets.where(within)
        .join(stores, "store_id")
        .groupBy("store_id", "item_index")
        .agg(F.count(F.lit(1)).alias("n"))
    )
    shown = promoted.join(stores, "store_id").join(F.broadcast(items.select("item_index")), "item_index", "left_semi")
    # a basket of lines from two stores counts for the lower one: the other may have sold, and have no basket
    share = F.col("n") / (F.coalesce("all_baskets", F.lit(0)) + F.lit(cfg.store_prior_baskets))
    return (
        sold.join(F.broadcast(all_baskets), "store_id", "left")
        .select("store_id", "item_index", share.alias("baskets_56d_share"))
        .join(shown, ["store_id", "item_index"], "full")
        .na.fill(0, ["baskets_56d_share", "display_count", "mailer_count"])
    )
