"""The trainer: data-parallel steps over a source of batches, early stopping, checkpoints that resume to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel
from torch.optim import AdamW
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
from fuserank.learning.training.stopping import Stopping
from fuserank.learning.training.validate import validate
from fuserank.registry import loaded

Report = Callable[[dict[str, Any]], None]


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
    losses: list[dict[str, float]] = field(default_factory=list)  # by log_steps
    curve: list[dict[str, float]] = field(default_factory=list)  # by validation


class Trainer:
    """One rank of a training run. All ranks make the same decisions from the same all-reduced numbers."""

    def __init__(
        self, model: Model, config: TrainConfig, total_steps: int, seed: int, group: Group, loss: Loss = cross_entropy
    ) -> None:
        self.config, self.group, self.seed, self.loss = config, group, seed, loss
        model.to(group.device)  # in place
        self.model = model
        self.forward: Callable[..., torch.Tensor] = model
        if group.size > 1:
            self.forward = DistributedDataParallel(self.model, broadcast_buffers=False, gradient_as_bucket_view=True)
        layers, tables = self.model.parameter_groups()
        rate, share = config.learning_rate, config.embedding_rate_share
        self.optimiser = AdamW(
            [
                {"params": layers, "lr": rate, "weight_decay": config.weight_decay},
                {"params": tables, "lr": rate * share, "weight_decay": config.embedding_weight_decay},
            ],
            fused=True,
        )
        self.scheduler = LambdaLR(self.optimiser, lambda step: rate_share(step, total_steps, config))
        self.stopping = Stopping(config.patience, higher_is_better=config.stop_on != "loss")
        self.best = checkpoint.copied(self.model, "best.")
        self.at = Position()
        torch.manual_seed(seed * 1009 + group.rank)  # dropout differs between ranks

    def step(self, block: Block) -> None:
        """One step on this rank's rows: loss = Σ w·l over the Σ w of all ranks."""
        config, group = self.config, self.group
        batch = Batch.of(block)
        if group.device.type == "cuda" and config.pin_memory:
            batch = batch.pin_memory()
        batch = batch.to(group.device)
        all_weight = group.sum_later(batch.weight_B.sum().double())  # under way while the forward pass runs
        with torch.autocast(group.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
            logit_B = self.forward(batch)
        loss_B = self.loss(logit_B.float(), batch)
        loss = (batch.weight_B * loss_B).sum()
        weight = all_weight()
        # DDP means the gradients over the ranks, so the factor takes its 1 / size back
        (loss * (group.size / weight.float())).backward()
        # the ranks have just met in the gradients: this second sum waits for nobody
        self._account(float(group.sum_(loss.detach().double())), float(weight))
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=False)
        self.scheduler.step()

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
            optimiser = checkpoint.optimiser_tensors(self.optimiser)
            state = {
                "fingerprint": fingerprint,
                "ranks": self.group.size,
                "position": asdict(self.at),
                "stopping": asdict(self.stopping),
                "scheduler": self.scheduler.state_dict(),
                "optimiser": self.optimiser.state_dict()["param_groups"],
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
        self.model.load_state_dict(checkpoint.with_prefix(tensors, "model."))
        self.best = {k: v.to(self.group.device) for k, v in tensors.items() if k.startswith("best.")}
        checkpoint.restore_optimiser(self.optimiser, tensors, state["optimiser"])
        self.scheduler.load_state_dict(state["scheduler"])
        self.stopping = Stopping(**state["stopping"])
        self.at = Position(**state["position"])
        checkpoint.restore_random(tensors, self.group)
        return True


def rate_share(step: int, total_steps: int, config: TrainConfig) -> float:
    """Share of the learning rate at a step: a linear rise, times half a cosine down to ``final_share``."""
    rise = min(1.0, (step + 1) / max(config.warmup_steps, 1))
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / max(total_steps, 1), 1.0)))
    return rise * (config.final_share + (1 - config.final_share) * cosine)


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
    return _stepped(batches, valid, model, config, seed, folder, fingerprint, report, loss)


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
) -> Position:
    group = Group.current(config.use_gpu)
    total_steps = sum(batches.steps(epoch) for epoch in range(config.epochs))
    trainer = Trainer(model, config, total_steps, seed, group, loss)
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
            if at.step in marks:
                trainer.validate(valid)
                at.finished = trainer.stopping.done
                if report:
                    report(at.curve[-1])
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
