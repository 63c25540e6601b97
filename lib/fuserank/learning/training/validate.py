"""Loss and NDCG@10 of a model on a split, over all ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as fn

from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model
from fuserank.learning.training.group import Group
from fuserank.learning.training.stopping import ndcg_at_10

if TYPE_CHECKING:
    from fuserank.learning.training.source import BatchSource


def validate(model: Model, source: BatchSource, group: Group) -> tuple[float, float]:
    """Weighted mean log loss, and NDCG@10 among the candidates; the same two numbers on every rank.

    Each rank scores its own files; rows are gathered, so every user's whole list is ranked.
    """
    model.eval()
    rows, totals = [], torch.zeros(2, dtype=torch.float64, device=group.device)
    with torch.no_grad():
        for block in source.batches(0):
            batch = Batch.of(block).to(group.device)
            logit_B = model(batch)
            loss_B = fn.binary_cross_entropy_with_logits(logit_B, batch.label_B, reduction="none")
            totals += torch.stack([batch.weight_B.double().sum(), (batch.weight_B * loss_B).double().sum()])
            rows.append(
                torch.stack([batch.user_B.double(), batch.item_B.double(), logit_B.double(), batch.label_B.double()], 1)
            )
    model.train()
    rows_N4 = torch.cat(rows) if rows else torch.zeros((0, 4), dtype=torch.float64, device=group.device)
    all_N4 = torch.cat(group.gather(rows_N4)).cpu().numpy()
    group.sum_(totals)
    user, item = all_N4[:, 0].astype(np.int32), all_N4[:, 1].astype(np.int32)
    ndcg = ndcg_at_10(user, item, all_N4[:, 2].astype(np.float32), all_N4[:, 3].astype(np.float32))
    return float(totals[1] / totals[0]), ndcg
