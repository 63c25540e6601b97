"""models.registry and the artifacts behind it: every model of `models.use` per as_of, from samples.samples.

    spark-submit jobs/train.py --env local --as-of 2017-12-04

Trains on the split train (labels of the window before the last one), stops on the split valid (labels of the
windows.label_days before as_of). Safe to rerun: replaces the slices as_of_date, kind of the registry; a
killed run goes on from its checkpoints.
"""

from __future__ import annotations

import datetime as dt
import functools
import json
import shutil
from typing import Any

from fuserank.io.batches.petastorm import refuse_missing_reader
from fuserank.io.lake import artifacts
from fuserank.io.runtime.ranks import Report, run_ranks
from fuserank.io.runtime.run import Run
from fuserank.io.runtime.tracking import refuse_missing
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.pinned import copies, pinned_files, shared_folder
from fuserank.jobs.inputs.train_progress import ranks_folder
from fuserank.jobs.parts.train_registry import register
from fuserank.jobs.parts.train_task import TrainTask, make_task, train_rank
from fuserank.jobs.parts.train_tracking import followed
from fuserank.registry.models import MODELS as DECLARED
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.vectors import VECTORS

READS, WRITES = (SAMPLES,), (MODELS, VECTORS)


def execute(run: Run, as_of: dt.date) -> None:
    """Of each model: fit the inputs, train on all ranks, save the artifact, register it."""
    version, names = run.lake.version(SAMPLES), run.settings.models.use
    refuse_missing(run.settings.track.to)
    for name in names:
        refuse_missing_reader(run.settings.training_of(name).reader)
    copied = copies(run, version, as_of)
    train_files = pinned_files(run.lake, version, as_of, "train", copied)
    valid_files = pinned_files(run.lake, version, as_of, "valid", copied)
    tasks = [
        make_task(
            run.settings, name, train_files, valid_files, f"{shared_folder(run)}/checkpoints/fuserank-{as_of}-{name}"
        )
        for name in names
    ]
    for task in tasks:
        if len(tasks) > 1:
            run.say(f"    {DECLARED[task.model.kind].label}")
        if task.model.left_out:
            run.say(
                f"    {len(task.model.left_out)} inputs left out, the same in all rows:"
                f" {', '.join(task.model.left_out)}"
            )
        with followed(run, task, {SAMPLES.name: version}) as followers:
            arrays, card, curves = _trained(run, task, followers.report)
            card |= {"as_of": str(as_of), "train_rows": sum(f.rows for f in train_files)}
            row = register(run, as_of, arrays, card, curves, version)
            followers.registered(run.lake.home, row, card)
    for task in tasks:  # not before the last one: a run that is killed in between need not train the first ones again
        shutil.rmtree(task.checkpoints, ignore_errors=True)
    shutil.rmtree(copied, ignore_errors=True)


def _trained(run: Run, task: TrainTask, report: Report) -> tuple[artifacts.Arrays, dict[str, Any], dict[str, Any]]:
    """Weights, card and curves that all ranks together have made."""
    config = task.train
    with ranks_folder(run) as place:
        run_ranks(
            functools.partial(train_rank, task),
            place,
            ranks=config.ranks,
            threads=config.threads,
            use_gpu=config.use_gpu,
            config=run.settings.ranks,
            on_progress=report,
        )
        arrays, card = artifacts.read(f"{place}/artifact")
        curves: dict[str, Any] = json.loads((place / "artifact" / "curves.json").read_text(encoding="utf-8"))
    return arrays, card, curves


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("train", execute, argv, __doc__)
