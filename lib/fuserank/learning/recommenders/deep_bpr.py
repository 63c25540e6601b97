"""deep_bpr: BPR whose score is a product of factors and a network over both (Rendle et al. 2009 for the loss; He,
Liao, Zhang, Nie, Hu, Chua 2017, "Neural collaborative filtering", for the score: the two ways of their eq. 11 added).

score of j for u = b_j + x_u·y_j + v·h_L, h_1 = relu(A x_u + B y_j + c), h_l = relu(W_l h_(l−1) + c_l). x, y and b are
first those of ``bpr``, as the paper starts from what was learned before (its section 3.4.1), v is 0. Then for a pair
(u, i) and an item j that u did not take, the best scored of some draws, a step of Adagrad up ln σ(s_ui − s_uj) − λ/2
(‖x_u‖² + ‖y_i‖² + ‖y_j‖² + b_i² + b_j²), of the network alone where factors are not ``refined``.

Users who were not there at the fit are folded in as ``bpr`` folds them. torch trains (deep_bpr_train); lists are numpy
alone, and a score for each user and item: B · I · (H_1 + H_1 H_2 …) operations for a block.

Shapes: U users, I items, D factor length, H units of a layer, B users of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense
from fuserank.learning.recommenders.bpr import fold, summed

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import DeepBprConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256
Floats = npt.NDArray[np.float32]


def learn(pairs: Interactions, cfg: DeepBprConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of parts ``user`` (x), ``item`` (y, value: b), ``fold`` (rows of the fold-in), ``of_user`` and
    ``of_item`` (rows of A and B, value: c), ``layer_1`` … (rows of W_2 …, value: c), ``out`` (v); ``block`` must be
    the only one.

    Raises FloatingPointError where the steps diverge.
    """
    if not pairs.weight.nnz:
        return
    from fuserank.learning.recommenders.deep_bpr_train import train

    found = train(pairs.weight, cfg, seed)
    yield from state.vectors("user", pairs.users, found["user"])
    yield from state.vectors("item", pairs.items, found["item"], found["bias"])
    yield from state.vectors("fold", np.arange(cfg.factors), fold(pairs.weight, found["user"], found["item"]))
    for side in ("of_user", "of_item"):
        yield from state.vectors(side, np.arange(cfg.hidden[0]), found[side], found["shift_0"])
    for n, units in enumerate(cfg.hidden[1:], 1):
        yield from state.vectors(f"layer_{n}", np.arange(units), found[f"layer_{n}"], found[f"shift_{n}"])
    yield from state.vectors("out", np.arange(1), found["out"])


class Scorer:
    """The network's score of every item; an unknown user without a history gets no list."""

    def __init__(self, rows: State, cfg: DeepBprConfig) -> None:
        self.users, self.x_UD, _ = rows.vectors("user")
        self.items, self.y_ID, self.bias_I = rows.vectors("item")
        if not len(self.items):
            return
        self.folded_ID = self.y_ID @ rows.vectors("fold")[1]
        self.layers = [rows.vectors(f"layer_{n}")[1:] for n in range(1, len(cfg.hidden))]
        _, self.of_user_HD, shift_H = rows.vectors("of_user")
        self.of_item_IH = self.y_ID @ rows.vectors("of_item")[1].T + shift_H
        self.out_H = rows.vectors("out")[1][0]

    def scores(self, x_BD: Floats) -> Floats:
        """(B, I), a user's numbers whoever else is asked."""
        found_BI = np.empty((len(x_BD), len(self.items)), np.float32)
        of_user_BH = np.einsum("bd,hd->bh", x_BD, self.of_user_HD)
        for b, x_D in enumerate(x_BD):
            h_IH = np.maximum(self.of_item_IH + of_user_BH[b], 0)
            for weight_HH, shift_H in self.layers:
                h_IH = np.maximum(h_IH @ weight_HH.T + shift_H, 0)
            found_BI[b] = self.y_ID @ x_D + self.bias_I + h_IH @ self.out_H
        return found_BI

    def factors(self, histories: Interactions) -> Floats:
        """x (B, D) of the users of ``histories``."""
        x_BD = summed(histories.weight, self.folded_ID)
        at, known = locate(self.users, histories.users)
        x_BD[known] = self.x_UD[at[known]]
        return x_BD

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``. Users of the fit have a factor even without a history."""
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        known_B = (np.diff(histories.weight.indptr) > 0) | locate(self.users, histories.users)[1]
        those = histories.some(np.flatnonzero(known_B))
        found = best_dense(self.scores(self.factors(those)), those.weight if exclude_seen else None, k)
        listed = np.isfinite(found.score)
        row = np.flatnonzero(known_B)[found.row]
        return Best(row[listed], found.column[listed], found.score[listed], found.rank[listed])
