"""What goes into the online store, as frames: lists of a publication, the catalogue, item vectors, popular items."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.history.baskets import most_taken
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts import store_pieces
from fuserank.jobs.parts.published_rows import lists_of
from fuserank.tables.candidates import CO_PURCHASE, FACTORS
from fuserank.tables.features import USER, USER_HISTORY
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY, ITEMS, USER_DICTIONARY, USERS
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
PIECES = "shard int, user_id string, rank int, sources array<string>, piece binary"


def lists(lake: Lake, of: Publication, shards: int) -> DataFrame:
    """Pieces of records by (shard, user_id, rank): of users who are not deleted their lists, packed, and before each
    list a piece of rank 0 with the user's features and history, also of who has no list.

    What is shuffled and sorted are some pieces a user, not all rows: a user's rows lie together in the ranking.
    """
    both = _packed_lists(lake, of, shards).union(_packed_states(lake, of, shards))
    return both.repartition(shards, "shard").sortWithinPartitions("shard", "user_id", "rank")


def _packed_lists(lake: Lake, of: Publication, shards: int) -> DataFrame:
    from pyspark.sql import functions as F

    users = lake.read(USER_DICTIONARY).where("deleted_at is not null").select("user_index")
    columns = ("user_id", "rank", "item_index", "score", "probability", "reason_code", "reason", "evidence", "parts")
    rows = lists_of(lake, of).join(F.broadcast(users), "user_index", "left_anti").select("user_index", *columns)
    return rows.mapInArrow(functools.partial(store_pieces.lists, shards), PIECES)


def _packed_states(lake: Lake, of: Publication, shards: int) -> DataFrame:
    from pyspark.sql import functions as F

    users = lake.read(USER_DICTIONARY).select("user_index", "user_id", "deleted_at")
    numbers = F.array(*(F.col(name).cast("double") for name in NUMBERS)).alias("numbers")
    features = slice_of(lake, USER, of.as_of_date).select("user_index", numbers, F.array(*TEXTS).alias("texts"))
    names = [name for name in USER_HISTORY.column_names if name.startswith("hist_")]
    history = slice_of(lake, USER_HISTORY, of.as_of_date).select("user_index", F.array(*names).alias("history"))
    state = features.join(history, "user_index", "left").join(users.where("deleted_at is null"), "user_index")
    described = _described(lake, of.as_of_date).join(state, "user_id", "left_anti")
    described = described.join(users.where("deleted_at is not null"), "user_id", "left_anti")
    columns = ("user_id", "numbers", "texts", "history")
    every = state.select(*columns).unionByName(described.select(*columns))
    return every.mapInArrow(functools.partial(store_pieces.states, shards), PIECES)


def _described(lake: Lake, as_of: dt.date) -> DataFrame:
    """What the shop declares of users, maybe of some that never took anything: all other features and the history are
    null.
    """
    from pyspark.sql import functions as F

    numbers = F.array(*(F.col(name) if name in USERS.column_names else F.lit(None).cast("double") for name in NUMBERS))
    texts = F.array(*(F.col(name) if name in USERS.column_names else F.lit(None).cast("string") for name in TEXTS))
    columns = (numbers.alias("numbers"), texts.alias("texts"), F.lit(None).cast("array<int>").alias("history"))
    return rows_known(lake, USERS, as_of).select("user_id", *columns)


def rows_known(lake: Lake, table: Table, as_of: dt.date) -> DataFrame:
    """The rows known before a day, none where the lake has no such table."""
    return lake.known(table, as_of) if lake.exists(table) else lake.spark.createDataFrame([], schema(table))


def catalogue(lake: Lake, as_of: dt.date, most: int, only: Sequence[int] | None = None) -> DataFrame:
    """Every item that is not deleted, or of those ``only`` some, by item_index, with what the catalogue knew and its
    nearest by co-purchase.
    """
    from pyspark.sql import functions as F

    items = lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_id", "item_index")
    known = lake.known(ITEMS, as_of).select("item_id", "name", *FIELDS)
    near = slice_of(lake, CO_PURCHASE, as_of)
    if only is not None:
        some = F.broadcast(lake.spark.createDataFrame([(index,) for index in only], "item_index int"))
        items, near = (frame.join(some, "item_index", "left_semi") for frame in (items, near))
    struct = F.struct((-F.col("similarity")).alias("order"), "neighbour_index", "similarity")
    best = F.slice(F.array_sort(F.collect_list(struct)), 1, max(most, 1)).alias("similar")
    near = near.groupBy("item_index").agg(best).where(F.lit(most > 0))
    frame = items.join(known, "item_id", "left").join(near, "item_index", "left")
    return frame.coalesce(1).sortWithinPartitions("item_index")


def vectors(lake: Lake, as_of: dt.date) -> DataFrame:
    """Item factors of ALS; none where it is no source."""
    return slice_of(lake, FACTORS, as_of).where("side = 'item'").select("index", "factor").coalesce(1)


def popular(lake: Lake, as_of: dt.date, most: int) -> list[int]:
    """The items that most baskets before a day held, of those that are not deleted, ties to the lower index."""
    from pyspark.sql import functions as F

    known = lake.known(EVENTS, as_of)
    alive = lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index")
    best = most_taken(known, reversals(lake, known)).where("baskets > 0").join(alive, "item_index", "left_semi")
    rows = best.orderBy(F.desc("baskets"), "item_index").select("item_index").limit(most).collect()
    return [row["item_index"] for row in rows]


def slice_of(lake: Lake, table: Table, as_of: dt.date) -> DataFrame:
    """The rows of a day, none where the lake has no such table."""
    if not lake.exists(table):
        return lake.spark.createDataFrame([], schema(table))
    return lake.read(table, as_of_date=as_of)
