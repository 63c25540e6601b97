"""What all features start from: one row per user, item and basket, and sums that any engine adds up to the same bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from fuserank.history.baskets import lines
from fuserank.history.events import Q20

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame


def basket_items(taken: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per user, item and basket of what was taken (``history.events.taken``), hash-partitioned by user.

    Columns: user_index, item_index, basket (long), age_days (int, 1 = the day before as_of; of the latest line), lines, quantity,
    spend_minor, discount_lines, coupon_lines (long), store_id (the lowest of the basket's lines with the item, or null).
    """
    rows = lines(
        taken,
        as_of,
        F.coalesce("quantity", F.lit(0)).alias("quantity"),
        F.coalesce("amount_minor", F.lit(0)).alias("spend_minor"),
        _flag("discount_minor"),
        _flag("coupon_minor"),
        "store_id",
    )
    return rows.groupBy("user_index", "item_index", "basket").agg(
        F.min("age_days").alias("age_days"),
        F.count(F.lit(1)).alias("lines"),
        F.sum("quantity").alias("quantity"),
        F.sum("spend_minor").alias("spend_minor"),
        F.sum("discount_minor").alias("discount_lines"),
        F.sum("coupon_minor").alias("coupon_lines"),
        F.min("store_id").alias("store_id"),
    )


def _flag(column: str) -> Column:
    return F.when(F.col(column) > 0, F.lit(1)).otherwise(F.lit(0)).cast("long").alias(column)


def q20(value: Column) -> Column:
    """floor(2^20 · value) as a long: these are summed, never the doubles."""
    return F.floor(value * F.lit(float(Q20)))


def weight_q20(half_life_days: int) -> Column:
    """floor(2^20 · 2^(−age_days / half_life)) of a row."""
    return q20(F.pow(F.lit(2.0), -F.col("age_days") / F.lit(float(half_life_days))))


def decayed_q20(half_lives_days: Iterable[int]) -> list[Column]:
    """Sums of ``weight_q20``, named decayed_<h>d_q20 (long)."""
    return [F.sum(weight_q20(h)).alias(f"decayed_{h}d_q20") for h in half_lives_days]


def decayed_counts(half_lives_days: Iterable[int]) -> list[Column]:
    """decayed_<h>d_count (double) of what ``decayed_q20`` made."""
    return [(F.col(f"decayed_{h}d_q20") / F.lit(float(Q20))).alias(f"decayed_{h}d_count") for h in half_lives_days]


def counted(what: str, days: Iterable[int], age: str = "age_days", of: Column | None = None) -> list[Column]:
    """<what>_<n>d_count (long): rows, or the sum of ``of`` (long), with ``age`` ≤ n days."""
    one = F.lit(1).cast("long") if of is None else of
    return [F.sum(F.when(F.col(age) <= n, one).otherwise(F.lit(0))).alias(f"{what}_{n}d_count") for n in days]


def share(part: Column, whole: Column) -> Column:
    """part / whole in double, 0 where the whole is 0."""
    return F.when(whole == 0, F.lit(0.0)).otherwise(part.cast("double") / F.when(whole == 0, F.lit(1)).otherwise(whole))


def mean_gap(count: Column) -> Column:
    """Mean days between ``count`` baskets of which the first and last are known; null with fewer than two."""
    span = F.col("since_first_days") - F.col("since_last_days")
    return F.when(count > 1, span.cast("double") / F.greatest(count - 1, F.lit(1)))
