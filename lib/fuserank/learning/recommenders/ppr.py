"""ppr: Personalised PageRank on the graph of users and items, by forward push (Andersen, Chung, Lang 2006).

A walk stands on an item of the user's history, and goes on to a neighbour alike for all, or, with probability
α, back to an item of the history: p = α s + (1 − α) p D⁻¹ A (their eq. 1 without its lazy half; s: 2^(−age /
half-life), summing to 1). Push keeps a residual r with p = p̃ + Σ_v r_v ppr(v) (lemma 1), moves α r_v into p̃_v
and the rest to v's neighbours, and is done when r_v ≤ ε d_v for all v. As d_v ppr_v(u) = d_u ppr_u(v) in a
graph without directions, 0 ≤ p_v − p̃_v ≤ ε d_v. Work: at most 1 / (ε α) edges a user besides those of the
history, whatever the size of the graph.

score of j = (p̃_j + α r_j) / d_j^popularity_power: a share α of what waits at j is j's own whatever follows,
and the bound holds of the sum too. Without it popular items, which pass ε d_j late, would be missed. The walk
restarts at the history, not at the user: users who were not there at the fit are no exception. Where a walk
meets fewer than K items, which a history of thousands can do, it goes on with an ε as small as that takes.
Items of other components are not listed.

Where the data say whom a user trusts, users of whom one trusts the other are neighbours, too, by an edge of weight
``social``; a walk leaves a node by an edge's share of the node's weights, which d_v sums up (Jamali and Ester 2009,
"TrustWalker", walk on such links alone; one graph of both is that of Konstas, Stathopoulos, Jose 2009).

Shapes: U users, I items, V = I + U nodes, B users of a block, K results a user.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import PprConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 1024
Floats = npt.NDArray[np.float32]


def learn(pairs: Interactions, cfg: PprConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``took``: user → item, and where links are known, and count, of ``linked``: user → other user, each
    with value 1. Nothing is trained.
    """
    yield from state.entries("took", pairs.users, pairs.items, pairs.ones)
    if cfg.social and pairs.content is not None:
        user, other = pairs.content.links()
        both = locate(pairs.users, user)[1] & locate(pairs.users, other)[1]
        yield from state.edges("linked", user[both], other[both], np.ones(int(both.sum()), np.float32))


class Scorer:
    """The graph as the neighbours of each node (``ptr``, ``other``): items are nodes 0 … I − 1, users I … V − 1."""

    def __init__(self, rows: State, cfg: PprConfig) -> None:
        users, self.items, took = rows.matrix("took")
        taken_by, items_U = took.T.tocsr(), np.diff(took.indptr)
        if cfg.social and rows.parts("linked"):
            took = _beside(took, rows.matrix("linked", users, users)[2])
        self.ptr = np.concatenate([taken_by.indptr.astype(np.int64), taken_by.nnz + took.indptr[1:].astype(np.int64)])
        self.other = np.concatenate([taken_by.indices + len(self.items), took.indices]).astype(np.int32)
        self.cfg = cfg
        degree = [np.diff(taken_by.indptr), items_U + cfg.social * (np.diff(took.indptr) - items_U)]
        self.degree_V = np.concatenate(degree).astype(np.float32)
        self.factor_I = (np.diff(taken_by.indptr).astype(np.float64) ** -cfg.popularity_power).astype(np.float32)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: approximate personalised PageRank with restarts at the items
        of a history; no list without a history.
        """
        from fuserank.learning.recommenders.kernels.ppr import ranked

        k = min(k, len(self.items))
        column_BK, score_BK = (
            np.full((len(histories.users), k), -1, np.int64),
            np.empty((len(histories.users), k), np.float32),
        )
        if k:
            ptr, seeds = histories.weight.indptr.astype(np.int64), histories.weight.indices.astype(np.int32)
            numbers = (np.float32(self.cfg.restart), np.float32(self.cfg.epsilon), self.factor_I)
            ranked(
                self.ptr,
                self.other,
                self.degree_V,
                np.float32(self.cfg.social),
                ptr,
                seeds,
                self._restarts(histories),
                *numbers,
                exclude_seen,
                k,
                column_BK,
                score_BK,
            )
        return Best.of(column_BK, score_BK)

    def _restarts(self, histories: Interactions) -> Floats:
        """s of each pair."""
        count_B = np.diff(histories.age.indptr)
        row = np.repeat(np.arange(len(count_B)), count_B)
        weight_N = histories.decayed(self.cfg.half_life, weighted=False).data.astype(np.float64)
        return (weight_N / np.bincount(row, weight_N, len(count_B))[row]).astype(np.float32)


def _beside(took: sp.csr_matrix, linked: sp.csr_matrix) -> sp.csr_matrix:
    """Neighbours of each user: items, and after them users, whoever of two named the other."""
    import scipy.sparse as sp

    wide: sp.csr_matrix = sp.hstack([took, linked + linked.T], format="csr")
    wide.sort_indices()
    return wide
