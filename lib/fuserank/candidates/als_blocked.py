"""The blocked engine of als: one barrier stage whose tasks are ranks with a socket between each two.

Rows of both sides are dealt to the ranks so that each has the same work; a half step solves a rank's rows by conjugate
gradients (als_kernel) and hands its slice to the others. Each rank keeps only its own rows of the ratings, and both
factor tables. A row's solution depends on the other side's table alone, so that the factors are the same bits for any
number of ranks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.mesh import Mesh, MeshError, meet

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import AlsConfig

_OUTPUT = "side string, index int, factor array<float>"
_ROWS_PER_BATCH = 8192

Ints = npt.NDArray[np.int64]
Indices = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]


def factors(rated: DataFrame, cfg: AlsConfig, seed: int) -> DataFrame:
    """Lazy: user_index, item_index, confidence (float > 0), unique by user and item → side, index, factor.

    Each partition is a rank, in any order of rows; needs as many free task slots at once.
    """
    dealt = rated.select("user_index", "item_index", "confidence")
    return dealt.mapInArrow(_Rank(cfg, seed), _OUTPUT, barrier=True)


@dataclass(frozen=True)
class Side:
    """A rank's rows of one side in CSR form; ``bounds[r]:bounds[r + 1]`` are the rows of rank r."""

    bounds: Ints
    indptr: npt.NDArray[np.int32]
    indices: npt.NDArray[np.int32]
    data: Floats

    @property
    def rows(self) -> int:
        return int(self.bounds[-1])


class _Rank:
    """What one task of the barrier stage does."""

    def __init__(self, cfg: AlsConfig, seed: int) -> None:
        self.cfg, self.seed = cfg, seed

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        user, item, confidence = gather_columns(batches)
        with barrier_mesh() as mesh, threadpool_limits(limits=1):
            users, items = exchange(mesh, user, item, confidence, self.cfg.factors)
            del user, item, confidence
            x_UD, y_ID = start_factors(users.rows, items.rows, self.cfg.factors, self.seed)
            iterate(mesh, users, items, x_UD, y_ID, self.cfg)
        for name, side, table in (("user", users, x_UD), ("item", items, y_ID)):
            yield from _batches(name, side, table, mesh.rank)


def gather_columns(batches: Iterator[pa.RecordBatch]) -> tuple[Indices, Indices, Floats]:
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


def exchange(mesh: Mesh, user: Indices, item: Indices, confidence: Floats, depth: int) -> tuple[Side, Side]:
    """Sends every pair to the rank that solves its user and to the rank that solves its item."""
    own = np.array([user.max(initial=-1) + 1, item.max(initial=-1) + 1], np.int64)
    size = np.max(mesh.gather(own), axis=0)
    sides = []
    for rows, others, row, other in ((size[0], size[1], user, item), (size[1], size[0], item, user)):
        counts: Ints = np.sum(mesh.gather(np.bincount(row, minlength=rows).astype(np.int64)), axis=0)
        bounds = equal_work(counts, mesh.size, depth)
        sides.append(_own_rows(mesh, bounds, row, other, confidence, int(others)))
    return sides[0], sides[1]


def equal_work(counts: Ints, ranks: int, depth: int) -> Ints:
    """Bounds (ranks + 1,) of contiguous rows with the same work each, from the non-zeros of each row.

    A step of the solver costs 4 · depth operations a non-zero and depth² a row, so that many short rows weigh too.
    """
    work = np.concatenate([[0], np.cumsum(4 * counts + depth * (counts > 0))]).astype(np.int64)
    targets = work[-1] * np.arange(1, ranks, dtype=np.int64) // ranks
    inner = np.searchsorted(work, targets)
    return np.concatenate([[0], np.minimum(inner, len(counts)), [len(counts)]]).astype(np.int64)


def _own_rows(mesh: Mesh, bounds: Ints, row: Indices, other: Indices, confidence: Floats, others: int) -> Side:
    """This rank's rows of one side, from all ranks, sorted by (row, other)."""
    import scipy.sparse as sp

    owner = np.searchsorted(bounds[1:-1], row, side="right")
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(1, mesh.size))
    row, other, data = (np.concatenate(mesh.swap(np.split(column[order], cuts))) for column in (row, other, confidence))
    low, high = int(bounds[mesh.rank]), int(bounds[mesh.rank + 1])
    rated = sp.csr_matrix((data, (row - low, other)), shape=(high - low, others))
    rated.sort_indices()
    return Side(bounds, rated.indptr, rated.indices, rated.data)


def start_factors(users: int, items: int, depth: int, seed: int) -> tuple[Floats, Floats]:
    """Small positive numbers (users, depth) and (items, depth), the same on every rank; users' are drawn first."""
    rng = np.random.default_rng(seed)
    x_UD = rng.random((users, depth), dtype=np.float32) * np.float32(0.01)
    y_ID = rng.random((items, depth), dtype=np.float32) * np.float32(0.01)
    return x_UD, y_ID


def iterate(mesh: Mesh, users: Side, items: Side, x_UD: Floats, y_ID: Floats, cfg: AlsConfig) -> None:
    """Runs the passes in place; afterwards every rank holds the same two tables. Raises where a factor is not finite."""
    for _ in range(cfg.iterations):
        _half_step(mesh, users, x_UD, y_ID, cfg)
        _half_step(mesh, items, y_ID, x_UD, cfg)
    if not (np.isfinite(x_UD).all() and np.isfinite(y_ID).all()):
        raise FloatingPointError("ALS diverged: factors are not finite; raise candidates.als.regularization")


def _half_step(mesh: Mesh, side: Side, table: Floats, other: Floats, cfg: AlsConfig) -> None:
    """Solves this rank's rows of ``table`` given ``other``, and gathers all slices."""
    from fuserank.candidates.als_kernel import solve

    gram_DD = other.T @ other + np.float32(cfg.regularization) * np.eye(other.shape[1], dtype=np.float32)
    mine = table[side.bounds[mesh.rank] : side.bounds[mesh.rank + 1]]
    solve(side.indptr, side.indices, side.data, mine, other, gram_DD, cfg.cg_steps)
    mesh.fill(table, side.bounds)


def _batches(name: str, side: Side, table: Floats, rank: int) -> Iterator[pa.RecordBatch]:
    """This rank's own rows of a table, those with a rating, as Arrow."""
    import pyarrow as pa

    rated = int(side.bounds[rank]) + np.flatnonzero(np.diff(side.indptr) > 0)
    depth = table.shape[1]
    for start in range(0, len(rated), _ROWS_PER_BATCH):
        index = rated[start : start + _ROWS_PER_BATCH]
        offsets = pa.array(np.arange(len(index) + 1, dtype=np.int32) * depth)
        factor = pa.ListArray.from_arrays(offsets, pa.array(table[index].ravel()))
        columns = [pa.array([name] * len(index)), pa.array(index.astype(np.int32)), factor]
        yield pa.RecordBatch.from_arrays(columns, names=["side", "index", "factor"])
