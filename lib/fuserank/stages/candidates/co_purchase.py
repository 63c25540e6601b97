"""co_purchase: what is bought in one basket with what the user buys.

Item-item cosine of basket vectors with shrinkage: s_ij = n_ij / √((n_i + c)(n_j + c)) (Sarwar et al. 2001; shrinkage as
in Bell and Koren 2007). Co-occurrences are counted exactly, block of items by block of items, on the executors; only
baskets and integer counts cross a shuffle, and nothing of the size items² is ever held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.common.users import whole_users
from fuserank.history.baskets import decayed_column
from fuserank.history.events import Q20
from fuserank.learning.recommenders.best import best_products, best_stored
from fuserank.learning.recommenders.contract import KERNEL_OUTPUT, candidate_batch
from fuserank.stages.candidates.rows import of_source

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import CoPurchaseConfig
    from fuserank.stages.candidates.inputs import SourceInputs

Indices = npt.NDArray[np.int32]
# Called on the executor: the columns of candidates.co_purchase_neighbours, sorted by (item_index, neighbour_index).
NeighboursLoader = Callable[[], "pa.Table"]

_NEIGHBOURS = "item_index int, neighbour_index int, similarity float"
_DEALT = "block int, items array<int>, n array<int>"
_ROWS_AT_ONCE = 1024
_BASKETS_AT_ONCE = 16_384


def lists(inputs: SourceInputs, cfg: CoPurchaseConfig) -> DataFrame:
    """Keeps the neighbours that the baskets tell, and proposes from what was kept."""
    names = ("item_index", "neighbour_index", "similarity")
    near = inputs.keep(neighbours(inputs.baskets, cfg)).loader(names, names[:2])
    return propose(inputs.pairs, near, cfg, inputs.partitions)


def neighbours(basket_rows: DataFrame, cfg: CoPurchaseConfig) -> DataFrame:
    """The nearest items of each item: item_index, neighbour_index, similarity (float), at most ``cfg.neighbours`` each.

    ``basket_rows``: from ``history.baskets``. A basket is sent to every block that it has an item of, with its items
    and their basket counts. Ties go to the lower neighbour_index.
    """
    from pyspark.sql import functions as F

    recent = basket_rows.where(F.col("age_days") <= cfg.window_days).select("item_index", "basket")
    counts = recent.groupBy("item_index").agg(F.count(F.lit(1)).cast("int").alias("n"))
    frequent = counts.where(F.col("n") >= cfg.min_baskets)
    rows = recent.join(F.broadcast(frequent), "item_index").select("basket", "item_index", "n")
    # whole baskets by a kernel: collect_list sorts all rows once a task has more than 128 baskets
    dealt = rows.repartition("basket").mapInArrow(_Baskets(cfg), _DEALT)
    return dealt.repartition(cfg.blocks, "block").mapInArrow(_Neighbours(cfg), _NEIGHBOURS)


def _together(batches: Iterable[pa.RecordBatch]) -> pa.Table | None:
    """A task's rows as one table in one piece; None where there are none."""
    import pyarrow as pa

    held = [b for b in batches if b.num_rows]
    return pa.Table.from_batches(held).combine_chunks() if held else None


class _Baskets:
    """Rows (basket, item, n) of whole baskets → one row a basket and block that it has an item of: block, items, n."""

    def __init__(self, cfg: CoPurchaseConfig) -> None:
        self.cfg = cfg

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if (rows := _together(batches)) is None:
            return
        basket, item, n = (c.to_numpy() for c in rows.columns)
        order = np.lexsort((item, basket))
        basket, item, n = basket[order], item[order], n[order]
        starts = np.flatnonzero(np.concatenate([[True], basket[1:] != basket[:-1]]))
        sizes = np.diff(starts, append=len(basket))
        usable = (sizes >= 2) & (sizes <= self.cfg.max_basket_items)
        place = np.repeat(np.arange(len(sizes)), sizes)
        meets = np.unique((place * self.cfg.blocks + item % self.cfg.blocks)[usable[place]])
        for low in range(0, len(meets), _BASKETS_AT_ONCE):
            at, block = np.divmod(meets[low : low + _BASKETS_AT_ONCE], self.cfg.blocks)
            ends = np.cumsum(sizes[at])
            entries = np.arange(ends[-1]) + np.repeat(starts[at] - (ends - sizes[at]), sizes[at])
            offsets = pa.array(np.concatenate([[0], ends]), pa.int32())
            lists = [pa.ListArray.from_arrays(offsets, pa.array(c[entries], pa.int32())) for c in (item, n)]
            yield pa.RecordBatch.from_arrays([pa.array(block, pa.int32()), *lists], names=["block", "items", "n"])


