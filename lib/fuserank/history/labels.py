"""Labels and truth: what was taken before a day and in the window from it, alone and beside what sources say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.history.events import is_taken, taken, with_reversals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

    from fuserank.history.windows import Window


def labels(events: DataFrame, window: Window, reversals: DataFrame | None) -> DataFrame:
    """One row per (user_index, item_index) of the events before the window's end, with

    ``before`` an event of any kind before the window,
    ``own``    taken before it, by what was known of returns when it began,
    ``label``  taken in it, by what was known of returns when it ended, by a user and of an item
           that both had an event before it.

    ``reversals``: those among the events, None: there are none.
    """
    from pyspark.sql import functions as F

    first, end = (F.lit(day).cast("timestamp") for day in window)
    before, within = F.col("event_time") < first, (F.col("event_time") >= first) & (F.col("event_time") < end)
    rows = events.where(F.col("event_time") < end)
    back = None if reversals is None else reversals.where(F.col("event_time") < end)
    both = (
        with_reversals(rows, back)
        .groupBy("user_index", "item_index")
        .agg(
            F.max(before).alias("before"),
            F.max(is_taken(window.start) & before).alias("own"),
            F.max(is_taken(window.end) & within).alias("label"),
        )
    )
    users = both.where("before").select("user_index").distinct().withColumn("user_known", F.lit(True))
    items = both.where("before").select("item_index").distinct().withColumn("item_known", F.lit(True))
    known = F.coalesce("user_known", F.lit(False)) & F.coalesce("item_known", F.lit(False))
    judged = both.join(users, "user_index", "left").join(items, "item_index", "left")
    return judged.select("user_index", "item_index", "before", "own", (F.col("label") & known).alias("label"))


def taken_in(known: DataFrame, window: Window, reversals: DataFrame | None) -> DataFrame:
    """Distinct user_index, item_index taken in the window; ``known``: the events known before
    its end, ``reversals`` those among them.
    """
    from pyspark.sql import functions as F

    within = (F.col("event_date") >= F.lit(window.start)) & (F.col("event_date") < F.lit(window.end))
    return taken(known, reversals).where(within).select("user_index", "item_index").distinct()


def side_by_side(long: DataFrame, judged: DataFrame | None, sources: Sequence[str], ranked: bool) -> DataFrame:
    """One row per user and item: what each source says of it, and what the user did with it.

    ``long`` has user_index, item_index, source, score (double) and, if ``ranked``, rank (int, may be null); ``judged``
    is what ``labels`` gives, None where nothing is judged. Columns: user_index, item_index, own and label (bytes 0/1),
    ``score_<source>`` and ``rank_<source>``, null where a source does not have the item. Rows that no source has stay
    where they are truth.
    Laid out by user and sorted by (user, item): one shuffle for all.
    """
    from pyspark.sql import functions as F

    nothing = {"score": F.lit(None).cast("double"), "rank": F.lit(None).cast("int")}
    columns = ["user_index", "item_index", "source", "score", "rank", "own", "label"]
    rows = long if ranked else long.withColumn("rank", nothing["rank"])
    rows = rows.withColumn("own", F.lit(0).cast("byte")).withColumn("label", F.lit(0).cast("byte"))
    if judged is not None:
        did = judged.where("own or label").withColumn("source", F.lit(""))
        did = did.withColumn("own", F.col("own").cast("byte")).withColumn("label", F.col("label").cast("byte"))
        rows = rows.select(columns).unionByName(did.withColumns(nothing).select(columns))
    all_rows = rows.select(columns).repartition("user_index")
    measures = [F.max("own").alias("own"), F.max("label").alias("label")]
    for source in sources:
        mine = F.col("source") == source
        measures.append(F.max(F.when(mine, F.col("score"))).alias(f"score_{source}"))
        if ranked:
            measures.append(F.max(F.when(mine, F.col("rank"))).alias(f"rank_{source}"))
    scored = F.coalesce(*[F.col(f"score_{s}") for s in sources]).isNotNull()
    wide = all_rows.groupBy("user_index", "item_index").agg(*measures).where(scored | (F.col("label") == 1))
    return wide.sortWithinPartitions("user_index", "item_index")
