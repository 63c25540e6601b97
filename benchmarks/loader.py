"""The training loop fed by Petastorm against the same loop fed from memory, and the loader alone against pyarrow.

    python benchmarks/loader.py

Default FNN, global batch 8,192, one rank with one torch thread (the loader's thread has the other core, as it has the
other rank's spare time in training). Both sides take turns on the same shards; the medians' ratio counts.
"""

from __future__ import annotations

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow.parquet as pq
import torch

import _shards
import _shop
from fuserank.common.blocks import Block
from fuserank.config.model import ModelConfig
from fuserank.config.train import TrainConfig
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.batches.petastorm import PetastormBatches
from fuserank.io.runtime.allocator import keep_freed_memory
from fuserank.learning.models.fnn import FNN
from fuserank.learning.models.inputs import inputs_of
from fuserank.learning.training.group import Group
from fuserank.learning.training.trainer import Trainer

TURNS = 3


def run(rows: int = 480_000) -> dict[str, object]:
    """Rows a second of both loops, and of both readers, from one run."""
    keep_freed_memory()  # as every rank of a training does; both sides' steps gain
    torch.set_num_threads(1)
    model, config = ModelConfig(), TrainConfig(ranks=1, batch=_shards.BATCH)
    with tempfile.TemporaryDirectory() as place:
        files = _shards.shards(Path(place), rows)
        source = PetastormBatches(files, inputs_of(model), config.batch, seed=_shards.SEED)
        torch.manual_seed(_shards.SEED)
        trainer = Trainer(FNN(model, _shards.fit(files, model)), config, 10_000, _shards.SEED, Group.current())
        in_memory = [Block(*(a.copy() for a in b)) for b in source.batches(0)]
        loops = _take_turns(
            lambda: _train(trainer, source.batches(0)), lambda: _train(trainer, in_memory), turns=TURNS, rows=rows
        )
        loaders = _take_turns(
            lambda: sum(b.rows for b in source.batches(0)),
            lambda: _read(files, source.inputs.training_columns),
            turns=2 * TURNS,
            rows=rows,
        )
    return {
        "name": "loader",
        "ours": loops[0],
        "peer": loops[1],
        "unit": "rows/s",
        "ratio": round(loops[0] / loops[1], 3),
        "loader_alone": {
            "ours": loaders[0],
            "peer": loaders[1],
            "unit": "rows/s",
            "ratio": round(loaders[0] / loaders[1], 3),
        },
        "settings": {
            "peer": (
                "the same loop over the same tensors held in memory; for loader_alone: pq.read_table(use_threads=False)"
                " of the same columns, file by file"
            ),
            "rows": rows,
            "shards": len(files),
            "columns": len(source.inputs.training_columns),
            "batch": config.batch,
            "ranks": 1,
            "threads": 1,
            "turns": TURNS,
            "cores": len(os.sched_getaffinity(0)),
            "load_average": round(os.getloadavg()[0], 1),
        },
        "versions": _shop.versions("torch", "petastorm", "pyarrow", "numpy"),
        "seed": _shards.SEED,
    }


def _train(trainer: Trainer, blocks: Iterable[Block]) -> None:
    for block in blocks:
        trainer.step(block)


def _read(files: tuple[ShardFile, ...], columns: tuple[str, ...]) -> None:
    for file in files:
        pq.read_table(file.url.removeprefix("file://"), columns=list(columns), use_threads=False)


def _take_turns(ours: Callable[[], object], peer: Callable[[], object], *, turns: int, rows: int) -> tuple[int, int]:
    """Rows a second of both, by the median of their turns, after one turn that does not count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for turn in range(turns + 1):
        for side, work in enumerate((ours, peer)):
            started = time.perf_counter()
            work()
            if turn:
                seconds[side].append(time.perf_counter() - started)
    return round(rows / statistics.median(seconds[0])), round(rows / statistics.median(seconds[1]))


def main() -> None:
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
