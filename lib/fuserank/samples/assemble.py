"""Candidates joined with their features and labels: everything of a sample but its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.config.samples import SamplesConfig
from fuserank.samples.encode import categorical_columns, numeric_columns
from fuserank.tables.candidates import SOURCES
from fuserank.tables.features import ATTRIBUTES, HISTORY, index_of
from fuserank.tables.samples import SPLITS

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ATTRIBUTE_COLUMNS = ("baskets_count", "decayed_60d_count", "since_last_days", "gap_days")


@dataclass(frozen=True)
class Features:
    """Slices of the feature tables of one date."""

    user: DataFrame
    item: DataFrame
    attribute: DataFrame
    history: DataFrame
    store_item: DataFrame


def joined(rows: DataFrame, features: Features) -> DataFrame:
    """``rows`` (from ``affinity.with_affinity``) with the features of their user, item, attributes and store.

    Names get the prefix of what they describe: user_, item_, store_, product_type_ …; the item's own attribute values
    and the user's demographics keep their names. Items and stores travel to every executor (a row an item);
    what is by user meets in the partition of the user.
    """
    from pyspark.sql import functions as F

    names = [name for column, kind in ATTRIBUTES for name in (column, index_of(kind))]
    item = features.item.select("item_index", *names, *_prefixed(features.item, "item", {"item_index", *names}))
    users = _by_user(features.user, features.history)
    store = features.store_item.select(
        F.col("store_id").alias("user_main_store_id"),
        "item_index",
        *_prefixed(features.store_item, "store", {"store_id", "item_index"}),
    )
    wide = rows.join(F.broadcast(item), "item_index", "left")
    for _, kind in ATTRIBUTES:
        mine = features.attribute.where(F.col("kind") == kind).select(
            "user_index",
            F.col("value_index").alias(index_of(kind)),
            *(F.col(c).alias(f"{kind}_{c}") for c in _ATTRIBUTE_COLUMNS),
        )
        wide = wide.join(mine.repartition("user_index").hint("shuffle_hash"), ["user_index", index_of(kind)], "left")
    wide = wide.join(F.broadcast(users), "user_index", "left")
    return wide.join(F.broadcast(store), ["user_main_store_id", "item_index"], "left")


def _by_user(user: DataFrame, history: DataFrame) -> DataFrame:
    kept = {"user_index", "age", "income", "household_size"}
    profile = user.select("user_index", "age", "income", "household_size", *_prefixed(user, "user", kept))
    return profile.join(history.select("user_index", *HISTORY), "user_index", "left")


def _prefixed(frame: DataFrame, prefix: str, but: set[str]) -> list[Column]:
    from pyspark.sql import functions as F

    left_out = but | {"as_of_date", "run_id"}
    return [F.col(c).alias(f"{prefix}_{c}") for c in frame.columns if c not in left_out]


def labelled(rows: DataFrame, bought: DataFrame | None) -> DataFrame:
    """With ``label`` (float): 1 where ``bought`` (user_index, item_index, distinct) has the pair; 0 without ``bought``."""
    from pyspark.sql import functions as F

    if bought is None:
        return rows.withColumn("label", F.lit(0.0).cast("float"))
    hit = bought.select("user_index", "item_index", F.lit(1.0).cast("float").alias("hit"))
    return rows.join(hit.repartition("user_index").hint("shuffle_hash"), ["user_index", "item_index"], "left").withColumn(
        "label", F.coalesce("hit", F.lit(0.0).cast("float"))
    ).drop("hit")  # fmt: skip


def thinned(rows: DataFrame, split: str, cfg: SamplesConfig, seed: int) -> DataFrame:
    """With ``weight``: train rows of label 0 are kept by hash at ``negative_rate``, each then counting 1 / rate."""
    from pyspark.sql import functions as F

    if split not in SPLITS:
        raise ValueError(f"split {split!r} is not one of {SPLITS}")
    if split != "train" or cfg.negative_rate >= 1:
        return rows.withColumn("weight", F.lit(1.0).cast("float"))
    draw = F.pmod(F.xxhash64("user_index", "item_index", F.lit(seed), F.lit("negatives")), F.lit(1 << 20))
    negative = F.col("label") == 0
    kept = rows.where(~negative | (draw < F.lit(int(cfg.negative_rate * (1 << 20)))))
    return kept.withColumn(
        "weight", F.when(negative, F.lit(1.0 / cfg.negative_rate)).otherwise(F.lit(1.0)).cast("float")
    )


def encoded(rows: DataFrame, cfg: SamplesConfig) -> DataFrame:
    """The columns of samples.samples but as_of_date, split, shard and run_id."""
    from pyspark.sql import functions as F

    history = [F.coalesce(F.col(name), F.lit(-1)).alias(name) for name in HISTORY]
    said = [f"{s}_{what}" for what in ("rank", "score") for s in SOURCES]
    before = F.when(F.col("baskets_count").isNotNull(), F.lit(1.0)).otherwise(F.lit(0.0)).cast("float")
    return rows.select(
        "position", "user_index", "item_index", "label", "weight", before.alias("bought_before"),
        *numeric_columns(cfg), *categorical_columns(), *history, *said,
    )  # fmt: skip
