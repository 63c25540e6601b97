"""candidates.candidates: what each source proposes to each user; one row per user, item, source and as_of_date.

From silver.events known before as_of, and for members of the retrieval family that learn from it the catalogue. Also
writes what the proposals are made of: candidates.als_factors, candidates.co_purchase_neighbours, candidates.learned.

    spark-submit jobs/candidates.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices (as_of_date, source) of the sources in candidates.sources, nothing else.
"""

from __future__ import annotations

import datetime as dt
import sys
import time
from typing import TYPE_CHECKING

from fuserank.io.runtime.memory import peak_memory
from fuserank.jobs.inputs import content
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.sources import opened
from fuserank.registry.sources import SOURCES
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS, LEARNED
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.candidates import CandidatesConfig
    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table

READS = (EVENTS,)  # and what ``reads`` says
WRITES = (CANDIDATES, FACTORS, CO_PURCHASE, LEARNED)


def execute(run: Run, as_of: dt.date) -> None:
    """Makes the configured sources, one slice each."""
    for table in WRITES:  # whoever reads them later finds them, whatever sources there are
        run.lake.ensure(table)
    with opened(run, as_of) as sources:
        cfg = _within_limit(run, as_of, sources.pair_rows)
        for source in cfg.sources:
            started = time.monotonic()
            with peak_memory() as peak:
                rows = run.lake.replace(CANDIDATES, sources.propose(source, cfg), as_of_date=as_of, source=source)
            run.note(f"candidates.{as_of}.{source}", float(rows))
            run.note(f"cost.{as_of}.{source}.seconds", time.monotonic() - started)
            run.note(f"cost.{as_of}.{source}.peak_mb", peak.mb)


def reads(cfg: CandidatesConfig) -> tuple[Table, ...]:
    """What the sources need beside READS: the catalogue and links between users, where a member learns from them."""
    catalogue = any(SOURCES[name].reads_content for name in cfg.sources)
    linked = any(SOURCES[name].reads_links(cfg.of_source(name)) for name in cfg.sources if SOURCES[name].social)
    return tuple(dict.fromkeys((content.CATALOGUE if catalogue else ()) + (content.LINKS if linked else ())))


def _within_limit(run: Run, as_of: dt.date, pair_rows: DataFrame) -> CandidatesConfig:
    """The settings with quotas that keep ``max_rows``, with a word where it bites."""
    from pyspark.sql import functions as F

    cfg = run.settings.candidates
    if cfg.max_rows is None:
        return cfg
    counted = pair_rows.agg(F.count_distinct("user_index").alias("users"), F.count(F.lit(1)).alias("pairs")).collect()[
        0
    ]
    within = cfg.within(counted["users"], counted["pairs"])
    if within is not cfg:
        wanted = cfg.rows_wanted(counted["users"], counted["pairs"])
        quotas = ", ".join(f"{name} {within.quota(name)}" for name in cfg.sources)
        run.say(
            f"candidates as of {as_of}: the quotas ask for {wanted:,} rows for {counted['users']:,} users;"
            f" candidates.max_rows={cfg.max_rows:,} cuts them to {quotas} a user (null: no limit)"
        )
        run.note(f"candidates.{as_of}.capped", 1.0)
    return within


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("candidates", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
