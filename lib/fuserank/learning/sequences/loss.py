"""The loss of a model of sequences: what came next against items that are drawn, or that come next elsewhere.

Shapes: B windows, L places, P places with a next item, D depth, I items, K items drawn, C negatives, T items looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

if TYPE_CHECKING:
    from fuserank.learning.sequences.known import Known
    from fuserank.learning.sequences.model import SequenceModel
    from fuserank.learning.sequences.settings import SequenceConfig

_REGULAR = 1.0  # λ of bpr_max, on scores of the negatives
_NEVER = -1e9  # score of what is no negative; finite, for a place may have no other


class Drawn:
    """Items that are drawn as negatives: by how many took them, or all that somebody took alike; none where what is
    next elsewhere in a step stands for them.
    """

    def __init__(self, known: Known, cfg: SequenceConfig) -> None:
        self.count = 0 if cfg.negatives_from == "batch" else cfg.negatives
        weight_I = known.takers_I if cfg.negatives_from != "uniform" else (known.takers_I > 0).astype(np.int64)
        self.up_to_I = np.cumsum(weight_I)
        self.share_I = weight_I / max(int(weight_I.sum()), 1)
        self.next_share_I = known.takings_I / max(int(known.takings_I.sum()), 1)

    def items(self, rng: np.random.Generator) -> npt.NDArray[np.int64]:
        """(K,) items."""
        if not self.count:
            return np.empty(0, np.int64)
        return np.searchsorted(self.up_to_I, rng.integers(0, self.up_to_I[-1], self.count), side="right")


class Loss(nn.Module):
    """Mean over the places that have a next item, 0 where none has. What a next item is told from are items that are
    drawn, or what is next at the other places of the step, or both. The item itself is no negative of its place; each
    other one stands for all that are like it: its score less ln of how often it is to be expected among them all
    (Bengio, Senécal 2008; of what is next elsewhere: Yi et al., RecSys 2019, eq. 3; of both: Yang et al., WWW 2020), so
    that the sum over them is, in the mean, the one over all items.
    """

    liked_I: Tensor
    share_I: Tensor
    next_share_I: Tensor

    def __init__(self, model: SequenceModel, known: Known, drawn: Drawn) -> None:
        super().__init__()
        self.model, self.draws = model, drawn.count
        self.of_step = model.cfg.negatives_from in ("batch", "both")
        shares = {"share_I": drawn.share_I, "next_share_I": drawn.next_share_I}
        for name, numbers_I in {"liked_I": known.liked_I, **shares}.items():
            self.register_buffer(name, torch.from_numpy(numbers_I.astype(np.float32)), persistent=False)

    def forward(self, item_BL: Tensor, gap_BL: Tensor, next_BL: Tensor, drawn_K: Tensor, *codes_BL: Tensor) -> Tensor:
        """A number; next_BL −1 is padding; ``codes_BL`` as the model reads them."""
        model, real_BL = self.model, next_BL >= 0
        next_P = next_BL[real_BL]
        of_T, place = torch.unique(torch.cat([item_BL.flatten(), next_P, drawn_K]), return_inverse=True)
        vectors_TD = model.vectors(of_T)
        item, following, drawn_at = place.split([item_BL.numel(), len(next_P), len(drawn_K)])
        q_PD = model.encoded(vectors_TD, item.view_as(item_BL), gap_BL, *codes_BL)[real_BL]
        of_next_P = (q_PD * vectors_TD[following]).sum(1) + model.popularity * self.liked_I[next_P]
        other_C = torch.cat([drawn_K, next_P]) if self.of_step else drawn_K
        at_C = torch.cat([drawn_at, following]) if self.of_step else drawn_at
        of_other_PC = q_PD @ vectors_TD[at_C].T + model.popularity * self.liked_I[other_C]
        same_PC = next_P[:, None] == other_C
        if model.cfg.loss == "bpr_max":
            loss_P = _bpr_max(of_next_P, of_other_PC, same_PC)
        else:
            corrected_PC = of_other_PC - self.expected(other_C, len(next_P)).log()
            loss_P = fn.softplus(torch.logsumexp(corrected_PC.masked_fill(same_PC, _NEVER), 1) - of_next_P)
        return loss_P.mean() if len(loss_P) else loss_P.sum()

    def expected(self, item_C: Tensor, places: int) -> Tensor:
        """How often each item is to be expected among the negatives of a place, in a step of so many places (C,)."""
        count_C = self.draws * self.share_I[item_C]
        return count_C + max(places - 1, 1) * self.next_share_I[item_C] if self.of_step else count_C


def _bpr_max(of_next_P: Tensor, of_other_PC: Tensor, same_PC: Tensor) -> Tensor:
    """−ln Σ_j s_j σ(r − r_j) + λ Σ_j s_j r_j², s: softmax of the scores of the negatives (Hidasi, Karatzoglou, CIKM
    2018, eq. 8), of each place.
    """
    share_PC = torch.softmax(of_other_PC.masked_fill(same_PC, _NEVER), 1) * ~same_PC
    ahead_P = (share_PC * torch.sigmoid(of_next_P[:, None] - of_other_PC)).sum(1)
    return _REGULAR * (share_PC * of_other_PC.pow(2)).sum(1) - (ahead_P + 1e-24).log()
