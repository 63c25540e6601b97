"""The numbers by which two_heads says whether a user's own item is taken again next.

Shapes: P pairs of a user and an own item, F numbers of a pair, N lines, B users of a block, D tastes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.baskets import Baskets
    from fuserank.learning.recommenders.two_heads_past import Pairs, Whole
    from fuserank.learning.recommenders.two_heads_shop import Shop

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
SHARE = 1  # the place of the log of the slowly decayed share
WIDTH = 32  # numbers
_DECAY = 0.98
_DECAYS = (_DECAY, 0.9, 0.75)  # of a basket, to that of the one after it
_FEW, _SOON, _SPREAD, _RARE = 1e-3, 0.5, 1e-2, 1e-5
_PAIRS_AT_ONCE = 65_536


def places(baskets: Baskets, pairs: Pairs) -> Doubles:
    """Log of each pair's place among those of its user, by decayed baskets; ``pairs`` are all of each user."""
    total = pairs.total(_DECAY ** baskets.back.astype(np.float64))
    order = np.lexsort((-total, pairs.user))
    found = np.empty(len(order))
    found[order] = np.arange(len(order)) - np.searchsorted(pairs.user, pairs.user)
    return np.log1p(found)


def numbers(
    baskets: Baskets, pairs: Pairs, place_P: Doubles, whole: Whole, shop: Shop, pointed: sp.csr_matrix, taste_BD: Floats
) -> Floats:
    """x (P, F). ``pointed`` (B, I): what the last baskets point at; ``taste_BD``: as ``Shop.tastes``."""
    user, item = pairs.user, pairs.item
    columns = [
        np.ones(len(user)),
        *_shares(baskets, pairs, whole),
        place_P,
        *_times(baskets, pairs, whole, shop),
        shop.again[item],
        np.log(shop.usual[item] + _RARE),
        np.log((shop.quick[item] + _RARE) / (shop.slow[item] + _RARE)),
        np.log(shop.gap[item]),
        np.log(shop.size[item]),
        np.log((shop.new[item] + _RARE / 10) / (shop.usual[item] + _RARE / 10)),
        np.log(pairs.count),
        *of_users(whole, user),
        np.log(of_pairs(pointed, user, item) + _FEW),
        alike(shop, taste_BD, user, item),
    ]
    return np.column_stack([column.astype(np.float32) for column in columns])


def _shares(baskets: Baskets, pairs: Pairs, whole: Whole) -> list[Doubles]:
    """Logs of the item's shares of the user's baskets: by several decays, by 1 / the items of a basket, and plain."""
    back_N, user, count_U = baskets.back.astype(np.float64), pairs.user, np.maximum(whole.count, 1)
    found = []
    for decay in _DECAYS:
        whole_U = (1 - decay**count_U) / (1 - decay)
        found.append(np.log(pairs.total(decay**back_N) / whole_U[user] + _FEW))
    small_N = _DECAY**back_N / whole.size_N
    starts = baskets.basket_starts()[:-1]
    small_U = np.bincount(baskets.user[starts], small_N[starts], minlength=len(count_U))
    found.append(np.log(pairs.total(small_N) / np.maximum(small_U, 1e-30)[user] + _FEW))
    return [*found, np.log(pairs.count / count_U[user])]


def _times(baskets: Baskets, pairs: Pairs, whole: Whole, shop: Shop) -> list[Doubles]:
    """How long ago the item was taken last: in baskets, in days, these over the usual gap of the pair, over its latest
    gap, baskets over the gap in baskets; the gap and its spread; days since the first; whether it was the only one.
    """
    item, n = pairs.item, pairs.count.astype(np.float64)
    first, last, before = pairs.first(baskets.age), pairs.last(baskets.age), pairs.last(baskets.age, 1)
    back, back_first = pairs.last(baskets.back), pairs.first(baskets.back)
    gap = (first - last + 2 * shop.gap[item]) / (n + 1)
    gap_baskets = (back_first - back + 2 * shop.gap[item] / whole.between[pairs.user]) / (n + 1)
    age_N = baskets.age.astype(np.float64)
    step_N = np.zeros(len(age_N))  # from the taking before, squared
    step_N[pairs.line[1:]] = (age_N[pairs.line[:-1]] - age_N[pairs.line[1:]]) ** 2
    step_N[pairs.line[pairs.begin]] = 0
    plain, steps = (first - last) / np.maximum(n - 1, 1), pairs.total(step_N) / np.maximum(n - 1, 1)
    late = np.log((last + _SOON) / (gap + _SOON))
    return [
        np.log1p(back),
        np.log(last + _SOON),
        late,
        np.abs(late),
        np.log((last + _SOON) / (np.where(n > 1, before - last, gap) + _SOON)),
        np.log((back + _SOON) / (gap_baskets + _SOON)),
        np.log(gap),
        np.sqrt(np.maximum(steps - plain**2, 0)) / (gap + _SOON),
        np.log(first + _SOON),
        (n == 1).astype(np.float64),
    ]


def of_users(whole: Whole, user_P: Ints) -> list[Doubles]:
    """Of each pair's user, as logs: baskets, items of a basket, distinct items; those of a line; days since the last
    basket over those between two; these (P,).
    """
    lines_U = np.maximum(whole.count * whole.size, 1)
    return [
        np.log(np.maximum(whole.count, 1))[user_P],
        np.log(np.maximum(whole.size, 1))[user_P],
        np.log(np.maximum(whole.distinct, 1))[user_P],
        (whole.distinct / lines_U)[user_P],
        np.log((whole.since + _SOON) / (whole.between + _SOON))[user_P],
        np.log(whole.between + _SOON)[user_P],
    ]


def of_pairs(matrix: sp.csr_matrix, user_P: Ints, item_P: Ints) -> Doubles:
    """The entries of a matrix (B, I), whose columns ascend, at each pair (P,)."""
    width = matrix.shape[1]
    key = np.repeat(np.arange(matrix.shape[0], dtype=np.int64), np.diff(matrix.indptr)) * width + matrix.indices
    if not len(key):
        return np.zeros(len(user_P))
    at, there = locate(key, user_P * width + item_P)
    return np.where(there, matrix.data[at], 0.0)


def alike(shop: Shop, taste_BD: Floats, user_P: Ints, item_P: Ints) -> Doubles:
    """How far each pair's item is in the direction of the user's tastes (P,), as a log."""
    found, factors = np.empty(len(user_P)), shop.factors
    for low in range(0, len(user_P), _PAIRS_AT_ONCE):
        some = slice(low, low + _PAIRS_AT_ONCE)
        left, right = taste_BD[user_P[some]].astype(np.float64), factors[item_P[some]].astype(np.float64)
        found[some] = np.einsum("pd,pd->p", left, right)
    return np.log(np.maximum(found, 0) + _SPREAD)
