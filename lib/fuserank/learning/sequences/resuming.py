"""Checkpoints of a training of sequences, which goes on to the bit: weights, moments, generators, place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from fuserank.learning.training import checkpoint
from fuserank.learning.training.group import Group


@dataclass
class At:
    """Where a training stands: epoch and step within it, from 0; steps in all."""

    epoch: int = 0
    step: int = 0
    total: int = 0


def save(
    folder: Path,
    fingerprint: str,
    at: At,
    model: nn.Module,
    optimisers: Sequence[Optimizer],
    schedules: Sequence[LambdaLR],
    group: Group,
) -> None:
    """Every rank calls it; the first one writes."""
    tensors = checkpoint.random_states(group)
    if group.rank == 0:
        tensors |= {f"model.{name}": value for name, value in model.state_dict().items()}
        counts: list[dict[str, int]] = []
        for n, optimiser in enumerate(optimisers):
            moments, plain = _moments(optimiser)
            tensors |= {f"optimiser{n}.{name}": value for name, value in moments.items()}
            counts.append(plain)
        state = {
            "fingerprint": fingerprint,
            "ranks": group.size,
            "at": asdict(at),
            "counts": counts,
            "groups": [optimiser.state_dict()["param_groups"] for optimiser in optimisers],
            "schedules": [schedule.state_dict() for schedule in schedules],
        }
        checkpoint.save(folder, tensors, state)
    group.barrier()


def restore(
    folder: Path,
    fingerprint: str,
    model: nn.Module,
    optimisers: Sequence[Optimizer],
    schedules: Sequence[LambdaLR],
    group: Group,
) -> At | None:
    """Where the checkpoint of the same run (fingerprint and number of ranks) stood; None where there is none."""
    found = checkpoint.load(folder)
    if found is None or found[1]["fingerprint"] != fingerprint or found[1]["ranks"] != group.size:
        return None
    tensors, state = found
    model.load_state_dict(checkpoint.with_prefix(tensors, "model."))
    for n, (optimiser, schedule) in enumerate(zip(optimisers, schedules, strict=True)):
        slots: dict[int, dict[str, Any]] = {}
        held = {**checkpoint.with_prefix(tensors, f"optimiser{n}."), **state["counts"][n]}
        for name, value in held.items():
            number, slot = name.split(".")
            slots.setdefault(int(number), {})[slot] = value
        optimiser.load_state_dict({"state": slots, "param_groups": state["groups"][n]})
        schedule.load_state_dict(state["schedules"][n])
    checkpoint.restore_random(tensors, group)
    return At(**state["at"])


def _moments(optimiser: Optimizer) -> tuple[dict[str, Tensor], dict[str, int]]:
    """Tensors, and numbers of steps that are none (SparseAdam's), by parameter and name."""
    slots = {f"{n}.{name}": value for n, of in optimiser.state_dict()["state"].items() for name, value in of.items()}
    tensors = {name: value for name, value in slots.items() if torch.is_tensor(value)}
    return tensors, {name: int(value) for name, value in slots.items() if name not in tensors}
