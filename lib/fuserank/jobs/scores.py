"""scores.scores: the logits of the registered models, of every sample of the splits valid and rank; by models.score
those trained as of the day, or the champions of models.aliases.

    spark-submit jobs/scores.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split, kind.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.io.runtime.run import Run
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.parts.one_number import require_scores
from fuserank.jobs.parts.scores_model import artifact, chosen, open_scorer
from fuserank.stages.scores.scoring import ShardFiles, score
from fuserank.tables.results import ALIASES, MODELS, SCORES
from fuserank.tables.samples import SAMPLES

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.model import ModelSettings
    from fuserank.stages.scores.scoring import Scorer

READS, WRITES = (SAMPLES, MODELS, ALIASES), (SCORES,)
SPLITS = ("valid", "rank")


@dataclass(frozen=True)
class Frames:
    """Samples of the splits that models score."""

    valid: DataFrame | ShardFiles
    rank: DataFrame | ShardFiles


def transform(
    frames: Frames, trained: ModelSettings, model_id: str, opener: Callable[[], Scorer]
) -> dict[str, DataFrame]:
    """One model's scores by split, lazy. ``opener`` opens the model on an executor."""
    from pyspark.sql import functions as F

    from fuserank.learning.models.inputs import inputs_of

    inputs = inputs_of(trained)
    splits = {"valid": frames.valid, "rank": frames.rank}
    return {
        split: score(rows, inputs, opener).withColumn("model_id", F.lit(model_id)) for split, rows in splits.items()
    }


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
    model = chosen(run, as_of, kind)
    opener = functools.partial(open_scorer, artifact(run, model))
    frames = Frames(*(_samples(run, as_of, split) for split in SPLITS))
    made = transform(frames, model.settings, model.model_id, opener)
    written = {
        split: run.lake.replace(SCORES, rows, as_of_date=as_of, split=split, kind=kind) for split, rows in made.items()
    }
    require_scores(run, as_of, kind)
    return written


def _samples(run: Run, as_of: dt.date, split: str) -> DataFrame | ShardFiles:
    paths = run.lake.plain_files(SAMPLES, as_of_date=as_of, split=split)
    if paths is None:
        return run.lake.read(SAMPLES, as_of_date=as_of, split=split)
    return ShardFiles(run.spark, paths)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("scores", execute, argv, __doc__)
