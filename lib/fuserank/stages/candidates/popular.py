"""popular: what is taken most, alike for every user: a source of the chain, and of the retrieval
family as the floor that the others must pass.

score = Σ over windows of weight · what was taken in that window, each 2^(−age / half-life):
baskets of a lake; pairs where data are pairs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.history.events import Q20
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense
from fuserank.stages.candidates.rows import same_list_for_all

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from fuserank.config.candidates import PopularConfig
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.state import State
    from fuserank.stages.candidates.inputs import SourceInputs

USERS_AT_ONCE = 512


def lists(inputs: SourceInputs, cfg: PopularConfig) -> DataFrame:
    """The same list for every user with feedback."""
    return propose(inputs.baskets, cfg)


def propose(basket_rows: DataFrame, cfg: PopularConfig) -> DataFrame:
    """``basket_rows``: from ``history.baskets``. Returns user_index, item_index, source, rank (int), score (float):
    exactly min(quota, items) rows for each user.
    """
    from pyspark.sql import functions as F

    counts = basket_rows.groupBy("item_index").agg(
        *(_counted(F.col("age_days") <= w.days, cfg).alias(f"baskets_{n}") for n, w in enumerate(cfg.windows))
    )
    score = sum((F.col(f"baskets_{n}") * F.lit(float(w.weight)) for n, w in enumerate(cfg.windows)), F.lit(0.0))
    return same_list_for_all(
        counts.select("item_index", score.alias("score")),
        basket_rows.select("user_index").distinct(),
        "popular",
        cfg.quota,
    )


def _counted(within: Column, cfg: PopularConfig) -> Column:
    """Baskets of a window; those of a half-life as sums of whole numbers, which no shuffle changes."""
    from pyspark.sql import functions as F

    if cfg.half_life is None:
        return F.count_if(within)
    each = F.round(F.pow(F.lit(0.5), F.col("age_days") / F.lit(cfg.half_life)) * F.lit(float(Q20))).cast("long")
    return F.sum(F.when(within, each).otherwise(F.lit(0))) / F.lit(float(Q20))


def learn(pairs: Interactions, cfg: PopularConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``, without length; value: the item's score."""
    age = pairs.age.data
    weight = sum(((age <= w.days) * w.weight for w in cfg.windows), np.zeros(len(age)))
    counted = weight if cfg.half_life is None else weight * np.exp2(-age / cfg.half_life)
    value_I = np.bincount(pairs.weight.indices, counted, minlength=len(pairs.items))
    yield from state.vectors("item", pairs.items, np.zeros((len(pairs.items), 0), np.float32), value_I)


class Scorer:
    """A user without a history gets the whole list."""

    def __init__(self, rows: State, cfg: PopularConfig) -> None:
        self.items, _, self.score_I = rows.vectors("item")
        self.order_I = np.argsort(-self.score_I, kind="stable")

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """The k best items of each user of ``histories``."""
        longest = int(np.diff(histories.weight.indptr).max(initial=0)) if exclude_seen else 0
        first = np.sort(self.order_I[: k + longest])  # so many hold k that a user has not seen
        scores_BF = np.repeat(self.score_I[None, first], len(histories.users), axis=0)
        found = best_dense(scores_BF, histories.ones[:, first] if exclude_seen else None, k)
        return found._replace(column=first[found.column])