class _Neighbours:
    """Counts one partition's blocks: rows are baskets (block, items, n)."""

    def __init__(self, cfg: CoPurchaseConfig) -> None:
        self.cfg = cfg

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        if (table := _together(batches)) is None:
            return
        blocks = table.column("block").to_numpy()
        for block in np.unique(blocks):
            part = table.filter(pa.array(blocks == block))
            yield from self._block(int(block), part)

    def _block(self, block: int, baskets: pa.Table) -> Iterator[pa.RecordBatch]:
        import scipy.sparse as sp

        lists = baskets.column("items").combine_chunks()
        items = lists.flatten().to_numpy()
        n = baskets.column("n").combine_chunks().flatten().to_numpy()
        starts = np.concatenate([[0], np.cumsum(lists.value_lengths().to_numpy())])
        ids, column = np.unique(items, return_inverse=True)
        n_of = np.zeros(len(ids), dtype=np.int64)
        n_of[column] = n
        ones = np.ones(len(items), dtype=np.int32)
        basket_item = sp.csr_matrix((ones, column.astype(np.int32), starts), shape=(len(starts) - 1, len(ids)))
        own = np.flatnonzero(ids % self.cfg.blocks == block)
        item_basket = basket_item.tocsc()[:, own].T.tocsr()
        for low in range(0, len(own), _ROWS_AT_ONCE):
            mine = own[low : low + _ROWS_AT_ONCE]
            together = (item_basket[low : low + _ROWS_AT_ONCE] @ basket_item).tocoo()
            yield self._nearest(ids, n_of, mine, together)

    def _nearest(
        self, ids: Indices, n_of: npt.NDArray[np.int64], mine: npt.NDArray[np.int64], together: Any
    ) -> pa.RecordBatch:
        """``together``: counts (mine, ids) as a sparse matrix in coordinates."""
        import pyarrow as pa
        import scipy.sparse as sp

        mask = (together.data >= self.cfg.min_together) & (mine[together.row] != together.col)
        row, column, count = together.row[mask], together.col[mask], together.data[mask]
        norm = np.sqrt((n_of[mine[row]] + self.cfg.shrinkage) * (n_of[column] + self.cfg.shrinkage))
        similarity = sp.csr_matrix(((count / norm).astype(np.float32), (row, column)), shape=together.shape)
        row, column, score, _ = best_stored(similarity, self.cfg.neighbours)
        order = np.lexsort((column, row))
        ends = [pa.array(ids[side][order], pa.int32()) for side in (mine[row], column)]
        columns = [*ends, pa.array(score[order], pa.float32())]
        return pa.RecordBatch.from_arrays(columns, names=["item_index", "neighbour_index", "similarity"])


def propose(
    pair_rows: DataFrame, load_neighbours: NeighboursLoader, cfg: CoPurchaseConfig, partitions: int
) -> DataFrame:
    """score of j = Σ over the user's items i of log(1 + decayed count of i) · s_ij; items already taken stay in.

    ``pair_rows``: from ``history.baskets.pairs`` with ``cfg.half_life_days``. Returns user_index, item_index, source,
    rank (int), score (float): at most the quota for each user.
    """
    decayed = decayed_column(cfg.half_life_days)
    history = pair_rows.select("user_index", "item_index", decayed).repartition(partitions, "user_index")
    history = history.sortWithinPartitions("user_index", "item_index")
    return of_source(history.mapInArrow(_Propose(load_neighbours, cfg.quota), KERNEL_OUTPUT), "co_purchase")


class _Propose:
    """Rows are (user_index, item_index, decayed count in q20), sorted: the fold over a history has one order."""

    def __init__(self, load_neighbours: NeighboursLoader, quota: int) -> None:
        self.load_neighbours, self.quota = load_neighbours, quota

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import scipy.sparse as sp

        table = self.load_neighbours()
        item, neighbour, similarity = (
            table.column(c).to_numpy() for c in ("item_index", "neighbour_index", "similarity")
        )
        ids = np.unique(np.concatenate([item, neighbour]))
        if len(ids) == 0:
            return
        places = (np.searchsorted(ids, item), np.searchsorted(ids, neighbour))
        near = sp.csr_matrix((similarity.astype(np.float64), places), shape=(len(ids), len(ids)))
        for history_rows in whole_users(batches):
            users, items, decayed = (column.to_numpy() for column in history_rows.columns)
            at, known = locate(ids, items)
            names, row = np.unique(users, return_inverse=True)
            weight = np.log1p(decayed / Q20)
            history = sp.csr_matrix((weight[known], (row[known], at[known])), shape=(len(names), len(ids)))
            for low in range(0, len(names), _ROWS_AT_ONCE):
                user, column, score, rank = best_products(history[low : low + _ROWS_AT_ONCE], near, None, self.quota)
                yield candidate_batch(names[low + user], ids[column], rank, score)
