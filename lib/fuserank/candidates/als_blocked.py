"""The blocked engine of als: one barrier stage whose tasks are the ranks of a gloo group.

Rows of both sides are dealt to the ranks so that each has the same work; a half step solves a rank's rows with the
conjugate-gradient kernel of the ``implicit`` package (Takács, Pilászy, Tikk 2011) and hands its slice to the others.
Each rank keeps only its own rows of the ratings, and both factor tables. A row's solution depends on the other side's
table alone, so that the factors are the same bits for any number of ranks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import AlsConfig

_OUTPUT = "side string, index int, factor array<float>"
_ROWS_PER_BATCH = 8192
_TIMEOUT = dt.timedelta(minutes=30)

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def factors(rated: DataFrame, cfg: AlsConfig, seed: int) -> DataFrame:
    """Lazy: user_index, item_index, confidence (float > 0), unique by user and item → side, index, factor.

    Needs ``cfg.ranks`` free task slots at once, and fuserank with torch where the executors run.
    """
    dealt = rated.select("user_index", "item_index", "confidence").repartition(cfg.ranks, "user_index")
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
        with gloo_group() as group:
            users, items = exchange(group, user, item, confidence, self.cfg.factors)
            del user, item, confidence
            with threadpool_limits(limits=1):
                x_UD, y_ID = start_factors(users.rows, items.rows, self.cfg.factors, self.seed)
                iterate(group, users, items, x_UD, y_ID, self.cfg)
            rank = group.rank()
        for name, side, table in (("user", users, x_UD), ("item", items, y_ID)):
            yield from _batches(name, side, table, rank)


def gather_columns(batches: Iterator[pa.RecordBatch]) -> tuple[Ints, Ints, Floats]:
    """All rows of a task as (user, item, confidence) arrays."""
    columns: list[list[npt.NDArray[Any]]] = [[np.empty(0, t)] for t in (np.int64, np.int64, np.float32)]
    for batch in batches:
        for have, column in zip(columns, batch.columns, strict=True):
            have.append(column.to_numpy(zero_copy_only=False))
    user, item, confidence = (np.concatenate(have) for have in columns)
    return user.astype(np.int64), item.astype(np.int64), confidence.astype(np.float32)


@contextmanager
def gloo_group() -> Iterator[Any]:
    """The gloo group of this barrier stage, one rank a task: rank 0 opens a store on a free port and tells the others.

    Yields torch's ProcessGroup and leaves nothing behind: Spark may use the Python worker again.
    """
    import torch.distributed as dist
    from pyspark import BarrierTaskContext

    context = BarrierTaskContext.get()
    rank, hosts = context.partitionId(), [task.address.rsplit(":", 1)[0] for task in context.getTaskInfos()]
    store = dist.TCPStore(hosts[0], 0, len(hosts), True, _TIMEOUT, wait_for_workers=False) if rank == 0 else None
    port = int(context.allGather(str(store.port if store is not None else 0))[0])
    if store is None:
        store = dist.TCPStore(hosts[0], port, len(hosts), False, _TIMEOUT)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=len(hosts), timeout=_TIMEOUT)
    try:
        yield dist.group.WORLD
        dist.barrier()  # rank 0 holds the store: nobody leaves before all are done
    finally:
        dist.destroy_process_group()


def exchange(group: Any, user: Ints, item: Ints, confidence: Floats, depth: int) -> tuple[Side, Side]:
    """Sends every pair to the rank that solves its user and to the rank that solves its item."""
    import torch
    import torch.distributed as dist

    size = torch.tensor([user.max(initial=-1) + 1, item.max(initial=-1) + 1])
    dist.all_reduce(size, op=dist.ReduceOp.MAX, group=group)
    sides = []
    for rows, row, other in ((int(size[0]), user, item), (int(size[1]), item, user)):
        counts = torch.from_numpy(np.bincount(row, minlength=rows))
        dist.all_reduce(counts, group=group)
        bounds = equal_work(counts.numpy(), group.size(), depth)
        sides.append(_own_rows(group, bounds, row, other, confidence))
    return sides[0], sides[1]


def equal_work(counts: Ints, ranks: int, depth: int) -> Ints:
    """Bounds (ranks + 1,) of contiguous rows with the same work each, from the non-zeros of each row.

    A step of the solver costs 4 · depth operations a non-zero and depth² a row, so that many short rows weigh too.
    """
    work = np.concatenate([[0], np.cumsum(4 * counts + depth * (counts > 0))]).astype(np.int64)
    targets = work[-1] * np.arange(1, ranks, dtype=np.int64) // ranks
    inner = np.searchsorted(work, targets)
    return np.concatenate([[0], np.minimum(inner, len(counts)), [len(counts)]]).astype(np.int64)


def _own_rows(group: Any, bounds: Ints, row: Ints, other: Ints, confidence: Floats) -> Side:
    """This rank's rows of one side, from all ranks, sorted by (row, other)."""
    owner = np.searchsorted(bounds[1:-1], row, side="right")
    order = np.argsort(owner, kind="stable")
    sends = np.bincount(owner, minlength=group.size())
    row, other, data = (
        _all_to_all(group, column[order], sends)
        for column in (row.astype(np.int32), other.astype(np.int32), confidence)
    )
    low, high = int(bounds[group.rank()]), int(bounds[group.rank() + 1])
    order = np.lexsort((other, row))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(row - low, minlength=high - low))])
    return Side(bounds, indptr.astype(np.int32), other[order], data[order])


