"""Two ranks of one thread each against one rank of one thread: the same trainer, the same global batch.

    python benchmarks/ddp.py

Rows a second of whole training steps (forward, backward, all-reduce, AdamW) of the default FNN on batches held in
memory, so that the loader's share is not in it; both sides take turns in one run, in processes of their own.
"""

from __future__ import annotations

import json
import multiprocessing as mp
import os
import socket
import statistics
import tempfile
from pathlib import Path

import _shards
import _shop
from _ddp_rank import train_steps
from fuserank.config.model import ModelConfig
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.learning.models.fnn import FNN
from fuserank.learning.models.inputs import InputFit

RANKS, TURNS, STEPS = 2, 7, 40


def run(rows: int = 480_000) -> dict[str, object]:
    """Rows a second of both sides, by the median of their turns."""
    model = ModelConfig()
    with tempfile.TemporaryDirectory() as place:
        files = _shards.shards(Path(place), rows)
        fitted = _shards.fit(files, model)
        speed: dict[int, list[float]] = {RANKS: [], 1: []}
        for _ in range(TURNS):
            for ranks, found in speed.items():
                found.append(_on_ranks(ranks, files, model, fitted))
    ours, peer = (round(statistics.median(speed[ranks])) for ranks in (RANKS, 1))
    return {
        "name": "ddp",
        "ours": ours,
        "peer": peer,
        "unit": "rows/s",
        "ratio": round(ours / peer, 3),
        "settings": {
            "peer": "one rank, one thread, the same global batch",
            "ranks": RANKS,
            "threads": 1,
            "batch": _shards.BATCH,
            "steps": STEPS,
            "turns": TURNS,
            "backend": "gloo",
            "parameters": sum(p.numel() for p in FNN(model, fitted).parameters()),
            "cores": len(os.sched_getaffinity(0)),
            "load_average": round(os.getloadavg()[0], 1),
        },
        "versions": _shop.versions("torch", "numpy"),
        "seed": _shards.SEED,
    }


def _on_ranks(ranks: int, files: tuple[ShardFile, ...], model: ModelConfig, fitted: InputFit) -> float:
    """Rows a second of the slowest rank's steps."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("spawn")
    answers: mp.Queue[float] = context.Queue()  # type: ignore[type-arg]
    children = [
        context.Process(target=train_steps, args=(rank, ranks, port, files, model, fitted, STEPS, answers))
        for rank in range(ranks)
    ]
    for child in children:
        child.start()
    seconds = max(answers.get(timeout=300) for _ in children)
    for child in children:
        child.join()
    return STEPS * _shards.BATCH / seconds


def main() -> None:
    print(json.dumps(run()))


if __name__ == "__main__":
    main()
