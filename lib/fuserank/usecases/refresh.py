"""The whole chain in one session: what it would take, what refuses it, what it says at the end."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

from fuserank.config.mapping.load import load_dataset
from fuserank.io.batches.petastorm import refuse_missing_reader
from fuserank.io.runtime.tracking import refuse_missing
from fuserank.jobs import (
    evaluate,
    publish_store,
    quality,
)
from fuserank.jobs.inputs.pseudonyms import require_key
from fuserank.jobs.inputs.registered import champion
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.pipeline.disk import in_words
from fuserank.pipeline.graph import run_steps
from fuserank.pipeline.plan import Assumed, Planned, needs_spark, plan_of, refuse_small_disks
from fuserank.pipeline.predict import notes
from fuserank.tables.results import RANKING
from fuserank.usecases.chain import steps
from fuserank.usecases.limits import refuse_impossible

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run


def execute(run: Run, as_of: dt.date) -> None:
    """Every step as soon as its tables are there; the ledger keeps what the plan said, and how far off it was."""
    refuse_missing(run.settings.track.to)  # known now; training is minutes away
    for name in run.settings.models.use:
        refuse_missing_reader(run.settings.training_of(name).reader)
        if run.settings.models.score == "champion":
            champion(run, as_of, name)
    if run.settings.store.auto:
        publish_store.refuse_missing()
    together = [run.settings.candidates.of_source(name) for name in run.settings.candidates.sources]
    if any(isinstance(cfg, SequenceConfig) and cfg.ranks for cfg in together):
        refuse_missing_reader(run.settings.train.reader)
    dataset = load_dataset(run.settings.dataset)
    chain = steps(as_of, run.settings, dataset)
    planned = plan_of(run.settings, dataset, chain, run.spark)
    refuse_small_disks(run.settings, planned)
    plan, lake_bytes = planned.plan, in_words(planned.plan.bytes)
    run.say(
        f"plan: about {plan.seconds / 60:.0f} min, {in_words(plan.memory_bytes)} of memory, {lake_bytes} more in the"
        " lake"
    )
    before, started = dict(run.lake.rows_written), time.monotonic()
    try:
        run_steps(run, chain, run.settings.run.lanes)
    finally:
        written = {t: n - before.get(t, 0) for t, n in run.lake.rows_written.items()}
        for metric, value in notes(plan, time.monotonic() - started, run.stage_seconds, written).items():
            run.note(metric, value)


def predicted(settings: Settings, spark: SparkSession | None = None, assumed: Assumed | None = None) -> Planned:
    """What a run by these settings would take, without running it."""
    dataset = load_dataset(settings.dataset)
    return plan_of(settings, dataset, steps(settings.as_of, settings, dataset), spark, assumed)


def before_spark(settings: Settings) -> None:
    """What can be refused before Spark starts: no key, a day that nothing can be learned as of, a disk that is too
    small, where lake and files lie on this machine.
    """
    require_key(settings)
    refuse_impossible(settings, load_dataset(settings.dataset))
    if not needs_spark(settings, load_dataset(settings.dataset)):
        refuse_small_disks(settings, predicted(settings))


def plan(settings: Settings) -> list[str]:
    """What a run would do, a line each; the mapping is checked on the way."""
    dataset = load_dataset(settings.dataset)
    root = dataset.root.folder or f"package {dataset.root.package}"
    head = [
        f"data set {dataset.name} from {root} ({', '.join(dataset.files)})",
        f"lake {settings.lake}, as of {settings.as_of}",
    ]
    chain = steps(settings.as_of, settings, dataset)
    return head + [f"  {step.name} as of {step.day}" for step in chain]


def run_chain(settings: Settings, with_report: bool) -> None:
    """The chain in one session; with ``with_report`` also its evaluation, where the days after as_of are known."""
    from fuserank.io.runtime.run import open_run

    before_spark(settings)
    started = time.monotonic()
    with open_run("refresh", settings, settings.as_of) as run:
        execute(run, settings.as_of)
        if with_report:
            evaluate_where_known(run)
        _summary(run, time.monotonic() - started)
    if with_report:
        from fuserank.usecases import report

        report.write(settings)


def evaluate_where_known(run: Run) -> None:
    """Judge the ranking, where the days after as_of are known; otherwise a line that says so."""
    if not evaluate.window_is_known(run, run.as_of):
        run.say("no events on or after as_of yet: the report shows no quality; run `fuserank evaluate` later")
        return
    with run.stage("evaluate"):
        evaluate.execute(run, run.as_of)


def _summary(run: Run, total: float) -> None:
    slowest = sorted(run.stage_seconds.items(), key=lambda kv: -kv[1])[:3]
    run.say(
        f"ranking of {run.as_of}: {run.lake.rows_written.get(RANKING.name, 0):,} rows in {run.lake.root}, run"
        f" {run.run_id}"
    )
    of_rules = quality.summary(run.metrics)
    if of_rules:
        run.say(of_rules)
    run.say(f"{total:.0f} s in all; longest: {', '.join(f'{n} {s:.0f} s' for n, s in slowest)}")
    for track in ("all", "new"):
        rows = {k.rsplit(".", 1)[1]: v for k, v in run.metrics.items() if k.startswith(f"ndcg@10.{track}.")}
        if rows:
            best_first = sorted(rows.items(), key=lambda kv: -kv[1])
            run.say(f"NDCG@10 {track}: {'  '.join(f'{s} {v:.3f}' for s, v in best_first)}")
    if lacking := load_dataset(run.settings.dataset).lacks():
        run.say(f"did without {', '.join(lacking)}: {run.settings.dataset} does not tell them")
    silent = [s for s in run.settings.candidates.sources if not run.metrics.get(f"candidates.{run.as_of}.{s}", 1.0)]
    if silent:
        run.say(f"did without {', '.join(silent)}: nothing to propose as of {run.as_of}")
    named = f"--dataset {run.settings.dataset} --lake {run.lake.root} --as-of {run.as_of}"
    run.say(f"look at it: fuserank recommend USER {named}")
