"""Trials of a search as Spark tasks: each trains one model by its settings and gives back what it is worth."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.common.threads import one_thread
from fuserank.io.batches.epoch_plan import ShardFile
from fuserank.io.runtime.executors import root_cause
from fuserank.jobs.parts.train_task import make_task, trained

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings


@dataclass(frozen=True)
class Trial:
    """What an executor needs for one: settings, the model's name, the files of both splits."""

    number: int
    settings: Settings
    model: str
    train_files: tuple[ShardFile, ...]
    valid_files: tuple[ShardFile, ...]


@dataclass(frozen=True)
class Judged:
    """A trial's best validation on the split valid: log loss (nats a row), NDCG@10 of the same, seconds of all;
    ``problem``: why it has none.
    """

    number: int
    loss: float
    ndcg: float
    seconds: float
    problem: str = ""


def run_trials(spark: SparkSession, trials: Sequence[Trial]) -> list[Judged]:
    """One Spark job, a task a trial, in the order of the trials.

    :raises FuserankError: a task died, with its own last line
    """
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]
    from pyspark.errors import PySparkException

    tasks = spark.sparkContext.parallelize(trials, len(trials)).map(judged)
    try:
        return tasks.collect()
    except (PySparkException, Py4JJavaError) as problem:
        numbers = ", ".join(str(trial.number) for trial in trials)
        raise FuserankError(
            f"a task of trials {numbers} died: {root_cause(str(problem))}; run the same command again, what was judged"
            " before is not trained again"
        ) from problem


def judged(trial: Trial) -> Judged:
    """Trained in this process, on one thread, by a reader that every executor has: it reads the same rows in the same
    order as Petastorm's.
    """
    from fuserank.learning.training.trainer import TrainingDiverged

    started = time.monotonic()
    task = make_task(trial.settings, trial.model, trial.train_files, trial.valid_files, "")
    try:
        with one_thread():
            _, end = trained(task)
    except TrainingDiverged as problem:
        return Judged(trial.number, float("nan"), float("nan"), time.monotonic() - started, str(problem))
    best = min(end.curve, key=lambda one: one["valid_loss"])
    return Judged(trial.number, best["valid_loss"], best["valid_ndcg@10"], time.monotonic() - started)
