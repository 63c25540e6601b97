"""What two_heads counts of a shop's items: how popular they are by several half-lives, how often they are taken for the
first time, when they come back, what they are bought beside, and the tastes that users share.

Shapes: U users, I items, D singular vectors, B users of a block.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from fuserank.learning.recommenders import counting, graph_filter
from fuserank.learning.recommenders.two_heads_past import Pairs

if TYPE_CHECKING:
    from fuserank.learning.recommenders.baskets import Baskets
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import TwoHeadsConfig

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_PSEUDO = 2.0  # gaps, and pairs, of all items that are added to those of one
_WIDER = 4.0  # times: the longer and the shorter half-life beside the usual one
_USERS_A_TASTE = 8  # of the smaller side; more tastes than that would be single users
# The numbers of an item, in the order in which a table holds them.
NUMBERS = ("gap", "again", "quick", "usual", "slow", "new", "quick_new", "small", "size")


@dataclass(frozen=True)
class Shop:
    """gap: days between two takings by one user; again: log-odds that one who took an item takes it again; quick,
    usual, slow: share of baskets that an item is in, by three half-lives; new, quick_new: share of baskets in which a
    user took it first; small: share where a basket counts by 1 / its items; size: items of its baskets, a mean (I,).

    near (I, I): P(i | j) as ``counting.beside``; taste (I, D), root (I,): singular vectors and roots of users as
    ``graph_filter``. between: days between two baskets of a user, a mean.
    """

    gap: Doubles
    again: Doubles
    quick: Doubles
    usual: Doubles
    slow: Doubles
    new: Doubles
    quick_new: Doubles
    small: Doubles
    size: Doubles
    near: sp.csr_matrix
    taste: Floats
    root: Doubles
    between: float = 1.0

    @property
    def table(self) -> Doubles:
        """The numbers (I, S), by the order of NUMBERS."""
        return np.column_stack([getattr(self, name) for name in NUMBERS])

    @functools.cached_property
    def factors(self) -> Floats:
        """taste and root as factors (I, D): their products with ``tastes`` say how far items are in their direction."""
        return (self.taste * self.root[:, None]).astype(np.float32)

    def tastes(self, ever: sp.csr_matrix) -> Floats:
        """Where histories (B, I) lie among the tastes (B, D)."""
        found: Doubles = (ever.astype(np.float64) @ sp.diags(1 / self.root)) @ self.taste.astype(np.float64)
        return found.astype(np.float32)

    def beside(self, other: Shop) -> Shop:
        """These numbers beside what ``other`` found of near and taste."""
        return replace(self, near=other.near, taste=other.taste, root=other.root)


def counted(baskets: Baskets, items: int, cfg: TwoHeadsConfig, between: float) -> Shop:
    """Counted over ``baskets``; near and taste are still empty."""
    user, item, age = baskets.user, baskets.item.astype(np.int64), baskets.age.astype(np.float64)
    pairs = Pairs.of(user, item, items)
    starts = baskets.basket_starts()
    size_K = np.diff(starts).astype(np.float64)
    size_N, age_K = np.repeat(size_K, np.diff(starts)), age[starts[:-1]]

    def share(half_life: float, lines: Ints | slice = slice(None), by_size: bool = False) -> Doubles:
        weight_N = np.exp2(-age / half_life) / (size_N if by_size else 1.0)
        whole = float((np.exp2(-age_K / half_life) / (size_K if by_size else 1.0)).sum())
        found: Doubles = np.bincount(item[lines], weight_N[lines], minlength=items) / max(whole, 1e-30)
        return found

    usual = cfg.popularity_half_life
    quick, slow, first = usual / _WIDER, usual * _WIDER, pairs.line[pairs.begin]
    mean = float(size_N.mean()) if len(item) else 1.0
    size_I = (np.bincount(item, size_N, minlength=items) + mean) / (np.bincount(item, minlength=items) + 1)
    shares = (share(quick), share(usual), share(slow), share(usual, first), share(quick, first))
    gap_I, again_I = _comes_back(pairs, baskets.age, items)
    return Shop(
        gap_I, again_I, *shares, share(usual, by_size=True), size_I,
        near=sp.csr_matrix((items, items)), taste=np.zeros((items, 0), np.float32), root=np.ones(items),
        between=between,
    )  # fmt: skip


def _comes_back(pairs: Pairs, age_N: Floats, items: int) -> tuple[Doubles, Doubles]:
    """(gap, again) of each item (I,), drawn to those of all."""
    count_I = np.bincount(pairs.item, minlength=items)
    repeats_I = np.bincount(pairs.item, pairs.count - 1, minlength=items)
    days_I = np.bincount(pairs.item, pairs.first(age_N) - pairs.last(age_N), minlength=items)
    gap = max(float(days_I.sum()) / max(float(repeats_I.sum()), 1.0), 1.0)
    again_I = np.bincount(pairs.item, pairs.count > 1, minlength=items)
    share = (float(again_I.sum()) + 0.5) / (len(pairs.item) + 1.0)
    again_I = (again_I + _PSEUDO * share) / (count_I + _PSEUDO)
    return np.maximum((days_I + _PSEUDO * gap) / (repeats_I + _PSEUDO), 0.5), np.log(again_I / (1 - again_I))


def related(shop: Shop, baskets: Baskets, pairs: Interactions, cfg: TwoHeadsConfig, seed: int) -> Shop:
    """``shop`` with near and taste of some baskets of the users and items of ``pairs``."""
    items = len(pairs.items)
    if not len(baskets.item):
        return shop
    parts = list(counting.beside(baskets, items, cfg))
    row, column, score = (np.concatenate([getattr(p, name) for p in parts]) for name in ("row", "column", "score"))
    near = sp.csr_matrix((score.astype(np.float64), (row, column)), (items, items))
    took = baskets.summed(np.ones(len(baskets.item)), items).astype(np.float32)
    normal = graph_filter.normalised(replace(pairs, weight=took, age=took, baskets=baskets))
    depth = min(cfg.factors, max(min(normal.shape) // _USERS_A_TASTE, 1))
    root_I = np.sqrt(np.maximum(np.bincount(normal.indices, minlength=items), 1)).astype(np.float64)
    return replace(shop, near=near, taste=graph_filter.singular(normal, depth, seed), root=root_I)
