"""What goes into the online store, as frames: lists of a publication, the catalogue, item vectors, popular items."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.history.baskets import most_taken
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts.published_rows import lists_of
from fuserank.tables.candidates import CO_PURCHASE, FACTORS
from fuserank.tables.features import USER, USER_HISTORY
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake.lake import Lake
    from fuserank.stages.ranking.publications import Publication
    from fuserank.tables import Table

_NOT_FEATURES = ("as_of_date", "user_index", "run_id")
TEXTS = tuple(c.name for c in USER.columns if c.type == "string" and c.name not in _NOT_FEATURES)
NUMBERS = tuple(c.name for c in USER.columns if c.type != "string" and c.name not in _NOT_FEATURES)
FEATURES = (*NUMBERS, *TEXTS)
_NOT_FIELDS = ("item_id", "name", "known_at", "valid_to", "row_hash", "run_id")
FIELDS = tuple(c for c in ITEMS.column_names if c not in _NOT_FIELDS)


def sources(lake: Lake, of: Publication) -> list[str]:
    """Names of all that have a part in a score."""
    from pyspark.sql import functions as F

    names = lists_of(lake, of).select(F.explode(F.map_keys("parts")).alias("source")).distinct().collect()
    return sorted(row["source"] for row in names)


def lists(lake: Lake, of: Publication, shards: int) -> DataFrame:
    """Rows of lists by (shard, user_id, rank), of users who are not deleted; before each list a row of rank 0 with the
    user's features and history. One shuffle, and no join of the rows.
    """
    from pyspark.sql import functions as F

    users = lake.read(USER_DICTIONARY).select("user_index", "user_id", "deleted_at")
    gone = F.broadcast(users.where("deleted_at is not null").select("user_index"))
    columns = ("user_id", "rank", "item_index", "score", "probability", "reason_code", "reason", "evidence", "parts")
    rows = lists_of(lake, of).join(gone, "user_index", "left_anti").select(*columns)
    numbers = F.array(*(F.col(name).cast("double") for name in NUMBERS)).alias("numbers")
    features = _slice(lake, USER, of.as_of_date).select("user_index", numbers, F.array(*TEXTS).alias("texts"))
    names = [name for name in USER_HISTORY.column_names if name.startswith("hist_")]
    history = _slice(lake, USER_HISTORY, of.as_of_date).select("user_index", F.array(*names).alias("history"))
    state = features.join(history, "user_index", "left").join(users.where("deleted_at is null"), "user_index")
    state = state.select("user_id", F.lit(0).alias("rank"), "numbers", "texts", "history")
    both = rows.unionByName(state, allowMissingColumns=True)
    both = both.withColumn("shard", (F.crc32(F.encode("user_id", "utf-8")) % shards).cast("int"))
    return both.repartition(shards, "shard").sortWithinPartitions("shard", "user_id", "rank")


def catalogue(lake: Lake, as_of: dt.date, most: int) -> DataFrame:
    """Every item that is not deleted, by item_index, with what the catalogue knew and its nearest by co-purchase."""
    from pyspark.sql import functions as F

    items = lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_id", "item_index")
    known = lake.known(ITEMS, as_of).select("item_id", "name", *FIELDS)
    near = _slice(lake, CO_PURCHASE, as_of)
    struct = F.struct((-F.col("similarity")).alias("order"), "neighbour_index", "similarity")
    best = F.slice(F.array_sort(F.collect_list(struct)), 1, max(most, 1)).alias("similar")
    near = near.groupBy("item_index").agg(best).where(F.lit(most > 0))
    frame = items.join(known, "item_id", "left").join(near, "item_index", "left")
    return frame.coalesce(1).sortWithinPartitions("item_index")


def vectors(lake: Lake, as_of: dt.date) -> DataFrame:
    """Item factors of ALS; none where it is no source."""
    return _slice(lake, FACTORS, as_of).where("side = 'item'").select("index", "factor").coalesce(1)


def popular(lake: Lake, as_of: dt.date, most: int) -> list[int]:
    """The items that most baskets before a day held, of those that are not deleted, ties to the lower index."""
    from pyspark.sql import functions as F

    known = lake.known(EVENTS, as_of)
    alive = lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index")
    best = most_taken(known, reversals(lake, known)).where("baskets > 0").join(alive, "item_index", "left_semi")
    rows = best.orderBy(F.desc("baskets"), "item_index").select("item_index").limit(most).collect()
    return [row["item_index"] for row in rows]


def _slice(lake: Lake, table: Table, as_of: dt.date) -> DataFrame:
    if not lake.exists(table):
        return lake.spark.createDataFrame([], schema(table))
    return lake.read(table, as_of_date=as_of)
