"""up_cf: how often users took an item lately, of the user and of those who took the same (Faggioli, Polato and Aiolli,
UMAP 2020, eqs. 1, 3 and 4: UP-CF@r).

    pop@r(u, i) = baskets with i among the last min(r, n_u) of u, over min(r, n_u)
    w(u, v)     = |I_u ∩ I_v| / (|I_u|^α |I_v|^(1 − α)),  w(u, u) = 1
    score(u, i) = Σ_v w(u, v)^q pop@r(v, i)

over the k users with the largest w and the user's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense, best_products
from fuserank.learning.recommenders.neighbours import beside_own, same_user

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import UpCfConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256


def recent(histories: Interactions, baskets: int) -> sp.csr_matrix:
    """pop@r (B, I); 0 is stored of what was taken before the last ``baskets`` alone."""
    assert histories.baskets is not None
    of = histories.baskets
    seen_N = np.minimum(of.count, baskets)[of.user]
    return of.summed((of.back < baskets) / seen_N, len(histories.items))


def learn(pairs: Interactions, cfg: UpCfConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``took``: user → item that was ever taken, pop@r."""
    yield from state.entries("took", pairs.users, pairs.items, recent(pairs, cfg.recency))


class Scorer:
    """A user who was not there at the fit has neighbours, too; one without a history has no list."""

    def __init__(self, rows: State, cfg: UpCfConfig) -> None:
        self.cfg = cfg
        self.users, self.items, took = rows.matrix("took")
        self.took = took.astype(np.float64)
        ever = self.took.copy()
        ever.data[:] = 1.0
        self.turned = ever.T.tocsr()
        self.items_U = np.diff(self.took.indptr).astype(np.float64)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: what the user and alike ones took lately."""
        ever, alpha = histories.ones.astype(np.float64), self.cfg.asymmetry
        items_B = np.maximum(np.diff(ever.indptr), 1).astype(np.float64)
        alike_BU = (ever @ self.turned).toarray()
        alike_BU /= items_B[:, None] ** alpha * self.items_U[None, :] ** (1 - alpha)
        # by the power, so that the largest stay the largest and small ones, which are nothing, fall out
        near = best_dense(
            (alike_BU**self.cfg.locality).astype(np.float32),
            same_user(histories.users, self.users),
            self.cfg.neighbours,
        )
        there = near.score > 0
        near = Best(near.row[there], near.column[there], near.score[there], near.rank[there])
        left, right = beside_own(1.0, recent(histories, self.cfg.recency), near, self.took)
        return best_products(left, right, histories.ones if exclude_seen else None, k)
