"""Who is judged on what: pairs of users and items with what was bought before a day and in the days from it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def pairs(events: DataFrame, start: dt.date, days: int) -> DataFrame:
    """One row per (user_index, item_index) of the events, with

    ``own``    bought before 00:00 UTC of ``start`` (feedback with a positive reward),
    ``label``  bought in the ``days`` from it, by a user and of an item that both had an event before it.
    """
    from pyspark.sql import functions as F

    first = F.lit(start).cast("timestamp")
    end = F.lit(start + dt.timedelta(days=days)).cast("timestamp")
    bought = (F.col("role") == "feedback") & (F.col("reward_q20") > 0)
    before, within = F.col("event_time") < first, (F.col("event_time") >= first) & (F.col("event_time") < end)
    both = (
        events.where(F.col("event_time") < end)
        .groupBy("user_index", "item_index")
        .agg(
            F.max(before).alias("before"),
            F.max(bought & before).alias("own"),
            F.max(bought & within).alias("label"),
        )
    )
    users = both.where("before").select("user_index").distinct().withColumn("user_known", F.lit(True))
    items = both.where("before").select("item_index").distinct().withColumn("item_known", F.lit(True))
    known = F.coalesce("user_known", F.lit(False)) & F.coalesce("item_known", F.lit(False))
    judged = both.join(users, "user_index", "left").join(items, "item_index", "left")
    return judged.select("user_index", "item_index", "before", "own", (F.col("label") & known).alias("label"))


def side_by_side(long: DataFrame, judged: DataFrame | None, sources: Sequence[str], ranked: bool) -> DataFrame:
    """One row per user and item: what each source says of it, and what the user did with it.

    ``long`` has user_index, item_index, source, score (double) and, if ``ranked``, rank (int, may be null); ``judged``
    is what ``pairs`` gives, None where nothing is judged. Columns: user_index, item_index, own and label (bytes 0/1),
    ``score_<source>`` and ``rank_<source>``, null where a source does not have the item. Rows that no source has stay
    where they are truth.
    Laid out by user and sorted by (user, item): one shuffle for all.
    """
    from pyspark.sql import functions as F

    nothing = {"score": F.lit(None).cast("double"), "rank": F.lit(None).cast("int")}
    columns = ["user_index", "item_index", "source", "score", "rank", "own", "label"]
    said = long if ranked else long.withColumn("rank", nothing["rank"])
    said = said.withColumn("own", F.lit(0).cast("byte")).withColumn("label", F.lit(0).cast("byte"))
    if judged is not None:
        did = judged.where("own or label").withColumn("source", F.lit(""))
        did = did.withColumn("own", F.col("own").cast("byte")).withColumn("label", F.col("label").cast("byte"))
        said = said.select(columns).unionByName(did.withColumns(nothing).select(columns))
    all_rows = said.select(columns).repartition("user_index")
    measures = [F.max("own").alias("own"), F.max("label").alias("label")]
    for source in sources:
        mine = F.col("source") == source
        measures.append(F.max(F.when(mine, F.col("score"))).alias(f"score_{source}"))
        if ranked:
            measures.append(F.max(F.when(mine, F.col("rank"))).alias(f"rank_{source}"))
    given = F.coalesce(*[F.col(f"score_{s}") for s in sources]).isNotNull()
    wide = all_rows.groupBy("user_index", "item_index").agg(*measures).where(given | (F.col("label") == 1))
    return wide.sortWithinPartitions("user_index", "item_index")
