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

    ``known_I``: 1 for an item with an id of its own. ``values``: each value's place, item after item from ``starts_I``.
    """

    known_I: Tensor
    values: Tensor
    weight: Tensor
    starts_I: Tensor

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

    def vectors(self, of_T: Tensor | None = None) -> Tensor:
        """e of some items (T, D), of all of them where none are named, of the length 1. Gradients are of their rows
        and of those of their values alone, so that a step costs the same however many items there are.
        """
        of_T = torch.arange(len(self.known_I)) if of_T is None else of_T
        e_TD = fn.embedding(of_T, self.item.weight, sparse=True) * self.known_I[of_T, None]
        if len(self.values):
            first_T = self.starts_I[of_T]
            count_T = self.starts_I[of_T + 1] - first_T
            bags_T = count_T.cumsum(0) - count_T
            at = torch.arange(int(count_T.sum())) + torch.repeat_interleave(first_T - bags_T, count_T)
            e_TD = e_TD + self.cfg.attributes * fn.embedding_bag(
                self.values[at],
                self.value.weight,
                bags_T,
                mode="sum",
                sparse=True,
                per_sample_weights=self.weight[at],
            )
        return fn.normalize(e_TD, dim=1)

    def encoded(self, vectors_TD: Tensor, item_BL: Tensor, gap_BL: Tensor) -> Tensor:
        """q at each place (B, L, D), of the length 1 / τ. ``item_BL``: rows of ``vectors_TD``."""
        x_BLD = fn.embedding(item_BL, vectors_TD) * self.cfg.factors**0.5 + self.gap(gap_BL)
        return fn.normalize(self.encoder(self.dropout(x_BLD)), dim=2) / self.cfg.temperature
