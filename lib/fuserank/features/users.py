"""Users: recency, frequency, monetary value, cadence, tastes, sensitivity to price and promotion, demographics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from fuserank.features.baskets import counted, mean_gap, q20, share
from fuserank.history.events import Q20
from fuserank.tables.features import DEMOGRAPHICS, USER_WINDOWS_DAYS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.features import FeaturesConfig


def visits(baskets: DataFrame, items: DataFrame, cfg: FeaturesConfig) -> DataFrame:
    """One row per user and basket: age_days, sums of its lines, store_id.

    ``items``: features.item. Adds own_label_lines and log_price_q20, the sum over lines of ln(1 + mean item price).
    """
    priced = items.select(
        "item_index", "brand", F.log1p(F.col("price_minor") / F.lit(float(cfg.minor_per_major))).alias("log_price")
    )
    own_label = F.coalesce(F.col("brand").isin(list(cfg.own_label_brands)), F.lit(False))
    summed = ("lines", "quantity", "spend_minor", "discount_lines", "coupon_lines")
    return (
        baskets.join(F.broadcast(priced), "item_index")
        .groupBy("user_index", "basket")
        .agg(
            F.min("age_days").alias("age_days"),
            *(F.sum(name).alias(name) for name in summed),
            F.sum(F.when(own_label, F.col("lines")).otherwise(F.lit(0))).alias("own_label_lines"),
            F.sum(q20(F.col("log_price")) * F.col("lines")).alias("log_price_q20"),
            F.min("store_id").alias("store_id"),
        )
    )


def user(
    visit_rows: DataFrame, pairs: DataFrame, attributes: DataFrame, mains: DataFrame, demographics: DataFrame
) -> DataFrame:
    """features.user. ``demographics``: user_index and DEMOGRAPHICS; ``mains``: from ``stores.main_stores``."""
    baskets = visit_rows.groupBy("user_index").agg(*_sums())
    items = pairs.groupBy("user_index").agg(
        F.count(F.lit(1)).alias("items_count"),
        *counted("items", USER_WINDOWS_DAYS, age="since_last_days"),
        F.sum((F.col("since_first_days") <= 28).cast("long")).alias("new_items_28d_count"),
    )
    rows = baskets.join(items, "user_index").join(mains, "user_index", "left").join(demographics, "user_index", "left")
    for kind in ("department", "brand"):
        rows = rows.join(_top(attributes, kind), "user_index", "left").na.fill(0.0, [f"top_{kind}_share"])
    return rows.select("*", *_ratios())


def demographics_of(users: DataFrame, user_dictionary: DataFrame) -> DataFrame:
    """user_index and DEMOGRAPHICS of the users that silver.users describes."""
    return user_dictionary.select("user_id", "user_index").join(users, "user_id").select("user_index", *DEMOGRAPHICS)


def _sums() -> list[Column]:
    recent = F.col("age_days") <= 28
    return [
        F.count(F.lit(1)).alias("baskets_count"),
        *counted("baskets", USER_WINDOWS_DAYS),
        F.sum("lines").alias("lines_count"),
        *counted("lines", USER_WINDOWS_DAYS, of=F.col("lines")),
        F.min("age_days").alias("since_last_days"),
        F.max("age_days").alias("since_first_days"),
        F.sum("spend_minor").alias("spend_minor"),
        F.sum(F.when(recent, F.col("spend_minor")).otherwise(F.lit(0))).alias("spend_28d_minor"),
        *(
            F.sum(n).alias(n)
            for n in ("quantity", "discount_lines", "coupon_lines", "own_label_lines", "log_price_q20")
        ),
    ]


def _ratios() -> list[Column]:
    baskets, lines = F.col("baskets_count"), F.col("lines_count")
    return [
        share(F.col("new_items_28d_count"), F.col("items_28d_count")).alias("new_items_28d_share"),
        F.coalesce(mean_gap(baskets), F.lit(0.0)).alias("gap_days"),
        share(F.col("spend_minor"), baskets).alias("basket_value_minor"),
        share(lines, baskets).alias("lines_per_basket_count"),
        share(F.col("spend_minor"), F.col("quantity")).alias("unit_price_minor"),
        (share(F.col("log_price_q20"), lines) / F.lit(float(Q20))).alias("item_price_log1p_mean"),
        share(F.col("discount_lines"), lines).alias("discount_line_share"),
        share(F.col("coupon_lines"), lines).alias("coupon_line_share"),
        share(F.col("own_label_lines"), lines).alias("own_label_line_share"),
    ]


def _top(attributes: DataFrame, kind: str) -> DataFrame:
    """user_index, top_<kind>, top_<kind>_share, by 60-day decayed count; ties to the first name."""
    count_q20 = (F.col("decayed_60d_count") * F.lit(float(Q20))).cast("long")  # exact: it was a long over 2^20
    best = F.min(F.struct((-count_q20).alias("minus"), F.col("value"))).alias("best")
    mine = attributes.where(F.col("kind") == kind)
    by_user = mine.groupBy("user_index").agg(best, F.sum(count_q20).alias("total"))
    top_share = share(-F.col("best.minus"), F.col("total"))
    return by_user.select("user_index", F.col("best.value").alias(f"top_{kind}"), top_share.alias(f"top_{kind}_share"))
