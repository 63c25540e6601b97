"""scores.scores: the logits of the registered models, of every sample of the splits valid and rank.

    spark-submit jobs/scores.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split, kind.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from typing import Any

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.io.lake import artifacts
from fuserank.io.lake.broadcasts import on_executors
from fuserank.io.lake.places import is_local
from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.command import job_main
from fuserank.registry.models import MODELS as DECLARED
from fuserank.stages.scores.scoring import Scorer, score
from fuserank.tables.results import MODELS, SCORES
from fuserank.tables.samples import SAMPLES

READS, WRITES = (SAMPLES, MODELS), (SCORES,)
SPLITS = ("valid", "rank")
Artifact = tuple[artifacts.Arrays, dict[str, Any]]


def execute(run: Run, as_of: dt.date) -> None:
    """Of each model: read the registry → open the artifact on the executors → score both splits → write."""
    written = dict.fromkeys(SPLITS, 0)
    for kind in run.settings.models.use:
        for split, rows in _score(run, as_of, kind).items():
            written[split] += rows
    for split, rows in written.items():
        run.note(f"scores.{split}_rows", rows)


def _score(run: Run, as_of: dt.date, kind: str) -> dict[str, int]:
    """One model's scores of all splits: rows written, by split."""
    from pyspark.sql import functions as F

    from fuserank.learning.models.inputs import inputs_of

    rows = run.lake.read(MODELS, as_of_date=as_of).where(F.col("kind") == kind).collect()
    if not rows:
        raise FuserankError(f"no {kind} is registered for {as_of}; run jobs/train.py --as-of {as_of}")
    model = rows[0]
    opener = functools.partial(open_scorer, artifact(run, f"{run.lake.home}/{model.artifact}", model.artifact_sha256))
    trained = DECLARED[kind].settings.model_validate(json.loads(model.config_json)["model"])
    inputs, written = inputs_of(trained), {}
    for split in SPLITS:
        samples = run.lake.read(SAMPLES, as_of_date=as_of, split=split)
        frame = score(samples, inputs, opener).withColumn("model_id", F.lit(model.model_id))
        written[split] = run.lake.replace(SCORES, frame, as_of_date=as_of, split=split, kind=kind)
    return written


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


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("scores", execute, argv, __doc__)
