"""Scores of a whole split on executors against the same model in one process, from memory.

    fuserank bench score --lake DIR --json

The newest FNN of the lake and its split rank. "ours" is rows a second of what the job scores does: kernels on local
executors read the shards' files, score them in blocks on one thread each, and Spark writes the logits as Parquet.
"peer" is rows a second of one process on all cores' threads, which has the columns in memory and gives arrays. Both
take turns, medians of three after one to warm; asked is a ratio of .8.
"""

from __future__ import annotations

import functools
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pyarrow.parquet as pq
import torch

import _shop
import _turns
from fuserank.config.settings import load
from fuserank.io.lake import artifacts
from fuserank.io.lake.places import local_path
from fuserank.jobs.parts.scores_model import open_scorer
from fuserank.learning.models.saving import from_arrays, logits
from fuserank.stages.scores.scoring import ShardFiles, score, score_shard
from fuserank.usecases.registered import Registered

ROUNDS = 3


def run(lake: str = "lake") -> dict[str, Any]:
    """One JSON object."""
    registered = Registered.newest(load("local", [f"lake={lake}"]), "fnn")
    arrays, card = registered.artifact()
    model = from_arrays(arrays, card)
    paths = [local_path(one.url) for one in registered.files("rank")]
    inputs = model.inputs
    shards = [pq.ParquetFile(path).read(list(inputs.columns)) for path in paths]
    rows, cores = sum(shard.num_rows for shard in shards), len(os.sched_getaffinity(0))
    spark = _shop.session("score")
    opener = functools.partial(
        open_scorer, functools.partial(artifacts.read, registered.folder, registered.row["artifact_sha256"])
    )
    with tempfile.TemporaryDirectory(prefix="fuserank-score-") as place:

        def on_executors() -> None:
            made = score(ShardFiles(spark, paths), inputs, opener)
            made.write.mode("overwrite").parquet(f"{place}/scores")

        def in_one_process() -> None:
            torch.set_num_threads(cores)
            for shard in shards:
                score_shard(shard, inputs, functools.partial(logits, model))

        seconds = _turns.medians({"ours": on_executors, "peer": in_one_process}, ROUNDS)
        written = spark.read.parquet(f"{place}/scores").count()
    spark.stop()
    if written != rows:
        raise SystemExit(f"{written:,} of {rows:,} rows were scored")
    return {
        "name": "score",
        "ours": round(rows / seconds["ours"]),
        "peer": round(rows / seconds["peer"]),
        "unit": "rows a second",
        "ratio": round(seconds["peer"] / seconds["ours"], 2),
        "reach": "ratio >= .8",
        "seconds": seconds,
        "rows": rows,
        "model": registered.model_id,
        "settings": {"rounds": ROUNDS, "cores": cores, "load": round(os.getloadavg()[0], 1)},
        "versions": _shop.versions("pyspark", "torch", "pyarrow", "numpy"),
    }


if __name__ == "__main__":
    print(json.dumps(run()))
