"""samples.samples: flat rows for torch; one row per user, candidate item, split and as_of_date.

From candidates, factors, neighbours and features of each window's start, and the purchases in its label window.

    spark-submit jobs/samples.py --env local --as-of 2017-12-04

Safe to rerun: replaces the slices as_of_date, split.
"""

from __future__ import annotations

import datetime as dt
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.history.labels import taken_in
from fuserank.history.windows import Window, label_window
from fuserank.io.lake.broadcasts import columns_in, on_executors
from fuserank.jobs.command import job_main
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.proposals import proposed
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.registry.sources import SOURCES
from fuserank.stages.samples import catalogue, encode
from fuserank.stages.samples.catalogue import Catalogue
from fuserank.stages.samples.keys import hashed, labelled, positions, thinned
from fuserank.stages.samples.user_facts import USER_BUCKETS, ByUser, facts_by_user
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table

READS = (EVENTS, CANDIDATES, FACTORS, CO_PURCHASE, *f.TABLES)
WRITES = (SAMPLES,)


def execute(run: Run, as_of: dt.date) -> None:
    """Train from T − 2 windows, valid from T − 1, rank from T: a split is made ready while the one before is
    written.
    """
    refuse_other_windows(run)
    with ThreadPoolExecutor(2) as pool:  # map lets no other split begin after one that failed
        list(pool.map(lambda split: _split(run, as_of, *split), (("train", 2), ("valid", 1), ("rank", 0))))


def _split(run: Run, as_of: dt.date, split: str, back: int) -> None:
    days, cfg = run.settings.windows.label_days, run.settings.samples
    window = label_window(as_of, days, back)
    start = window.start
    bought = None if split == "rank" else bought_in(run, window)
    candidates = proposed(run, start)
    drawn = None if split == "rank" or cfg.users is None else draw_users(candidates, cfg.users, run.seed).persist()
    pairs = thinned(labelled(_of_drawn(candidates, drawn), bought), split, cfg, run.seed)
    keys = hashed(pairs, run.seed, max(2, run.spark.sparkContext.defaultParallelism)).persist()
    try:
        written = run.lake.replace(SAMPLES, rows(run, start, keys, drawn), as_of_date=as_of, split=split)
    finally:
        keys.unpersist()
        if drawn is not None:
            drawn.unpersist()
    if not written:
        raise FuserankError(
            f"no candidates as of {start}: split {split} is empty; run jobs/candidates.py --as-of {start}"
        )
    run.note(f"samples.{split}_rows", written)


def bought_in(run: Run, window: Window) -> DataFrame:
    """Distinct pairs taken in the window, by what was known when it ended."""
    known = run.lake.known(EVENTS, window.end)
    bought = taken_in(known, window, reversals(run.lake, known))
    if bought.isEmpty():
        raise FuserankError(
            f"nothing was taken in the label window {window.start} .. {window.end}; choose a later --as-of or take in"
            " more data"
        )
    return bought


def _of_drawn(frame: DataFrame, drawn: DataFrame | None, key: str = "user_index") -> DataFrame:
    """The rows of the drawn users; None: all rows."""
    return frame if drawn is None else frame.join(drawn.withColumnRenamed("user_index", key), key, "left_semi")


def rows(run: Run, start: dt.date, keys: DataFrame, drawn: DataFrame | None = None) -> DataFrame:
    """The samples of ``keys`` (hashed pairs of the split) in their shards, with all
    columns; keys of ``drawn`` users, None: of any.
    """
    lake, partitions = run.lake, max(2, run.spark.sparkContext.defaultParallelism)
    slices = [
        _of_drawn(frame, drawn)
        for frame in (
            proposed(run, start),
            *(lake.read(t, as_of_date=start) for t in (f.USER_ITEM, f.USER, f.USER_HISTORY, f.USER_ATTRIBUTE)),
        )
    ]
    factors = _of_drawn(_proposed_from(run, FACTORS, as_of_date=start, side="user"), drawn, "index")
    by_user = ByUser(*slices, factors=factors)  # type: ignore[misc]
    items, stores = (lake.read(t, as_of_date=start) for t in (f.ITEM, f.STORE_ITEM))
    held = Catalogue.of(catalogue.item_rows(items).toArrow(), catalogue.store_rows(stores).toArrow())
    names = ("item_index", "neighbour_index", "similarity")
    return encode.encoded(
        facts_by_user(positions(keys, partitions), by_user, catalogue.buckets(USER_BUCKETS)),
        on_executors(run.spark, held, held.nbytes),
        columns_in(_proposed_from(run, FACTORS, as_of_date=start, side="item"), ("index", "factor")),
        columns_in(_proposed_from(run, CO_PURCHASE, as_of_date=start), names, names[:2]),
        run.settings.samples.minor_per_major,
        run.settings.samples.shards,
        partitions,
    )


def _proposed_from(run: Run, table: Table, **where: Any) -> DataFrame:
    """The slice that a source of this run has written; no row where none writes the
    table: an older run's may stand there.
    """
    cfg, frame = run.settings.candidates, run.lake.read(table, **where)
    written = {SOURCES[name].writes for name in cfg.sources if cfg.quota(name)}
    return frame if table.name in written else frame.limit(0)


def main(argv: list[str] | None = None) -> int:
    """The process's exit code: 0, or 2 after one line about an error that a person can fix."""
    return job_main("samples", execute, argv, __doc__)


if __name__ == "__main__":
    sys.exit(main())
