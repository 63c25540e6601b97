"""What all models of samples have in common: the fitted inputs as buffers, groups of parameters, the card."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from fuserank.common.blocks import Ints
from fuserank.config.model import ModelSettings
from fuserank.learning.models.inputs import InputFit, inputs_of, kinds_of, pooled_of, transformed


class SampleModel(nn.Module):
    """A ``contract.Model`` but for ``forward``. Shapes: B rows, F numeric columns, I items of the fit.

    Items beyond those of the fit, and items too rare for a row of their own, have row 0; padding has row ``item_rows``.
    """

    mean_F: Tensor
    scale_F: Tensor
    item_row_I: Tensor
    item_category_I: Tensor
    grower = ""
    weights = "float32"  # of tables and layers; learning.models.compress makes others

    def __init__(self, config: ModelSettings, fit: InputFit) -> None:
        super().__init__()
        self.config, self.inputs, self.kinds, self.users = config, inputs_of(config), kinds_of(config), fit.users
        self.register_buffer("mean_F", torch.from_numpy(fit.mean_F.copy()))
        self.register_buffer("scale_F", torch.from_numpy(fit.scale_F.copy()))
        # two more places: I for an unknown item, I + 1 for padding
        self.item_rows = int(fit.item_row_I.max(initial=0)) + 1
        self.register_buffer("item_row_I", _with_ends(fit.item_row_I, self.item_rows))
        self.pooled = pooled_of(config)
        buckets = self.inputs.categorical[self.pooled][1] if self.pooled is not None else 0
        self.register_buffer("item_category_I", _with_ends(fit.item_category_I, buckets))

    def standardised(self, dense_BF: Tensor) -> Tensor:
        """Transformed, centred, scaled and clipped numeric inputs."""
        x_BF = (transformed(dense_BF, self.kinds) - self.mean_F) / self.scale_F
        return x_BF.clamp(-self.config.clip, self.config.clip)

    def item_index(self, item: Tensor) -> Tensor:
        """Places in the item_*_I buffers: unknown items at I, padding (-1) at I + 1."""
        unknown = self.item_row_I.shape[0] - 2
        return torch.where(item < 0, unknown + 1, item.clamp(max=unknown))

    def parameter_groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Parameters of the layers and of the embeddings, each in a fixed order."""
        tables = {id(m.weight) for m in self.modules() if isinstance(m, nn.Embedding)}
        wanted = [p for p in self.parameters() if p.requires_grad]
        return [p for p in wanted if id(p) not in tables], [p for p in wanted if id(p) in tables]

    def card(self) -> dict[str, Any]:
        """What the weights mean: columns in order with transform and scale, buckets, settings."""
        numeric = zip(self.inputs.numeric, self.kinds, self.mean_F.tolist(), self.scale_F.tolist(), strict=True)
        smaller = {} if self.weights == SampleModel.weights else {"weights": self.weights}
        return smaller | {
            "kind": self.config.kind,
            "users": self.users,
            "numeric": [{"name": n, "transform": k, "mean": m, "scale": s} for n, k, m, s in numeric],
            "categorical": [{"name": name, "buckets": buckets} for name, buckets in self.inputs.categorical],
            "history": list(self.inputs.history),
            "output": "log_odds",
            "model": self.config.model_dump(mode="json"),
        }


def _with_ends(values: Ints, padding: int) -> Tensor:
    return torch.cat([torch.from_numpy(values.copy()).int(), torch.tensor([0, padding], dtype=torch.int32)])
