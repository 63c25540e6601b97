"""The chain as steps: ingest, rules, features, candidates, training, fusion, ranking, publication, the online store."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.jobs import (
    bronze,
    candidates,
    features,
    fusion,
    publish,
    publish_store,
    quality,
    ranking,
    samples,
    scores,
    silver,
    train,
)
from fuserank.pipeline.graph import Step
from fuserank.tables import Table
from fuserank.tables import silver as s
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUALITY
from fuserank.usecases.limits import refuse_unlearnable

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run


def steps(as_of: dt.date, settings: Settings, dataset: DatasetConfig) -> list[Step]:
    """The chain: ingest, its rules, features of all windows' starts, candidates at each, everything else once."""
    windows = [as_of - dt.timedelta(days=n * settings.windows.label_days) for n in (2, 1, 0)]
    behind = candidates.reads(settings.candidates)
    chain = [*ingest(as_of, dataset), Step.of("quality", as_of, _judge, quality.READS, quality.WRITES)]
    chain.append(_step(features, as_of, QUALITY))  # these wait until no rule is broken that is an error
    chain += [_step(candidates, start, QUALITY, *behind) for start in windows]
    chain += [_step(module, as_of) for module in (samples, train, scores, fusion, ranking)]
    if settings.publish.auto:
        chain.append(Step.of("publish", as_of, publish.after_refresh, publish.READS, publish.WRITES))
    if settings.store.auto:
        chain.append(_step(publish_store, as_of))
    return chain


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
    declared = dataset.dimensions.declared()
    others = [e.source for e in dataset.events] + [d.source for n, d in declared.items() if n != "promotions"]
    return [d.source for n, d in declared.items() if n == "promotions" and d.source not in others]


def _into_silver(
    suffix: str, as_of: dt.date, dataset: DatasetConfig, sources: list[str], tables: Sequence[Table]
) -> list[Step]:
    raw = [bronze_table(f"{dataset.name}_{name}") for name in sources]
    take_in = functools.partial(bronze.execute, sources=sources)
    refine = functools.partial(_refine, tables=tables)
    return [
        Step.of(f"bronze{suffix}", as_of, take_in, bronze.READS, raw),
        Step.of(f"silver{suffix}", as_of, refine, raw, tables),
    ]


def _refine(run: Run, as_of: dt.date, tables: Sequence[Table]) -> None:
    """Into silver; what follows sees events as they are then, though a stream brings more."""
    silver.execute(run, as_of, tables)
    if s.EVENTS in tables:
        run.lake.pin(s.EVENTS, s.USER_DICTIONARY, s.ITEM_DICTIONARY)


def _step(module: Any, day: dt.date, *behind: Table) -> Step:
    """The module's job; it also waits for who writes the tables ``behind`` it."""
    reads = (*module.READS, *behind)
    return Step.of(module.__name__.rsplit(".", 1)[1], day, module.execute, reads, module.WRITES)
