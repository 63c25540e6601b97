"""content: items whose attributes are those of the user's history, and which sell.

The history is a document of attribute values, an item the query of its own: query likelihood with Dirichlet smoothing
(Zhai and Lafferty 2004, "A Study of Smoothing Methods for Language Models Applied to Information Retrieval", section
3.2), a weight for each field, and the item's popularity for a prior:

    score of j = ln(pop_j + prior) + Σ_f w_f mean_(v of j in f) ln(1 + n_uv / (μ p_v)) + w_item ln(1 + n_uj / (μ p_j))

n_uv: the user's decayed takings with value v, p_v: its share of what all users took, so that rare values say more
(the idf of this model); an item is its own rarest value, which counts where what was taken may be listed again.
pop_j: pairs of j, each 2^(−age / half-life), with a half-life of its own: what is young lives by its last days. Items
that nobody took have the prior alone and stand by their values.

Shapes: B users of a block, I items, V values.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_content import ContentConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 128
Doubles = npt.NDArray[np.float64]


def learn(pairs: Interactions, cfg: ContentConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``has``: item → value, 1 / the item's values of that field. Vectors of part ``value``: (w_f,
    p_v); of part ``item``: (p_j), value ln(pop_j + prior); items that nobody took are among them.
    """
    assert pairs.content is not None
    items = np.union1d(pairs.items, pairs.content.indices("item")).astype(np.int32)
    at = locate(items, pairs.items)[0]
    popular_I, taken_I = np.zeros(len(items)), np.zeros(len(items))
    recent = np.exp2(-pairs.age.data.astype(np.float64) / cfg.popularity_half_life)
    popular_I[at] = np.bincount(pairs.weight.indices, recent, minlength=len(pairs.items))
    taken = pairs.decayed(cfg.half_life)
    taken_I[at] = np.bincount(taken.indices, taken.data.astype(np.float64), minlength=len(pairs.items))
    names, has = _values(pairs.content, items, cfg)
    yield from state.entries("has", items, np.arange(has.shape[1]), has)
    weight_V = np.array([cfg.field_weights.get(name, cfg.weight) for name in names], np.float64)
    yield from state.vectors("value", np.arange(len(names)), np.column_stack([weight_V, _share(taken_I, has)]))
    share_I = (taken_I + 1) / (taken_I.sum() + 1)
    yield from state.vectors("item", items, share_I[:, None], np.log(popular_I + cfg.prior))


def _values(content: Content, items: npt.NDArray[np.int32], cfg: ContentConfig) -> tuple[list[str], sp.csr_matrix]:
    """The field of each value (V,); has (I, V), the values of an item in a field sharing 1."""
    import scipy.sparse as sp

    values = content.values("item", [f for f in content.fields("item") if f not in cfg.without], items)
    fields, of_V = np.unique(np.array(values.field, dtype=str), return_inverse=True)
    row = np.repeat(np.arange(len(items)), np.diff(values.has.indptr))
    cell = row * max(len(fields), 1) + of_V[values.has.indices]
    share = 1 / np.bincount(cell, minlength=1)[cell]
    has: sp.csr_matrix = sp.csr_matrix(
        (share.astype(np.float32), values.has.indices, values.has.indptr), values.has.shape
    )
    return values.field, has


def _share(taken_I: Doubles, has: sp.csr_matrix) -> Doubles:
    """p of each value; one taking more than there were, as a value may come first in a later history."""
    share_V: Doubles = (has.T.astype(np.float64) @ taken_I + 1) / (taken_I.sum() + 1)
    return share_V


class Scorer:
    """A user of whose history nothing is known gets no list."""

    def __init__(self, rows: State, cfg: ContentConfig) -> None:
        self.cfg = cfg
        self.items, share_I1, self.prior_I = rows.vectors("item")
        self.share_I = share_I1[:, 0] if len(self.items) else np.zeros(0, np.float32)
        values, columns_V2, _ = rows.vectors("value")
        self.weight_V, self.share_V = (columns_V2[:, n] if len(values) else np.zeros(0, np.float32) for n in (0, 1))
        self.has = rows.matrix("has", self.items, values)[2].tocsr()
        self.of_value = self.has.T.tocsr()

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: how much an item's values, and itself, are in a user's history,
        plus its prior; no list without a history.
        """
        history = histories.decayed(self.cfg.half_life)
        like = (history @ self.has).tocsr()
        like.data = self.weight_V[like.indices] * _log_ratio(like, self.share_V, self.cfg.smoothing)
        scores_BI = (like @ self.of_value).toarray() + self.prior_I[None, :]
        count_B = np.diff(history.indptr)
        row = np.repeat(np.arange(len(count_B)), count_B)
        itself = self.cfg.item_weight * _log_ratio(history, self.share_I, self.cfg.smoothing)
        scores_BI[row, history.indices] += itself.astype(np.float32)
        scores_BI[count_B == 0] = -np.inf
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)


def _log_ratio(taken: sp.csr_matrix, share: npt.NDArray[np.float32], smoothing: float) -> npt.NDArray[np.float32]:
    """ln(1 + n / (μ p)) of each entry."""
    ratio: npt.NDArray[np.float32] = np.log1p(taken.data / (np.float32(smoothing) * share[taken.indices]))
    return ratio
