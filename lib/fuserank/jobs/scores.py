"""scores.scores: the registered model's logit of every sample of the splits valid and rank.

    spark-submit jobs/scores.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split, kind.
"""

from __future__ import annotations

import datetime as dt
import functools

from fuserank.common.blocks import Block, Floats
from fuserank.common.errors import FuserankError
from fuserank.io import artifacts
from fuserank.io.run import Run
from fuserank.jobs._main import job_main
from fuserank.scores.scoring import Scorer, score
from fuserank.tables.results import MODELS, SCORES
from fuserank.tables.samples import SAMPLES

READS, WRITES = (SAMPLES, MODELS), (SCORES,)
SPLITS = ("valid", "rank")


def execute(run: Run, as_of: dt.date) -> None:
    """Read the registry → open the artifact on the executors → score both splits → write."""
    from pyspark.sql import functions as F

    from fuserank.models.inputs import inputs_of

    kind = run.settings.model.kind
    rows = run.lake.read(MODELS, as_of_date=as_of).where(F.col("kind") == kind).collect()
    if not rows:
        raise FuserankError(f"no {kind} is registered for {as_of}; run jobs/train.py --as-of {as_of}")
    model = rows[0]
    opener = functools.partial(open_scorer, f"{run.lake.root}/{model.artifact}", model.artifact_sha256)
    inputs = inputs_of(run.settings.model)
    for split in SPLITS:
        samples = run.lake.read(SAMPLES, as_of_date=as_of, split=split)
        frame = score(samples, inputs, opener).withColumn("model_id", F.lit(model.model_id))
        written = run.lake.replace(SCORES, frame, as_of_date=as_of, split=split, kind=kind)
        run.note(f"scores.{split}_rows", written)


def open_scorer(folder: str, sha256: str) -> Scorer:
    """The registered model on one thread; runs on executors, where torch is imported."""
    import torch

    from fuserank.models.saving import from_arrays, logits

    torch.set_num_threads(1)
    model = from_arrays(*artifacts.read(folder, sha256))

    def scorer(block: Block) -> Floats:
        return logits(model, block)

    return scorer


def main(argv: list[str] | None = None) -> int:
    return job_main("scores", execute, argv, __doc__)
