"""Which own items lie nearest to a recommended one in the space of ALS factors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.users import whole_users

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Factors = tuple[np.ndarray, np.ndarray]  # item_index (I,) ascending, factors (I, D) of length 1
SCHEMA = "user_index int, item_index int, from_item int, place int"


def unit_factors(index_I: np.ndarray, factor_ID: np.ndarray) -> Factors:
    """Factors scaled to length 1 and sorted by item_index; an item without direction stays 0."""
    order = np.argsort(index_I)
    factor_ID = np.asarray(factor_ID[order], dtype=np.float32)
    norm_I = np.sqrt(np.einsum("id,id->i", factor_ID, factor_ID, dtype=np.float64))
    scale_I = np.divide(1.0, norm_I, out=np.zeros_like(norm_I), where=norm_I > 0)
    return index_I[order], (factor_ID * scale_I[:, None]).astype(np.float32)


def nearest_own(
    recommended: DataFrame, own: DataFrame, load: Callable[[], Factors], history: int, items: int
) -> DataFrame:
    """For each recommended row (user_index, item_index): the ``items`` own items with the highest cosine, place 1
    first; lazy.

    ``own``: user_index, item_index, times. The ``history`` most bought own items are looked at, never the item itself.
    Only similarities above 0 are named. ``load`` gives the factors on the executor.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    users = recommended.select("user_index").distinct()
    most = Window.partitionBy("user_index").orderBy(F.desc("times"), "item_index")
    most_bought = (
        own.join(users, "user_index", "left_semi")
        .withColumn("n", F.row_number().over(most))
        .where(F.col("n") <= history)
    )
    both = recommended.select("user_index", "item_index", F.lit(True).alias("wanted")).unionByName(
        most_bought.select("user_index", "item_index", F.lit(False).alias("wanted"))
    )
    by_user = both.repartition("user_index").sortWithinPartitions("user_index", "wanted", "item_index")
    return by_user.mapInArrow(_kernel(load, items), SCHEMA)


def nearest(wanted_W: np.ndarray, own_O: np.ndarray, factors: Factors, items: int) -> list[tuple[int, int, int]]:
    """(wanted item, own item, place from 1) for one user; both item lists ascending, so ties go to the lower index."""
    index_I, factor_ID = factors
    wanted_W, own_O = wanted_W[np.isin(wanted_W, index_I)], own_O[np.isin(own_O, index_I)]
    if not len(wanted_W) or not len(own_O):
        return []
    left_WD = factor_ID[np.searchsorted(index_I, wanted_W)].astype(np.float64)
    right_OD = factor_ID[np.searchsorted(index_I, own_O)].astype(np.float64)
    cosine_WO = np.einsum("wd,od->wo", left_WD, right_OD)  # no BLAS: the same bits on any block
    cosine_WO[wanted_W[:, None] == own_O[None, :]] = -1.0
    best_WP = np.argsort(-cosine_WO, axis=1, kind="stable")[:, :items]
    return [
        (int(wanted), int(own_O[column]), place)
        for row, wanted in enumerate(wanted_W)
        for place, column in enumerate(best_WP[row], start=1)
        if cosine_WO[row, column] > 0
    ]


def _kernel(load: Callable[[], Factors], items: int) -> Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        factors = load()
        for rows in whole_users(batches):
            user_N, item_N = rows["user_index"].to_numpy(), rows["item_index"].to_numpy()
            wanted_N = rows["wanted"].to_numpy()
            starts = np.flatnonzero(np.diff(user_N, prepend=-1))
            found: list[tuple[int, int, int, int]] = []
            for start, end in zip(starts, [*starts[1:], len(user_N)], strict=True):
                items_n, wanted_n = item_N[start:end], wanted_N[start:end]
                for hit in nearest(items_n[wanted_n], items_n[~wanted_n], factors, items):
                    found.append((int(user_N[start]), *hit))
            columns = np.array(found, dtype=np.int32).reshape(-1, 4).T
            yield pa.RecordBatch.from_arrays(
                [pa.array(c) for c in columns], ["user_index", "item_index", "from_item", "place"]
            )

    return run
