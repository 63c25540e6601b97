"""K items for every user: the best of the fused ones, then fillers; fewer only where no other item is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.sql import DataFrame

NO_HISTORY = "no_history"
MOST_TAKEN = "most_taken"  # fillers that no source of the run proposed: the items most taken in all of history
PAIR = ["user_index", "item_index"]


@dataclass(frozen=True)
class Filler:
    """An item that anyone may be shown: its part as ``source`` gives it, and its calibrated probability."""

    item_index: int
    part: float
    probability: float
    source: str


def depth(excluded: DataFrame | None, k: int) -> int:
    """How many fillers complete any list, whatever a user may not be shown: at most
    have < k of the first 2k are in it already.

    Runs a job where there is something that users may not be shown.
    """
    from pyspark.sql import functions as F

    if excluded is None:
        return 2 * k
    by_user = excluded.groupBy("user_index").agg(F.count(F.lit(1)).alias("pairs"))
    return 2 * k + int(by_user.agg(F.max("pairs")).collect()[0][0] or 0)


def lists(
    fused: DataFrame, users: DataFrame, fillers: Sequence[Filler], k: int, excluded: DataFrame | None = None
) -> DataFrame:
    """user_index, item_index, rank (int, 1..k), score, parts, probability, filled (boolean); lazy.

    ``users`` has user_index, one row each; users without fused rows, and users with fewer than k, are filled up
    with the fillers that they lack, below their own; best first, ``depth`` of them, or all that there are.
    ``excluded``: user_index, item_index, unique: what is on no list; None: nothing. k rows per user, fewer where
    nothing else is left. Ties go to the lower item_index.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    best = Window.partitionBy("user_index").orderBy(F.desc("score"), "item_index")
    allowed = fused if excluded is None else fused.join(excluded, PAIR, "left_anti")
    top = allowed.select(*PAIR, "score", "parts", "probability", F.row_number().over(best).alias("rank"))
    top = top.where(F.col("rank") <= k).join(users, "user_index", "left_semi")
    short = users.join(top.groupBy("user_index").agg(F.count(F.lit(1)).alias("have")), "user_index", "left")
    short = short.withColumn("have", F.coalesce("have", F.lit(0))).where(F.col("have") < k)
    fill = _filled(short, top.select(PAIR), fillers, k, excluded)
    return top.withColumn("filled", F.lit(False)).unionByName(fill)


def _filled(
    short: DataFrame, top: DataFrame, fillers: Sequence[Filler], k: int, excluded: DataFrame | None
) -> DataFrame:
    """The fillers that the short lists lack, at the ranks that they lack."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    rows = [(n, p.item_index, p.part, p.probability, p.source) for n, p in enumerate(fillers)]
    columns = "place int, item_index int, part double, probability double, source string"
    offered, needed = F.broadcast(short.sparkSession.createDataFrame(rows, columns)), F.lit(2 * k)
    if excluded is not None:  # one more for each item that the user may not be shown
        of_user = excluded.groupBy("user_index").agg(F.count(F.lit(1)).alias("not_shown"))
        short = short.join(of_user, "user_index", "left").na.fill(0, ["not_shown"])
        needed = F.lit(2 * k) + F.col("not_shown")
    last = F.least(needed, F.lit(max(len(rows), 1))).cast("int") - 1  # of no fillers none has place 0
    places = short.withColumn("place", F.explode(F.sequence(F.lit(0), last)))
    new = places.join(offered, "place").join(top, PAIR, "left_anti")
    if excluded is not None:
        new = new.join(excluded, PAIR, "left_anti")
    place = F.row_number().over(Window.partitionBy("user_index").orderBy("place"))
    return (
        new.withColumn("rank", (F.col("have") + place).cast("int"))
        .where(F.col("rank") <= k)
        .select(
            *PAIR,
            F.col("part").alias("score"),
            F.create_map("source", "part").alias("parts"),
            "probability",
            "rank",
            F.lit(True).alias("filled"),
        )
    )


def require_full(
    ranking: DataFrame, users: DataFrame, items: DataFrame, k: int, excluded: DataFrame | None = None
) -> int:
    """How many users have fewer than k rows; raises where one of them lacks an item that could be shown.

    ``users``: user_index of all that are to have a list; ``items``: item_index of all
    that anyone may be shown. Both are unique.
    """
    from pyspark.sql import functions as F

    counted = ranking.groupBy("user_index").agg(F.count(F.lit(1)).alias("rows"))
    rows, full, most, there = counted.agg(
        F.count(F.lit(1)), F.count_if(F.col("rows") == k), F.max("rows"), F.sum("rows")
    ).collect()[0]
    wanted = users.count()
    if full == rows == wanted:
        return 0
    if rows > wanted or (most or 0) > k:
        raise FuserankError(f"the ranking has {there} rows of {rows} users, more than {k} for each of {wanted}")
    short = users.join(counted.where(F.col("rows") == k), "user_index", "left_anti")
    settled = ranking.select(PAIR)
    if excluded is not None:
        settled = settled.unionByName(excluded.select(PAIR))
    settled = settled.join(short, "user_index", "left_semi").join(items, "item_index", "left_semi").distinct()
    by_user = settled.groupBy("user_index").agg(F.count(F.lit(1)).alias("settled"))
    total = items.count()
    lacking = short.join(by_user, "user_index", "left").where(F.coalesce("settled", F.lit(0)) < total)
    if (wrong := lacking.count()) > 0:
        raise FuserankError(
            f"{wrong} of {wanted} users have fewer than ranking.k = {k} rows, though there are items left that they may"
            " be shown: the fillers do not reach as deep"
        )
    return short.count()
