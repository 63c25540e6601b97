"""The blocked engine of als as one barrier stage, whose tasks are ranks with a socket between each two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders.blocked import Floats, Indices, Side, exchange, iterate
from fuserank.learning.recommenders.mesh import Mesh, MeshError, meet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import AlsConfig

_OUTPUT = "side string, index int, factor array<float>"
_ROWS_PER_BATCH = 8192


def factors(rated: DataFrame, cfg: AlsConfig, seed: int) -> DataFrame:
    """Lazy: user_index, item_index, confidence (float > 0), unique by user and item → side, index, factor.

    Each partition is a rank, in any order of rows; needs as many free task slots at once.
    """
    dealt = rated.select("user_index", "item_index", "confidence")
    return dealt.mapInArrow(_Rank(cfg, seed), _OUTPUT, barrier=True)


class _Rank:
    """What one task of the barrier stage does."""

    def __init__(self, cfg: AlsConfig, seed: int) -> None:
        self.cfg, self.seed = cfg, seed

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        user, item, confidence = gather_columns(batches)
        with barrier_mesh() as mesh, threadpool_limits(limits=1):
            users, items = exchange(mesh, user, item, confidence, self.cfg.factors)
            del user, item, confidence
            x_UD, y_ID = iterate(mesh, users, items, self.cfg, self.seed)
        for name, side, own_RD in (("user", users, x_UD), ("item", items, y_ID)):
            yield from _batches(name, side, own_RD, mesh.rank)


def gather_columns(batches: Iterable[pa.RecordBatch]) -> tuple[Indices, Indices, Floats]:
    """All rows of a task as (user, item, confidence) arrays."""
    columns: list[list[npt.NDArray[Any]]] = [[np.empty(0, t)] for t in (np.int32, np.int32, np.float32)]
    for batch in batches:
        for have, column in zip(columns, batch.columns, strict=True):
            have.append(column.to_numpy(zero_copy_only=False))
    user, item, confidence = (np.concatenate(have) for have in columns)
    return user.astype(np.int32), item.astype(np.int32), confidence.astype(np.float32)


def barrier_mesh() -> AbstractContextManager[Mesh]:
    """The mesh of this barrier stage, one rank a task."""
    from pyspark import BarrierTaskContext

    context = BarrierTaskContext.get()
    hosts = [task.address.rsplit(":", 1)[0] for task in context.getTaskInfos()]
    application = context.getLocalProperty("spark.app.id")
    if not application:  # two applications may have a stage of the same number
        raise MeshError(
            "Spark does not say which application this is (spark.app.id); the ranks can't tell theirs apart"
        )
    token = f"als/{application}/{context.stageId()}/{context.attemptNumber()}"
    return meet(context.partitionId(), hosts, token)


def _batches(name: str, side: Side, own_RD: Floats, rank: int) -> Iterator[pa.RecordBatch]:
    """This rank's rows of a table, those with a rating, as Arrow."""
    import pyarrow as pa

    rated = np.flatnonzero(np.diff(side.indptr) > 0)
    depth = own_RD.shape[1]
    for start in range(0, len(rated), _ROWS_PER_BATCH):
        at = rated[start : start + _ROWS_PER_BATCH]
        offsets = pa.array(np.arange(len(at) + 1, dtype=np.int32) * depth)
        factor = pa.ListArray.from_arrays(offsets, pa.array(own_RD[at].ravel()))
        index = pa.array((side.bounds[rank] + at).astype(np.int32))
        columns = [pa.array([name] * len(at)), index, factor]
        yield pa.RecordBatch.from_arrays(columns, names=["side", "index", "factor"])
