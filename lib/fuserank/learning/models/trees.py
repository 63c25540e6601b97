"""Gradient-boosted trees over the numeric columns of the samples.

logit = Σ of one leaf's value of each tree (Friedman 2001, algorithm 1, with second-order leaf values; grown leaf by
leaf as LightGBM does: Ke et al. 2017). A row goes left where its value is at most the threshold. Trees are buffers of
one size, so they are saved, scored and exported as any model's state; who has grown none says the base rate.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fuserank.config.rankers import TreesConfig
from fuserank.learning.models.base import SampleModel
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.inputs import InputFit


class Trees(SampleModel):
    """Batch in, logit_B out. Shapes: T trees, N inner nodes and N + 1 leaves at most.

    ``child_TN2``: the node to the left and to the right; below 0 a leaf, of which it is −1 − its place.
    """

    grower = "fuserank.learning.training.trees:grown"
    feature_TN: Tensor  # place of the numeric column
    threshold_TN: Tensor  # float32, no higher than what was learned: float32 values go the same way
    child_TN2: Tensor
    value_TL: Tensor

    def __init__(self, config: TreesConfig, fit: InputFit) -> None:
        super().__init__(config, fit)
        self.depth = config.depth
        trees, nodes = config.rounds, config.leaves - 1
        self.register_buffer("feature_TN", torch.zeros((trees, nodes), dtype=torch.int32))
        self.register_buffer("threshold_TN", torch.zeros((trees, nodes)))
        self.register_buffer("child_TN2", torch.full((trees, nodes, 2), -1, dtype=torch.int32))
        self.register_buffer("value_TL", torch.zeros((trees, nodes + 1)))
        self.value_TL[0, 0] = fit.log_odds

    def take(self, trees: Sequence[dict[str, Any]]) -> None:
        """Trees as LightGBM dumps them (``tree_structure``) in the place of those that are there."""
        self.child_TN2.fill_(-1)
        self.value_TL.zero_()
        for t, tree in enumerate(trees):
            for node in _inner(tree):
                n = node["split_index"]
                self.feature_TN[t, n] = node["split_feature"]
                self.threshold_TN[t, n] = _at_most(node["threshold"])
                for side, name in enumerate(("left_child", "right_child")):
                    self.child_TN2[t, n, side] = node[name].get("split_index", -1 - node[name].get("leaf_index", 0))
            for leaf in _leaves(tree):
                self.value_TL[t, leaf.get("leaf_index", 0)] = leaf["leaf_value"]

    def forward(self, batch: Batch) -> Tensor:
        """Trees in their order, in double; in a graph that is exported in float32."""
        if torch.compiler.is_exporting():
            return self._walked(batch.dense_BF)
        from fuserank.learning.models.trees_kernel import leaves_summed

        dense_BF = np.ascontiguousarray(batch.dense_BF.detach().cpu().numpy())
        logit_B = np.empty(len(dense_BF), np.float32)
        feature_TN, threshold_TN, child_TN2, value_TL = (
            values.cpu().numpy() for values in (self.feature_TN, self.threshold_TN, self.child_TN2, self.value_TL)
        )
        leaves_summed(dense_BF, feature_TN, threshold_TN, child_TN2, value_TL, logit_B)
        return torch.from_numpy(logit_B).to(batch.dense_BF.device)

    def _walked(self, dense_BF: Tensor) -> Tensor:
        """All rows down all trees, one level after the other: what a graph can hold."""
        trees, nodes = self.feature_TN.shape
        first_T = torch.arange(trees) * nodes
        at_BT = torch.zeros_like(dense_BF[:, :1], dtype=torch.int64).expand(-1, trees)
        left, right = self.child_TN2[..., 0].reshape(-1).long(), self.child_TN2[..., 1].reshape(-1).long()
        feature, threshold = self.feature_TN.reshape(-1).long(), self.threshold_TN.reshape(-1)
        for _ in range(self.depth):
            place_BT = first_T + at_BT.clamp(min=0)
            value_BT = torch.gather(dense_BF, 1, feature[place_BT])
            below_BT = torch.where(value_BT <= threshold[place_BT], left[place_BT], right[place_BT])
            at_BT = torch.where(at_BT < 0, at_BT, below_BT)
        leaf_BT = torch.arange(trees) * (nodes + 1) + (-1 - at_BT)
        return self.value_TL.reshape(-1)[leaf_BT].sum(dim=1)


def _at_most(threshold: float) -> float:
    """The highest float32 that is no higher."""
    found = np.float32(threshold)
    return float(found if found <= threshold else np.nextafter(found, np.float32(-np.inf)))


def _inner(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "split_index" in node:
        yield node
        yield from _inner(node["left_child"])
        yield from _inner(node["right_child"])


def _leaves(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "split_index" not in node:
        yield node
        return
    yield from _leaves(node["left_child"])
    yield from _leaves(node["right_child"])
