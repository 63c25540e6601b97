"""A model of sequences: items to vectors, a history to the vector of what comes next.

Shapes: B users, L places, D depth, I items, V values, K items drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.learning.sequences.windows import GAPS
from fuserank.registry import loaded

if TYPE_CHECKING:
    from fuserank.learning.sequences.settings import SequenceConfig

_START = 0.1  # standard deviation of an embedding's numbers before the first step


class SequenceModel(nn.Module):
    """score of item j next = cos(q, e_j) / τ + γ ln n_j. q: what the encoder makes of the vectors e of the history and
    of how long each stood until the next one; e_j: an embedding of the item's id and of its values. The same table
    looks up and is looked for (Press, Wolf, EACL 2017).

    ``known_I``: 1 for an item with an id of its own. ``values``: each value's place, item after item; ``starts_I``.
    """

    def __init__(self, cfg: SequenceConfig, known_I: Tensor, values: Tensor, weight: Tensor, starts_I: Tensor) -> None:
        super().__init__()
        self.cfg, depth = cfg, cfg.factors
        self.item = nn.Embedding(len(known_I), depth)
        self.value = nn.Embedding(int(values.max()) + 1 if len(values) else 0, depth)
        self.gap = nn.Embedding(GAPS, depth)
        self.popularity = nn.Parameter(torch.zeros(1))
        for table in (self.item, self.value):
            nn.init.normal_(table.weight, 0, _START)
        nn.init.zeros_(self.gap.weight)
        self.encoder = loaded(cfg.encoder)(**cfg.shape())
        self.dropout = nn.Dropout(cfg.dropout)
        buffers = {"known_I": known_I, "values": values, "weight": weight, "starts_I": starts_I}
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)
        self.known_I, self.values, self.weight, self.starts_I = known_I, values, weight, starts_I

    def vectors(self) -> Tensor:
        """e of all items (I, D), of the length 1."""
        ids_ID = self.item.weight * self.known_I[:, None]
        if len(self.values):
            ids_ID = ids_ID + self.cfg.attributes * fn.embedding_bag(
                self.values, self.value.weight, self.starts_I, mode="sum", per_sample_weights=self.weight
            )
        return fn.normalize(ids_ID, dim=1)

    def encoded(self, vectors_ID: Tensor, item_BL: Tensor, gap_BL: Tensor) -> Tensor:
        """q at each place (B, L, D), of the length 1 / τ."""
        x_BLD = fn.embedding(item_BL, vectors_ID) * self.cfg.factors**0.5 + self.gap(gap_BL)
        return fn.normalize(self.encoder(self.dropout(x_BLD)), dim=2) / self.cfg.temperature
