"""Starting ranks by TorchDistributor, and hearing from them: progress while they run, the traceback when one dies."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from fuserank.config.ranks import RanksConfig
from fuserank.io.runtime.executors import await_slots, refuse_unshared, root_cause
from fuserank.io.runtime.rank_process import PROGRESS, RankError, Report, Work, first_failure, rank_main

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

__all__ = ["RankError", "Report", "Work", "run_ranks"]
_POLL_SECONDS = 0.5
_DRIVER = RanksConfig()


def run_ranks(
    work: Work,
    folder: Path,
    *,
    ranks: int,
    threads: int = 0,
    use_gpu: bool = False,
    config: RanksConfig = _DRIVER,
    on_progress: Report | None = None,
) -> None:
    """Run ``work(folder, report)`` in ``ranks`` processes with an open process
    group, here or one on each of ``ranks`` slots.

    ``work`` must be importable or picklable by value; what it makes it leaves in ``folder``, which all ranks see. What
    rank 0 reports reaches ``on_progress`` within a second. ``threads`` 0: a rank's share of the cores, or of its task.
    Raises RankError with the traceback of the rank that died first, ClusterError where slots are missing.
    """
    from pyspark.ml.torch.distributor import TorchDistributor
    from pyspark.sql import SparkSession

    spark, remote = SparkSession.active(), config.place == "executors"
    folder.mkdir(parents=True, exist_ok=True)
    if remote:
        await_slots(spark, ranks, config.slots_seconds, f"training on {ranks} executors' slots")
        refuse_unshared(spark, folder, ranks)
    threads = threads or (_task_cores(spark) if remote else max(len(os.sched_getaffinity(0)) // ranks, 1))
    distributor = TorchDistributor(num_processes=ranks, local_mode=not remote, use_gpu=use_gpu)
    distributor.logger.setLevel(logging.WARNING)  # it logs each start and end
    attempt = _one_attempt(spark, folder) if remote else contextlib.nullcontext()
    with _followed(folder / PROGRESS, on_progress), contextlib.redirect_stdout(io.StringIO()):
        try:
            with attempt:
                distributor.run(rank_main, work, str(folder), threads, use_gpu, config.collective_seconds)
        except Exception as problem:
            message = str(problem)
            raise first_failure(folder, ranks) or RankError(
                f"the ranks did not start: {root_cause(message)}"
            ) from problem


def _task_cores(spark: SparkSession) -> int:
    return int(spark.sparkContext.getConf().get("spark.task.cpus", "1") or 1)


@contextlib.contextmanager
def _one_attempt(spark: SparkSession, folder: Path) -> Iterator[None]:
    """Cancel the body's Spark jobs as soon as a task of theirs fails: Spark would
    start a barrier stage three times more.

    Where no rank has begun, Spark's own attempts take seconds, and its error says what a cancelled job's does not.
    """
    context, group, over = spark.sparkContext, f"ranks-{uuid.uuid4().hex}", threading.Event()
    tracker = context.statusTracker()

    def watch() -> None:
        while not over.wait(_POLL_SECONDS):
            jobs = [tracker.getJobInfo(job) for job in tracker.getJobIdsForGroup(group)]
            stages = [tracker.getStageInfo(stage) for job in jobs if job for stage in job.stageIds]
            failed = any(s and (s.numFailedTasks or s.currentAttemptId) for s in stages)
            if failed and any(folder.glob("rank-*.started")):
                context.cancelJobGroup(group)
                return

    thread = threading.Thread(target=watch, name="rank-tasks", daemon=True)
    before = context.getLocalProperty("spark.jobGroup.id")
    context.setJobGroup(group, "ranks")
    thread.start()
    try:
        yield
    except BaseException:
        context.cancelJobGroup(group)  # a person's Ctrl-C reaches the ranks too
        raise
    finally:
        over.set()
        thread.join()
        context.setLocalProperty("spark.jobGroup.id", before)  # type: ignore[arg-type]


@contextlib.contextmanager
def _followed(path: Path, on_progress: Report | None) -> Iterator[None]:
    """Hand each line that is added to ``path`` to ``on_progress`` while the body runs."""
    path.write_text("", encoding="utf-8")
    done = threading.Event()

    def follow() -> None:
        with path.open(encoding="utf-8") as lines:
            rest = ""
            while True:
                last = done.is_set()
                rest += lines.read()
                *whole, rest = rest.split("\n")
                for line in whole:
                    if on_progress:
                        on_progress(json.loads(line))
                if last:
                    return
                time.sleep(_POLL_SECONDS)

    thread = threading.Thread(target=follow, name="rank-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
