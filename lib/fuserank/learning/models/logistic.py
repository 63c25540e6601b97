"""Logistic regression on the samples: the baseline that every network has to beat.

logit = b + w · x + Σ over categorical columns of the bucket's weight + the item's weight (Hosmer and Lemeshow,
"Applied logistic regression", 2000, eq. 1.1, with a weight for each value of a category). Weights start at 0, the
constant at the log odds of the training rows, so a fresh model says the base rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fuserank.config.logistic import LogisticConfig
from fuserank.learning.models.base import SampleModel
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.inputs import InputFit


class Logistic(SampleModel):
    """Batch in, logit_B out."""

    def __init__(self, config: LogisticConfig, fit: InputFit) -> None:
        super().__init__(config, fit)
        self.linear = nn.Linear(len(self.kinds), 1)
        self.categorical = nn.ModuleList(nn.Embedding(buckets + 1, 1) for _, buckets in self.inputs.categorical)
        self.item = nn.Embedding(self.item_rows, 1) if config.item_bias else None
        for parameter in self.parameters():
            nn.init.zeros_(parameter)
        nn.init.constant_(self.linear.bias, fit.log_odds)

    def forward(self, batch: Batch) -> Tensor:
        """Terms in a fixed order, in float32."""
        logit_B1 = self.linear(self.standardised(batch.dense_BF))
        for k, weight in enumerate(self.categorical):
            logit_B1 = logit_B1 + weight(batch.categorical_BC[:, k])
        if self.item is not None:
            logit_B1 = logit_B1 + self.item(self.item_row_I[self.item_index(batch.item_B)])
        return torch.squeeze(logit_B1, 1)
