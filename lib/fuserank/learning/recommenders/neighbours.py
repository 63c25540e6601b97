"""Users beside a user: what the members that list what alike users took have in common. Shapes: B users that are asked
for, U users of the fit, I items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.best import Best


def same_user(wanted: npt.NDArray[Any], users: npt.NDArray[Any]) -> sp.csr_matrix:
    """Ones (B, U) where a user of ``wanted`` (B,) is one of ``users`` (U,), ascending."""
    import scipy.sparse as sp

    at, known = locate(users, wanted)
    starts = np.concatenate([[0], np.cumsum(known)])
    return sp.csr_matrix((np.ones(int(known.sum())), at[known], starts), (len(wanted), len(users)))


def beside_own(
    weight: float, own: sp.csr_matrix, nearest: Best, took: sp.csr_matrix
) -> tuple[sp.csr_matrix, sp.csr_matrix]:
    """Two matrices whose product is weight · own (B, I) + Σ over the nearest users of their score · took (U, I)."""
    import scipy.sparse as sp

    users, others = own.shape[0], took.shape[0]
    near = sp.csr_matrix((nearest.score, (nearest.row, nearest.column)), (users, others))
    left = sp.hstack([weight * sp.identity(users, format="csr"), near], format="csr")
    return left.astype(np.float32), sp.vstack([own, took], format="csr").astype(np.float32)
