"""The trainer: data-parallel steps over a source of batches, early stopping, checkpoints that resume to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from fuserank.common.blocks import Block, empty
from fuserank.common.errors import FuserankError
from fuserank.config.train import TrainConfig
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.contract import Model
from fuserank.learning.training import checkpoint
from fuserank.learning.training.group import Group
from fuserank.learning.training.loss import Loss, cross_entropy
from fuserank.learning.training.source import BatchSource
from fuserank.learning.training.steps import RowWiseAdagrad, clip
from fuserank.learning.training.stopping import Budget, Stopping
from fuserank.learning.training.validate import validate
from fuserank.registry import loaded

Report = Callable[[dict[str, Any]], None]
Clock = Callable[[], float]


class TrainingDiverged(FuserankError):
    """The loss is no number any more; nothing of the run is kept."""


@dataclass
class Position:
    """Where training stands, all of it plain numbers; what a checkpoint's JSON holds."""

    epoch: int = 0
    step: int = 0  # within the epoch
    total_steps: int = 0
    finished: bool = False
    window_loss: list[float] = field(default_factory=lambda: [0.0, 0.0])  # Σw·l and Σw since the last validation
    seconds: float = field(default=0.0, compare=False)  # of what `minutes` counts, those before a kill among them
    losses: list[dict[str, float]] = field(default_factory=list)  # by log_steps
    curve: list[dict[str, float]] = field(default_factory=list)  # by validation


