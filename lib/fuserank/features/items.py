"""Items: popularity over several windows, trend, repeat rate, price, discount, display and mailer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from fuserank.features.baskets import counted, q20, share
from fuserank.history.events import Q20
from fuserank.tables.features import ITEM_WINDOWS_DAYS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.features import FeaturesConfig


def item(
    baskets: DataFrame, pairs: DataFrame, catalogue_rows: DataFrame, promoted: DataFrame, cfg: FeaturesConfig
) -> DataFrame:
    """features.item.

    ``baskets``, ``pairs``: from ``basket_items`` and ``pair_counts``; ``catalogue_rows``: from
    ``attributes.catalogue``; ``promoted``: from ``stores.promotions_of_week``, by item and store.
    """
    sold = baskets.groupBy("item_index").agg(*_sales())
    buyers = pairs.groupBy("item_index").agg(*_buyers())
    usual = buyers.agg(F.try_divide(F.sum("gap_q20"), F.sum("gaps")).alias("_mean_gap_q20"))
    shown = promoted.groupBy("item_index").agg(
        F.sum("display_count").alias("display_stores"), F.sum("mailer_count").alias("mailer_stores")
    )
    stores = promoted.agg(F.countDistinct("store_id").alias("stores"))
    rows = (
        sold.join(buyers, "item_index")
        .join(catalogue_rows, "item_index", "left")
        .join(shown, "item_index", "left")
        .crossJoin(F.broadcast(usual))
        .crossJoin(F.broadcast(stores))
    )
    for name in ("product_type", "category"):
        rows = _with_share_of(rows, name)
    return _finished(rows, cfg)


def _sales() -> list[Column]:
    last_14 = F.col("age_days") <= 14
    older = (F.col("age_days") > 28) & (F.col("age_days") <= 112)
    return [
        *counted("baskets", ITEM_WINDOWS_DAYS),
        F.sum(F.when(older, F.lit(1)).otherwise(F.lit(0))).alias("baskets_29_112d_count"),
        F.min("age_days").alias("since_last_days"),
        F.max("age_days").alias("since_first_days"),
        F.sum("spend_minor").alias("spend"),
        F.sum("quantity").alias("units"),
        F.coalesce(F.sum(F.when(last_14, F.col("spend_minor"))), F.lit(0)).alias("spend_14d"),
        F.coalesce(F.sum(F.when(last_14, F.col("quantity"))), F.lit(0)).alias("units_14d"),
        F.sum("lines").alias("lines"),
        F.sum("discount_lines").alias("discount_lines"),
    ]


def _buyers() -> list[Column]:
    return [
        F.count(F.lit(1)).alias("buyers_count"),
        F.sum((F.col("since_last_days") <= 28).cast("long")).alias("buyers_28d_count"),
        F.sum((F.col("baskets_count") > 1).cast("long")).alias("repeat_buyers_count"),
        F.sum((F.col("since_first_days") <= 28).cast("long")).alias("new_buyers_28d_count"),
        F.coalesce(F.sum(q20(F.col("gap_days"))), F.lit(0)).alias("gap_q20"),
        F.count("gap_days").alias("gaps"),
    ]


def _with_share_of(rows: DataFrame, name: str) -> DataFrame:
    """<name>_84d_share: the item's baskets over those of all items that share the value; 0 where it is unknown."""
    totals = rows.where(F.col(name).isNotNull()).groupBy(name).agg(F.sum("baskets_84d_count").alias("_total"))
    part, whole = F.col("baskets_84d_count"), F.coalesce("_total", F.lit(0))
    return (
        rows.join(F.broadcast(totals), name, "left").withColumn(f"{name}_84d_share", share(part, whole)).drop("_total")
    )


def _finished(rows: DataFrame, cfg: FeaturesConfig) -> DataFrame:
    price = share(F.col("spend"), F.col("units"))
    price_14d = share(F.col("spend_14d"), F.col("units_14d"))
    prior = F.lit(cfg.gap_prior_pairs)
    gap = (F.col("gap_q20") + prior * F.col("_mean_gap_q20")) / (F.col("gaps") + prior) / F.lit(float(Q20))
    ratio = F.when((price > 0) & (F.col("units_14d") > 0), price_14d / F.greatest(price, F.lit(1.0)))
    return (
        rows.withColumn("trend_ratio", (F.col("baskets_28d_count") + 2) / (F.col("baskets_29_112d_count") / 3 + 2))
        .withColumn("repeat_buyer_share", (F.col("repeat_buyers_count") + 1) / (F.col("buyers_count") + 5))
        .withColumn("gap_days", gap)
        .withColumn("price_minor", price)
        .withColumn("price_14d_ratio", F.coalesce(ratio, F.lit(1.0)))
        .withColumn("discount_line_share", share(F.col("discount_lines"), F.col("lines")))
        .withColumn("display_store_share", share(F.coalesce("display_stores", F.lit(0)), F.col("stores")))
        .withColumn("mailer_store_share", share(F.coalesce("mailer_stores", F.lit(0)), F.col("stores")))
    )
