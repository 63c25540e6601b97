"""graph_filter: a user's history as a signal on the item graph, blurred and sharpened; nothing is trained.

R̃ = D_U^−½ R D_I^−½, P = R̃ᵀR̃. A row r of R becomes y = r P + β · r D_I^−½ V Vᵀ D_I^½, V the first right singular
vectors of R̃: the linear and the ideal low-pass filter of GF-CF (Shen et al. 2021, eqs. 14 and 15). It is then
sharpened by dy/dt = −y P for a time T, one Runge–Kutta step of fourth order (BSPM; Choi et al. 2023, eqs. 8 and 13).
If asked an item's score is multiplied by a power of its users (not of the papers): D_I^−½ lets items that two users
took outrun all others where most are such.

Shapes: U users, I items, D vectors, B users of a block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import GraphFilterConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 64  # their signals on all users and items are to stay in the cache
Floats = npt.NDArray[np.float32]


def learn(pairs: Interactions, cfg: GraphFilterConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``took`` (user → item, R̃) and vectors of part ``item`` (V, value: √ of the item's users)."""
    normal = normalised(pairs)
    yield from state.entries("took", pairs.users, pairs.items, normal)
    degree_I = np.sqrt(np.bincount(normal.indices, minlength=normal.shape[1]))
    yield from state.vectors(
        "item", pairs.items, singular(normal, cfg.factors if cfg.ideal_weight else 0, seed), degree_I
    )


def normalised(pairs: Interactions) -> sp.csr_matrix:
    """R̃ (U, I)."""
    import scipy.sparse as sp

    ones = pairs.ones
    count_U = np.maximum(np.diff(ones.indptr), 1)
    count_I = np.maximum(np.bincount(ones.indices, minlength=ones.shape[1]), 1)
    return (sp.diags(count_U**-0.5) @ ones @ sp.diags(count_I**-0.5)).tocsr().astype(np.float32)


def singular(normal: sp.csr_matrix, depth: int, seed: int) -> Floats:
    """The first right singular vectors (I, D), each with its largest entry positive."""
    from scipy.sparse.linalg import svds

    most = min(normal.shape) - 1
    if depth == 0 or most < 1:
        return np.zeros((normal.shape[1], 0), np.float32)
    start = np.random.default_rng(seed).standard_normal(min(normal.shape)).astype(np.float32)
    _, size_D, v_DI = svds(normal, min(depth, most), v0=start, return_singular_vectors="vh")
    # by the squares, which is how svds goes, single precision knows no difference between less than this and 0
    nonzero = np.flatnonzero(size_D > 1e-3 * size_D.max(initial=0))
    v_DI = v_DI[nonzero[np.argsort(-size_D[nonzero])]]
    sign_D = np.sign(v_DI[np.arange(len(v_DI)), np.abs(v_DI).argmax(axis=1)])
    return np.ascontiguousarray((v_DI * sign_D[:, None]).T, np.float32)


def _times(matrix_RC: sp.csr_matrix, x_CB: Floats) -> Floats:
    from fuserank.common.compiled import unwritable
    from fuserank.learning.recommenders.kernels.graph import product

    out_RB = np.empty((matrix_RC.shape[0], x_CB.shape[1]), np.float32)
    product(
        matrix_RC.indptr, matrix_RC.indices, unwritable(matrix_RC.data), np.ascontiguousarray(x_CB, np.float32), out_RB
    )
    return out_RB


class Scorer:
    """The filtered history; users who were not there at the fit are no exception."""

    def __init__(self, rows: State, cfg: GraphFilterConfig) -> None:
        self.cfg = cfg
        self.items, v_ID, self.root_I = rows.vectors("item")
        _, _, self.took = rows.matrix("took", other=self.items)
        self.taken_by = self.took.T.tocsr()
        # in double: how a product is rounded depends on its block, and ties would fall otherwise in another one
        self.v_ID, self.inverse_I = v_ID.astype(np.float64), 1 / self.root_I.astype(np.float64)

    def scores(self, history: sp.csr_matrix) -> Floats:
        """(B, I) of a history over ``items``."""
        y_IB = self._blurred((self.took @ history.T).toarray())
        if self.cfg.ideal_weight and self.v_ID.shape[1]:
            import scipy.sparse as sp

            seen_BD = (history @ sp.diags(self.inverse_I)) @ self.v_ID
            ideal_IB = self.root_I[:, None] * (self.v_ID @ seen_BD.T)
            y_IB += (self.cfg.ideal_weight * ideal_IB).astype(np.float32)
        if self.cfg.sharpening:
            y_IB = self._sharpened(y_IB, self.cfg.sharpening)
        if self.cfg.lift:
            y_IB *= (self.root_I ** (2 * self.cfg.lift)).astype(np.float32)[:, None]
        return np.ascontiguousarray(y_IB.T)

    def _blurred(self, seen_UB: Floats) -> Floats:
        return _times(self.taken_by, seen_UB)

    def _sharpened(self, y_IB: Floats, time: float) -> Floats:
        """Σ (−T P)ⁿ y / n!, n to 4: what Runge–Kutta's fourth order is for a linear equation."""
        out_IB, term_IB = y_IB.copy(), y_IB
        for n in range(1, 5):
            term_IB = self._blurred(_times(self.took, term_IB))
            term_IB *= np.float32(-time / n)
            out_IB += term_IB
        return out_IB

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: a history, aged but unweighted, passed through
        the filter; no list without a history.
        """
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        history = histories.decayed(self.cfg.half_life, weighted=False)
        scores_BI = self.scores(history)
        scores_BI[np.diff(histories.weight.indptr) == 0] = -np.inf
        return best_dense(scores_BI, histories.weight if exclude_seen else None, k)
