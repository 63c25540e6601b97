"""ials by one barrier stage: its tasks are ranks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.blocked import exchange
from fuserank.learning.recommenders.ials import iterate
from fuserank.stages.candidates.barrier import barrier_mesh, gather_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.learning.recommenders.settings import IalsConfig


def fit(pairs: DataFrame, cfg: IalsConfig, seed: int, ranks: int) -> DataFrame:
    """What ``ials.learn`` gives, by one barrier stage of ``ranks`` tasks; ``pairs``: PAIR_COLUMNS. Lazy."""
    dealt = pairs.select("user_index", "item_index", "weight").repartition(ranks, "user_index")
    return dealt.mapInArrow(_Rank(cfg, seed), state.SCHEMA, barrier=True)


class _Rank:
    def __init__(self, cfg: IalsConfig, seed: int) -> None:
        self.cfg, self.seed = cfg, seed

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        user, item, weight = gather_columns(batches)
        with barrier_mesh() as mesh, threadpool_limits(limits=1):
            sent = len(user)
            users, items = exchange(mesh, user, item, weight, self.cfg.factors)
            del user, item, weight
            sent, received = np.sum(mesh.gather(np.array([sent, len(users.indices)])), axis=0)
            if sent != received:  # the exchange has added them up
                raise ValueError("pairs of a user and an item stand twice; they must be unique")
            _, y_ID = iterate(mesh, users, items, self.cfg, self.seed)
        own = np.flatnonzero(np.diff(items.indptr) > 0)
        names = (items.bounds[mesh.rank] + own).astype(np.int32)
        yield from state.vectors("item", names, y_ID[own], np.diff(items.indptr)[own])
