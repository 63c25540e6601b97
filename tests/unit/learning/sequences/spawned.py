"""Training on windows in spawned gloo processes, without Spark; importable by the children."""

from __future__ import annotations

import contextlib
import multiprocessing as mp
import os
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from fuserank.jobs.inputs.sequence_task import SequenceTask, source_of
from fuserank.learning.sequences.windows import Windows

Job = tuple[SequenceTask, Any]  # what is done to it: see ``train_here``


class Killed(RuntimeError):
    """Stands for a process that dies in the middle of an epoch."""


class Dying:
    """A source that dies after some batches."""

    def __init__(self, source: Any, after: int) -> None:
        self.source, self.left = source, after
        self.steps, self.random = source.steps, source.random

    def batches(self, epoch: int, rng: np.random.Generator) -> Any:
        for batch in self.source.batches(epoch, rng):
            if not self.left:
                raise Killed
            self.left -= 1
            yield batch


class Split:
    """One rank's windows of steps that are the same for any number of ranks, and the same negatives."""

    def __init__(self, batches: list[Windows], rank: int, ranks: int) -> None:
        self.held = [Windows(*(array[rank::ranks] for array in batch)) for batch in batches]

    def steps(self, epoch: int) -> int:
        return len(self.held)

    def random(self, epoch: int) -> np.random.Generator:
        return np.random.default_rng(epoch)

    def batches(self, epoch: int, rng: np.random.Generator) -> Any:
        return iter(self.held)


def train_here(job: Job, folder: Path, rank: int, ranks: int) -> dict[str, np.ndarray]:
    """What a rank learns. A number: it dies after so many steps, and goes on; "dense": gradients are of all rows, as on
    GPUs; "split": each step is one process's, dealt to the ranks.
    """
    from fuserank.learning.sequences import training
    from fuserank.learning.sequences.model import SequenceModel
    from fuserank.learning.training.group import Group

    task, what = job
    source: Any = source_of(task, rank, ranks)
    if what == "split":
        alone = source_of(task, 0, 1)
        source = Split(list(alone.batches(0, alone.random(0))), rank, ranks)
    checkpoints = training.Checkpoints(folder, "f", steps=4)
    rest = (task.known, task.config, task.seed)
    usual = SequenceModel.of
    if what == "dense":  # as on GPUs
        SequenceModel.of = classmethod(lambda cls, known, cfg, sparse: usual(known, cfg, sparse=False))
    try:
        if isinstance(what, int):
            with contextlib.suppress(Killed):
                training.learned(Dying(source, what), *rest, group=Group.current(), checkpoints=checkpoints)
        return asdict(training.learned(source, *rest, group=Group.current(), checkpoints=checkpoints))
    finally:
        SequenceModel.of = usual


def child(rank: int, ranks: int, port: int, jobs: dict[str, Job], out: str) -> None:
    """One rank: trains each job in turn, and leaves what it learned in ``out``."""
    import torch
    import torch.distributed as dist

    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "RANK": str(rank), "WORLD_SIZE": str(ranks)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    for name, job in jobs.items():
        np.savez(f"{out}/{name}-{rank}.npz", **train_here(job, Path(out) / f"{name}-{ranks}", rank, ranks))
    dist.destroy_process_group()


def on_ranks(ranks: int, jobs: dict[str, Job], out: Path) -> dict[str, list[Any]]:
    """What each rank learned, by job; they are forked from a server that has imported what they need."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("forkserver")
    context.set_forkserver_preload([__name__, "torch._dynamo", "numba", "scipy.linalg"])
    children = [context.Process(target=child, args=(rank, ranks, port, jobs, str(out))) for rank in range(ranks)]
    for c in children:
        c.start()
    for c in children:
        c.join(240)
    for c in children:
        if c.exitcode is None:
            c.kill()
    assert [c.exitcode for c in children] == [0] * ranks
    return {name: [dict(np.load(out / f"{name}-{rank}.npz")) for rank in range(ranks)] for name in jobs}
