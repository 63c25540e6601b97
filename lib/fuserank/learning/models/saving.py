"""A model as arrays and a card, and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelSettings
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Build, Model
from fuserank.learning.models.inputs import InputFit, inputs_of
from fuserank.registry import loaded
from fuserank.registry.models import MODELS


def fresh(config: ModelSettings, fit: InputFit) -> Model:
    """An untrained model of the kind that the settings are of; its weights come from torch's generator as it stands."""
    build: Build = loaded(MODELS[config.kind].build)
    return build(config, fit)


def to_arrays(model: Model) -> dict[str, npt.NDArray[np.generic]]:
    """Weights and buffers by name."""
    return {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}


def from_arrays(arrays: dict[str, npt.NDArray[np.generic]], card: dict[str, Any]) -> Model:
    """The model in evaluation mode; raises FuserankError for a kind that is not declared, or where the card's
    columns are not those of the settings in it.
    """
    config = MODELS[card["kind"]].settings.model_validate(card["model"])
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
    model = fresh(config, fit)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
    return model.eval()


def logits(model: Model, block: Block) -> Floats:
    """logit_B of a block."""
    with torch.inference_mode():
        found: Floats = model(Batch.of(block)).numpy()
    return found
