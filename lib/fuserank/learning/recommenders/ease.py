"""ease: a linear item-to-item model in closed form (Steck 2019, "Embarrassingly Shallow Autoencoders", eq. 8).

B = I − P · diag(1 / diag(P)), P = (XᵀX + λI)⁻¹, X the binary user–item matrix. P is made in place, in single precision,
within one executor's task; of each column of B the largest entries by size are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import EaseConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 512
_COLUMNS_AT_ONCE = 512
Floats = npt.NDArray[np.float32]


def learn(pairs: Interactions, cfg: EaseConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``near``: item i → j by B_ij. Raises FuserankError where items² outgrow ``memory_gb``."""
    # only what is loaded is limited: loaded later, it would take as many threads as it likes
    from scipy.linalg import lapack  # noqa: F401
    from threadpoolctl import threadpool_limits

    items = len(pairs.items)
    needed = 4 * items * items / 1e9
    if needed > cfg.memory_gb:
        raise FuserankError(
            f"ease needs {needed:,.1f} GB for {items:,} items squared, and ease.memory_gb is {cfg.memory_gb:g}: "
            "raise it where an executor has the memory, or leave ease out"
        )
    if items == 0:
        return
    with threadpool_limits(limits=cfg.threads):
        inverse_II = _inverse(pairs, cfg.regularization)
    diagonal_I = inverse_II.diagonal().copy()
    k = min(cfg.neighbours, items - 1)
    for low in range(0, items if k else 0, _COLUMNS_AT_ONCE):
        high = min(low + _COLUMNS_AT_ONCE, items)
        column_BI = np.ascontiguousarray(inverse_II[:, low:high].T) / -diagonal_I[low:high, None]
        column_BI[np.arange(high - low), np.arange(low, high)] = 0
        top_BK = np.sort(np.argpartition(-np.abs(column_BI), k - 1, axis=1)[:, :k], axis=1)
        value_BK = np.take_along_axis(column_BI, top_BK, axis=1)
        row, place = np.nonzero(value_BK)
        yield from state.edges("near", pairs.items[top_BK[row, place]], pairs.items[low + row], value_BK[row, place])


def _inverse(pairs: Interactions, regularization: float) -> Floats:
    """(XᵀX + λI)⁻¹ (I, I), in the one array that is ever made."""
    from scipy.linalg import lapack

    x_UI = pairs.ones
    items = x_UI.shape[1]
    gram_II = np.zeros((items, items), np.float32, order="F")
    by_item = x_UI.T.tocsr()
    for low in range(0, items, _COLUMNS_AT_ONCE):
        high = min(low + _COLUMNS_AT_ONCE, items)
        gram_II[:, low:high] = (by_item[low:high] @ x_UI).toarray().T
    gram_II[np.arange(items), np.arange(items)] += np.float32(regularization)
    factor_II, failed = lapack.spotrf(gram_II, lower=1, overwrite_a=1, clean=0)
    if not failed:
        inverse_II, failed = lapack.spotri(factor_II, lower=1, overwrite_c=1)
    if failed:
        raise FuserankError(
            f"ease: the Gram matrix is not positive definite at item {failed}; raise ease.regularization"
        )
    for low in range(0, items, _COLUMNS_AT_ONCE):  # the upper half, a stripe at a time
        high = min(low + _COLUMNS_AT_ONCE, items)
        inverse_II[low:high, high:] = inverse_II[high:, low:high].T
        corner = inverse_II[low:high, low:high]
        inverse_II[low:high, low:high] = np.tril(corner) + np.tril(corner, -1).T
    return inverse_II


class Scorer:
    """score of j = Σ over the items i of the history of 2^(−age / half-life) · B_ij."""

    def __init__(self, rows: State, cfg: EaseConfig) -> None:
        self.items, self.near = rows.square("near")
        self.half_life = cfg.half_life

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: the sum over the items of an aged history of their learned weights
        on each item; no list without a history.
        """
        scores_BI = (histories.decayed(self.half_life, weighted=False) @ self.near).toarray()
        scores_BI[np.diff(histories.weight.indptr) == 0] = -np.inf
        return best_dense(scores_BI, histories.weight if exclude_seen else None, k)
