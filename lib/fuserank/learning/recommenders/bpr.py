"""bpr: matrix factorisation by Bayesian Personalised Ranking (Rendle, Freudenthaler, Gantner, Schmidt-Thieme 2009).

score of j for u = b_j + x_u·y_j. For a pair (u, i) and an item j that u did not take, a step up the gradient of ln
σ(x_ui − x_uj) − λ/2 (‖x_u‖² + ‖y_i‖² + ‖y_j‖² + b_i² + b_j²) (their section 4.2, learning rate falling to 0 in a
line). An epoch takes each pair once, in a new order. j is drawn alike from all items (`uniform`), or is the best
scored of some such draws (`dynamic`, DNS; Zhang, Chen, Wang, Yu 2013, "Optimizing top-N collaborative filtering via
dynamic negative item sampling"): most items are ranked below i early on, and say nothing any more.

Users who were not there at the fit are folded in from their history H: x = |H|^−½ Σ_(i in H) y_i W, W
(D, D) by the ridge regression of the learned x_u on |H_u|^−½ Σ y_i of the same users. Users of the fit
keep their x_u, whatever they took since.

Shapes: U users, I items, N pairs, D factor length, B users of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, Products, best_dense

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import BprConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 2048
Floats = npt.NDArray[np.float32]
_START = 0.1  # length of a factor before the first step
# The best of m draws from I items stands at rank I / m or so. The first ranks hold what a user would take next: of
# few items fewer are drawn, or BPR unlearns those.
_LEAST_RANK = 50
_RIDGE = 1e-2  # of the fold-in, as a share of the mean diagonal of its Gram matrix


def learn(pairs: Interactions, cfg: BprConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of parts ``user`` (x), ``item`` (y, value: b) and ``fold`` (rows of W); ``block`` must be the only one.

    Raises FloatingPointError where the steps diverge.
    """
    x_UD, y_ID, bias_I = ascend(pairs.weight, cfg, seed)
    yield from state.vectors("user", pairs.users, x_UD)
    yield from state.vectors("item", pairs.items, y_ID, bias_I)
    yield from state.vectors("fold", np.arange(cfg.factors), fold(pairs.weight, x_UD, y_ID))


def ascend(taken: sp.csr_matrix, cfg: BprConfig, seed: int) -> tuple[Floats, Floats, Floats]:
    """x (U, D), y (I, D) and b (I,) after all epochs, from a random start N(0, _START² / D)."""
    from fuserank.learning.recommenders.kernels.bpr import epoch, shuffle

    rng = np.random.default_rng(seed)
    scale = np.float32(_START / np.sqrt(cfg.factors))
    x_UD, y_ID = (rng.standard_normal((rows, cfg.factors), np.float32) * scale for rows in taken.shape)
    bias_I = np.zeros(taken.shape[1], np.float32)
    state_1 = rng.integers(0, 2**64, 1, np.uint64)
    user_N = np.repeat(np.arange(taken.shape[0], dtype=np.int32), np.diff(taken.indptr))
    order_N = np.arange(taken.nnz, dtype=np.int32 if taken.nnz < 2**31 else np.int64)
    candidates = draws(cfg, taken.shape[1])
    for n in range(cfg.epochs):
        rate = np.float32(cfg.learning_rate * (1 - n / cfg.epochs))
        shuffle(order_N, state_1)
        epoch(
            taken.indptr,
            user_N,
            taken.indices,
            order_N,
            candidates,
            rate,
            np.float32(cfg.regularization),
            state_1,
            x_UD,
            y_ID,
            bias_I,
        )
        if not all(np.isfinite(table).all() for table in (x_UD, y_ID, bias_I)):
            raise FloatingPointError("bpr diverged: factors are not finite; lower its learning_rate")
    return x_UD, y_ID, bias_I


def draws(cfg: BprConfig, items: int) -> int:
    """How many items are drawn for a negative."""
    return max(1, min(cfg.candidates, items // _LEAST_RANK)) if cfg.negatives == "dynamic" else 1


def summed(history: sp.csr_matrix, y_ID: Floats) -> Floats:
    """|H|^−½ Σ y_i of each row (B, D); zero for an empty one. A row's bits do not depend on the other rows."""
    root_B = np.sqrt(np.maximum(np.diff(history.indptr), 1)).astype(np.float32)
    summed_BD: Floats = (history != 0).astype(np.float32) @ y_ID
    return summed_BD / root_B[:, None]


def fold(taken: sp.csr_matrix, x_UD: Floats, y_ID: Floats) -> Floats:
    """W (D, D) of the ridge regression."""
    z_UD = summed(taken, y_ID).astype(np.float64)
    gram_DD = z_UD.T @ z_UD
    ridge = max(_RIDGE * np.trace(gram_DD) / len(gram_DD), 1e-12)
    w_DD: Floats = np.linalg.solve(gram_DD + ridge * np.eye(len(gram_DD)), z_UD.T @ x_UD).astype(np.float32)
    return w_DD


class Scorer:
    """Inner products with the user's factor, learned or folded in; an unknown user without a history gets no list."""

    def __init__(self, rows: State, cfg: BprConfig) -> None:
        self.users, self.x_UD, _ = rows.vectors("user")
        self.items, y_ID, bias_I = rows.vectors("item")
        self.folded_ID = y_ID @ rows.vectors("fold")[1] if len(y_ID) else y_ID
        # E = D + 1: the bias as a factor that is 1 for each user
        self.products = Products(np.column_stack([y_ID, bias_I]))

    def factors(self, histories: Interactions) -> Floats:
        """x (B, D) of the users of ``histories``."""
        x_BD = summed(histories.weight, self.folded_ID)
        at, known = locate(self.users, histories.users)
        x_BD[known] = self.x_UD[at[known]]
        return x_BD

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: score of an item = user's factor · item's + its bias. Users of the fit have a
        factor even without a history; others get one from theirs, and without one no list.
        """
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        x_BE = np.column_stack([self.factors(histories), np.ones(len(histories.users), np.float32)])
        known_B = (np.diff(histories.weight.indptr) > 0) | locate(self.users, histories.users)[1]
        return self.products.best(x_BE, known_B, histories.weight if exclude_seen else None, k)
