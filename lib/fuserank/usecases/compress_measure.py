"""How large, how quick and how good models are that read the same samples, all on one thread."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.blocks import Block, Inputs, pad
from fuserank.common.threads import one_thread
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.lake import artifacts
from fuserank.stages.scores.scoring import BLOCK_ROWS, Scorer

if TYPE_CHECKING:
    from fuserank.learning.models.contract import Model

_TURNS, _BLOCKS = 7, 16  # each scores so many blocks in a turn


@dataclass(frozen=True)
class Measured:
    """Of a model: bytes of its artifact's weights, rows that one core scores in a second of its own time, mean
    NDCG@10 over users among their candidates, and log loss in nats a row, by weight.
    """

    bytes: int
    rows_per_second: float
    ndcg: float
    loss: float


def measured(models: Mapping[str, Model], files: Sequence[ShardFile]) -> dict[str, Measured]:
    """Each model on the same rows, in the blocks that the job scores has."""
    from fuserank.learning.models.saving import logits, to_arrays

    scorers = {name: functools.partial(logits, model) for name, model in models.items()}
    with one_thread():
        quality = {name: _quality(model, files) for name, model in models.items()}
        speed = rows_per_second(scorers, next(iter(models.values())).inputs, files)
    sizes = {name: len(artifacts.encode(to_arrays(m), m.card())[0]) for name, m in models.items()}
    return {name: Measured(sizes[name], speed[name], *quality[name]) for name in models}


def rows_per_second(scorers: Mapping[str, Scorer], inputs: Inputs, files: Sequence[ShardFile]) -> dict[str, float]:
    """Medians of turns that the scorers, which read the same inputs, take on the same blocks, after one that does not
    count. Seconds are of the thread's own processor time, so that other work on the machine counts little.
    """
    rows = by_user(next(ArrowBatches(files[:1], inputs, 1).blocks(0, files[:1])))
    blocks = [b for _, b in zip(range(_BLOCKS), blocks_of(rows, inputs), strict=False)]
    seconds: dict[str, list[float]] = {name: [] for name in scorers}
    for _ in range(_TURNS + 1):
        for name, scorer in scorers.items():
            begun = time.thread_time()
            for block in blocks:
                scorer(block)
            seconds[name].append(time.thread_time() - begun)
    return {name: len(blocks) * BLOCK_ROWS / statistics.median(of[1:]) for name, of in seconds.items()}


def by_user(block: Block) -> Block:
    """The rows as the job scores takes them: by user_index, then item_index."""
    order_B = np.lexsort((block.item_B, block.user_B))
    return Block._make(values[order_B] for values in block)


def _quality(model: Model, files: Sequence[ShardFile]) -> tuple[float, float]:
    """NDCG@10 and log loss."""
    from fuserank.learning.models.saving import logits
    from fuserank.learning.training.stopping import ndcg_at_10

    rows, logit = [], []
    for block in map(by_user, ArrowBatches(files, model.inputs, 1).blocks(0, files)):
        found = [logits(model, part) for part in blocks_of(block, model.inputs)]
        logit.append(np.concatenate(found)[: block.rows])
        rows.append((block.user_B, block.item_B, block.label_B, block.weight_B))
    user_N, item_N, label_N, weight_N = (np.concatenate(column) for column in zip(*rows, strict=True))
    logit_N = np.concatenate(logit)
    loss_N = np.logaddexp(0, logit_N.astype(np.float64)) - logit_N * label_N
    return ndcg_at_10(user_N, item_N, logit_N, label_N), float(np.average(loss_N, weights=weight_N))


def blocks_of(rows: Block, inputs: Inputs) -> Iterator[Block]:
    """The rows in blocks of the job scores, the last one filled up."""
    for start in range(0, rows.rows, BLOCK_ROWS):
        yield pad(rows.slice(start, start + BLOCK_ROWS), BLOCK_ROWS, inputs)
