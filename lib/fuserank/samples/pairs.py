"""The pairs that a split is made of: every user's candidates, and the own items that the kernel folds over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.tables.candidates import SOURCES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

# What of features.user_item goes on to the encoding; null where the user never bought the item.
PAIR_COLUMNS = (
    "baskets_count", "baskets_28d_count", "baskets_84d_count", "decayed_14d_count", "decayed_30d_count", "decayed_60d_count",
    "decayed_120d_count", "since_last_days", "since_first_days", "gap_days", "discount_basket_share", "spend_minor",
    "product_type_share",
)  # fmt: skip


def side_by_side(candidates: DataFrame, user_item: DataFrame) -> DataFrame:
    """One row per user and item that is a candidate or own item, by user, sorted by (user_index, item_index).

    ``candidates``: long, as candidates.candidates of one date; ``user_item``: features.user_item of the same date.
    Columns: user_index, item_index, given (boolean: some source gave it), ``<source>_rank`` and ``<source>_score``
    (float, 0 where not given), and PAIR_COLUMNS. One shuffle for all of it.
    """
    from pyspark.sql import functions as F

    types = dict(user_item.dtypes)
    nothing = [F.lit(None).cast(types[name]).alias(name) for name in PAIR_COLUMNS]
    given = candidates.select(
        "user_index", "item_index", "source", F.col("rank").cast("float").alias("rank"), "score", *nothing
    )
    own = user_item.select(
        "user_index", "item_index", F.lit("").alias("source"), F.lit(None).cast("float").alias("rank"),
        F.lit(None).cast("float").alias("score"), *PAIR_COLUMNS,
    )  # fmt: skip
    measures = [F.max(F.col("source") != "").alias("given")]
    for source in SOURCES:
        mine = F.col("source") == source
        measures.append(F.coalesce(F.max(F.when(mine, F.col("rank"))), F.lit(0).cast("float")).alias(f"{source}_rank"))
        measures.append(
            F.coalesce(F.max(F.when(mine, F.col("score"))), F.lit(0).cast("float")).alias(f"{source}_score")
        )
    measures += [F.max(name).alias(name) for name in PAIR_COLUMNS]
    rows = given.unionByName(own).repartition("user_index")
    return rows.groupBy("user_index", "item_index").agg(*measures).sortWithinPartitions("user_index", "item_index")
