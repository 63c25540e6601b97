"""A trained model made smaller: weights of eight bits, fewer hidden units."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy.typing as npt
import torch
from torch import Tensor, nn

from fuserank.common.blocks import Block
from fuserank.common.errors import FuserankError
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model
from fuserank.learning.models.int8 import Q8Embedding, Q8Layers, Q8Linear

Arrays = dict[str, npt.NDArray[Any]]
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


def pruned(model: Model, rows: Block, share: float) -> tuple[Arrays, dict[str, Any]]:
    """Arrays and card of the model with this share of each tanh layer's units, rounded up; the rows and columns of
    the others are gone, and ``hidden`` of the settings says so. ``rows``: some thousands of training rows.

    A unit counts by the standard deviation of its output over the rows times the norm of the weights that read it;
    what reads a unit that goes gets its mean output into the bias (as in Ma et al., "LLM-Pruner", NeurIPS 2023, units
    go with all that hangs on them; the mean: An et al., "FLAP", AAAI 2024). Ties stay with the lower unit.
    """
    state, card = {k: v.clone() for k, v in model.state_dict().items()}, model.card()
    layers: Any = getattr(model, "layers", None)
    if layers is None or not len(layers):
        raise FuserankError(f"{card['kind']} has no hidden layers that units could be taken from; leave the step out")
    outputs = _outputs(model, layers, rows)
    readers = [*(f"layers.{n}" for n in list(outputs)[1:]), "out"]
    hidden = []
    for (name, out_BH), reader in zip(outputs.items(), readers, strict=True):
        into = state[f"{reader}.weight"]
        units = out_BH.shape[1]
        effect_H = out_BH.std(dim=0) * into[:, :units].norm(dim=0)
        order = torch.argsort(effect_H, descending=True, stable=True)
        stay = order[: math.ceil(units * share)].sort().values
        gone = torch.ones(units, dtype=torch.bool).index_fill(0, stay, False).nonzero().flatten()
        state[f"{reader}.bias"] += into[:, gone] @ out_BH[:, gone].mean(dim=0)
        beyond = torch.arange(units, into.shape[1])  # crosses, which the output reads behind the hidden units
        state[f"{reader}.weight"] = into[:, torch.cat([stay, beyond])]
        for part in ("weight", "bias"):
            state[f"layers.{name}.{part}"] = state[f"layers.{name}.{part}"][stay]
        hidden.append(len(stay))
    card["model"] = card["model"] | {"hidden": hidden}
    return {name: value.numpy() for name, value in state.items()}, card


def _outputs(model: Any, layers: nn.Module, rows: Block) -> dict[str, Tensor]:
    """By the name of each linear layer, what its units give (B, H), behind the tanh."""
    found: dict[str, Tensor] = {}
    linear = [(name, layer) for name, layer in layers.named_children() if isinstance(layer, nn.Linear)]
    hooks = [
        layer.register_forward_hook(lambda module, inputs, output, name=name: found.update({name: output.tanh()}))
        for name, layer in linear
    ]
    model.eval()
    with torch.inference_mode():
        model(Batch.of(rows))
    for hook in hooks:
        hook.remove()
    return {name: value.clone() for name, value in found.items()}


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
