"""The whole chain: a shop's events in, ranking.ranking out, for one as_of_date.

    spark-submit jobs/refresh.py --env local --as-of 2017-12-04

Safe to rerun: every step replaces its slice of this as_of_date; the ranking is written last, so a run that fails or
is killed leaves the previous ranking in place.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fuserank.config.dataset import DatasetConfig, load_dataset
from fuserank.jobs import (
    bronze,
    candidates,
    evaluate,
    features,
    fusion,
    quality,
    ranking,
    samples,
    scores,
    silver,
    train,
)
from fuserank.jobs._chain import Step, run_steps
from fuserank.jobs._limits import refuse_impossible, refuse_unlearnable
from fuserank.jobs._main import job_main
from fuserank.jobs._plan import Planned, Told, needs_spark, plan_of, refuse_small_disks
from fuserank.jobs._pseudonyms import require_key
from fuserank.planning.disk import in_words
from fuserank.planning.predict import notes
from fuserank.tables import Table
from fuserank.tables import silver as s
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUALITY
from fuserank.tables.results import RANKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.settings import Settings
    from fuserank.io.run import Run

READS = ()
WRITES = (RANKING,)


def steps(as_of: dt.date, settings: Settings, dataset: DatasetConfig) -> list[Step]:
    """The chain: ingest, its rules, features of all windows' starts, candidates at each, everything else once."""
    windows = [as_of - dt.timedelta(days=n * settings.windows.label_days) for n in (2, 1, 0)]
    behind = candidates.reads(settings.candidates)
    chain = [*ingest(as_of, dataset), Step.of("quality", as_of, _judge, quality.READS, quality.WRITES)]
    chain.append(_step(features, as_of, QUALITY))  # these wait until no rule is broken that is an error
    chain += [_step(candidates, start, QUALITY, *behind) for start in windows]
    return chain + [_step(module, as_of) for module in (samples, train, scores, fusion, ranking)]


def _judge(run: Run, as_of: dt.date) -> None:
    """The rules of whole tables, then whether a ranking can be learned from them at all."""
    quality.execute(run, as_of)
    refuse_unlearnable(run, as_of)


def ingest(as_of: dt.date, dataset: DatasetConfig) -> list[Step]:
    """Bronze and silver; promotions, the large table that only features read, go beside all else."""
    alone = _promotions_alone(dataset)
    rest = [name for name in dataset.files if name not in alone]
    if not alone:
        return _into_silver("", as_of, dataset, rest, s.TABLES)
    others = [t for t in s.TABLES if t is not s.PROMOTIONS]
    return [
        *_into_silver("", as_of, dataset, rest, others),
        *_into_silver(" of promotions", as_of, dataset, alone, [s.PROMOTIONS]),
    ]


def _promotions_alone(dataset: DatasetConfig) -> list[str]:
    """The files of promotions, where nothing else is made of them."""
    given = dataset.dimensions.given()
    others = [e.source for e in dataset.events] + [d.source for n, d in given.items() if n != "promotions"]
    return [d.source for n, d in given.items() if n == "promotions" and d.source not in others]


def _into_silver(
    suffix: str, as_of: dt.date, dataset: DatasetConfig, sources: list[str], tables: Sequence[Table]
) -> list[Step]:
    raw = [bronze_table(f"{dataset.name}_{name}") for name in sources]
    take_in = functools.partial(bronze.execute, sources=sources)
    refine = functools.partial(silver.execute, tables=tables)
    return [
        Step.of(f"bronze{suffix}", as_of, take_in, bronze.READS, raw),
        Step.of(f"silver{suffix}", as_of, refine, raw, tables),
    ]


def _step(module: Any, day: dt.date, *behind: Table) -> Step:
    """The module's job; it also waits for who writes the tables ``behind`` it."""
    reads = (*module.READS, *behind)
    return Step.of(module.__name__.rsplit(".", 1)[1], day, module.execute, reads, module.WRITES)


def execute(run: Run, as_of: dt.date) -> None:
    """Every step as soon as its tables are there; the ledger keeps what the plan said, and how far off it was."""
    for name in run.settings.models.use:  # known now; training is minutes away
        train.refuse_missing_reader(run.settings.training_of(name))
    dataset = load_dataset(run.settings.dataset)
    chain = steps(as_of, run.settings, dataset)
    planned = plan_of(run.settings, dataset, chain, run.spark)
    refuse_small_disks(run.settings, planned)
    plan, lake_bytes = planned.plan, in_words(planned.plan.bytes)
    run.say(
        f"plan: about {plan.seconds / 60:.0f} min, {in_words(plan.memory_bytes)} of memory, {lake_bytes} more in the lake"
    )
    before, started = dict(run.lake.rows_written), time.monotonic()
    try:
        run_steps(run, chain, run.settings.run.lanes)
    finally:
        written = {t: n - before.get(t, 0) for t, n in run.lake.rows_written.items()}
        for metric, value in notes(plan, time.monotonic() - started, run.stage_seconds, written).items():
            run.note(metric, value)


def predicted(settings: Settings, spark: SparkSession | None = None, told: Told | None = None) -> Planned:
    """What a run by these settings would take, without running it."""
    dataset = load_dataset(settings.dataset)
    return plan_of(settings, dataset, steps(settings.as_of, settings, dataset), spark, told)


def before_spark(settings: Settings) -> None:
    """What can be refused before Spark starts: no key, a day that nothing can be learned as of, a disk that is too small, where lake and
    files lie on this machine.
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
    from fuserank.io.run import open_run

    before_spark(settings)
    started = time.monotonic()
    with open_run("refresh", settings, settings.as_of) as run:
        execute(run, settings.as_of)
        if with_report:
            evaluate_where_known(run)
        _summary(run, time.monotonic() - started)
    if with_report:
        from fuserank.jobs import report

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
        f"ranking of {run.as_of}: {run.lake.rows_written.get(RANKING.name, 0):,} rows in {run.lake.root}, run {run.run_id}"
    )
    of_rules = quality.said(run.metrics)
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


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can mend."""
    return job_main("refresh", execute, argv, __doc__, before_spark)


if __name__ == "__main__":
    sys.exit(main())
