"""A trained model made smaller: weights of eight bits."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from fuserank.common.blocks import Block
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model
from fuserank.learning.models.int8 import Q8Embedding, Q8Layers, Q8Linear

INT8 = "int8"  # what the card says of the weights
_SMALL = 1024  # numbers: what has fewer stays as it is, for it is nothing in the file and may matter much (the output)


def quantised(model: Model, calibration: Block) -> Model:
    """A copy with int8 weights, in evaluation mode. ``calibration``: some thousands of training rows, whose inputs of
    the tanh layers give the ranges that int8 spans.
    """
    made: Any = copy.deepcopy(model)
    made.eval()
    layers = getattr(made, "layers", None)
    range_W = None if layers is None else _ranges(made, layers, calibration)
    shell(made, range_W)
    return made  # type: ignore[no-any-return]


def shell(model: Any, range_W: Tensor | None = None) -> None:
    """Put int8 modules in the places of the model's tables and layers, with its weights of now."""
    layers = getattr(model, "layers", None)
    if layers is not None:
        width = layers[0].in_features if len(layers) else 0
        model.layers = Q8Layers(layers, torch.ones(width) if range_W is None else range_W)
    for parent in [m for m in model.modules() if not isinstance(m, Q8Layers)]:
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Embedding) and child.weight.numel() >= _SMALL:
                setattr(parent, name, Q8Embedding(child))
            elif isinstance(child, nn.Linear) and child.weight.numel() >= _SMALL:
                setattr(parent, name, Q8Linear(child))
    model.weights = INT8


def _ranges(model: Any, layers: nn.Module, rows: Block) -> Tensor:
    """Largest absolute value of each input of the layers (W,)."""
    found: list[Tensor] = []
    hook = layers.register_forward_pre_hook(lambda module, inputs: found.append(inputs[0].abs().amax(dim=0)))
    with torch.inference_mode():
        model(Batch.of(rows))
    hook.remove()
    return found[0].clone()
