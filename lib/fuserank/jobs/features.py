"""features.*: users, items, pairs, attributes, histories and stores, as of every day that
a run needs; one row each per as_of_date.

From silver tables, only what was known before each day: the start of the window that is ranked, of the one that
validates and of the one that trains, in one pass over the events.

    spark-submit jobs/features.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices of these days, in one commit a table.
"""

from __future__ import annotations

import datetime as dt
import functools
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fuserank.config.features import FeaturesConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.io.lake.broadcasts import on_executors
from fuserank.jobs.inputs.command import job_main
from fuserank.jobs.inputs.persisted import Keep
from fuserank.jobs.parts.known_tables import days_of, known_tables
from fuserank.stages.features.batch import Known, features
from fuserank.tables import Table, silver
from fuserank.tables import features as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.common.streams import Packed
    from fuserank.io.runtime.run import Run

READS = (silver.EVENTS, silver.ITEMS, silver.USERS, silver.PROMOTIONS, silver.ITEM_DICTIONARY, silver.USER_DICTIONARY)
WRITES = t.TABLES


def transform(
    frames: Known, cfg: FeaturesConfig, days: Sequence[dt.date], keep: Keep
) -> dict[Table, DataFrame | Packed]:
    """Rows by table, of all days; ``keep`` persists a frame that is read more than once."""
    ship: Callable[[Any, int], Callable[[], Any]] = functools.partial(on_executors, frames.events.sparkSession)
    return features(frames, cfg, days, ship, keep)


def execute(run: Run, as_of: dt.date) -> None:
    """Read what was known, build, write; intermediate frames are cached on the way and let go at the end."""
    persisted: list[DataFrame] = []

    def keep(frame: DataFrame) -> DataFrame:
        persisted.append(frame.persist())
        return persisted[-1]

    cfg, days = run.settings.features, days_of(run.settings, as_of)
    try:
        catalogue = load_dataset(run.settings.dataset).dimensions.items
        known = known_tables(run.lake, days, cfg, catalogue.own_label if catalogue else ())
        frames = transform(known, cfg, days, keep)
        with ThreadPoolExecutor(cfg.write_threads) as pool:
            writes = {
                table.name: pool.submit(run.lake.replace, table, frame, as_of_date=days)
                for table, frame in frames.items()
            }
            for name, write in writes.items():
                run.note(f"{name}.rows", float(write.result()))
    finally:
        for frame in reversed(persisted):
            frame.unpersist()


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("features", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