class Trainer:
    """One rank of a training run. All ranks make the same decisions from the same all-reduced numbers.

    ``clock``: seconds since some moment; only `minutes` reads it.
    """

    def __init__(
        self,
        model: Model,
        config: TrainConfig,
        total_steps: int,
        seed: int,
        group: Group,
        loss: Loss = cross_entropy,
        clock: Clock = time.monotonic,
    ) -> None:
        self.config, self.group, self.seed, self.loss = config, group, seed, loss
        self.budget = Budget(config.minutes, group, clock)
        model.to(group.device)  # in place
        self.model = model
        self.forward: Callable[..., torch.Tensor] = model
        if group.size > 1:
            self.forward = DistributedDataParallel(self.model, broadcast_buffers=False, gradient_as_bucket_view=True)
        self.parameters, self.optimisers = optimisers(model, config)
        self.schedulers = [
            LambdaLR(optimiser, lambda step: rate_share(step, total_steps, config)) for optimiser in self.optimisers
        ]
        self.stopping = Stopping(config.patience, higher_is_better=config.stop_on != "loss")
        self.best = checkpoint.copied(self.model, "best.")
        self.at = Position()
        torch.manual_seed(seed * 1009 + group.rank)  # dropout differs between ranks

    def step(self, block: Block) -> None:
        """One step on this rank's rows: loss = Σ w·l over the Σ w of all ranks, in ``accumulate`` parts."""
        group = self.group
        total = torch.from_numpy(block.weight_B).sum().double().to(group.device)
        all_weight = group.sum_later(total)  # under way while the forward pass runs
        parts = _parts(block, self.config.accumulate)
        weight, weighted = torch.zeros(()), torch.zeros((), dtype=torch.float64, device=group.device)
        for n, part in enumerate(parts):
            with self._alone() if n + 1 < len(parts) else nullcontext():
                loss = self._weighted(part)
                weight = weight if n else all_weight()
                # DDP means the gradients over the ranks, so the factor takes its 1 / size back
                (loss * (group.size / weight.float())).backward()
            weighted += loss.detach()
        # the ranks have just met in the gradients: this second sum waits for nobody
        self._account(float(group.sum_(weighted)), float(weight))
        if self.config.clip_norm is not None:
            clip(self.parameters, self.config.clip_norm)
        for optimiser, scheduler in zip(self.optimisers, self.schedulers, strict=True):
            optimiser.step()
            optimiser.zero_grad(set_to_none=False)
            scheduler.step()

    def _weighted(self, block: Block) -> torch.Tensor:
        """Σ w·l of some rows of this rank."""
        config, group = self.config, self.group
        batch = Batch.of(block)
        if group.device.type == "cuda" and config.pin_memory:
            batch = batch.pin_memory()
        batch = batch.to(group.device)
        with torch.autocast(group.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            logit_B = self.forward(batch)
        return (batch.weight_B * self.loss(logit_B.float(), batch)).sum()

    def _alone(self) -> AbstractContextManager[None]:
        """Where gradients stay on this rank and add up, until the part of a step in which all ranks meet."""
        if isinstance(self.forward, DistributedDataParallel):
            alone: AbstractContextManager[None] = self.forward.no_sync()
            return alone
        return nullcontext()

    def _account(self, weighted: float, weight: float) -> None:
        self.at.step += 1
        self.at.total_steps += 1
        if not math.isfinite(weighted):
            raise TrainingDiverged(
                f"the loss is {weighted} at step {self.at.total_steps} of epoch {self.at.epoch + 1}; "
                "look for infinite features, or lower train.learning_rate; nothing was registered"
            )
        self.at.window_loss[0] += weighted
        self.at.window_loss[1] += weight
        if self.at.total_steps % self.config.log_steps == 0:
            self.at.losses.append({"step": self.at.total_steps, "loss": weighted / weight})

    def validate(self, valid: BatchSource) -> None:
        """Validate, keep the best weights, and say whether it is time to stop."""
        loss, ndcg = validate(self.model, valid, self.group)
        weighted, weight = self.at.window_loss
        self.at.window_loss = [0.0, 0.0]
        if not math.isfinite(loss):
            raise TrainingDiverged(f"the valid loss is {loss} after step {self.at.total_steps}; nothing was registered")
        self.at.curve.append(
            {
                "epoch": self.at.epoch + 1,
                "step": self.at.total_steps,
                "train_loss": weighted / weight if weight else math.nan,
                "valid_loss": loss,
                "valid_ndcg@10": ndcg,
            }
        )
        if self.stopping.better(loss if self.config.stop_on == "loss" else ndcg):
            self.best = checkpoint.copied(self.model, "best.")

    def save(self, folder: Path | None, source: BatchSource, fingerprint: str) -> None:
        """Write a checkpoint; every rank calls it, rank 0 writes."""
        if folder is None:
            return
        random = checkpoint.random_states(self.group)
        if self.group.rank == 0:
            optimiser = {
                name: value
                for n, one in enumerate(self.optimisers)
                for name, value in checkpoint.optimiser_tensors(one, f"optimiser{n}.").items()
            }
            state = {
                "fingerprint": fingerprint,
                "ranks": self.group.size,
                "position": asdict(self.at),
                "stopping": asdict(self.stopping),
                "schedulers": [scheduler.state_dict() for scheduler in self.schedulers],
                "groups": [one.state_dict()["param_groups"] for one in self.optimisers],
                "plan": source.plan(self.at.epoch, self.at.step),
            }
            model = checkpoint.model_tensors(self.model, "model.")
            checkpoint.save(folder, {**model, **self.best, **optimiser, **random}, state)
        self.group.barrier()

    def restore(self, folder: Path | None, fingerprint: str) -> bool:
        """Go on from a checkpoint of the same run (fingerprint and number of ranks); False where there is none."""
        found = checkpoint.load(folder) if folder is not None else None
        if found is None or found[1]["fingerprint"] != fingerprint or found[1]["ranks"] != self.group.size:
            return False
        tensors, state = found
        checkpoint.restore_model(self.model, tensors, "model.", folder or Path())
        self.best = {k: v.to(self.group.device) for k, v in tensors.items() if k.startswith("best.")}
        for n, (optimiser, scheduler) in enumerate(zip(self.optimisers, self.schedulers, strict=True)):
            checkpoint.restore_optimiser(optimiser, tensors, state["groups"][n], f"optimiser{n}.")
            scheduler.load_state_dict(state["schedulers"][n])
        self.stopping = Stopping(**state["stopping"])
        self.at = Position(**state["position"])
        checkpoint.restore_random(tensors, self.group)
        return True


def optimisers(model: Model, config: TrainConfig) -> tuple[list[nn.Parameter], list[Optimizer]]:
    """All that is trained, and what moves it: layers by AdamW, embeddings by what the settings say."""
    layers, tables = model.parameter_groups()
    rate, decay = config.embedding_rate_share * config.learning_rate, config.embedding_weight_decay
    of_layers = {"params": layers, "lr": config.learning_rate, "weight_decay": config.weight_decay}
    if config.embedding_optimiser == "adam" or not tables:
        both = [of_layers, {"params": tables, "lr": rate, "weight_decay": decay}]
        return [*layers, *tables], [AdamW(both, fused=True)]
    return [*layers, *tables], [AdamW([of_layers], fused=True), RowWiseAdagrad(tables, rate, decay)]


def _parts(block: Block, count: int) -> list[Block]:
    """A block's rows in ``count`` parts, or in as many as there are rows; sizes within one row."""
    ends = [round(block.rows * n / count) for n in range(count + 1)]
    return [block.slice(low, high) for low, high in pairwise(ends) if low < high]


def rate_share(step: int, total_steps: int, config: TrainConfig) -> float:
    """Share of the learning rate at a step: a linear rise, times half a cosine down to ``final_share``."""
    rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / max(total_steps, 1), 1.0)))
    return rise * (config.final_share + (1 - config.final_share) * cosine)


