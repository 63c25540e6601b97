"""How alike two sets of lists are, and how evenly lists show items.

RBO: Webber, Moffat, Zobel, "A similarity measure for indefinite rankings", TOIS 28(4), 2010, equation 30
(extrapolated), at the length of the shorter list. Exposure of an item: the sum of 1 / log2(rank + 1) over the lists
that hold it, the discount of DCG.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PERSISTENCE = 0.9  # p of RBO: the first ten ranks have 86 % of the weight


@dataclass(frozen=True)
class ListRows:
    """Rows of lists as columns: user, item, rank from 1; a user's ranks have no gaps."""

    user_N: Ints
    item_N: Ints
    rank_N: Ints

    def lengths(self) -> tuple[Ints, Ints]:
        """Users, ascending, and the lengths of their lists."""
        return np.unique(self.user_N, return_counts=True)


def rbo(a: ListRows, b: ListRows, p: float = PERSISTENCE) -> tuple[Ints, Floats]:
    """Users with a list in both, ascending, and the RBO of their two lists: 1 for the same list, 0 for disjoint ones.

    :param p: 0 < p < 1; the higher, the more the lower ranks count
    """
    (users_a, length_a), (users_b, length_b) = a.lengths(), b.lengths()
    users, at_a, at_b = np.intersect1d(users_a, users_b, assume_unique=True, return_indices=True)
    depth_U = np.minimum(length_a[at_a], length_b[at_b])
    if not len(users):
        return users, np.zeros(0)
    width = int(max(a.item_N.max(), b.item_N.max())) + 1
    _, in_a, in_b = np.intersect1d(a.user_N * width + a.item_N, b.user_N * width + b.item_N, return_indices=True)
    # an item that both lists hold is in their overlap from the deeper of its two ranks on
    from_N, user_N = np.maximum(a.rank_N[in_a], b.rank_N[in_b]), np.searchsorted(users, a.user_N[in_a])
    counts = from_N <= depth_U[user_N]
    weight_DD = _weights(int(depth_U.max()), p)
    value_U = np.bincount(
        user_N[counts], weight_DD[depth_U[user_N[counts]], from_N[counts]], minlength=len(users)
    ).astype(np.float64)
    return users, np.minimum(value_U, 1.0)


def _weights(depth: int, p: float) -> Floats:
    """[s, m]: what an item that is in the overlap from depth m on adds to the RBO of lists of length s."""
    d = np.arange(1, depth + 1)
    term_D = (1 - p) / p * p**d / d
    tail_D = np.concatenate([[0.0], np.cumsum(term_D)])
    weights = np.zeros((depth + 1, depth + 1))
    for s in range(1, depth + 1):
        weights[s, 1 : s + 1] = tail_D[s] - tail_D[:s] + p**s / s
    return weights


def exposure(rows: ListRows, items: int) -> Floats:
    """Of each of ``items`` items its exposure."""
    return np.bincount(rows.item_N, 1 / np.log2(rows.rank_N + 1), minlength=items).astype(np.float64)


def gini(exposure_I: Floats) -> float:
    """Gini coefficient: 0 where all items are shown alike, towards 1 where one has all; 0 where nothing is shown."""
    total = exposure_I.sum()
    if not total:
        return 0.0
    sorted_I, n = np.sort(exposure_I), len(exposure_I)
    return float((2 * np.arange(1, n + 1) - n - 1) @ sorted_I / (n * total))
