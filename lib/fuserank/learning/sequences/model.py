"""A model of sequences: items to vectors, a history to the vector of what comes next.

Shapes: B users, L places, D depth, I items, V values, K items drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.common.embedding_rows import rows_of_ids
from fuserank.common.errors import FuserankError
from fuserank.learning.sequences.known import NET_ROW
from fuserank.learning.sequences.windows import CODES, GAPS
from fuserank.registry import loaded

if TYPE_CHECKING:
    from fuserank.learning.sequences.known import Known
    from fuserank.learning.sequences.settings import SequenceConfig

_START = 0.1  # standard deviation of an embedding's numbers before the first step
_NEARLY_NOTHING = 1e-3  # the same of a code's, which say nothing at first


class SequenceModel(nn.Module):
    """score of item j next = cos(q, e_j) / τ + γ ln n_j. q: what the encoder makes of the vectors e of the history and
    of how long each stood until the next one, and where the settings say so of its type and price; e_j: an embedding of
    the item's id and of its values. The same table looks up and is looked for (Press, Wolf, EACL 2017).

    ``known_I``: 1 for an item with an id; ``row_I``: the id's row; None: the item's own place. ``values``: each
    value's place, item after item from ``starts_I``. ``sparse``: gradients of embeddings name the rows that a step
    looked up; False: of all, which NCCL wants.
    """

    known_I: Tensor
    values: Tensor
    weight: Tensor
    starts_I: Tensor
    row_I: Tensor | None

    def __init__(
        self,
        cfg: SequenceConfig,
        known_I: Tensor,
        values: Tensor,
        weight: Tensor,
        starts_I: Tensor,
        sparse: bool = True,
        row_I: Tensor | None = None,
    ) -> None:
        super().__init__()
        self.cfg, depth = cfg, cfg.factors
        # all ranks are told that gradients name rows, where they do
        rows = len(known_I) if row_I is None else int(row_I.max()) + 1
        self.item = nn.Embedding(rows, depth, sparse=sparse)
        self.value = nn.Embedding(int(values.max()) + 1 if len(values) else 0, depth, sparse=sparse)
        self.sparse = sparse
        self.gap = nn.Embedding(GAPS, depth)
        self.popularity = nn.Parameter(torch.zeros(1))
        for table in (self.item, self.value):
            nn.init.normal_(table.weight, 0, _START)
            table.weight.requires_grad_(table.num_embeddings > 0)
        nn.init.zeros_(self.gap.weight)
        self.codes = nn.ModuleList(nn.Embedding(CODES[name], depth) for name in cfg.reads)
        for code in self.codes:
            nn.init.normal_(cast("nn.Embedding", code).weight, 0, _NEARLY_NOTHING)
        self.encoder = loaded(cfg.encoder)(**cfg.shape())
        self.dropout = nn.Dropout(cfg.dropout)
        buffers = {"known_I": known_I, "values": values, "weight": weight, "starts_I": starts_I, "row_I": row_I}
        for name, buffer in buffers.items():
            self.register_buffer(name, buffer, persistent=False)

    @classmethod
    def of(cls, known: Known, cfg: SequenceConfig, sparse: bool = True) -> SequenceModel:
        """Untrained, by the state of torch's generator."""
        has_id_I, row_I = known.takers_I > 0, None
        if cfg.min_takers > 1:
            rows_I = rows_of_ids(known.takers_I, cfg.min_takers, shared=cfg.rare_rows)
            has_id_I &= rows_I > 0
            row_I = torch.from_numpy(rows_I.astype(np.int64))
        arrays = (has_id_I.astype(np.float32), known.values, known.weight, known.starts_I)
        known_I, values, weight, starts_I = map(torch.from_numpy, arrays)
        return cls(cfg, known_I, values, weight, starts_I, sparse, row_I)

    def vectors(self, of_T: Tensor | None = None) -> Tensor:
        """e of some items (T, D), of all of them where none are named, of the length 1. Gradients are of their rows
        and of those of their values alone, so that a step costs the same however many items there are.
        """
        of_T = torch.arange(len(self.known_I), device=self.known_I.device) if of_T is None else of_T
        row_T = of_T if self.row_I is None else self.row_I[of_T]
        e_TD = fn.embedding(row_T, self.item.weight, sparse=self.sparse) * self.known_I[of_T, None]
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

    def encoded(self, vectors_TD: Tensor, item_BL: Tensor, gap_BL: Tensor, *codes_BL: Tensor) -> Tensor:
        """q at each place (B, L, D), of the length 1 / τ. ``item_BL``: rows of ``vectors_TD``; ``codes_BL``: classes of
        what ``cfg.reads`` names.
        """
        return self.after(fn.embedding(item_BL, vectors_TD), gap_BL, *codes_BL)

    def after(self, e_BLD: Tensor, gap_BL: Tensor, *codes_BL: Tensor) -> Tensor:
        """The same of the items' vectors."""
        x_BLD = e_BLD * self.cfg.factors**0.5 + self.gap(gap_BL)
        for code, code_BL in zip(self.codes, codes_BL, strict=True):
            x_BLD = x_BLD + code(code_BL)
        return fn.normalize(self.encoder(self.dropout(x_BLD)), dim=2) / self.cfg.temperature


def flat(model: SequenceModel) -> npt.NDArray[np.float32]:
    """All numbers of the gaps, of the encoder in the order of their names, and of the codes that it reads."""
    parts = [part.detach().cpu().numpy().ravel() for part in _parts(model)]
    return np.concatenate([np.zeros(0, np.float32), *parts])


def _parts(model: SequenceModel) -> list[Tensor]:
    of_encoder = [tensor for _, tensor in sorted(model.encoder.state_dict().items())]
    return [model.gap.weight, *of_encoder, *model.codes.state_dict().values()]


def unflat(model: SequenceModel, numbers: npt.NDArray[np.float32]) -> None:
    """``flat``, back into a model of the same settings, from rows of part ``net``; raises FuserankError where they hold
    more or fewer numbers: what fills the last row is 0, and no code that a model has learned is.
    """
    parts = _parts(model)
    whole = sum(tensor.numel() for tensor in parts)
    codes = sum(tensor.numel() for tensor in model.codes.state_dict().values())
    fits = 0 <= len(numbers) - whole < NET_ROW and not numbers[whole:].any()
    if not fits or (codes and not numbers[whole - codes : whole].any()):
        raise FuserankError(f"{len(numbers):,} numbers are no model of these settings; fit it again")
    at = 0
    with torch.no_grad():
        for tensor in parts:
            tensor.copy_(torch.from_numpy(numbers[at : at + tensor.numel()].copy()).view_as(tensor))
            at += tensor.numel()


def restored(cfg: SequenceConfig, numbers: npt.NDArray[np.float32]) -> SequenceModel:
    """A model that encodes, of rows of part ``net``; it knows no items."""
    nothing = torch.empty(0, dtype=torch.int64)
    model = SequenceModel(cfg, torch.empty(0), nothing, torch.empty(0), nothing).eval()
    unflat(model, numbers)
    return model
