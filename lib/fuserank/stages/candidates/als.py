"""als: what users like this one took, by factors of implicit-feedback ALS (Hu, Koren, Volinsky 2008)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.factors import by_index, matrix
from fuserank.common.lookup import locate
from fuserank.history.events import Q20
from fuserank.history.recurrence import Recurrence, recurrence
from fuserank.learning.recommenders.contract import KERNEL_OUTPUT, candidate_batch
from fuserank.stages.candidates import als_mllib, barrier
from fuserank.stages.candidates.rows import of_source

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from fuserank.config.candidates import AlsConfig
    from fuserank.learning.recommenders.kernels.topk import SeenItems
    from fuserank.stages.candidates.inputs import SourceInputs

# Called on the executor: columns index (int32) and factor (list of D floats), one row an item, in any order.
ItemFactorsLoader = Callable[[], "pa.Table"]


def lists(inputs: SourceInputs, cfg: AlsConfig) -> DataFrame:
    """Fits on the pairs, keeps the factors, and proposes from what was kept; no more ranks than can start at once."""
    chosen, seen = weighed(cfg, inputs.recurrence)
    if seen is not None:
        inputs.note("log1p_baskets", chosen.weight == "log1p_baskets")
        if not seen.usual:
            inputs.say(f"weighs by {chosen.weight}: {seen}")
    fitted = chosen.model_copy(update={"ranks": min(cfg.ranks, inputs.at_once())})
    stored = inputs.keep(fit(inputs.pairs, fitted, inputs.seed))
    items = stored.loader(("index", "factor"), side="item")
    return propose(stored.rows(side="user"), items, cfg, inputs.partitions, inputs.pairs if cfg.exclude_seen else None)


def weighed(cfg: AlsConfig, count: Callable[[], Recurrence]) -> tuple[AlsConfig, Recurrence | None]:
    """The settings with the weight that ``auto`` stands for, and what that was chosen by; as they are, where one
    is named. ``count`` is called to choose.
    """
    if cfg.weight != "auto":
        return cfg, None
    seen = count()
    return cfg.model_copy(update={"weight": "log_baskets" if seen.usual else "log1p_baskets"}), seen


def confidence(pair_rows: DataFrame, cfg: AlsConfig) -> DataFrame:
    """``pair_rows`` (from ``history.baskets.pairs``) → user_index, item_index, confidence (float): 1 + alpha ·
    r. ``cfg`` names a weight (``weighed``).
    """
    from pyspark.sql import functions as F

    return pair_rows.select(
        "user_index", "item_index", (F.lit(1.0) + F.lit(cfg.alpha) * _weight(cfg)).cast("float").alias("confidence")
    )


def _weight(cfg: AlsConfig) -> Column:
    from pyspark.sql import functions as F

    reward = F.col("reward_sum_q20") / F.lit(float(Q20))
    return {
        "log_baskets": F.log(F.col("baskets").cast("double")),
        "log1p_baskets": F.log1p(F.col("baskets").cast("double")),
        "baskets": F.col("baskets").cast("double"),
        "log_reward": F.log1p(reward),
        "reward": reward,
    }[cfg.weight]


def fit(pair_rows: DataFrame, cfg: AlsConfig, seed: int) -> DataFrame:
    """Factors of every user and item that has a pair: side (user or item), index (int), factor (array<float>).

    Lazy with the blocked engine where the weight is named; the mllib engine runs jobs over ``pair_rows``.
    Save the result before it is read twice.
    """
    from pyspark.sql import functions as F

    cfg, _ = weighed(cfg, lambda: recurrence(pair_rows, F.col("baskets") > 1))
    rated = confidence(pair_rows, cfg)
    if cfg.engine == "mllib":
        return als_mllib.factors(rated, cfg, seed)
    return barrier.factors(rated.repartition(cfg.ranks, "user_index"), cfg, seed)


def propose(
    user_factors: DataFrame,
    load_items: ItemFactorsLoader,
    cfg: AlsConfig,
    partitions: int | None = None,
    seen_pairs: DataFrame | None = None,
) -> DataFrame:
    """The ``quota`` items of the largest inner product for every user, ties to the lower item_index.

    ``user_factors``: index (int), factor (array<float>). They are dealt into ``partitions``, as many as are to work
    at once; None: as they come. A user's list is the same in any of them. ``seen_pairs``: user_index,
    item_index; needed where ``exclude_seen`` is set. Returns user_index, item_index, source, rank (int), score
    (float): exactly min(quota, items) rows for each user, unless a mask leaves fewer items.
    """
    from pyspark.sql import functions as F

    users = user_factors.select("index", "factor")
    if cfg.exclude_seen:
        if seen_pairs is None:
            raise ValueError("als.exclude_seen is set, but no seen pairs were given")
        seen = seen_pairs.groupBy(F.col("user_index").alias("index")).agg(F.collect_set("item_index").alias("seen"))
        users = users.join(seen, "index", "left")
    if partitions is not None:
        users = users.repartition(partitions, "index")
    return of_source(users.mapInArrow(_TopK(load_items, cfg.quota), KERNEL_OUTPUT), "als")


class _TopK:
    """The kernel of ``propose``; rides to the executors inside the closure."""

    def __init__(self, load_items: ItemFactorsLoader, quota: int) -> None:
        self.load_items, self.quota = load_items, quota

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        from fuserank.learning.recommenders.kernels.topk import ItemIndex, topk

        with threadpool_limits(limits=1):
            item_index, factors_ID = by_index(self.load_items())
            if len(item_index) == 0:
                return
            index = ItemIndex(factors_ID, self.quota)
            for batch in batches:
                if batch.num_rows == 0:
                    continue
                users_UD = matrix(batch.column("factor"), index.depth)
                seen = _seen(batch.column("seen"), item_index) if "seen" in batch.schema.names else None
                positions_UK, scores_UK = topk(users_UD, index, seen)
                yield _rows(batch.column("index").to_numpy(), positions_UK, scores_UK, item_index)


def _seen(column: pa.ListArray, item_index: npt.NDArray[np.int32]) -> SeenItems:
    """A list column of item indices as positions in ``item_index``; unknown items are none."""
    import pyarrow.compute as pc

    from fuserank.learning.recommenders.kernels.topk import SeenItems

    items = column.flatten().to_numpy()
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy()
    at, known = locate(item_index, items)
    row = np.repeat(np.arange(len(column)), lengths)
    counts = np.bincount(row[known], minlength=len(column))
    return SeenItems(np.concatenate([[0], np.cumsum(counts)]), at[known].astype(np.int64))


def _rows(
    user_index: npt.NDArray[np.int32],
    positions_UK: npt.NDArray[np.int64],
    scores_UK: npt.NDArray[np.float32],
    item_index: npt.NDArray[np.int32],
) -> pa.RecordBatch:
    """Candidates by contract from (U, K) results; places that a mask left empty are dropped."""
    filled = positions_UK.ravel() >= 0
    users, k = positions_UK.shape
    return candidate_batch(
        np.repeat(user_index, k)[filled],
        item_index[positions_UK.ravel()[filled]],
        np.tile(np.arange(1, k + 1), users)[filled],
        scores_UK.ravel()[filled],
    )
