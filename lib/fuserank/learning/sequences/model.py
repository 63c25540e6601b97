"""A model of sequences: items to vectors, a history to the vector of what comes next.

Shapes: B users, L places, D depth, I items, V values, K items drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.common.errors import FuserankError
from fuserank.learning.sequences.known import NET_ROW
from fuserank.learning.sequences.windows import GAPS
from fuserank.registry import loaded

if TYPE_CHECKING:
    from fuserank.learning.sequences.known import Known
    from fuserank.learning.sequences.settings import SequenceConfig

_START = 0.1  # standard deviation of an embedding's numbers before the first step


class SequenceModel(nn.Module):
    """score of item j next = cos(q, e_j) / τ + γ ln n_j. q: what the encoder makes of the vectors e of the history and
    of how long each stood until the next one; e_j: an embedding of the item's id and of its values. The same table
    looks up and is looked for (Press, Wolf, EACL 2017).

    ``known_I``: 1 for an item with an id of its own. ``values``: each value's place, item after item from ``starts_I``.
    ``sparse``: gradients of embeddings name the rows that a step looked up; False: of all, which NCCL wants.
    """

    known_I: Tensor
    values: Tensor
    weight: Tensor
    starts_I: Tensor

    def __init__(
        self,
        cfg: SequenceConfig,
        known_I: Tensor,
        values: Tensor,
        weight: Tensor,
        starts_I: Tensor,
        sparse: bool = True,
    ) -> None:
        super().__init__()
        self.cfg, depth = cfg, cfg.factors
        # all ranks are told that gradients name rows, where they do
        self.item = nn.Embedding(len(known_I), depth, sparse=sparse)
        self.value = nn.Embedding(int(values.max()) + 1 if len(values) else 0, depth, sparse=sparse)
        self.sparse = sparse
        self.gap = nn.Embedding(GAPS, depth)
        self.popularity = nn.Parameter(torch.zeros(1))
        for table in (self.item, self.value):
            nn.init.normal_(table.weight, 0, _START)
            table.weight.requires_grad_(table.num_embeddings > 0)
        nn.init.zeros_(self.gap.weight)
        self.encoder = loaded(cfg.encoder)(**cfg.shape())
        self.dropout = nn.Dropout(cfg.dropout)
        buffers = {"known_I": known_I, "values": values, "weight": weight, "starts_I": starts_I}
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)

    @classmethod
    def of(cls, known: Known, cfg: SequenceConfig, sparse: bool = True) -> SequenceModel:
        """Untrained, by the state of torch's generator."""
        has_id_I = (known.takers_I > 0).astype(np.float32)
        arrays = (has_id_I, known.values, known.weight, known.starts_I)
        known_I, values, weight, starts_I = map(torch.from_numpy, arrays)
        return cls(cfg, known_I, values, weight, starts_I, sparse)

    def vectors(self, of_T: Tensor | None = None) -> Tensor:
        """e of some items (T, D), of all of them where none are named, of the length 1. Gradients are of their rows
        and of those of their values alone, so that a step costs the same however many items there are.
        """
        of_T = torch.arange(len(self.known_I), device=self.known_I.device) if of_T is None else of_T
        e_TD = fn.embedding(of_T, self.item.weight, sparse=self.sparse) * self.known_I[of_T, None]
        if len(self.values):
            first_T = self.starts_I[of_T]
            count_T = self.starts_I[of_T + 1] - first_T
            bags_T = count_T.cumsum(0) - count_T
            at = torch.arange(int(count_T.sum()), device=of_T.device) + torch.repeat_interleave(
                first_T - bags_T, count_T
            )
            e_TD = e_TD + self.cfg.attributes * fn.embedding_bag(
                self.values[at],
                self.value.weight,
                bags_T,
                mode="sum",
                sparse=self.sparse,
                per_sample_weights=self.weight[at],
            )
        return fn.normalize(e_TD, dim=1)

    def encoded(self, vectors_TD: Tensor, item_BL: Tensor, gap_BL: Tensor) -> Tensor:
        """q at each place (B, L, D), of the length 1 / τ. ``item_BL``: rows of ``vectors_TD``."""
        return self.after(fn.embedding(item_BL, vectors_TD), gap_BL)

    def after(self, e_BLD: Tensor, gap_BL: Tensor) -> Tensor:
        """The same of the items' vectors."""
        x_BLD = e_BLD * self.cfg.factors**0.5 + self.gap(gap_BL)
        return fn.normalize(self.encoder(self.dropout(x_BLD)), dim=2) / self.cfg.temperature


def flat(model: SequenceModel) -> npt.NDArray[np.float32]:
    """All numbers of the gaps and of the encoder, in the order of their names."""
    parts = [model.gap.weight, *(tensor for _, tensor in sorted(model.encoder.state_dict().items()))]
    return np.concatenate([np.zeros(0, np.float32), *(part.detach().cpu().numpy().ravel() for part in parts)])


def unflat(model: SequenceModel, numbers: npt.NDArray[np.float32]) -> None:
    """``flat``, back into a model of the same settings, from rows of part ``net``; raises FuserankError where they hold
    more or fewer numbers.
    """
    places: dict[str, Any] = {"": model.gap.weight, **dict(sorted(model.encoder.state_dict().items()))}
    if not 0 <= len(numbers) - sum(tensor.numel() for tensor in places.values()) < NET_ROW:
        raise FuserankError(f"{len(numbers):,} numbers are no model of these settings; fit it again")
    at = 0
    with torch.no_grad():
        for tensor in places.values():
            tensor.copy_(torch.from_numpy(numbers[at : at + tensor.numel()].copy()).view_as(tensor))
            at += tensor.numel()


def restored(cfg: SequenceConfig, numbers: npt.NDArray[np.float32]) -> SequenceModel:
    """A model that encodes, of rows of part ``net``; it knows no items."""
    nothing = torch.empty(0, dtype=torch.int64)
    model = SequenceModel(cfg, torch.empty(0), nothing, torch.empty(0), nothing).eval()
    unflat(model, numbers)
    return model
