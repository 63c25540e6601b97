"""tifu_knn: the user's items by two decays, and those of the users whose counts are nearest (Hu, He, Gao and Zhang,
SIGIR 2020, section 4).

The baskets of a user are cut into groups of m, from the last one back; the oldest group may hold fewer. With b_ij the
basket i of group j (ones of its items), both counted back from 0, of s_j baskets and n groups:

    v_j = Σ_i r_b^i b_ij / s_j            a group, by the decay within it
    u   = Σ_j r_g^j v_j / n               the user, by the decay over groups
    p   = α u + (1 − α) Σ_{v among the k nearest} v / k,  nearest by Euclid's distance of u and v
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
    from fuserank.learning.recommenders.settings_baskets import TifuKnnConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256


def decayed(histories: Interactions, cfg: TifuKnnConfig) -> sp.csr_matrix:
    """u of each user (B, I)."""
    assert histories.baskets is not None
    of, m = histories.baskets, cfg.group
    count_N = of.count[of.user]
    group_N, groups_N = of.back // m, -(-count_N // m)
    size_N = np.where(group_N < groups_N - 1, m, count_N - m * (groups_N - 1))
    within_N = cfg.basket_decay ** (of.back % m).astype(np.float64)
    weight_N = within_N * cfg.group_decay ** group_N.astype(np.float64) / size_N / groups_N
    return of.summed(weight_N, len(histories.items))


def learn(pairs: Interactions, cfg: TifuKnnConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``took``: user → item, u."""
    yield from state.entries("took", pairs.users, pairs.items, decayed(pairs, cfg))


class Scorer:
    """score = p. A user without a history has no list; a user is not among the own neighbours."""

    def __init__(self, rows: State, cfg: TifuKnnConfig) -> None:
        self.cfg = cfg
        self.users, self.items, took = rows.matrix("took")
        self.took = took.astype(np.float64)
        self.turned = self.took.T.tocsr()
        self.square_U = np.asarray(self.took.multiply(self.took).sum(axis=1)).ravel()

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: own items and those of the nearest users, by α."""
        own = decayed(histories, self.cfg)
        nearest = self._nearest(own, histories)
        alpha = self.cfg.own_weight
        share = (1 - alpha) / max(min(self.cfg.neighbours, len(self.users)), 1)
        left, right = beside_own(alpha, own, nearest._replace(score=np.full(len(nearest.row), share)), self.took)
        return best_products(left, right, histories.ones if exclude_seen else None, k)

    def _nearest(self, own: sp.csr_matrix, histories: Interactions) -> Best:
        square_B = np.asarray(own.multiply(own).sum(axis=1)).ravel()
        apart_BU = square_B[:, None] + self.square_U[None, :] - 2 * (own @ self.turned).toarray()
        closeness_BU = -apart_BU.astype(np.float32)
        closeness_BU[np.diff(own.indptr) == 0] = -np.inf
        return best_dense(closeness_BU, same_user(histories.users, self.users), self.cfg.neighbours)
