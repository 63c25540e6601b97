"""counting: what stands against every model of next baskets, as one sum of three counts.

    score(u, i) = Σ_b d^back(b) [i in b] / Σ_b d^back(b)            own counts, decayed by basket
                + w_c Σ_{j in the last baskets} d_c^back(j) P(i | j)   what is bought beside what was bought last
                + w_p P(i)                                             what is bought at all

P(i | j): share of the baskets with j in which i is, over n_j + shrinkage, the largest ``neighbours`` of each j; P(i):
share of all baskets, those of a half-life ago counting half. Nothing of it is fitted but by settings.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense, best_products

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.baskets import Baskets
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import CountingConfig, TwoHeadsConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256
_ITEMS_AT_ONCE = 8192


def shares(of: Baskets, items: int, half_life: float) -> npt.NDArray[np.float64]:
    """P(i) (I,)."""
    starts = of.basket_starts()[:-1]
    whole = np.exp2(-of.age[starts].astype(np.float64) / half_life).sum() if len(starts) else 1.0
    weight_N = np.exp2(-of.age.astype(np.float64) / half_life)
    return np.bincount(of.item, weight_N, minlength=items) / max(whole, 1e-30)


def beside(of: Baskets, items: int, cfg: CountingConfig | TwoHeadsConfig) -> Iterator[Best]:
    """P(i | j) of some items j after the others, ``row``: j; of baskets that are not larger than the settings say, as a
    wholesaler's have each item beside each.
    """
    import scipy.sparse as sp

    starts = of.basket_starts()
    size_K = np.diff(starts)
    item_N = of.item[np.repeat(size_K <= cfg.max_basket_items, size_K)]
    starts = np.append(0, np.cumsum(size_K[size_K <= cfg.max_basket_items]))
    with_KI = sp.csr_matrix((np.ones(len(item_N), np.float32), item_N, starts), (len(starts) - 1, items)).copy()
    with_KI.sort_indices()
    with_IK = with_KI.T.tocsr()
    count_I = np.diff(with_IK.indptr)
    for low in range(0, items, _ITEMS_AT_ONCE):
        rows = np.arange(low, min(low + _ITEMS_AT_ONCE, items))
        itself = sp.csr_matrix((np.ones(len(rows), np.float32), rows, np.arange(len(rows) + 1)), (len(rows), items))
        found = best_products(with_IK[rows], with_KI, itself, cfg.neighbours)
        row = found.row + low
        yield found._replace(row=row, score=found.score / (count_I[row] + cfg.shrinkage).astype(np.float32))


def learn(pairs: Interactions, cfg: CountingConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``, without length, value: P(i). Edges of part ``near``: j → i, P(i | j)."""
    assert pairs.baskets is not None
    share_I = shares(pairs.baskets, len(pairs.items), cfg.popularity_half_life)
    yield from state.vectors("item", pairs.items, np.zeros((len(pairs.items), 0), np.float32), share_I)
    for some in beside(pairs.baskets, len(pairs.items), cfg):
        yield from state.edges("near", pairs.items[some.row], pairs.items[some.column], some.score)


class Scorer:
    """A user without a history gets what is bought at all."""

    def __init__(self, rows: State, cfg: CountingConfig) -> None:
        self.cfg = cfg
        self.items, _, self.share_I = rows.vectors("item")
        self.near = rows.matrix("near", self.items, self.items)[2]

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: the sum of the three counts."""
        assert histories.baskets is not None
        of, cfg = histories.baskets, self.cfg
        back_N = of.back.astype(np.float64)
        decay, count_B = cfg.decay, of.count
        # a finite sum of powers
        whole_B = count_B.astype(np.float64) if decay == 1 else (1 - decay**count_B) / (1 - decay)
        own = of.summed(decay**back_N / whole_B[of.user], len(self.items))
        last = of.summed(cfg.last_decay**back_N * (back_N < cfg.last), len(self.items))
        scores_BI = np.repeat((cfg.popularity_weight * self.share_I)[None, :], len(histories.users), axis=0)
        for part in (own, cfg.beside_weight * (last @ self.near)):
            row = np.repeat(np.arange(part.shape[0]), np.diff(part.indptr))
            scores_BI[row, part.indices] += part.data.astype(np.float32)
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)
