"""A model as arrays and a card, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.config.model import ModelSettings
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.compress import INT8, shell
from fuserank.learning.models.contract import Build, Model
from fuserank.learning.models.inputs import InputFit, inputs_of
from fuserank.registry import loaded
from fuserank.registry.models import MODELS

Arrays = dict[str, npt.NDArray[Any]]
_CURE = "train again with jobs/train.py"


def fresh(config: ModelSettings, fit: InputFit) -> Model:
    """An untrained model of the kind that the settings are of; its weights come from torch's generator as it stands."""
    build: Build = loaded(MODELS[config.kind].build)
    return build(config, fit)


def to_arrays(model: Model) -> Arrays:
    """Weights and buffers by name. Of int8 weights, ``<name>.q8`` and ``<name>.scale``, of which a weight is the
    product; what stands beside them is packed without loss (``_packed``).
    """
    arrays = {name: value.detach().cpu().numpy() for name, value in model.state_dict().items()}
    return _packed(arrays) if "weights" in model.card() else arrays


def _packed(arrays: Arrays) -> Arrays:
    """Categories of items in as few bytes as hold them. Items with a row of their own have rows in their order, so a
    bit each says which have one: ``item_row_I.bits``.
    """
    rest = dict(arrays)
    category_I = rest["item_category_I"]
    rest["item_category_I"] = category_I.astype(np.min_scalar_type(max(int(category_I.max()), 256)))
    bits = np.packbits(rest["item_row_I"][:-2] > 0)
    if np.array_equal(_item_rows(bits, len(category_I)), rest["item_row_I"]):
        del rest["item_row_I"]
        rest["item_row_I.bits"] = bits
    return rest


def unpacked(arrays: Arrays) -> Arrays:
    """The arrays of a model of int8 weights with what stands beside these as other models have it."""
    rest = {name: value for name, value in arrays.items() if name != "item_row_I.bits"}
    rest["item_category_I"] = rest["item_category_I"].astype(np.int32)
    if "item_row_I.bits" in arrays:
        rest["item_row_I"] = _item_rows(arrays["item_row_I.bits"], len(rest["item_category_I"]))
    return rest


def _item_rows(bits: npt.NDArray[Any], places: int) -> npt.NDArray[np.int32]:
    """As ``SampleModel`` has them: 0 for the unknown and, last, the row of padding."""
    own_I = np.unpackbits(bits, count=places - 2)
    return np.concatenate([np.cumsum(own_I) * own_I, [0, own_I.sum() + 1]]).astype(np.int32)


def refuse_other_tensors(found: Mapping[str, Any], wanted: Mapping[str, Any], where: str, cure: str) -> None:
    """:raises FuserankError: names or shapes are not those that a model has; it names the first"""
    for name in sorted({*found, *wanted}):
        if name not in found or name not in wanted:
            raise FuserankError(f"{where} {'lacks' if name in wanted else 'has besides'} the tensor {name!r}; {cure}")
        shapes = tuple(found[name].shape), tuple(wanted[name].shape)
        if shapes[0] != shapes[1]:
            raise FuserankError(f"{where} has {name!r} of shape {shapes[0]}, where {shapes[1]} is needed; {cure}")


def from_arrays(arrays: Arrays, card: dict[str, Any]) -> Model:
    """The model in evaluation mode; raises FuserankError for a kind that is not declared, where the card's columns are
    not those of the settings in it, and where tensors are missing, of other shapes or of no model of these settings.
    """
    weights = card.get("weights")
    if weights not in {None, INT8}:
        raise FuserankError(f"the model's weights are {weights!r}, which this version does not know; upgrade fuserank")
    if lacking := sorted({"kind", "model", "numeric", "users"} - set(card)):
        raise FuserankError(f"the model's card lacks {', '.join(lacking)}; {_CURE}")
    there = {name.removesuffix(".bits") for name in arrays}
    if lacking := sorted({"mean_F", "scale_F", "item_row_I", "item_category_I"} - there):
        raise FuserankError(f"the model lacks the tensor {lacking[0]!r}; {_CURE}")
    arrays = arrays if weights is None else unpacked(arrays)
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
    if weights == INT8:
        shell(model)
    refuse_other_tensors(arrays, model.state_dict(), "the model", _CURE)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in arrays.items()})
    return model.eval()


def logits(model: Model, block: Block) -> Floats:
    """logit_B of a block."""
    with torch.inference_mode():
        found: Floats = model(Batch.of(block)).numpy()
    return found
