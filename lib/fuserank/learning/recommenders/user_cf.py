"""user_cf: what users took who took the same (Resnick et al. 1994), by the
similarities of item_cf on the turned matrix.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import similar, state
from fuserank.learning.recommenders.best import Best, best_products

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import UserCfConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 1024


def learn(pairs: Interactions, cfg: UserCfConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``near``: user → neighbour, of one block of the users; and of part ``took``: what they took."""
    yield from similar.neighbours(pairs.weight.T.tocsr(), pairs.users, cfg, block)
    if block[0] == 0:
        yield from state.entries("took", pairs.users, pairs.items, pairs.weight)


class Scorer:
    """score of j = Σ over the neighbours v of the user of s_uv · weight of (v, j). A user who was not there at the
    fit has no neighbours, and gets no list.
    """

    def __init__(self, rows: State, cfg: UserCfConfig) -> None:
        import scipy.sparse as sp

        self.users, self.items, self.took = rows.matrix("took")
        near = rows.matrix("near", self.users, self.users)[2]
        self.near = sp.vstack([near, sp.csr_matrix((1, near.shape[1]), dtype=near.dtype)], format="csr")  # of strangers

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: what a user's neighbours took, by their similarity; users who were not in
        the fit have no neighbours, and no list.
        """
        at, known = locate(self.users, histories.users)
        near = self.near[np.where(known, at, len(self.users))]
        return best_products(near, self.took, histories.ones if exclude_seen else None, k)
