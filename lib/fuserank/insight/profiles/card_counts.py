"""What the data card is counted from: silver tables → small aggregates. Integers alone cross a shuffle."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import reduce
from typing import TYPE_CHECKING

from fuserank.history.baskets import basket_name

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# what a card says to be there or not: name in the card → column of silver.events
OPTIONAL = {
    "amounts": "amount_minor",
    "quantities": "quantity",
    "discounts": "discount_minor",
    "coupon discounts": "coupon_minor",
    "sessions": "session",
    "stores": "store_id",
    "platforms": "platform",
    "values": "value",
    "campaigns": "campaign_id",
}


def sizes(tables: Mapping[str, tuple[DataFrame, str | None]]) -> DataFrame:
    """table, rows (long), first, last: one row a table. The name with each frame is its column of time, or None."""
    from pyspark.sql import functions as F

    def one(name: str, frame: DataFrame, time: str | None) -> DataFrame:
        none = F.lit(None).cast("timestamp")
        ends = (F.min(time), F.max(time)) if time else (F.max(none), F.max(none))
        return frame.agg(
            F.lit(name).alias("table"), F.count("*").alias("rows"), ends[0].alias("first"), ends[1].alias("last")
        )

    return reduce(lambda a, b: a.unionByName(b), [one(name, *of) for name, of in tables.items()])


def local(zone: str, time: str = "event_time") -> Column:
    """A UTC timestamp as the clock of the shop's zone showed it."""
    from pyspark.sql import functions as F

    return F.from_utc_timestamp(F.col(time), zone)


def week_of(day: Column) -> Column:
    """Monday of the day's week."""
    from pyspark.sql import functions as F

    return F.trunc(day, "week")


def calendar(events: DataFrame, zone: str) -> DataFrame:
    """All events twice: by day, type and role (``kind`` day), and by weekday (0 is Monday) and hour (``kind`` hour).

    Columns: kind, day, event_type, role, weekday, hour, events, quantity, amount_minor (sums), has_<n> (rows where
    OPTIONAL's n-th is told), timed (rows not at midnight), first, last (UTC), dataset_low, dataset_high.
    """
    from pyspark.sql import functions as F

    here = local(zone)
    rows = events.withColumns(
        {
            "day": here.cast("date"),
            "weekday": F.weekday(here),
            "hour": F.hour(here),
            "timed": F.date_format(here, "HHmmss") != "000000",
        }
    )
    counts = [F.count(column).alias(f"has_{n}") for n, column in enumerate(OPTIONAL.values())]
    by_day, by_hour = ["day", "event_type", "role"], ["weekday", "hour"]
    return rows.groupingSets([by_day, by_hour], *by_day, *by_hour).agg(
        F.when(F.grouping("hour") == 0, "hour").otherwise("day").alias("kind"),
        F.count("*").alias("events"),
        F.sum("quantity").alias("quantity"),
        F.sum("amount_minor").alias("amount_minor"),
        *counts,
        F.count_if("timed").alias("timed"),
        F.min("event_time").alias("first"),
        F.max("event_time").alias("last"),
        F.min("dataset").alias("dataset_low"),
        F.max("dataset").alias("dataset_high"),
    )


def pairs(taken: DataFrame, zone: str) -> DataFrame:
    """One row per user and item: user_index, item_index, item_id, events, baskets
    (long), first_day (date, shop's zone).
    """
    from pyspark.sql import functions as F

    keyed = taken.select(
        "user_index", "item_index", "item_id", basket_name().alias("basket"), local(zone).cast("date").alias("day")
    )
    lines = keyed.groupBy("user_index", "item_index", "item_id", "basket").agg(
        F.count("*").alias("events"), F.min("day").alias("day")
    )
    return lines.groupBy("user_index", "item_index", "item_id").agg(
        F.sum("events").alias("events"), F.count("*").alias("baskets"), F.min("day").alias("first_day")
    )


def histograms(pair_rows: DataFrame, catalogue: DataFrame) -> DataFrame:
    """Rows of side, what, key and n (long): ``n`` users, items or pairs have the count ``key``, or began in that week.

    Rows are (user | item, events, count), (user | item, week, days from 1970 to its Monday), (pair, baskets, count),
    and (catalogue, items | events, 0): how many of these the catalogue (item_id) describes.
    """
    from pyspark.sql import functions as F

    def of(side: str) -> tuple[DataFrame, DataFrame]:
        one = pair_rows.groupBy(f"{side}_index").agg(F.sum("events").alias("events"), F.min("first_day").alias("day"))
        return (
            _histogram(side, "events", one, F.col("events")),
            _histogram(side, "week", one, F.datediff(week_of(F.col("day")), F.lit(dt.date(1970, 1, 1)))),
        )

    items = pair_rows.groupBy("item_id").agg(F.sum("events").alias("events"))
    described = items.join(catalogue.select("item_id").distinct(), "item_id", "left_semi")
    counted = described.agg(F.count("*").alias("items"), F.coalesce(F.sum("events"), F.lit(0)).alias("events"))
    rows = F.explode(F.create_map(F.lit("items"), F.col("items"), F.lit("events"), F.col("events"))).alias("what", "n")
    covered = counted.select(rows).select(
        F.lit("catalogue").alias("side"), "what", F.lit(0).cast("long").alias("key"), "n"
    )
    parts = [*of("user"), *of("item"), _histogram("pair", "baskets", pair_rows, F.col("baskets")), covered]
    return reduce(lambda a, b: a.unionByName(b), parts)


def _histogram(side: str, what: str, rows: DataFrame, key: Column) -> DataFrame:
    from pyspark.sql import functions as F

    counted = rows.groupBy(key.cast("long").alias("key")).agg(F.count("*").alias("n"))
    return counted.select(F.lit(side).alias("side"), F.lit(what).alias("what"), "key", "n")


def refused(quarantine: DataFrame) -> DataFrame:
    """Open rows of ops.quarantine by table, rule and column."""
    from pyspark.sql import functions as F

    return (
        quarantine.where("resolution IS NULL").groupBy("source_table", "rule", "column").agg(F.count("*").alias("rows"))
    )
