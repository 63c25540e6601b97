"""One rank of benchmarks/ddp.py; a module of its own, so that spawned processes can import it."""

from __future__ import annotations

import multiprocessing as mp
import time

import torch
import torch.distributed as dist

import _shards
from fuserank.config.model import ModelConfig
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.runtime.allocator import keep_freed_memory
from fuserank.learning.models.fnn import FNN
from fuserank.learning.models.inputs import InputFit, inputs_of
from fuserank.learning.training.group import Group
from fuserank.learning.training.trainer import Trainer

WARM_UP = 5


def train_steps(
    rank: int,
    ranks: int,
    port: int,
    files: tuple[ShardFile, ...],
    model: ModelConfig,
    fitted: InputFit,
    steps: int,
    answers: mp.Queue[float],
) -> None:
    """Time ``steps`` steps after a few that do not count; puts their seconds in ``answers``."""
    keep_freed_memory()  # as every rank of a training does
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=ranks)
    config = TrainConfig(ranks=ranks, batch=_shards.BATCH)
    source = ArrowBatches(files, inputs_of(model), config.batch // ranks, rank=rank, ranks=ranks, seed=_shards.SEED)
    blocks = [b for b, _ in zip(source.batches(0), range(WARM_UP + steps), strict=False)]
    torch.manual_seed(_shards.SEED)
    trainer = Trainer(FNN(model, fitted), config, 10_000, _shards.SEED, Group.current())
    for block in blocks[:WARM_UP]:
        trainer.step(block)
    dist.barrier()
    started = time.perf_counter()
    for block in blocks[WARM_UP:]:
        trainer.step(block)
    answers.put(time.perf_counter() - started)
    dist.destroy_process_group()
