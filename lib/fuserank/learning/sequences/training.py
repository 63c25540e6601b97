"""Training of a model of sequences: steps over windows, softmax over items that are drawn.

Shapes: B windows, L places, P places with a next item, D depth, I items, K items drawn for a step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as fn

from fuserank.common.errors import FuserankError
from fuserank.learning.sequences.model import SequenceModel

if TYPE_CHECKING:
    from fuserank.learning.sequences.settings import SequenceConfig
    from fuserank.learning.sequences.windows import Sequences

_BETAS = (0.9, 0.98)  # as SASRec
_REGULAR = 1.0  # λ of bpr_max, on scores of items that were drawn


def train(
    model: SequenceModel,
    of_epoch: Callable[[np.random.Generator], Sequences],
    count_I: npt.NDArray[np.int64],
    cfg: SequenceConfig,
    seed: int,
) -> None:
    """Fits ``model`` in place. ``of_epoch``: the takings, those of one time in an order of its own in each epoch;
    ``count_I``: how often each item was taken.

    Raises FuserankError where the loss is no number any more.
    """
    rng = np.random.default_rng(seed)
    drawn = _Drawn(count_I)
    liked_I = torch.from_numpy(liked(count_I))
    sequences = of_epoch(rng)
    steps = cfg.epochs * len(sequences.groups(cfg.length, cfg.places, np.random.default_rng(seed)))
    tables = [table.weight for table in (model.item, model.value) if table.num_embeddings]
    of_tables = {id(table) for table in tables}
    layers = [parameter for parameter in model.parameters() if id(parameter) not in of_tables and parameter.numel()]
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(layers, lr=cfg.learning_rate, betas=_BETAS, weight_decay=cfg.weight_decay, fused=True),
        torch.optim.SparseAdam(tables, lr=cfg.embedding_rate * cfg.learning_rate, betas=_BETAS),
    ]

    def share(step: int) -> float:
        return 0.5 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1)))

    schedules = [torch.optim.lr_scheduler.LambdaLR(optimiser, share) for optimiser in optimisers]
    model.train()
    for epoch in range(cfg.epochs):
        if epoch:
            sequences = of_epoch(rng)
        for item_BL, gap_BL, next_BL in sequences.batches(cfg.length, cfg.places, rng):
            item, weight = drawn.items(cfg.negatives, rng)
            tensors = tuple(torch.from_numpy(a) for a in (item_BL, gap_BL, next_BL))
            loss = _loss(model, tensors, (item, weight), liked_I)
            if not math.isfinite(float(loss.detach())):
                raise FuserankError(
                    f"the loss is {float(loss.detach())} in epoch {epoch + 1}; lower learning_rate or raise temperature"
                )
            for optimiser in optimisers:
                optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            for optimiser, schedule in zip(optimisers, schedules, strict=True):
                optimiser.step()
                schedule.step()
    model.eval()


def liked(count_I: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """ln n + ½ of how often an item was taken."""
    found: npt.NDArray[np.float32] = np.log(count_I + 0.5).astype(np.float32)
    return found


class _Drawn:
    """Items as negatives, by how often they are taken, with ln of how often they are to be expected in a draw."""

    def __init__(self, count_I: npt.NDArray[np.int64]) -> None:
        self.up_to_I = np.cumsum(count_I)
        share_I = np.maximum(count_I, 1) / max(int(count_I.sum()), 1)
        self.log_share_I = torch.from_numpy(np.log(share_I).astype(np.float32))

    def items(self, count: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """(K,) items and ln(K · share) of each."""
        item = torch.from_numpy(np.searchsorted(self.up_to_I, rng.integers(0, self.up_to_I[-1], count), side="right"))
        return item, self.log_share_I[item] + math.log(count)


def _loss(model: SequenceModel, batch: tuple[Tensor, ...], drawn: tuple[Tensor, Tensor], liked_I: Tensor) -> Tensor:
    """Mean over the places that have a next item. An item that was drawn by accident is no negative of itself; each
    other one stands for all that are like it: its score less ln of how often it is expected (Bengio, Senécal 2008).
    """
    (item_BL, gap_BL, next_BL), (drawn_K, expected_K) = batch, drawn
    real_BL = next_BL >= 0
    next_P = next_BL[real_BL]
    of_T, place = torch.unique(torch.cat([item_BL.flatten(), next_P, drawn_K]), return_inverse=True)
    vectors_TD = model.vectors(of_T)
    item, following, drawn_at = place.split([item_BL.numel(), len(next_P), len(drawn_K)])
    q_PD = model.encoded(vectors_TD, item.view_as(item_BL), gap_BL)[real_BL]
    of_next_P = (q_PD * vectors_TD[following]).sum(1) + model.popularity * liked_I[next_P]
    of_drawn_PK = q_PD @ vectors_TD[drawn_at].T + model.popularity * liked_I[drawn_K]
    same_PK = next_P[:, None] == drawn_K
    if model.cfg.loss == "bpr_max":
        return _bpr_max(of_next_P, of_drawn_PK.masked_fill(same_PK, -torch.inf))
    others_P = torch.logsumexp((of_drawn_PK - expected_K).masked_fill(same_PK, -torch.inf), 1)
    return fn.softplus(others_P - of_next_P).mean()


def _bpr_max(of_next_P: Tensor, of_drawn_PK: Tensor) -> Tensor:
    """−ln Σ_j s_j σ(r − r_j) + λ Σ_j s_j r_j², s: softmax of the scores of what was drawn (Hidasi, Karatzoglou, CIKM
    2018, eq. 8).
    """
    share_PK = torch.softmax(of_drawn_PK, 1)
    finite_PK = of_drawn_PK.masked_fill(torch.isinf(of_drawn_PK), 0.0)
    ahead_P = (share_PK * torch.sigmoid(of_next_P[:, None] - finite_PK)).sum(1)
    return (_REGULAR * (share_PK * finite_PK.pow(2)).sum(1) - (ahead_P + 1e-24).log()).mean()


def flat(model: SequenceModel) -> npt.NDArray[np.float32]:
    """All numbers of the gaps and of the encoder, in the order of their names."""
    parts = [model.gap.weight, *(tensor for _, tensor in sorted(model.encoder.state_dict().items()))]
    return np.concatenate([np.zeros(0, np.float32), *(part.detach().numpy().ravel() for part in parts)])


def unflat(model: SequenceModel, numbers: npt.NDArray[np.float32]) -> None:
    """``flat``, back into a model of the same settings; raises FuserankError where there are more or fewer numbers."""
    places: dict[str, Any] = {"": model.gap.weight, **dict(sorted(model.encoder.state_dict().items()))}
    if sum(tensor.numel() for tensor in places.values()) > len(numbers):
        raise FuserankError(f"{len(numbers):,} numbers are no model of these settings; fit it again")
    at = 0
    with torch.no_grad():
        for tensor in places.values():
            tensor.copy_(torch.from_numpy(numbers[at : at + tensor.numel()].copy()).view_as(tensor))
            at += tensor.numel()
