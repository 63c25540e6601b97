"""Which walk of kg led to a listed item, on the executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.lookup import locate
from fuserank.common.users import whole_users
from fuserank.learning.recommenders.interactions import PAIR_COLUMNS, Interactions
from fuserank.learning.recommenders.kg import Scorer
from fuserank.learning.recommenders.state import State

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.base import Section

SCHEMA = "user_index int, item_index int, from_item int, field string"


def walked(recommended: DataFrame, histories: DataFrame, load: Callable[[], pa.Table], cfg: Section) -> DataFrame:
    """For each recommended row (user_index, item_index): the own item and the field that both share, on the strongest
    walk that leads there. Rows whose strongest walk leads over no own item, but over a campaign or the item itself,
    are left out. ``histories``: PAIR_COLUMNS; ``load``: what kg has learned. Lazy.
    """
    from pyspark.sql import functions as F

    wanted = recommended.select(
        "user_index", "item_index", F.lit(0.0).cast("float").alias("weight"), F.lit(0.0).cast("float").alias("age")
    )
    users = recommended.select("user_index").distinct()
    known = histories.select(*PAIR_COLUMNS).join(users, "user_index", "left_semi")
    rows = (
        wanted.unionByName(known).repartition("user_index").sortWithinPartitions("user_index", "item_index", "weight")
    )
    return rows.mapInArrow(_Walks(load, cfg), SCHEMA)


class _Walks:
    """Rows of weight 0 are the recommended items, the others are the history."""

    def __init__(self, load: Callable[[], pa.Table], cfg: Any) -> None:
        self.load, self.cfg = load, cfg

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer: Scorer | None = None
        for rows in whole_users(batches):
            scorer = scorer or Scorer(State(self.load()), self.cfg)
            yield walks(scorer, rows)


def walks(scorer: Scorer, rows: pa.Table) -> pa.RecordBatch:
    """``walked`` of whole users."""
    import pyarrow as pa

    of_history = rows["weight"].to_numpy() > 0
    histories = Interactions.of(rows.filter(pa.array(of_history)), scorer.items)
    user, item = (rows[c].to_numpy()[~of_history] for c in ("user_index", "item_index"))
    (row, has), (column, listed) = locate(histories.users, user), locate(scorer.items, item)
    there = has & listed
    found = scorer.paths(histories, row[there].astype(np.int32), column[there].astype(np.int32))
    mask = (found.own >= 0) & (found.own != item[there])
    columns = [user[there][mask], item[there][mask], found.own[mask]]
    fields = [field for field, keep in zip(found.field, mask, strict=True) if keep]
    return pa.RecordBatch.from_arrays(
        [*(pa.array(c, pa.int32()) for c in columns), pa.array(fields, pa.string())],
        names=["user_index", "item_index", "from_item", "field"],
    )
