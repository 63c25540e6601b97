"""candidates.candidates: what each source proposes to each user; one row per user, item, source and as_of_date.

From silver.events known before as_of; also writes candidates.als_factors and candidates.co_purchase_neighbours, which the
proposals of als and co_purchase are made of.

    spark-submit jobs/candidates.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices (as_of_date, source) of the sources in candidates.sources, nothing else.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from fuserank.candidates import als, co_purchase, popular, repeat, trending
from fuserank.candidates.baskets import baskets, pairs
from fuserank.common.reversals import reversals_of
from fuserank.config.candidates import CandidatesConfig
from fuserank.io.executors import refuse_dynamic_allocation, slots
from fuserank.io.shipped import columns_of
from fuserank.jobs._main import job_main
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.run import Run

READS = (EVENTS,)
WRITES = (CANDIDATES, FACTORS, CO_PURCHASE)


def execute(run: Run, as_of: dt.date) -> None:
    """Makes the configured sources, one slice each."""
    cfg = run.settings.candidates
    events = run.lake.known(EVENTS, as_of)
    basket_rows = baskets(events, as_of, reversals_of(events)).persist()
    pair_rows = pairs(basket_rows, _half_lives(cfg)).persist()
    cfg = _within_limit(run, as_of, pair_rows)
    makers: dict[str, Callable[[], DataFrame]] = {
        "als": lambda: _als(run, as_of, cfg, pair_rows),
        "co_purchase": lambda: _co_purchase(run, as_of, cfg, basket_rows, pair_rows),
        "repeat": lambda: repeat.propose(pair_rows, cfg.repeat),
        "popular": lambda: popular.propose(basket_rows, cfg.popular),
        "trending": lambda: trending.propose(basket_rows, cfg.trending),
    }
    try:
        for source in cfg.sources:
            rows = run.lake.replace(CANDIDATES, makers[source](), as_of_date=as_of, source=source)
            run.note(f"candidates.{as_of}.{source}", float(rows))
    finally:
        pair_rows.unpersist()
        basket_rows.unpersist()


def _within_limit(run: Run, as_of: dt.date, pair_rows: DataFrame) -> CandidatesConfig:
    """The settings with quotas that keep ``max_rows``, with a word where it bites."""
    from pyspark.sql import functions as F

    cfg = run.settings.candidates
    if cfg.max_rows is None:
        return cfg
    counted = pair_rows.agg(F.count_distinct("user_index").alias("users"), F.count(F.lit(1)).alias("pairs")).collect()[
        0
    ]
    kept = cfg.within(counted["users"], counted["pairs"])
    if kept is not cfg:
        quotas = ", ".join(f"{name} {getattr(kept, name).quota}" for name in cfg.sources)
        run.say(
            f"candidates as of {as_of}: the quotas ask for {cfg.asked(counted['users'], counted['pairs']):,} rows for {counted['users']:,} users; "
            f"candidates.max_rows={cfg.max_rows:,} cuts them to {quotas} a user (null: no limit)"
        )
        run.note(f"candidates.{as_of}.capped", 1.0)
    return kept


def _als(run: Run, as_of: dt.date, cfg: CandidatesConfig, pair_rows: DataFrame) -> DataFrame:
    """Fit → save → top-K of what was saved."""
    cores = run.spark.sparkContext.defaultParallelism
    fitted = cfg.als.model_copy(update={"ranks": min(cfg.als.ranks, _barrier_slots(run))})
    run.lake.replace(FACTORS, als.fit(pair_rows, fitted, run.seed), as_of_date=as_of)
    users = run.lake.read(FACTORS, as_of_date=as_of, side="user")
    items = columns_of(run.lake, FACTORS, ("index", "factor"), as_of_date=as_of, side="item")
    return als.propose(users, items, cfg.als, cores, pair_rows if cfg.als.exclude_seen else None)


def _barrier_slots(run: Run) -> int:
    """How many tasks can start at once; not defaultParallelism, which is two on a cluster of one core."""
    refuse_dynamic_allocation(run.spark, "als")
    return max(slots(run.spark).total, 1)


def _co_purchase(
    run: Run, as_of: dt.date, cfg: CandidatesConfig, basket_rows: DataFrame, pair_rows: DataFrame
) -> DataFrame:
    """Fit → save → propose from what was saved."""
    run.lake.replace(CO_PURCHASE, co_purchase.neighbours(basket_rows, cfg.co_purchase), as_of_date=as_of)
    names = ("item_index", "neighbour_index", "similarity")
    near = columns_of(run.lake, CO_PURCHASE, names, names[:2], as_of_date=as_of)
    return co_purchase.propose(pair_rows, near, cfg.co_purchase, run.spark.sparkContext.defaultParallelism)


def _half_lives(cfg: CandidatesConfig) -> list[float]:
    return [cfg.co_purchase.half_life_days, *(term.half_life_days for term in cfg.repeat.terms)]


def main(argv: list[str] | None = None) -> int:
    return job_main("candidates", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
