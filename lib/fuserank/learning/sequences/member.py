"""Members that learn from the order of what was taken: an encoder of the last items, to a vector near the next one's.

score of j = cos(q_u, e_j) / τ + γ ln(n_j + ½), as learning.sequences has it: q_u of the user's last
items, oldest first, and of how long each stood until the next; e_j of the item's id and of what it is, where that is
known, so that items that nobody took have a vector, too.

torch trains, and encodes where lists are made; shapes: B users of a block, I items, D depth.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.common.threads import one_thread
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, Products, best_dense
from fuserank.learning.sequences.known import NET_ROW, Known, Learned
from fuserank.learning.sequences.windows import Ints, Sequences, gaps_of, price_class

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.state import State
    from fuserank.learning.sequences.settings import SequenceConfig

USERS_AT_ONCE = 1024
Floats = npt.NDArray[np.float32]


def learn(pairs: Interactions, cfg: SequenceConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors: ``item`` (e, value: γ ln(n + ½)) of all items that pairs or content know, and ``net``, the numbers of
    the encoder in rows; ``block`` must be the only one.

    Raises FuserankError where the steps diverge.
    """
    if not pairs.weight.nnz:
        return
    from fuserank.learning.sequences import training

    found, items = in_order(pairs), len(pairs.items)
    takers = np.bincount(pairs.weight.indices, minlength=items)
    known = Known.of(pairs.items, takers, np.bincount(found.item_N, minlength=items), pairs.content, cfg)
    found = replace(found, item_N=locate(known.items, pairs.items)[0][found.item_N])
    with one_thread():
        learned = training.learned(training.Held(found, cfg, seed), known, cfg, seed)
    yield from rows_of(learned)


def rows_of(learned: Learned) -> Iterator[pa.RecordBatch]:
    """What a training gave as rows of ``state.SCHEMA``."""
    yield from state.vectors("item", learned.items, learned.e_ID, learned.liked_I)
    net_N, rows = learned.net_N, -(-len(learned.net_N) // NET_ROW)
    yield from state.vectors(
        "net", np.arange(rows), np.pad(net_N, (0, rows * NET_ROW - len(net_N))).reshape(rows, NET_ROW)
    )


def in_order(pairs: Interactions) -> Sequences:
    """All that users took, oldest basket first; in a basket by time."""
    baskets = pairs.baskets
    assert baskets is not None, "a member with baskets=True has them"
    begins_N = np.zeros(len(baskets.item), bool)
    begins_N[baskets.basket_starts()[:-1]] = True
    codes: dict[str, Ints] = {}
    if "type" in baskets.codes:
        codes["type"] = baskets.codes["type"].astype(np.int64)
    if "price" in baskets.codes:
        codes["price"] = price_class(baskets.codes["price"])
    return Sequences(baskets.item.astype(np.int64), gaps_of(baskets.age, baskets.start), begins_N, baskets.start, codes)


class Scorer:
    """Inner products of what the encoder makes of a history and the vectors of items."""

    def __init__(self, rows: State, cfg: SequenceConfig) -> None:
        self.items, self.e_ID, liked_I = rows.vectors("item")
        self.cfg = cfg
        if not len(self.items):
            return
        import torch

        from fuserank.learning.sequences.model import restored

        self.model = restored(cfg, rows.vectors("net")[1].ravel())
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

        windows, end_B, has = in_order(histories).last(self.cfg.length)
        if not len(has):
            return np.empty((0, self.e_ID.shape[1]), np.float32), has
        with torch.inference_mode(), one_thread():
            arrays = (windows.item_BL, windows.gap_BL, *windows.codes(self.cfg.reads))
            q_BLD = self.model.encoded(self.vectors_ID, *map(torch.from_numpy, arrays))
            found: Floats = q_BLD[torch.arange(len(has)), torch.from_numpy(end_B)].numpy()
        return found, has
