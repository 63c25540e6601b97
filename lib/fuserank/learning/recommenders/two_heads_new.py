"""Items that a user did not take yet, and the numbers by which two_heads says which of them are taken next.

Shapes: P pairs of a user and another item, F numbers of a pair, B users of a block, I items, D tastes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders.best import Products, best_products
from fuserank.learning.recommenders.two_heads_own import alike, of_pairs, of_users

if TYPE_CHECKING:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.two_heads_past import Whole
    from fuserank.learning.recommenders.two_heads_shop import Shop

Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
NEW, POINTED, ALIKE = 1, 2, 3  # places of the logs of P(new), of what points at an item, of tastes
WIDTH = 19  # numbers
_FEW, _RARE = 1e-3, 1e-6


def of_all(shop: Shop, most: int) -> Ints:
    """The ``most`` items each that are taken most, or first, by two half-lives, ascending; ties to the lower."""
    order = np.arange(len(shop.new))
    found = [np.lexsort((order, -score_I))[:most] for score_I in (shop.new, shop.quick_new, shop.quick, shop.usual)]
    return np.unique(np.concatenate(found))


def candidates(
    own: sp.csr_matrix, last: sp.csr_matrix, near: sp.csr_matrix, products: Products, taste_BD: Floats, common: Ints,
    most: int,
) -> tuple[Ints, Ints]:  # fmt: skip
    """(user, item) of what may be listed beside own items, by user and item: ``common`` (``of_all``), and the ``most``
    items each that last baskets (B, I) point at, and that lie in the direction of the user's tastes.
    """
    users, items = own.shape
    keys = [(np.arange(users, dtype=np.int64)[:, None] * items + common[None, :]).ravel()]
    found = [best_products(last, near, own, most)]
    if taste_BD.shape[1]:
        found.append(products.best(taste_BD, np.diff(own.indptr) > 0, own, most))
    keys += [best.row * items + best.column for best in found]
    key = np.unique(np.concatenate(keys))
    taken = np.repeat(np.arange(users, dtype=np.int64), np.diff(own.indptr)) * items + own.indices
    key = key[~locate(taken, key)[1]]
    return key // max(items, 1), key % max(items, 1)


def numbers(user: Ints, item: Ints, whole: Whole, shop: Shop, pointed: sp.csr_matrix, taste_BD: Floats) -> Floats:
    """x (P, F) of candidates. ``pointed`` and ``taste_BD`` as of own items."""
    at = of_pairs(pointed, user, item)
    usual, new = shop.usual[item] + _RARE, shop.new[item] + _RARE
    columns = [
        np.ones(len(user)),
        np.log(new),
        np.log(at + _FEW),
        alike(shop, taste_BD, user, item),
        np.log(shop.quick_new[item] + _RARE),
        np.log(usual),
        np.log((shop.quick[item] + _RARE) / (shop.slow[item] + _RARE)),
        np.log(new / usual),
        np.log((shop.small[item] + _RARE) / usual),
        np.log((at + _FEW) / (shop.usual[item] + _FEW)),
        shop.again[item],
        np.log(shop.gap[item]),
        np.log(shop.size[item]),
        *of_users(whole, user),
    ]
    return np.column_stack([column.astype(np.float32) for column in columns])