def _validated(trainer: Trainer, valid: BatchSource, wanted: bool, report: Report | None) -> None:
    """After a step: validates where that is wanted or the budget is spent, and says whether training is finished."""
    late, at = trainer.budget.spent(trainer.at), trainer.at
    if not (wanted or late):
        return
    trainer.validate(valid)
    at.finished = late or trainer.stopping.done
    if report:
        report(at.curve[-1])
        if late:
            report({"minutes": trainer.config.minutes, "step": at.total_steps})


def train(
    batches: BatchSource,
    valid: BatchSource,
    model: Model,
    config: TrainConfig,
    seed: int,
    *,
    folder: Path | None = None,
    fingerprint: str = "",
    report: Report | None = None,
    loss: Loss = cross_entropy,
    clock: Clock = time.monotonic,
) -> Position:
    """Train ``model`` in place and leave its best weights in it; all ranks call this with equal arguments.

    ``folder`` is where checkpoints go; a checkpoint in it with the same fingerprint is resumed. ``loss``
    is what steps make small; validations are by the labels. Raises TrainingDiverged where the loss is no number.
    """
    if model.grower:
        if loss is not cross_entropy:
            raise FuserankError(f"{model.config.kind} learns from labels alone, not from a teacher")
        end: Position = loaded(model.grower)(batches, valid, model, config, seed, report)
        return end
    return _stepped(batches, valid, model, config, seed, folder, fingerprint, report, loss, clock)


def _stepped(
    batches: BatchSource,
    valid: BatchSource,
    model: Model,
    config: TrainConfig,
    seed: int,
    folder: Path | None,
    fingerprint: str,
    report: Report | None,
    loss: Loss,
    clock: Clock,
) -> Position:
    group = Group.current(config.use_gpu)
    total_steps = sum(batches.steps(epoch) for epoch in range(config.epochs))
    trainer = Trainer(model, config, total_steps, seed, group, loss, clock)
    resumed = config.resume and trainer.restore(folder, fingerprint)
    at, inputs = trainer.at, model.inputs
    if resumed and report:
        report({"resumed": at.total_steps, "epoch": at.epoch + 1})
    while at.epoch < config.epochs and not at.finished:
        steps = batches.steps(at.epoch)
        marks = {round(steps * (k + 1) / config.validations) for k in range(config.validations)}
        rows = batches.batches(at.epoch, at.step)
        while at.step < steps:
            block = next(rows, None)
            trainer.step(empty(inputs, 1) if block is None else block)
            if report and at.total_steps % config.log_steps == 0:
                report({"epoch": at.epoch + 1, "step": at.total_steps, "steps": total_steps, **at.losses[-1]})
            _validated(trainer, valid, at.step in marks, report)
            if at.finished:
                break
            saves = at.step in marks or (config.checkpoint_steps and at.step % config.checkpoint_steps == 0)
            if saves and at.step < steps:
                trainer.save(folder, batches, fingerprint)
        else:
            if next(rows, None) is not None:
                raise FuserankError("a rank has rows left after the steps of its plan; the manifest is wrong")
        if not at.finished:
            at.epoch, at.step = at.epoch + 1, 0
        trainer.save(folder, batches, fingerprint)
    model.load_state_dict(checkpoint.with_prefix(trainer.best, "best."))
    return at
