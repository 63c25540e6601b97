"""popularity: what most users took, alike for all; of the family as the floor that the others must pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.candidates import learned
from fuserank.candidates.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.candidates.interactions import Interactions
    from fuserank.candidates.learned import Learned
    from fuserank.config.retrieval import PopularityConfig

USERS_AT_ONCE = 512


def learn(pairs: Interactions, cfg: PopularityConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``, without length; value: its pairs, each 2^(−age / half-life)."""
    counted = np.ones(pairs.weight.nnz) if cfg.half_life is None else np.exp2(-pairs.age.data / cfg.half_life)
    value_I = np.bincount(pairs.weight.indices, counted, minlength=len(pairs.items))
    yield from learned.vectors("item", pairs.items, np.zeros((len(pairs.items), 0), np.float32), value_I)


class Scorer:
    """score of j = its count. A user without a history gets the whole list."""

    def __init__(self, rows: Learned, cfg: PopularityConfig) -> None:
        self.items, _, self.count_I = rows.vectors("item")
        self.order_I = np.argsort(-self.count_I, kind="stable")

    def best(self, asked: Interactions, k: int, exclude_seen: bool) -> Best:
        longest = int(np.diff(asked.weight.indptr).max(initial=0)) if exclude_seen else 0
        first = np.sort(self.order_I[: k + longest])  # so many hold k that a user has not seen
        scores_BF = np.repeat(self.count_I[None, first], len(asked.users), axis=0)
        found = best_dense(scores_BF, asked.ones[:, first] if exclude_seen else None, k)
        return found._replace(column=first[found.column])
