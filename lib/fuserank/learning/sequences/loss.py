"""The loss of a model of sequences: what came next against items that are drawn.

Shapes: B windows, L places, P places with a next item, D depth, I items, K items drawn, T items looked up.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.learning.sequences.model import SequenceModel

_REGULAR = 1.0  # λ of bpr_max, on scores of items that were drawn


class Drawn:
    """Items as negatives, by how often they are taken, with ln of how often they are to be expected in a draw."""

    def __init__(self, takers_I: npt.NDArray[np.int64]) -> None:
        self.up_to_I = np.cumsum(takers_I)
        share_I = np.maximum(takers_I, 1) / max(int(takers_I.sum()), 1)
        self.log_share_I = np.log(share_I).astype(np.float32)

    def items(self, count: int, rng: np.random.Generator) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """(K,) items and ln(K · share) of each."""
        item = np.searchsorted(self.up_to_I, rng.integers(0, self.up_to_I[-1], count), side="right")
        return item, self.log_share_I[item] + np.float32(math.log(count))


class Loss(nn.Module):
    """Mean over the places that have a next item, 0 where none has. An item that was drawn by accident is no negative
    of itself; each other one stands for all that are like it: its score less ln of how often it is expected (Bengio,
    Senécal 2008).
    """

    liked_I: Tensor

    def __init__(self, model: SequenceModel, liked_I: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("liked_I", liked_I, persistent=False)

    def forward(self, item_BL: Tensor, gap_BL: Tensor, next_BL: Tensor, drawn_K: Tensor, expected_K: Tensor) -> Tensor:
        """A number; next_BL −1 is padding."""
        model, real_BL = self.model, next_BL >= 0
        next_P = next_BL[real_BL]
        of_T, place = torch.unique(torch.cat([item_BL.flatten(), next_P, drawn_K]), return_inverse=True)
        vectors_TD = model.vectors(of_T)
        item, following, drawn_at = place.split([item_BL.numel(), len(next_P), len(drawn_K)])
        q_PD = model.encoded(vectors_TD, item.view_as(item_BL), gap_BL)[real_BL]
        of_next_P = (q_PD * vectors_TD[following]).sum(1) + model.popularity * self.liked_I[next_P]
        of_drawn_PK = q_PD @ vectors_TD[drawn_at].T + model.popularity * self.liked_I[drawn_K]
        same_PK = next_P[:, None] == drawn_K
        if model.cfg.loss == "bpr_max":
            loss_P = _bpr_max(of_next_P, of_drawn_PK.masked_fill(same_PK, -torch.inf))
        else:
            others_P = torch.logsumexp((of_drawn_PK - expected_K).masked_fill(same_PK, -torch.inf), 1)
            loss_P = fn.softplus(others_P - of_next_P)
        return loss_P.mean() if len(loss_P) else loss_P.sum()


def _bpr_max(of_next_P: Tensor, of_drawn_PK: Tensor) -> Tensor:
    """−ln Σ_j s_j σ(r − r_j) + λ Σ_j s_j r_j², s: softmax of the scores of what was drawn (Hidasi, Karatzoglou, CIKM
    2018, eq. 8), of each place.
    """
    share_PK = torch.softmax(of_drawn_PK, 1)
    finite_PK = of_drawn_PK.masked_fill(torch.isinf(of_drawn_PK), 0.0)
    ahead_P = (share_PK * torch.sigmoid(of_next_P[:, None] - finite_PK)).sum(1)
    return _REGULAR * (share_PK * finite_PK.pow(2)).sum(1) - (ahead_P + 1e-24).log()
