"""A checkpoint: safetensors and JSON, never a pickle; written beside the old one, then put in its place."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from fuserank.common.errors import FuserankError
from fuserank.learning.models.contract import Model
from fuserank.learning.models.saving import refuse_other_tensors
from fuserank.learning.training.group import Group

_TENSORS, _STATE = "checkpoint.safetensors", "checkpoint.json"


def save(folder: Path, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
    """Replace the checkpoint in ``folder`` as a whole; a process killed in here leaves the old one."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: t.detach().cpu().contiguous() for name, t in tensors.items()}, fresh / _TENSORS)
    (fresh / _STATE).write_text(json.dumps(state, indent=1), encoding="utf-8")
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.replace(old)
    fresh.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """The checkpoint, or the one before where a process was killed while it changed them; None where there is none.

    Raises FuserankError for files that are no safetensors, such as pickles, or no JSON: nothing in them is run.
    """
    for place in (folder, folder.with_name(folder.name + ".old")):
        if (place / _STATE).is_file():
            try:
                return load_file(place / _TENSORS), json.loads((place / _STATE).read_text(encoding="utf-8"))
            except (SafetensorError, FileNotFoundError, ValueError) as problem:
                raise FuserankError(f"{place} holds no checkpoint: {problem}; remove it and train again") from None
    return None


def restore_model(model: Model | nn.Module, tensors: dict[str, Tensor], prefix: str, folder: Path) -> None:
    """Put back what ``model_tensors`` gave; raises FuserankError where they are another model's, which names one."""
    found = with_prefix(tensors, prefix)
    refuse_other_tensors(found, model.state_dict(), f"checkpoint {folder}", "remove it and train again")
    model.load_state_dict(found)


def optimiser_tensors(optimiser: Optimizer, prefix: str = "optimiser.") -> dict[str, Tensor]:
    """Moments and step counts by parameter number."""
    state = optimiser.state_dict()["state"]
    return {
        f"{prefix}{number}.{name}": torch.as_tensor(value)
        for number, slots in state.items()
        for name, value in slots.items()
    }


def restore_optimiser(
    optimiser: Optimizer, tensors: dict[str, Tensor], groups: list[dict[str, Any]], prefix: str = "optimiser."
) -> None:
    """Put back what ``optimiser_tensors`` gave; ``groups`` are the parameter groups of the state, from JSON."""
    state: dict[int, dict[str, Any]] = {}
    for key, value in with_prefix(tensors, prefix).items():
        number, name = key.split(".")
        # SparseAdam counts its steps in a plain number, the others in a tensor of floats
        is_count = value.dim() == 0 and not value.is_floating_point()
        state.setdefault(int(number), {})[name] = value.item() if is_count else value
    optimiser.load_state_dict({"state": state, "param_groups": groups})


def model_tensors(model: Model | nn.Module, prefix: str) -> dict[str, Tensor]:
    """Names with ``prefix`` before them; the tensors are the model's own, which later steps change."""
    return {prefix + name: value for name, value in model.state_dict().items()}


def copied(model: Model, prefix: str) -> dict[str, Tensor]:
    """The model's tensors as they are now; later steps do not change the copy."""
    return {name: value.clone() for name, value in model_tensors(model, prefix).items()}


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Those whose names begin with ``prefix``, without it."""
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def random_states(group: Group) -> dict[str, Tensor]:
    """Every rank's generator states; a collective, so all ranks call it."""
    found = {"cpu": torch.get_rng_state()}
    if group.device.type == "cuda":
        found["cuda"] = torch.cuda.get_rng_state(group.device)
    return {
        f"random.{kind}": torch.stack([t.cpu() for t in group.gather(s.to(group.device))]) for kind, s in found.items()
    }


def restore_random(tensors: dict[str, Tensor], group: Group) -> None:
    """Put back this rank's generator states of ``random_states``; raises KeyError on a GPU
    where the checkpoint has no GPU's states.
    """
    torch.set_rng_state(tensors["random.cpu"][group.rank].clone())
    if group.device.type == "cuda":
        torch.cuda.set_rng_state(tensors["random.cuda"][group.rank].clone(), group.device)
