"""What a basket is, and the pairs of user and item. Both lie by user: what follows by user needs no shuffle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.events import Q20, is_taken, with_reversals
from fuserank.history.signals import TYPE_CLASS

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable

    from pyspark.sql import Column, DataFrame


# Of an event: its session; where it has none, the UTC day. Unique within a user. For SQL: of Spark and of others.
BASKET_NAME = "coalesce(session, CAST(CAST(event_time AS DATE) AS STRING))"

_PRICED, _UNITS = "amount_minor > 0 AND coalesce(quantity, 1) > 0", "coalesce(quantity, 1)"
# Of an event, for SQL, what ``baskets_back`` sums up by ``codes``: type, strength (the highest of a line is heard),
# paid and units (0: it does not say).
EVENT_CODES = (
    f"{TYPE_CLASS} type",
    "reward_q20 strength",
    f"CASE WHEN {_PRICED} THEN amount_minor ELSE 0 END paid",
    f"CASE WHEN {_PRICED} THEN {_UNITS} ELSE 0 END units",
)


def basket_name() -> Column:
    """BASKET_NAME as a column."""
    from pyspark.sql import functions as F

    return F.expr(BASKET_NAME)


def basket_key() -> Column:
    """The same for all users, as a long."""
    from pyspark.sql import functions as F

    return F.xxhash64("user_index", basket_name())


def baskets(taken: DataFrame, as_of: dt.date) -> DataFrame:
    """One row per user, item and basket of ``events.taken``: user_index, item_index, basket (long),
    age_days (int, 1: the day before as_of; of the latest line), reward_sum_q20 (long, summed reward
    · 2^20); hash-partitioned by user_index.
    """
    from pyspark.sql import functions as F

    age = F.greatest(F.datediff(F.lit(as_of), F.col("event_time").cast("date")), F.lit(1)).alias("age_days")
    lines = taken.select("user_index", "item_index", basket_key().alias("basket"), age, "reward_q20")
    rows = lines.repartition("user_index").groupBy("user_index", "item_index", "basket")
    return rows.agg(F.min("age_days").alias("age_days"), F.sum("reward_q20").alias("reward_sum_q20"))


def baskets_in_order(taken: DataFrame) -> DataFrame:
    """One row per user and basket of ``events.taken``: user_index, basket (long), items (array of item_index, each
    once, by the time of its first event; at one time by event_id, which is a hash and so in no order of items).
    """
    from pyspark.sql import functions as F

    first = F.min(F.struct("event_time", "event_id")).alias("first")
    lines = taken.groupBy("user_index", basket_key().alias("basket"), "item_index").agg(first)
    in_order = F.array_sort(F.collect_list(F.struct("first", "item_index")))
    items = F.transform(in_order, lambda line: line["item_index"]).alias("items")
    return lines.groupBy("user_index", "basket").agg(items)


def baskets_back(taken: DataFrame, as_of: dt.date, codes: bool = False) -> DataFrame:
    """One row per user, item and basket of ``events.taken``: user_index, item_index, basket (int, 0: the user's last,
    by the time of a basket's last event, ties by its key), place (int, from 0, of the item in its basket, by the time
    of its first event, ties by event_id) and age (float, days of the basket's last event before as_of, 1 at least);
    hash-partitioned by user_index.

    ``codes``: and type (int, place in ``signals.TYPES``, of the event with the highest reward, the later one of equal
    ones) and price (float, minor units paid for a unit; where no event of the line says it, for one of the item by all;
    0: nobody said).
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as F

    lines = taken.select("user_index", "item_index", basket_key().alias("key"), "event_time", "event_id")
    first, last = F.min(F.struct("event_time", "event_id")), F.max("event_time")
    of_line = [first.alias("first"), last.alias("last")]
    if codes:
        lines, sums = _with_codes(taken)
        of_line += sums
    rows = lines.repartition("user_index").groupBy("user_index", "key", "item_index").agg(*of_line)
    in_basket = Window.partitionBy("user_index", "key")
    rows = rows.withColumns(
        {"last": F.max("last").over(in_basket), "place": F.row_number().over(in_basket.orderBy("first")) - 1}
    )
    of_user = Window.partitionBy("user_index").orderBy(F.desc("last"), "key")
    age = F.greatest(F.datediff(F.lit(as_of), F.col("last").cast("date")), F.lit(1)).cast("float")
    basket = (F.dense_rank().over(of_user) - 1).alias("basket")
    columns = [F.col("strongest.type").alias("type"), F.col("price")] if codes else []
    return rows.select("user_index", "item_index", basket, "place", age.alias("age"), *columns)


def usual_prices(taken: DataFrame) -> DataFrame:
    """item_index, usual_price (double, minor units paid for a unit, over all takings that say it)."""
    from pyspark.sql import functions as F

    price = (F.sum("amount_minor") / F.sum(F.expr(_UNITS))).alias("usual_price")
    return taken.where(_PRICED).groupBy("item_index").agg(price)


def _with_codes(taken: DataFrame) -> tuple[DataFrame, list[Column]]:
    """Lines of events with what ``baskets_back`` says of them by ``codes``, and how a basket's line sums it up."""
    from pyspark.sql import functions as F

    lines = taken.join(usual_prices(taken), "item_index", "left").selectExpr(
        "user_index", "item_index", "event_time", "event_id", "usual_price", *EVENT_CODES, f"{BASKET_NAME} AS name"
    )
    lines = lines.withColumns(
        {
            "key": F.xxhash64("user_index", "name"),
            "strongest": F.struct("strength", "event_time", "event_id", "type"),
        }
    )
    price = F.coalesce(F.try_divide(F.sum("paid"), F.sum("units")), F.max("usual_price"), F.lit(0.0)).cast("float")
    return lines, [F.max("strongest").alias("strongest"), price.alias("price")]


def decayed_column(half_life_days: float) -> str:
    """The name of the column that ``pairs`` makes for a half-life."""
    return f"decayed_{half_life_days:g}d_q20"


def _decayed(half_life_days: float) -> Column:
    """Σ over baskets of 2^(−age / half-life), in units of 2^−20: each basket's weight is rounded before the sum."""
    from pyspark.sql import functions as F

    weight = F.round(F.pow(F.lit(0.5), F.col("age_days") / F.lit(float(half_life_days))) * F.lit(float(Q20)))
    return F.sum(weight.cast("long")).alias(decayed_column(half_life_days))


def pairs(basket_rows: DataFrame, half_lives_days: Iterable[float]) -> DataFrame:
    """One row per user and item: user_index, item_index, baskets (long), reward_sum_q20 (long), age_days (int,
    of the youngest basket) and one decayed count (long, q20) for each half-life. ``basket_rows``: from
    ``baskets``; its partitioning by user is kept.
    """
    from pyspark.sql import functions as F

    return basket_rows.groupBy("user_index", "item_index").agg(
        F.count(F.lit(1)).alias("baskets"),
        F.sum("reward_sum_q20").alias("reward_sum_q20"),
        F.min("age_days").alias("age_days"),
        *(_decayed(h) for h in sorted(set(half_lives_days))),
    )


def most_taken(events: DataFrame, reversals: DataFrame | None) -> DataFrame:
    """item_index, baskets (long): in how many distinct baskets every item with an event was
    taken; 0 for what was only seen or disliked.
    """
    from pyspark.sql import functions as F

    basket = F.when(is_taken(), basket_key())
    return with_reversals(events, reversals).groupBy("item_index").agg(F.count_distinct(basket).alias("baskets"))
