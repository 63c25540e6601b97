"""Two scores for every candidate, whoever gave it: the ALS dot product, and the co-purchase sum.

A source scores only what it proposes; a model that sees 0 for all else cannot tell "far" from "not asked".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.users import whole_users

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

Loader = Callable[[], "pa.Table"]
_USERS_AT_ONCE = 64


def with_affinity(rows: DataFrame, user_factors: Loader, item_factors: Loader, neighbours: Loader) -> DataFrame:
    """``rows`` of ``pairs.side_by_side`` that are candidates, with ``als_dot`` and ``co_purchase_sum`` (double).

    Loaders run on executors: (index, factor) sorted by index, and (item_index, neighbour_index, similarity) sorted.
    als_dot = user factor · item factor, 0 where either has none; co_purchase_sum = Σ over own items j of
    ln(1 + decayed_30d_count of j) · similarity of j to the item (the score of the co_purchase source, for every pair).
    """
    from pyspark.sql import types as T

    schema = T.StructType(
        [
            *rows.schema.fields,
            T.StructField("als_dot", T.DoubleType()),
            T.StructField("co_purchase_sum", T.DoubleType()),
        ]
    )
    return rows.mapInArrow(_Affinity(user_factors, item_factors, neighbours), schema)


class _Affinity:
    def __init__(self, user_factors: Loader, item_factors: Loader, neighbours: Loader) -> None:
        self.loaders = (user_factors, item_factors, neighbours)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa
        import pyarrow.compute as pc
        from threadpoolctl import threadpool_limits

        users, items = (Factors.of(load()) for load in self.loaders[:2])
        near = Neighbours(self.loaders[2]())
        with threadpool_limits(1):
            for table in whole_users(batches):
                user, item = table["user_index"].to_numpy(), table["item_index"].to_numpy()
                weight = np.log1p(np.nan_to_num(table["decayed_30d_count"].to_numpy()))
                co = near.sums(user, item, weight)
                dot = users.dots(user, items, item)
                table = table.append_column("als_dot", pa.array(dot)).append_column("co_purchase_sum", pa.array(co))
                yield from table.filter(pc.field("given")).to_batches()


class Factors:
    """index (N, ascending) and factor (N, D)."""

    def __init__(self, index_N: npt.NDArray[Any], factor_ND: npt.NDArray[np.float32]) -> None:
        self.index_N, self.factor_ND = index_N, factor_ND

    @classmethod
    def of(cls, table: pa.Table) -> Factors:
        index = table["index"].to_numpy()
        flat = table["factor"].combine_chunks()
        flat = flat.chunk(0) if hasattr(flat, "chunk") else flat
        values = flat.flatten().to_numpy(zero_copy_only=False).astype(np.float32, copy=False)
        return cls(index, values.reshape(len(index), -1))

    def rows(self, wanted_B: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Factors of the wanted indices (B, D), zeros where there is none."""
        if len(self.index_N) == 0:
            return np.zeros((len(wanted_B), 1), np.float32)
        at = np.minimum(np.searchsorted(self.index_N, wanted_B), len(self.index_N) - 1)
        found = self.factor_ND[at]
        found[self.index_N[at] != wanted_B] = 0
        return found

    def dots(
        self, user_B: npt.NDArray[Any], other: Factors, item_B: npt.NDArray[Any], block: int = 65_536
    ) -> npt.NDArray[np.float64]:
        """user factor · item factor for B pairs, a block at a time, each in a fixed order of summation."""
        out = np.zeros(len(user_B))
        for low in range(0, len(user_B), block):
            part = slice(low, low + block)
            out[part] = np.einsum("bd,bd->b", self.rows(user_B[part]), other.rows(item_B[part]), dtype=np.float64)
        return out


class Neighbours:
    """Item to item similarities as a sparse matrix over the items that have any."""

    def __init__(self, table: pa.Table) -> None:
        import scipy.sparse as sp

        item, neighbour, similarity = (table[c].to_numpy() for c in ("item_index", "neighbour_index", "similarity"))
        self.ids = np.unique(np.concatenate([item, neighbour]))
        places = (np.searchsorted(self.ids, item), np.searchsorted(self.ids, neighbour))
        self.near = sp.csr_matrix((similarity.astype(np.float64), places), shape=(len(self.ids), len(self.ids)))

    def sums(
        self, user_B: npt.NDArray[Any], item_B: npt.NDArray[Any], weight_B: npt.NDArray[Any]
    ) -> npt.NDArray[np.float64]:
        """Σ_j weight(u, j) · s(j, i) for every row (u, i); rows of one user stand together."""
        import scipy.sparse as sp

        out = np.zeros(len(user_B))
        if len(self.ids) == 0:
            return out
        at = np.minimum(np.searchsorted(self.ids, item_B), len(self.ids) - 1)
        known = self.ids[at] == item_B
        starts = np.concatenate([[0], np.flatnonzero(np.diff(user_B)) + 1, [len(user_B)]])
        for low in range(0, len(starts) - 1, _USERS_AT_ONCE):
            bounds = starts[low : low + _USERS_AT_ONCE + 1]
            part = slice(bounds[0], bounds[-1])
            line = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
            mine = known[part] & (weight_B[part] > 0)
            history = sp.csr_matrix(
                (weight_B[part][mine], (line[mine], at[part][mine])), shape=(len(bounds) - 1, len(self.ids))
            )
            said = (history @ self.near).toarray()
            out[part] = np.where(known[part], said[line, at[part]], 0.0)
        return out
