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
from fuserank.history.windows import held_out_days
from fuserank.io.lake.broadcasts import on_executors
from fuserank.jobs.command import job_main
from fuserank.jobs.inputs.history import reversals
from fuserank.stages.features.batch import Known, features
from fuserank.tables import Table, silver
from fuserank.tables import features as t

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run

READS = (silver.EVENTS, silver.ITEMS, silver.USERS, silver.PROMOTIONS, silver.ITEM_DICTIONARY, silver.USER_DICTIONARY)
WRITES = t.TABLES


def days_of(settings: Settings, as_of: dt.date) -> list[dt.date]:
    """The days that a run as of ``as_of`` needs features of, the earliest first."""
    return sorted(as_of - dt.timedelta(days=back) for back in held_out_days(settings.windows.label_days))


def known_tables(lake: Lake, days: Sequence[dt.date], cfg: FeaturesConfig, own_label: Sequence[str] = ()) -> Known:
    """The inputs through the as-of reader; dictionaries only number ids, so they may be of any day."""
    since = min(days) - dt.timedelta(days=cfg.promotion_days)
    events = lake.known(silver.EVENTS, max(days))
    return Known(
        events=events,
        reversals=functools.partial(reversals, lake, events),
        items=lake.known_each(silver.ITEMS, days),
        users=lake.known_each(silver.USERS, days),
        promotions=lake.known_each(silver.PROMOTIONS, days, f"week_start >= DATE'{since}'"),
        item_dictionary=lake.read(silver.ITEM_DICTIONARY),
        user_dictionary=lake.read(silver.USER_DICTIONARY),
        own_label=tuple(own_label),
    )


def transform(
    known: Known, cfg: FeaturesConfig, days: Sequence[dt.date], keep: Callable[[DataFrame], DataFrame]
) -> dict[Table, DataFrame]:
    """Rows by table, of all days; ``keep`` persists a frame that is read more than once."""
    ship: Callable[[Any, int], Callable[[], Any]] = functools.partial(on_executors, known.events.sparkSession)
    return features(known, cfg, days, ship, keep)


def execute(run: Run, as_of: dt.date) -> None:
    """Read what was known, build, write; intermediate frames are cached on the way and let go at the end."""
    kept: list[DataFrame] = []

    def keep(frame: DataFrame) -> DataFrame:
        kept.append(frame.persist())
        return kept[-1]

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
        for frame in reversed(kept):
            frame.unpersist()


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("features", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
