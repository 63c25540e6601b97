"""features.*: users, items, pairs, attributes, histories and stores as of a date; one row each per as_of_date.

From silver tables, only what was known before as_of.

    spark-submit jobs/features.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slice as_of_date of each table.
"""

from __future__ import annotations

import datetime as dt
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from fuserank.features.build import Known, build
from fuserank.jobs._history import reversals
from fuserank.jobs._main import job_main
from fuserank.tables import features as t
from fuserank.tables import silver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.lake import Lake
    from fuserank.io.run import Run

READS = (silver.EVENTS, silver.ITEMS, silver.USERS, silver.PROMOTIONS, silver.ITEM_DICTIONARY, silver.USER_DICTIONARY)
WRITES = t.TABLES


def known_tables(lake: Lake, as_of: dt.date) -> Known:
    """The inputs through the as-of reader; dictionaries only number ids, so they may be of any day."""
    events = lake.known(silver.EVENTS, as_of)
    return Known(
        events=events,
        reversals=reversals(lake, events),
        items=lake.known(silver.ITEMS, as_of),
        users=lake.known(silver.USERS, as_of),
        promotions=lake.known(silver.PROMOTIONS, as_of),
        item_dictionary=lake.read(silver.ITEM_DICTIONARY),
        user_dictionary=lake.read(silver.USER_DICTIONARY),
    )


def execute(run: Run, as_of: dt.date) -> None:
    """Read what was known, build, write; intermediate frames are cached on the way and let go at the end."""
    kept: list[DataFrame] = []

    def keep(frame: DataFrame) -> DataFrame:
        kept.append(frame.persist())
        return kept[-1]

    cfg = run.settings.features
    frames = build(known_tables(run.lake, as_of), cfg, as_of, keep)
    try:
        with ThreadPoolExecutor(cfg.write_threads) as pool:
            writes = {
                table.name: pool.submit(run.lake.replace, table, frame, as_of_date=as_of)
                for table, frame in frames.items()
            }
            for name, write in writes.items():
                run.note(f"{name}.{as_of}", float(write.result()))
    finally:
        for frame in reversed(kept):
            frame.unpersist()


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can mend."""
    return job_main("features", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
