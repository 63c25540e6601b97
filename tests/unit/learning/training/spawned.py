"""Training in spawned gloo processes, without Spark; importable by the children."""

from __future__ import annotations

import multiprocessing as mp
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuserank.common.blocks import Block
from fuserank.config.model import ModelConfig, ModelSettings
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.learning.models.contract import Model
from fuserank.learning.models.inputs import fit_inputs, inputs_of
from fuserank.learning.models.saving import fresh
from fuserank.learning.training.trainer import Position, train

KILLED = 7  # exit code of a rank that was told to die
SMALL = ModelConfig(hidden=(32, 16), min_item_rows=5)


class Killed(RuntimeError):
    """Stands for a process that dies in the middle of an epoch."""


class Watched(ArrowBatches):
    """A source that notes the rows it gave, and dies after ``die_after`` batches."""

    def __init__(self, *args: Any, die_after: int | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.die_after = die_after
        self.yielded: list[Block] = []

    def batches(self, epoch: int, skip: int = 0):  # type: ignore[no-untyped-def]
        for block in super().batches(epoch, skip):
            if self.die_after is not None and len(self.yielded) >= self.die_after:
                raise Killed
            self.yielded.append(block)
            yield block


class Dealt(Watched):
    """Batches that are the same for any number of ranks, each dealt to them row by row."""

    def __init__(self, *args: Any, dealt: tuple[int, int], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.dealt = dealt

    def batches(self, epoch: int, skip: int = 0):  # type: ignore[no-untyped-def]
        rank, ranks = self.dealt
        for block in super().batches(epoch, skip):
            yield Block._make(column[rank::ranks] for column in block)


@dataclass(frozen=True)
class Job:
    """What one training run of the tests is. ``dealt``: by ``Dealt``."""

    files: tuple[ShardFile, ...]
    config: TrainConfig
    folder: Path | None = None
    die_after: int | None = None
    model: ModelSettings = field(default=SMALL)
    dealt: bool = False
    clock: Callable[[], float] = time.monotonic


def train_here(job: Job, rank: int = 0, ranks: int = 1) -> tuple[Model, Position, Watched]:
    """Train in this process as one rank of a group that is open."""
    import torch

    inputs = inputs_of(job.model)
    if job.dealt:
        batches: Watched = Dealt(job.files, inputs, job.config.batch, seed=11, dealt=(rank, ranks))
    else:
        share = {"rank": rank, "ranks": ranks, "die_after": job.die_after}
        batches = Watched(job.files, inputs, job.config.batch // ranks, seed=11, **share)
    valid = ArrowBatches(job.files, inputs, 256, rank=rank, ranks=ranks)
    fit = fit_inputs(ArrowBatches(job.files, inputs, 1).blocks(0, job.files), job.model)
    torch.manual_seed(11)
    model = fresh(job.model, fit)
    end = train(batches, valid, model, job.config, 11, folder=job.folder, fingerprint="f", clock=job.clock)
    return model, end, batches


def child(rank: int, ranks: int, port: int, jobs: dict[str, Job], out: str) -> None:
    """One spawned rank: trains each job in turn; leaves weights, curve and the rows that it saw in ``out``."""
    import numpy as np
    import torch
    import torch.distributed as dist

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(ranks)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for name, job in jobs.items():
        try:
            model, end, batches = train_here(job, rank, ranks)
        except Killed:
            os._exit(KILLED)
        blocks = batches.yielded  # none where there are more ranks than files
        keys = np.concatenate(
            [np.empty(0, np.int64), *(b.user_B.astype(np.int64) * 100_000 + b.item_B for b in blocks)]
        )
        dense = np.concatenate([np.empty(0, np.float32), *(b.dense_BF[:, 0] for b in blocks)])
        found = {"weights": model.state_dict(), "curve": end.curve, "steps": end.total_steps}
        torch.save({**found, "keys": keys.tolist(), "dense": dense.tolist()}, f"{out}/{name}-{rank}.pt")
    dist.destroy_process_group()


def on_ranks(ranks: int, jobs: dict[str, Job], out: Path) -> tuple[dict[str, list[dict[str, Any]]], set[int | None]]:
    """Start ranks that train the jobs in turn: results by job and rank, and the exit codes.

    They are forked from a server that has imported what they need: eight times that
    would take longer than the training.
    """
    import torch

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("forkserver")
    context.set_forkserver_preload(
        [__name__, "torch._dynamo", "numba", "scipy.linalg"]
    )  # DDP imports the second itself
    children = [context.Process(target=child, args=(rank, ranks, port, jobs, str(out))) for rank in range(ranks)]
    for c in children:
        c.start()
    for c in children:
        c.join(240)
    hanging = [c for c in children if c.exitcode is None]
    for c in hanging:
        c.kill()
    assert not hanging, "a rank hangs"
    found = {}
    for name in jobs:
        if (out / f"{name}-{ranks - 1}.pt").exists():
            found[name] = [torch.load(out / f"{name}-{rank}.pt", weights_only=True) for rank in range(ranks)]
    return found, {c.exitcode for c in children}
