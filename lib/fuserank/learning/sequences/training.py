"""Training of a model of sequences: steps over windows, softmax over some of the items; one process or many.

Shapes: I items, K items drawn for a step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.parallel import DistributedDataParallel

from fuserank.common.errors import FuserankError
from fuserank.learning.sequences.known import Known, Learned
from fuserank.learning.sequences.loss import Drawn, Loss
from fuserank.learning.sequences.model import SequenceModel, flat
from fuserank.learning.training import checkpoint
from fuserank.learning.training.group import Group
from fuserank.learning.training.steps import RowWiseAdagrad, clip
from fuserank.learning.training.stopping import Budget

if TYPE_CHECKING:
    from fuserank.learning.sequences.settings import SequenceConfig
    from fuserank.learning.sequences.windows import Sequences, Windows

_BETAS = (0.9, 0.98)  # as SASRec
_REPORT_STEPS = 20
Report = Callable[[dict[str, Any]], None]
Clock = Callable[[], float]
_ALONE = Group(0, 1, torch.device("cpu"))


class Source(Protocol):
    """This rank's share of the windows, epoch by epoch."""

    def steps(self, epoch: int) -> int:
        """Steps of an epoch, the same on all ranks."""
        ...

    def random(self, epoch: int) -> np.random.Generator:
        """What the epoch's batches, and the negatives of its steps, are drawn by."""
        ...

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterator[Windows]:
        """This rank's batches of the epoch; ``windows.NOTHING`` where it has no more and others have."""
        ...


class Held:
    """A Source of all that users took, in memory, for one process."""

    def __init__(self, sequences: Sequences, cfg: SequenceConfig, seed: int) -> None:
        self.sequences, self.cfg, self.rng = sequences, cfg, np.random.default_rng(seed)
        self._steps = len(sequences.groups(cfg.length, cfg.places, np.random.default_rng(seed)))

    def steps(self, epoch: int) -> int:
        """Those of the first one: an epoch may have some more or fewer, by how lengths fall together."""
        return self._steps

    def random(self, epoch: int) -> np.random.Generator:
        """One for all epochs."""
        return self.rng

    def batches(self, epoch: int, rng: np.random.Generator) -> Iterator[Windows]:
        """Windows of takings whose order within a basket is drawn anew in each epoch."""
        return self.sequences.drawn(rng).batches(self.cfg.length, self.cfg.places, rng)


@dataclass
class At:
    """Where a training stands: epoch and step within it, from 0; steps in all; seconds of the budget; whether it ended
    before its last step.
    """

    epoch: int = 0
    step: int = 0
    total: int = 0
    seconds: float = 0.0
    late: bool = False


@dataclass(frozen=True)
class Checkpoints:
    """Where a training that is killed goes on: a folder, what must be the same then, steps between two checkpoints (0:
    after each epoch alone), whether one that is there is gone on from.
    """

    folder: Path
    fingerprint: str
    steps: int = 0
    resumes: bool = True


def learned(
    source: Source,
    known: Known,
    cfg: SequenceConfig,
    seed: int,
    *,
    group: Group = _ALONE,
    checkpoints: Checkpoints | None = None,
    report: Report | None = None,
    clock: Clock = time.monotonic,
) -> Learned:
    """Trains a fresh model; all ranks call this with equal arguments but for their ``source``. ``clock``: seconds since
    some moment, read where there is a budget of ``minutes``.

    Raises FuserankError where the loss, or a number that was learned, is none any more.
    """
    torch.manual_seed(seed)  # the same fresh weights on every rank
    training = Training(known, cfg, sum(map(source.steps, range(cfg.epochs))), group, clock)
    if checkpoints is not None and training.restore(checkpoints) and report:
        report({"resumed": training.at.total, "epoch": training.at.epoch + 1})
    while training.at.epoch < cfg.epochs and not training.at.late:
        training.epoch(source, seed, checkpoints, report)
    model = training.model.eval()
    gamma = np.float32(model.popularity.item())
    with torch.inference_mode():
        e_ID = model.vectors().cpu().numpy()
    made = Learned(known.items, e_ID, gamma * known.liked_I, flat(model))
    finite = all(np.isfinite(numbers).all() for numbers in (made.e_ID, made.liked_I, made.net_N))
    if (
        not finite or not e_ID[model.known_I.cpu().numpy() > 0].any(axis=1).all()
    ):  # whose squares are none have no length
        raise FuserankError(
            "the last step left numbers that are none, or too large; lower learning_rate or embedding_rate"
        )
    return made


