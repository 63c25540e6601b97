"""Scoring every sample of a split with a trained model, on executors.

The same rows give the same bits, however Spark cuts the work: a shard lies in one file of one row group, so a task
sees it whole; its rows are sorted by key and cut into blocks of one size, so a row always stands at the same place of
a block, and one thread computes it. torch is imported by the model's opener, on the executor.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from fuserank.common.blocks import Block, Floats, Inputs, pad, stack
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

Scorer = Callable[[Block], Floats]
BLOCK_ROWS = 4096
_SCHEMA = "user_index int, item_index int, logit float"


@dataclass(frozen=True)
class ShardFiles:
    """A split's samples as files that Python opens on all nodes: one a shard."""

    spark: SparkSession
    paths: Sequence[str]


def score(samples: DataFrame | ShardFiles, inputs: Inputs, open_scorer: Callable[[], Scorer]) -> DataFrame:
    """samples of one split → user_index, item_index, logit; lazy.

    ``open_scorer`` is called once in each task and gives logit_B of a block of BLOCK_ROWS rows. The kernels read files
    themselves: Spark would take each of a row's hundred cells out of Parquet and put it into Arrow.
    """
    if isinstance(samples, ShardFiles):
        return _score_files(samples, inputs, open_scorer)
    columns = ["shard", *inputs.columns]

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer: Scorer | None = None
        for shard in shards(batches):
            scorer = scorer or open_scorer()
            yield score_shard(shard, inputs, scorer)

    return samples.select(*columns).mapInArrow(run, _SCHEMA)


def _score_files(samples: ShardFiles, inputs: Inputs, open_scorer: Callable[[], Scorer]) -> DataFrame:
    paths = samples.paths
    for folder, files in Counter(path.rpartition("/")[0] for path in paths).items():
        if files > 1:
            raise _several_files(folder.rpartition("=")[2])

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer: Scorer | None = None
        for number in (n for batch in batches for n in batch.column("id").to_pylist()):
            scorer = scorer or open_scorer()
            shard = pq.ParquetFile(paths[number]).read(list(inputs.columns))
            yield score_shard(shard, inputs, scorer)

    tasks = max(1, min(len(paths), 2 * samples.spark.sparkContext.defaultParallelism))
    return samples.spark.range(0, len(paths), numPartitions=tasks).mapInArrow(run, _SCHEMA)


def _several_files(shard: object) -> FuserankError:
    return FuserankError(f"shard {shard} of the samples is in several files; run jobs/samples.py again")


def shards(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Whole shards, cut where the shard column changes; raises where one comes back after another."""
    seen: set[int] = set()
    current: int | None = None
    parts: list[pa.RecordBatch] = []
    for batch in batches:
        shard_N = batch.column("shard").to_numpy()
        cuts = [0, *(np.flatnonzero(np.diff(shard_N)) + 1).tolist(), batch.num_rows]
        for start, stop in itertools.pairwise(cuts):
            if start == stop:
                continue
            if int(shard_N[start]) != current:
                if parts:
                    yield pa.Table.from_batches(parts)
                current, parts = int(shard_N[start]), []
                if current in seen:
                    raise _several_files(current)
                seen.add(current)
            parts.append(batch.slice(start, stop - start))
    if parts:
        yield pa.Table.from_batches(parts)


def score_shard(shard: pa.Table, inputs: Inputs, scorer: Scorer) -> pa.RecordBatch:
    """One shard's logits, sorted by user_index, then item_index."""
    columns = {name: shard.column(name).to_numpy() for name in inputs.columns}
    by_user = np.lexsort((columns["item_index"], columns["user_index"]))
    block = stack(columns, inputs, labelled=False, order_B=by_user)
    logit_N = np.empty(block.rows, np.float32)
    for start in range(0, block.rows, BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, block.rows)
        logit_N[start:stop] = scorer(pad(block.slice(start, stop), BLOCK_ROWS, inputs))[: stop - start]
    if not np.isfinite(logit_N).all():
        raise FuserankError("the model gives scores that are no numbers; train again with jobs/train.py")
    return pa.RecordBatch.from_arrays(
        [pa.array(block.user_B), pa.array(block.item_B), pa.array(logit_N)], ["user_index", "item_index", "logit"]
    )
