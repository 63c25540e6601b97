"""Scoring every sample of a split with a trained model, on executors.

The same rows give the same bits, however Spark cuts the work: a shard lies in one file of one row group, so a task
sees it whole; its rows are sorted by key and cut into blocks of one size, so a row always stands at the same place of
a block, and one thread computes it. torch is imported by the model's opener, on the executor.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fuserank.common.blocks import Block, Floats, Inputs, pad, stack
from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Scorer = Callable[[Block], Floats]
BLOCK_ROWS = 4096
_SCHEMA = "user_index int, item_index int, logit float"


def score(samples: DataFrame, inputs: Inputs, open_scorer: Callable[[], Scorer]) -> DataFrame:
    """samples of one split → user_index, item_index, logit; lazy.

    ``open_scorer`` is called once in each task and gives logit_B of a block of BLOCK_ROWS rows.
    """
    columns = ["shard", *inputs.columns]

    def run(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        scorer: Scorer | None = None
        for shard in shards(batches):
            scorer = scorer or open_scorer()
            yield score_shard(shard, inputs, scorer)

    return samples.select(*columns).mapInArrow(run, _SCHEMA)


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
                    raise FuserankError(
                        f"shard {current} of the samples is in several files; run jobs/samples.py again"
                    )
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
