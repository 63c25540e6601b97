"""Members that learn from the order of what was taken: an encoder of the last items, to a vector near the next one's.

score of j = cos(q_u, e_j) / τ + γ ln(n_j + ½), as learning.sequences has it: q_u of the user's last
items, oldest first, and of how long each stood until the next; e_j of the item's id and of what it is, where that is
known, so that items that nobody took have a vector, too.

torch trains, and encodes where lists are made; shapes: B users of a block, I items, D depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.common.threads import one_thread
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.alike import alike_of
from fuserank.learning.recommenders.best import Best, Products, best_dense
from fuserank.learning.recommenders.settings import HOW_SOLD
from fuserank.learning.sequences.windows import Sequences

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.state import State
    from fuserank.learning.sequences.model import SequenceModel
    from fuserank.learning.sequences.settings import SequenceConfig

USERS_AT_ONCE = 1024
_WIDTH = 256  # numbers of a row of ``net``
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]


def learn(pairs: Interactions, cfg: SequenceConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors: ``item`` (e, value: γ ln(n + ½)) of all items that pairs or content know, and ``net``, the numbers of
    the encoder in rows; ``block`` must be the only one.

    Raises FuserankError where the steps diverge.
    """
    if not pairs.weight.nnz:
        return
    import torch

    from fuserank.learning.sequences import training

    items = pairs.items
    if pairs.content is not None and cfg.attributes:
        items = np.union1d(items, pairs.content.indices("item")).astype(np.int32)
    at = locate(items, pairs.items)[0]
    count_I = np.zeros(len(items), np.int64)
    count_I[at] = np.bincount(pairs.weight.indices, minlength=len(pairs.items))

    def of_epoch(rng: np.random.Generator) -> Sequences:
        found = in_order(pairs, rng)
        return Sequences(at[found.item_N], found.age_N, found.starts_U)

    with one_thread():
        torch.manual_seed(seed)
        model = _model(pairs, items, count_I, cfg)
        training.train(model, of_epoch, count_I, cfg, seed)
        e_ID = model.vectors().detach().numpy()
        gamma = np.float32(model.popularity.item())
        net_N = training.flat(model)
    yield from state.vectors("item", items, e_ID, gamma * training.liked(count_I))
    rows = -(-len(net_N) // _WIDTH)
    yield from state.vectors(
        "net", np.arange(rows), np.pad(net_N, (0, rows * _WIDTH - len(net_N))).reshape(rows, _WIDTH)
    )


def _model(pairs: Interactions, items: Ints, count_I: npt.NDArray[np.int64], cfg: SequenceConfig) -> SequenceModel:
    """Untrained; an item's values weigh by how rare they are, to the length 1."""
    import torch

    from fuserank.learning.sequences.model import SequenceModel

    starts_I, value_N, weight_N = np.zeros(len(items) + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.float32)
    if (alike := alike_of(pairs.content, items, cfg.attributes, HOW_SOLD)) is not None:
        has = alike.unit_CV
        starts_I, value_N, weight_N = has.indptr.astype(np.int64), has.indices.astype(np.int64), has.data
    known_I = (count_I > 0).astype(np.float32)
    return SequenceModel(cfg, *map(torch.from_numpy, (known_I, value_N, weight_N.astype(np.float32), starts_I)))


def in_order(pairs: Interactions, rng: np.random.Generator | None = None) -> Sequences:
    """All that users took, oldest basket first; in a basket by time, or in an order that is drawn."""
    baskets = pairs.baskets
    assert baskets is not None, "a member with baskets=True has them"
    item_N = baskets.item.astype(np.int64)
    if rng is not None:
        item_N = item_N[np.lexsort((rng.random(len(item_N)), -baskets.back.astype(np.int64), baskets.user))]
    return Sequences(item_N, baskets.age, baskets.start)


class Scorer:
    """Inner products of what the encoder makes of a history and the vectors of items."""

    def __init__(self, rows: State, cfg: SequenceConfig) -> None:
        self.items, self.e_ID, liked_I = rows.vectors("item")
        self.cfg = cfg
        if not len(self.items):
            return
        import torch

        from fuserank.learning.sequences.model import SequenceModel
        from fuserank.learning.sequences.training import unflat

        nothing = torch.empty(0, dtype=torch.int64)
        self.model = SequenceModel(cfg, torch.empty(0), nothing, torch.empty(0), nothing).eval()
        unflat(self.model, rows.vectors("net")[1].ravel())
        self.vectors_ID = torch.from_numpy(np.ascontiguousarray(self.e_ID))
        self.products = Products(np.column_stack([self.e_ID, liked_I]))

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``; a user without a history has no list."""
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        x_BE = np.zeros((len(histories.users), self.e_ID.shape[1] + 1), np.float32)
        x_BE[:, -1] = 1
        q_HD, has = self.encoded(histories)
        x_BE[has, :-1] = q_HD
        known_B = np.diff(histories.weight.indptr) > 0
        return self.products.best(x_BE, known_B, histories.weight if exclude_seen else None, k)

    def encoded(self, histories: Interactions) -> tuple[Floats, Ints]:
        """q (H, D) of the users who have a history, and which of the block they are (H,)."""
        import torch

        item_BL, gap_BL, end_B, has = in_order(histories).last(self.cfg.length)
        if not len(has):
            return np.empty((0, self.e_ID.shape[1]), np.float32), has
        with torch.inference_mode(), one_thread():
            q_BLD = self.model.encoded(self.vectors_ID, *map(torch.from_numpy, (item_BL, gap_BL)))
            found: Floats = q_BLD[torch.arange(len(has)), torch.from_numpy(end_B)].numpy()
        return found, has
