"""A registered model on its way to the executors, and opened there."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fuserank.common.blocks import Block, Floats
from fuserank.io.lake import artifacts
from fuserank.io.lake.broadcasts import on_executors
from fuserank.io.lake.places import is_local
from fuserank.stages.scores.scoring import Scorer

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

Artifact = tuple[artifacts.Arrays, dict[str, Any]]


def artifact(run: Run, folder: str, sha256: str) -> Callable[[], Artifact]:
    """A loader for executors: from a folder each reads for itself; from a URL the driver reads and sends it."""
    if is_local(folder):
        return functools.partial(artifacts.read, folder, sha256)
    arrays, card = artifacts.read(folder, sha256, run.spark)
    return on_executors(run.spark, (arrays, card), sum(a.nbytes for a in arrays.values()))


def open_scorer(load: Callable[[], Artifact]) -> Scorer:
    """The registered model on one thread; runs on executors, where torch is imported."""
    import torch

    from fuserank.learning.models.saving import from_arrays, logits

    torch.set_num_threads(1)
    model = from_arrays(*load())

    def scorer(block: Block) -> Floats:
        return logits(model, block)

    return scorer
