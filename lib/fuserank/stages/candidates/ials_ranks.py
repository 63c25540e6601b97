"""ials by one barrier stage: its tasks are ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.blocked import exchange
from fuserank.learning.recommenders.content import Content
from fuserank.learning.recommenders.ials import iterate, linked_means
from fuserank.stages.candidates.barrier import barrier_mesh, gather_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.learning.recommenders.blocked import Side
    from fuserank.learning.recommenders.ials_equations import Floats
    from fuserank.learning.recommenders.mesh import Mesh
    from fuserank.learning.recommenders.settings import IalsConfig


def fit(
    pairs: DataFrame, cfg: IalsConfig, seed: int, ranks: int, load_content: Callable[[], pa.Table] | None = None
) -> DataFrame:
    """What ``ials.learn`` gives, by one barrier stage of ``ranks`` tasks; ``pairs``: PAIR_COLUMNS. Lazy.

    ``load_content``: gives CONTENT_COLUMNS with the links between users, where they are known, on an executor.
    """
    dealt = pairs.select("user_index", "item_index", "weight").repartition(ranks, "user_index")
    return dealt.mapInArrow(_Rank(cfg, seed, load_content if cfg.social else None), state.SCHEMA, barrier=True)


class _Rank:
    def __init__(self, cfg: IalsConfig, seed: int, load_content: Callable[[], pa.Table] | None) -> None:
        self.cfg, self.seed, self.load_content = cfg, seed, load_content

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
            x_UD, y_ID = iterate(mesh, users, items, self.cfg, self.seed)
            near = self._near(mesh, users, x_UD)
        own = np.flatnonzero(np.diff(items.indptr) > 0)
        names = (items.bounds[mesh.rank] + own).astype(np.int32)
        yield from state.vectors("item", names, y_ID[own], np.diff(items.indptr)[own])
        yield from near

    def _near(self, mesh: Mesh, users: Side, x_UD: Floats) -> Iterator[pa.RecordBatch]:
        """Vectors of part ``linked``: rank 0 writes those of all, as it has the factors of all."""
        if self.load_content is None:
            return iter(())
        all_UD = np.concatenate(mesh.gather(x_UD.ravel())).reshape(-1, x_UD.shape[1])
        there = np.flatnonzero(np.concatenate(mesh.gather(np.diff(users.indptr)))).astype(np.int32)
        if mesh.rank:
            return iter(())
        return state.vectors("linked", *linked_means(Content(self.load_content()), there, all_UD[there]))
