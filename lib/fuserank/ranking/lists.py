"""Exactly K items for every user: the best of the fused ones, then the popular ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

NO_HISTORY = "no_history"


@dataclass(frozen=True)
class PopularItem:
    """An item that anyone may be shown: its part as the popular source gives it, and its calibrated probability."""

    item_index: int
    part: float
    probability: float


def lists(fused: DataFrame, users: DataFrame, popular: list[PopularItem], k: int) -> DataFrame:
    """user_index, item_index, rank (int, 1..k), score, parts, probability, filled (boolean); k rows per user; lazy.

    ``users`` has user_index, one row each; users without fused rows, and users with fewer than k, are filled up with the
    popular items that they lack, below their own. Ties go to the lower item_index. ``popular`` is best first.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    if len(popular) < k:
        raise FuserankError(
            f"ranking.k is {k}, but the popular source knows {len(popular)} items to fill lists with; lower ranking.k "
            "or raise candidates.popular.quota"
        )
    best = Window.partitionBy("user_index").orderBy(F.desc("score"), "item_index")
    top = fused.select(
        "user_index", "item_index", "score", "parts", "probability", F.row_number().over(best).alias("rank")
    )
    top = top.where(F.col("rank") <= k).join(users, "user_index", "left_semi")
    short = users.join(top.groupBy("user_index").agg(F.count(F.lit(1)).alias("have")), "user_index", "left")
    short = short.withColumn("have", F.coalesce("have", F.lit(0))).where(F.col("have") < k)
    fill = _filled(short, top, popular, k)
    return top.withColumn("filled", F.lit(False)).unionByName(fill)


def _filled(short: DataFrame, top: DataFrame, popular: list[PopularItem], k: int) -> DataFrame:
    """The popular items that the short lists lack, at the ranks that they lack."""
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    # k items fill any list: at most have < k of the first 2k are in it already
    rows = [(n, p.item_index, p.part, p.probability) for n, p in enumerate(popular[: 2 * k])]
    offered = short.sparkSession.createDataFrame(rows, "place int, item_index int, part double, probability double")
    new = short.crossJoin(F.broadcast(offered)).join(
        top.select("user_index", "item_index"), ["user_index", "item_index"], "left_anti"
    )
    place = F.row_number().over(Window.partitionBy("user_index").orderBy("place"))
    return new.withColumn("rank", (F.col("have") + place).cast("int")).where(F.col("rank") <= k).select(
        "user_index", "item_index", F.col("part").alias("score"), F.create_map(F.lit("popular"), F.col("part")).alias("parts"),
        "probability", "rank", F.lit(True).alias("filled"),
    )  # fmt: skip


def require_full(ranking: DataFrame, users: int, k: int) -> None:
    """Raises where a written ranking is not k rows for each of the users."""
    rows = ranking.count()
    if rows != users * k:
        raise FuserankError(
            f"the ranking has {rows} rows for {users} users, not {users * k}: the catalogue has too few items for "
            f"ranking.k = {k}; lower it"
        )
