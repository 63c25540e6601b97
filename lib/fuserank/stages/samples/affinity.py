"""Two scores for every candidate, whoever gave it: the ALS dot product, and the co-purchase sum.

A source scores only what it proposes; a model that sees 0 for all else cannot tell "far" from "not asked".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.factors import by_index
from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import pyarrow as pa

_USERS_AT_ONCE = 64
_PAIRS_AT_ONCE = 65_536

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


class Factors:
    """index (N, ascending) and factor (N, D)."""

    def __init__(self, index_N: npt.NDArray[Any], factor_ND: npt.NDArray[np.float32]) -> None:
        self.index_N, self.factor_ND = index_N, factor_ND

    @classmethod
    def of(cls, table: pa.Table) -> Factors:
        """Of columns index and factor."""
        return cls(*by_index(table))

    def rows(self, wanted_B: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Factors of the wanted indices (B, D), zeros where there is none."""
        if len(self.index_N) == 0:
            return np.zeros((len(wanted_B), 1), np.float32)
        at, known = locate(self.index_N, wanted_B)
        found = self.factor_ND[at]
        found[~known] = 0
        return found

    def dots(self, user_B: npt.NDArray[Any], other: Factors, item_B: npt.NDArray[Any]) -> Doubles:
        """user factor · item factor for B pairs, 0 where either has none; a block at a time, each in a fixed
        order of summation."""
        out = np.zeros(len(user_B))
        for low in range(0, len(user_B), _PAIRS_AT_ONCE):
            part = slice(low, low + _PAIRS_AT_ONCE)
            out[part] = np.einsum("bd,bd->b", self.rows(user_B[part]), other.rows(item_B[part]), dtype=np.float64)
        return out


class Neighbours:
    """Item to item similarities as a sparse matrix over the items that have any."""

    def __init__(self, table: pa.Table) -> None:
        import scipy.sparse as sp

        item, neighbour, similarity = (table[c].to_numpy() for c in ("item_index", "neighbour_index", "similarity"))
        self.ids = np.unique(np.concatenate([item, neighbour]))
        places = (np.searchsorted(self.ids, item), np.searchsorted(self.ids, neighbour))
        self.near = sp.csr_matrix((similarity.astype(np.float64), places), shape=(len(self.ids), len(self.ids)))

    def sums(self, own: tuple[Longs, Longs, Doubles], user_B: Longs, item_B: Longs) -> Doubles:
        """Σ_j w(u, j) · s(j, i) for every pair (u, i), j over the own items (user, item, weight) of u.

        Both are sorted by user. It is the score of the co_purchase source, for every pair.
        """
        import scipy.sparse as sp

        out = np.zeros(len(user_B))
        if len(self.ids) == 0:
            return out
        own_user, own_at, own_known = own[0], *locate(self.ids, own[1])
        at, known = locate(self.ids, item_B)
        users, starts = np.unique(user_B, return_index=True)
        starts = np.append(starts, len(user_B))
        for low in range(0, len(users), _USERS_AT_ONCE):
            some = users[low : low + _USERS_AT_ONCE]
            part = slice(starts[low], starts[low + len(some)])
            mine = slice(np.searchsorted(own_user, some[0]), np.searchsorted(own_user, some[-1], side="right"))
            line, wanted = locate(some, own_user[mine])
            mask = own_known[mine] & wanted & (own[2][mine] > 0)
            history = sp.csr_matrix(
                (own[2][mine][mask], (line[mask], own_at[mine][mask])), shape=(len(some), len(self.ids))
            )
            sums = (history @ self.near).toarray()
            out[part] = np.where(known[part], sums[np.searchsorted(some, user_B[part]), at[part]], 0.0)
        return out