class Training:
    """One rank's model, optimisers, and where it stands."""

    def __init__(
        self, known: Known, cfg: SequenceConfig, steps: int, group: Group, clock: Clock = time.monotonic
    ) -> None:
        self.cfg, self.group, self.at = cfg, group, At()
        self.budget = Budget(cfg.minutes, group, clock)
        # NCCL adds up whole tables alone
        model = SequenceModel.of(known, cfg, sparse=group.device.type == "cpu").to(group.device)
        self.model = model
        self.drawn = Drawn(known, cfg)
        self.loss: Any = Loss(model, known, self.drawn).to(group.device)
        if group.size > 1:
            self.loss = DistributedDataParallel(self.loss, broadcast_buffers=False)
        self.tables = [table.weight for table in (model.item, model.value) if table.num_embeddings]
        of_tables = {id(table) for table in self.tables}
        layers = [p for p in model.parameters() if id(p) not in of_tables and p.numel()]
        rate = cfg.embedding_rate * cfg.learning_rate
        self.optimisers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(layers, lr=cfg.learning_rate, betas=_BETAS, weight_decay=cfg.weight_decay, fused=True),
            RowWiseAdagrad(self.tables, rate)
            if cfg.embedding_optimiser == "rowwise_adagrad"
            else torch.optim.SparseAdam(self.tables, lr=rate, betas=_BETAS),
        ]

        def share(step: int) -> float:
            rise = min(1.0, (step + 1) / max(cfg.warmup_steps, 1))
            return rise * 0.5 * (1 + math.cos(math.pi * min(step / max(steps, 1), 1)))

        self.steps = steps
        self.schedules = [torch.optim.lr_scheduler.LambdaLR(optimiser, share) for optimiser in self.optimisers]
        model.train()

    def epoch(self, source: Source, seed: int, checkpoints: Checkpoints | None, report: Report | None) -> None:
        """The epoch that ``at`` says, from the step that it says on."""
        done, rng = self.at.step, source.random(self.at.epoch)
        if checkpoints is not None and not done:  # what an epoch leaves out depends on its number, whoever went before
            torch.manual_seed((seed * 1009 + self.at.epoch) * 1009 + self.group.rank)
        for number, windows in enumerate(source.batches(self.at.epoch, rng)):
            drawn_K = self.drawn.items(rng)
            if number < done:  # drawn again, to go on from there
                continue
            loss = self.step(windows, drawn_K)
            self.at.step, self.at.total = self.at.step + 1, self.at.total + 1
            if not math.isfinite(loss):
                raise FuserankError(
                    f"the loss is {loss} in epoch {self.at.epoch + 1}; lower learning_rate or raise temperature"
                )
            if report and self.at.total % _REPORT_STEPS == 0:
                report({"epoch": self.at.epoch + 1, "step": self.at.total, "steps": self.steps, "loss": loss})
            self.at.late = self.budget.spent(self.at)
            if self.at.late:
                if report:
                    report({"minutes": self.cfg.minutes, "step": self.at.total})
                break
            if checkpoints is not None and checkpoints.steps and self.at.step % checkpoints.steps == 0:
                self.save(checkpoints)
        self.at.epoch, self.at.step = self.at.epoch + 1, 0
        if checkpoints is not None:
            self.save(checkpoints)

    def step(self, windows: Windows, drawn_K: npt.NDArray[np.int64]) -> float:
        """One step on this rank's windows; the mean loss of the places of all ranks."""
        group = self.group
        arrays = (windows.item_BL, windows.gap_BL, windows.next_BL, drawn_K, *windows.codes(self.cfg.reads))
        loss = self.loss(*(torch.from_numpy(a).to(group.device) for a in arrays))
        value = loss.detach()
        if group.size > 1:  # its mean counts by how many places it has
            places = torch.tensor(float(windows.steps), device=group.device)
            share = places / group.sum_(places.clone()).clamp(min=1)
            value = group.sum_(value * share)
            loss = loss * (share * group.size)  # DDP means the gradients over the ranks
        for optimiser in self.optimisers:
            optimiser.zero_grad()
        loss.backward()
        for table in self.tables:
            if table.grad is not None and not table.grad.is_sparse:
                table.grad = table.grad.to_sparse(1)  # only rows that were looked up move
        if self.cfg.clip_norm is not None:
            clip(self.model.parameters(), self.cfg.clip_norm)
        for optimiser, schedule in zip(self.optimisers, self.schedules, strict=True):
            optimiser.step()
            schedule.step()
        return float(value)

    def save(self, checkpoints: Checkpoints) -> None:
        """A checkpoint; every rank calls it, the first one writes."""
        tensors = checkpoint.random_states(self.group)
        if self.group.rank == 0:
            tensors |= checkpoint.model_tensors(self.model, "model.")
            for n, optimiser in enumerate(self.optimisers):
                tensors |= checkpoint.optimiser_tensors(optimiser, f"optimiser{n}.")
            state = {
                "fingerprint": checkpoints.fingerprint,
                "ranks": self.group.size,
                "at": asdict(self.at),
                "groups": [optimiser.state_dict()["param_groups"] for optimiser in self.optimisers],
                "schedules": [schedule.state_dict() for schedule in self.schedules],
            }
            checkpoint.save(checkpoints.folder, tensors, state)
        self.group.barrier()

    def restore(self, checkpoints: Checkpoints) -> bool:
        """Go on from a checkpoint of the same run (fingerprint and number of ranks); False where there is none."""
        found = checkpoint.load(checkpoints.folder) if checkpoints.resumes else None
        if found is None or (found[1]["fingerprint"], found[1]["ranks"]) != (checkpoints.fingerprint, self.group.size):
            return False
        tensors, state = found
        checkpoint.restore_model(self.model, tensors, "model.", checkpoints.folder)
        for n, (optimiser, schedule) in enumerate(zip(self.optimisers, self.schedules, strict=True)):
            checkpoint.restore_optimiser(optimiser, tensors, state["groups"][n], f"optimiser{n}.")
            schedule.load_state_dict(state["schedules"][n])
        checkpoint.restore_random(tensors, self.group)
        self.at = At(**state["at"])
        return True
