"""An FNN as arrays and a card, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelConfig
from fuserank.models.batch import Batch
from fuserank.models.fnn import FNN
from fuserank.models.inputs import InputFit, inputs_of, kinds_of


def to_arrays(model: FNN) -> dict[str, npt.NDArray[np.generic]]:
    """Weights and buffers by name."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def card_of(model: FNN) -> dict[str, Any]:
    """What the weights mean: columns in order with transform and scale, buckets, settings."""
    inputs = inputs_of(model.config)
    numeric = zip(inputs.numeric, kinds_of(model.config), model.mean_F.tolist(), model.scale_F.tolist(), strict=True)
    return {
        "kind": model.config.kind,
        "users": model.users,
        "numeric": [{"name": n, "transform": k, "mean": m, "scale": s} for n, k, m, s in numeric],
        "categorical": [{"name": name, "buckets": buckets} for name, buckets in inputs.categorical],
        "history": list(inputs.history),
        "output": "log_odds",
        "model": model.config.model_dump(mode="json"),
    }


def from_arrays(arrays: dict[str, npt.NDArray[np.generic]], card: dict[str, Any]) -> FNN:
    """The model in evaluation mode; raises where the card's columns are not those of the settings in it."""
    config = ModelConfig.model_validate(card["model"])
    if [f["name"] for f in card["numeric"]] != list(inputs_of(config).numeric):
        raise FuserankError("the model was trained on other sample columns than this version has; train again")
    fit = InputFit(
        mean_F=np.array(arrays["mean_F"], np.float32),
        scale_F=np.array(arrays["scale_F"], np.float32),
        users=int(card["users"]),
        item_row_I=np.array(arrays["item_row_I"][:-2], np.int32),
        item_category_I=np.array(arrays["item_category_I"][:-2], np.int32),
        log_odds=0.0,
    )
    model = FNN(config, fit)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
    return model.eval()


def logits(model: FNN, block: Block) -> Floats:
    """logit_B of a block."""
    with torch.inference_mode():
        found: Floats = model(Batch.of(block)).numpy()
    return found
