"""item_cf: items like those that the user took, by similarity of the users who took them (Sarwar et al. 2001).

Where it is known what items are, each similarity s_ij counts 1 + w · cos(i, j) times, cos that of their attribute
values, weighted by their inverse document frequency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fuserank.learning.recommenders import similar
from fuserank.learning.recommenders.alike import alike_of
from fuserank.learning.recommenders.best import Best, best_products

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings import ItemCfConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 1024


def learn(pairs: Interactions, cfg: ItemCfConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges of part ``near``: item → neighbour, of one block of the items."""
    apart = None if cfg.closeness is None else similar.Apart(pairs.age, cfg.closeness, cfg.backward)
    alike = alike_of(pairs.content, pairs.items, cfg.attribute_weight, cfg.without)
    yield from similar.neighbours(pairs.weight, pairs.items, cfg, block, apart, alike)


class Scorer:
    """score of j = Σ over the items i of the history of weight · 2^(−age / half-life) · s_ij."""

    def __init__(self, rows: State, cfg: ItemCfConfig) -> None:
        self.items, self.near = rows.square("near")
        self.half_life = cfg.half_life

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: the sum over the items of an aged history of their similarity to each item;
        items that none leads to are not listed.
        """
        history = histories.decayed(self.half_life)
        return best_products(history, self.near, histories.ones if exclude_seen else None, k)
