"""Counts that the rules judge by, from silver: lazy frames, integers only, so that
every run of the same rows gives the same.
"""

from __future__ import annotations

import datetime as dt
from functools import reduce
from typing import TYPE_CHECKING

from fuserank.stages.quality.psi import FINER

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

TOPS = ("user", "item")


def by_day(events: DataFrame) -> DataFrame:
    """``event_date``, ``events``: one row per UTC day that has some."""
    from pyspark.sql import functions as F

    return events.groupBy("event_date").agg(F.count("*").alias("events"))


def by_bin(events: DataFrame, items: DataFrame, as_of: dt.date, days: int, zone: str) -> DataFrame:
    """Events of the last ``days`` before as_of (``current``) and of those before
    (``reference``), by ``dimension`` and ``bin``.

    Hours and weekdays are the shop's, in ``zone``; departments and ``catalogue`` (known, unknown) come from
    ``items``, unique; amounts and values are in the finer bins of ``psi.of_numbers``. Of users and items one row, its
    bin null: ``top`` has the most current events of one, and its index; ties go to the higher one as text.
    """
    from pyspark.sql import functions as F

    middle, start = (as_of - dt.timedelta(days=n * days) for n in (1, 2))
    known = items.select("item_id", F.col("department").alias("_department"), F.lit(True).alias("_known"))
    recent = events.where(F.col("event_date").between(F.lit(start), F.lit(as_of - dt.timedelta(days=1))))
    local = F.from_utc_timestamp("event_time", zone)
    dimensions = {
        "type": F.col("event_type"),
        "hour": F.hour(local),
        "weekday": F.weekday(local),
        "amount": _fine(F.col("amount_minor").cast("double")),
        "value": _fine(F.col("value")),
        "department": F.col("_department"),
        "catalogue": F.when(F.col("_known"), "known").otherwise("unknown"),
        "user": F.col("user_index"),
        "item": F.col("item_index"),
    }
    cells = (F.struct(F.lit(n).alias("dimension"), c.cast("string").alias("bin")) for n, c in dimensions.items())
    is_current = F.col("event_date") >= F.lit(middle)
    each = recent.join(known, "item_id", "left").select(is_current.alias("_current"), F.inline(F.array(*cells)))
    counted = each.groupBy("dimension", "bin").agg(
        F.count_if(~F.col("_current")).alias("reference"), F.count_if("_current").alias("current")
    )
    bin_or_none = F.when(~F.col("dimension").isin(*TOPS), F.col("bin"))
    return counted.groupBy("dimension", bin_or_none.alias("bin")).agg(
        F.sum("reference").alias("reference"),
        F.sum("current").alias("current"),
        F.max(F.struct("current", "bin")).alias("top"),
    )


def repeated_keys(rows: DataFrame, table: str, keys: tuple[str, ...]) -> DataFrame:
    """One row: how many rows there are, and how many repeat a key that another has."""
    from pyspark.sql import functions as F

    one_each = rows.groupBy(*keys).agg(F.count("*").alias("n"))
    return one_each.agg(*_counts("keys", table, ", ".join(keys), F.sum("n"), F.sum(F.col("n") - 1), ""))


def dangling(rows: DataFrame, table: str, column: str, others: DataFrame, other: str) -> DataFrame:
    """One row: how many rows there are, and how many name in ``column`` what ``others`` has not."""
    from pyspark.sql import functions as F

    there = others.select(F.col(column).alias("_there")).distinct()
    joined = rows.select(column).join(there, F.col(column) == F.col("_there"), "left")
    missing = F.count_if(F.col("_there").isNull() & F.col(column).isNotNull())
    return joined.agg(*_counts("references", table, column, F.count("*"), missing, other))


def rows_of(rows: DataFrame, rule: str, table: str) -> DataFrame:
    """One row: how many rows there are."""
    from pyspark.sql import functions as F

    return rows.agg(*_counts(rule, table, "", F.count("*"), F.lit(0), ""))


def together(frames: list[DataFrame]) -> DataFrame:
    """All single rows in one frame: one query instead of many."""
    return reduce(lambda a, b: a.unionByName(b), frames)


def _counts(rule: str, table: str, key: str, rows: Column, wrong: Column, other: str) -> list[Column]:
    from pyspark.sql import functions as F

    named = {"rule": F.lit(rule), "table": F.lit(table), "key": F.lit(key), "other": F.lit(other)}
    counted = {"rows": F.coalesce(rows, F.lit(0)).cast("long"), "wrong": F.coalesce(wrong, F.lit(0)).cast("long")}
    return [c.alias(name) for name, c in {**named, **counted}.items()]


def _fine(number: Column) -> Column:
    from pyspark.sql import functions as F

    return (F.signum(number) * F.floor(F.log2(1 + F.abs(number)) * FINER)).cast("long")