def _all_to_all(group: Any, column: npt.NDArray[Any], sends: Ints) -> npt.NDArray[Any]:
    """Slice r of ``column``, ``sends[r]`` long, goes to rank r; returns what came, by rank."""
    import torch
    import torch.distributed as dist

    receives = torch.empty(group.size(), dtype=torch.int64)
    dist.all_to_all_single(receives, torch.from_numpy(sends.astype(np.int64)), group=group)
    sent = torch.from_numpy(np.ascontiguousarray(column))
    came = torch.empty(int(receives.sum()), dtype=sent.dtype)
    dist.all_to_all_single(came, sent, receives.tolist(), sends.tolist(), group=group)
    return came.numpy()


def start_factors(users: int, items: int, depth: int, seed: int) -> tuple[Floats, Floats]:
    """Small positive numbers (users, depth) and (items, depth), the same on every rank; users' are drawn first."""
    rng = np.random.default_rng(seed)
    x_UD = rng.random((users, depth), dtype=np.float32) * np.float32(0.01)
    y_ID = rng.random((items, depth), dtype=np.float32) * np.float32(0.01)
    return x_UD, y_ID


def iterate(group: Any, users: Side, items: Side, x_UD: Floats, y_ID: Floats, cfg: AlsConfig) -> None:
    """Runs the passes in place; afterwards every rank holds the same two tables. Raises where a factor is not finite."""
    for _ in range(cfg.iterations):
        _half_step(group, users, x_UD, y_ID, cfg)
        _half_step(group, items, y_ID, x_UD, cfg)
    if not (np.isfinite(x_UD).all() and np.isfinite(y_ID).all()):
        raise FloatingPointError("ALS diverged: factors are not finite; raise candidates.als.regularization")


def _half_step(group: Any, side: Side, table: Floats, other: Floats, cfg: AlsConfig) -> None:
    """Solves this rank's rows of ``table`` given ``other``, and gathers all slices."""
    import torch
    import torch.distributed as dist
    from implicit.cpu import _als

    mine = slice(int(side.bounds[group.rank()]), int(side.bounds[group.rank() + 1]))
    if mine.start < mine.stop:
        _als.least_squares_cg(side, table[mine], other, cfg.regularization, num_threads=1, cg_steps=cfg.cg_steps)
    waits = [
        dist.broadcast(torch.from_numpy(table[low:high]), src=rank, group=group, async_op=True)
        for rank, (low, high) in enumerate(zip(side.bounds[:-1], side.bounds[1:], strict=True))
        if low < high
    ]
    for wait in waits:
        wait.wait()


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
