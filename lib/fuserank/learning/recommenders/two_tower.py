"""two_tower: one network for users and one for items, whose vectors meet (Yi et al. 2019, "Sampling-bias-corrected
neural modeling for large corpus item recommendations").

score of j for u = x_u·y_j / τ + γ ln(n_j + ½). y_j: the sum of an embedding of the item's id and of its
values (of several of one field their mean), through x ↦ x + relu(x W + b) V, to the length 1. x_u the same of
the decayed mean over the history, of embeddings of its own, and of the user's values, less the mean of all
users and over their deviation. n_j: users of the item, the recent more; γ is learned. Trained with softmax
over the items of a batch, each less ln of how often it is drawn (their eq. 3); young pairs count more as
targets. Ids are left out at random (DropoutNet; Volkovs, Yu, Poutanen 2017), so that content alone serves
items that nobody took yet and users who are new.

torch trains (two_tower_train); lists are numpy alone. Shapes: U users, I items, F
features, D depth, B users of a block.
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

    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_content import TwoTowerConfig
    from fuserank.learning.recommenders.state import State
    from fuserank.learning.recommenders.two_tower_train import Shop

USERS_AT_ONCE = 2048
_SMOOTHING = 0.5  # added to the users of an item, before the logarithm
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


def learn(pairs: Interactions, cfg: TwoTowerConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors: ``item`` (y / τ, value: γ ln(n + ½)) and ``history`` of all items that pairs or content
    know, ``user`` of those with values, ``spread`` (mean and deviation of users before their tower,
    and the mean of their histories), ``in`` (rows of W, value: b) and ``out`` (rows of V) of the
    users' tower; ``block`` must be the only one.

    Raises FloatingPointError where the steps diverge.
    """
    if not pairs.weight.nnz or pairs.content is None:
        return
    from fuserank.learning.recommenders.two_tower_train import layer_of, means, spread, train

    items = np.union1d(pairs.items, pairs.content.indices("item")).astype(np.int32)
    attribute_users, attributes = _attributes(pairs.content)
    shop = _shop(pairs, items, attribute_users, attributes, cfg)
    weights = train(shop, cfg, seed)
    values = shop.features.shape[1]
    y_ID = tower(shop.features @ weights["item"], *layer_of(weights, "item")) / np.float32(cfg.temperature)
    history_ID = shop.features @ weights["history"][:values]
    history_UD = means(shop.history) @ history_ID
    three_3D = np.stack([*spread(history_UD + shop.attributes @ weights["history"][values:]), history_UD.mean(axis=0)])
    yield from state.vectors("item", items, y_ID, weights["popularity"] * shop.liked_I)
    yield from state.vectors("history", items, history_ID)
    yield from state.vectors("user", attribute_users, attributes @ weights["history"][values:])
    yield from state.vectors("spread", np.arange(3), three_3D)
    yield from state.vectors("in", np.arange(cfg.factors), weights["user_in"], weights["user_bias"])
    yield from state.vectors("out", np.arange(cfg.factors), weights["user_out"])


def tower(x_RD: Floats, into_DD: Floats, bias_D: Floats, out_DD: Floats) -> Floats:
    """two_tower_train.tower in numpy."""
    x_RD = x_RD + np.maximum(x_RD @ into_DD + bias_D, 0) @ out_DD
    length_R = np.sqrt(np.einsum("rd,rd->r", x_RD, x_RD))
    return x_RD / np.maximum(length_R, np.float32(1e-12))[:, None]


def _valued(content: Content, side: str, index: Ints) -> sp.csr_matrix:
    """(N, G): a thing's values, those of one field summing to 1."""
    import scipy.sparse as sp

    from fuserank.learning.recommenders.two_tower_train import means

    parts = [means(content.values(side, [name], index).has) for name in content.fields(side)]
    return sp.hstack([sp.csr_matrix((len(index), 0), dtype=np.float32), *parts], format="csr", dtype=np.float32)


def _attributes(content: Content) -> tuple[Ints, sp.csr_matrix]:
    users = content.indices("user")
    return users, _valued(content, "user", users)


def _shop(
    pairs: Interactions, items: Ints, attribute_users: Ints, attributes: sp.csr_matrix, cfg: TwoTowerConfig
) -> Shop:
    import scipy.sparse as sp

    from fuserank.learning.recommenders.two_tower_train import Shop

    assert pairs.content is not None
    history = pairs.decayed(cfg.half_life, weighted=False)
    at = locate(items, pairs.items)[0].astype(np.int32)
    wide = sp.csr_matrix((history.data, at[history.indices], history.indptr), shape=(len(pairs.users), len(items)))
    fresh_N = np.ones(wide.nnz, np.float32)
    if cfg.popularity_half_life is not None:
        fresh_N = np.exp2((pairs.age.data.min() - pairs.age.data) / np.float32(cfg.popularity_half_life))
    liked_I = np.log(np.bincount(wide.indices, fresh_N, len(items)) + _SMOOTHING).astype(np.float32)
    ids = (np.ones(len(at), np.float32), (at, at))  # an item that nobody took has none: it would be noise
    own = sp.csr_matrix(ids, shape=(len(items), len(items)))
    features = sp.hstack([own, _valued(pairs.content, "item", items)], format="csr", dtype=np.float32)
    place, known = locate(attribute_users, pairs.users)
    chosen = (np.ones(known.sum(), np.float32), (np.flatnonzero(known), place[known]))
    mine = (sp.csr_matrix(chosen, shape=(len(pairs.users), len(attribute_users))) @ attributes).tocsr()
    return Shop(wide, fresh_N.astype(np.float32), features, mine, liked_I)


class Scorer:
    """Inner products of users with a history or values of their own and all items that the fit knew, sold or not."""

    def __init__(self, rows: State, cfg: TwoTowerConfig) -> None:
        self.items, y_ID, liked_I = rows.vectors("item")
        self.cfg = cfg
        if not len(self.items):
            return
        self.history_ID = rows.vectors("history")[1]
        self.users, self.user_UD, _ = rows.vectors("user")
        _, self.into_DD, self.bias_D = rows.vectors("in")
        self.out_DD = rows.vectors("out")[1]
        self.middle_D, self.width_D, self.usual_D = rows.vectors("spread")[1]
        self.products = Products(np.column_stack([y_ID, liked_I]))

    def encoded(self, histories: Interactions) -> Floats:
        """x (B, D) of the users of ``histories``."""
        from fuserank.learning.recommenders.two_tower_train import means

        x_BD = means(histories.decayed(self.cfg.half_life, weighted=False)) @ self.history_ID
        x_BD[np.diff(histories.weight.indptr) == 0] = self.usual_D  # told apart by their values alone
        at, known = locate(self.users, histories.users)
        x_BD[known] += self.user_UD[at[known]]
        return tower((x_BD - self.middle_D) / self.width_D, self.into_DD, self.bias_D, self.out_DD)

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: inner products of the towers, plus an item's bias. Users of the fit have a vector
        even without a history; others have theirs alone, and without one no list.
        """
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        x_BE = np.column_stack([self.encoded(histories), np.ones(len(histories.users), np.float32)])
        known_B = (np.diff(histories.weight.indptr) > 0) | locate(self.users, histories.users)[1]
        return self.products.best(x_BE, known_B, histories.weight if exclude_seen else None, k)
