"""personal_top: what the user took most, later baskets counting more; then what all took most.

P-TopFreq of Li, Jullien, Ariannezhad and de Rijke (2023), section 4.3, with a decay by basket; as GP-TopFreq there, a
list goes on with what all took most where the user's own items end. The floor of next-basket recommendation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import PersonalTopConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256


def learn(pairs: Interactions, cfg: PersonalTopConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``, without length; value: decayed baskets of the item, of all users."""
    assert pairs.baskets is not None
    of = pairs.baskets
    weight = np.exp2(-of.age.astype(np.float64) / cfg.popularity_half_life)
    count_I = np.bincount(of.item, weight, minlength=len(pairs.items))
    yield from state.vectors("item", pairs.items, np.zeros((len(pairs.items), 0), np.float32), count_I)


class Scorer:
    """score of an own item = Σ over the user's baskets with it of decay^(number back from the last); of another one
    popularity of at most 1, less 2. A user without a history gets what all took most.
    """

    def __init__(self, rows: State, cfg: PersonalTopConfig) -> None:
        self.decay = cfg.decay
        self.items, _, count_I = rows.vectors("item")
        self.rest_I = count_I / max(float(count_I.max(initial=0)), 1e-30) - np.float32(2)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: own items by their decayed baskets, then others by what all took."""
        assert histories.baskets is not None
        of = histories.baskets
        own = of.summed(self.decay ** of.back.astype(np.float64), len(self.items))
        scores_BI = np.repeat(self.rest_I[None, :], len(histories.users), axis=0)
        scores_BI[np.repeat(np.arange(own.shape[0]), np.diff(own.indptr)), own.indices] = own.data
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)
