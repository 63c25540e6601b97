"""What all sources start from: who took what in which basket, and the pairs of user and item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.candidates.rows import of_source
from fuserank.common.reversals import not_taken_back

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame

Q20 = 1 << 20


def baskets(events: DataFrame, as_of: dt.date, reversals: DataFrame | None = None) -> DataFrame:
    """Feedback that no reversal took back, as one row per user, item and basket: columns user_index, item_index, basket (long), age_days (int, from 1:
    the day before as_of), reward_q20 (long, reward · 2^20).

    ``events`` and ``reversals`` (None: there are none): columns of silver.events, known before ``as_of``. A basket is a user's session; an event without one is
    a basket by its time. Hash-partitioned by user_index, so that what follows by user needs no shuffle.
    """
    from pyspark.sql import functions as F

    time = F.col("event_time")
    key = F.xxhash64("user_index", F.coalesce(F.col("session"), time.cast("string")))
    age = F.greatest(F.datediff(F.lit(as_of), time.cast("date")), F.lit(1))
    rows = not_taken_back(events.where(F.col("role") == "feedback"), reversals).select(
        "user_index", "item_index", key.alias("basket"), age.alias("age_days"), "reward_q20"
    )
    by = ("user_index", "item_index", "basket")
    return (
        rows.repartition("user_index")
        .groupBy(*by)
        .agg(F.min("age_days").alias("age_days"), F.sum("reward_q20").alias("reward_q20"))
    )


def decayed_column(half_life_days: float) -> str:
    """The name of the column that ``pairs`` makes for a half-life."""
    return f"decayed_{half_life_days:g}d_q20"


def _decayed(half_life_days: float) -> Column:
    """Σ over baskets of 2^(−age / half-life), in units of 2^−20: each basket's weight is rounded before the sum."""
    from pyspark.sql import functions as F

    weight = F.round(F.pow(F.lit(0.5), F.col("age_days") / F.lit(float(half_life_days))) * F.lit(float(Q20)))
    return F.sum(weight.cast("long")).alias(decayed_column(half_life_days))


def pairs(basket_rows: DataFrame, half_lives_days: Iterable[float]) -> DataFrame:
    """One row per user and item: user_index, item_index, baskets (long), reward_q20 (long), age_days (int, of the youngest
    basket) and one decayed count (long, q20) for each half-life. ``basket_rows``: from ``baskets``; its partitioning by user is kept.
    """
    from pyspark.sql import functions as F

    return basket_rows.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("baskets"),
        F.sum("reward_q20").alias("reward_q20"),
        F.min("age_days").alias("age_days"),
        *(_decayed(h) for h in sorted(set(half_lives_days))),
    )


def as_interactions(pair_rows: DataFrame) -> DataFrame:
    """interactions.PAIR_COLUMNS of ``pairs``: weight = distinct baskets, age = days since the last."""
    return pair_rows.selectExpr(
        "user_index", "item_index", "cast(baskets as float) weight", "cast(age_days as float) age"
    )


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


def users_of(basket_rows: DataFrame) -> DataFrame:
    """Every user with feedback, once: user_index."""
    return basket_rows.select("user_index").distinct()
